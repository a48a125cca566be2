//! Standbys and associations.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::configure::StandbyConfig;
use super::gaps::Gaps;
use super::{Time, object};
use crate::association::{
    Association as Tie, AssociationState, DataPath, Hooks, Serving, WhyRsync,
};
use crate::frozen::{self, Decision, Deletion, Deletions, Held};
use crate::gaps::Drift;
use crate::host_key::{PinnedKeys, SharedHostKey};
use crate::id::{AssociationId, Epoch, FailoverId, GpuId};
use crate::launch::LaunchPart;
use crate::name;
use crate::standby::StandbyState;
use crate::time::Millis;

/// `GET /standby/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StandbyStatus {
    /// Whether standbys can be made: both credentials are there and were not refused.
    pub configured: bool,
    /// Whether each new GPU gets one.
    pub auto_standby_enabled: bool,
    /// How many machines have one.
    pub active_associations: usize,
    /// By the GPU's number.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Association>))]
    pub associations: BTreeMap<i64, Association>,
    /// What is saved.
    pub config: StandbyConfig,
}

/// An association as the API writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Association {
    /// Identity across failovers.
    pub association_id: AssociationId,
    /// The GPU that it runs on, or ran on last.
    pub gpu_instance_id: GpuId,
    /// What people call the machine.
    pub name: String,
    /// The standby's VM; `null` before it is asked for and after it is gone.
    pub cpu_standby: Option<AssociatedStandby>,
    /// Whether the standby shall follow.
    pub sync_enabled: bool,
    /// What it is doing.
    pub state: AssociationState,
    /// Why, where the state needs a reason.
    pub reason: Option<String>,
    /// Where the user's work runs.
    pub serving: Serving,
    /// Completed syncs.
    pub sync_count: i64,
    /// End of the newest completed sync.
    pub last_sync_at: Option<Time>,
    /// Everything written before this time is on the standby.
    pub recovery_point_at: Option<Time>,
    /// How old the copy is, seconds: what was written since is not known to be on the standby. `null` before
    /// the first copy, while the user works on the standby, and where the clocks do not say.
    pub lag_seconds: Option<f64>,
    /// Whether the copy follows its GPU: the last sync did not fail, and a whole one is a short time old.
    #[serde(default)]
    pub follows: bool,
    /// Files that a sync saw and that are not on the standby yet; `null` where none looked since the last
    /// whole one: what was written since is not known.
    pub pending_files: Option<i64>,
    /// Their bytes.
    pub pending_bytes: Option<i64>,
    /// Files in the workspace at the last scan.
    pub files: Option<i64>,
    /// Bytes in the workspace at the last scan.
    pub bytes: Option<i64>,
    /// Why sync does not run or failed last.
    pub sync_problem: Option<String>,
    /// By which means the copy follows; `null` before it did.
    #[serde(default)]
    pub follows_by: Option<DataPath>,
    /// Why by rsync, where it does.
    #[serde(default)]
    pub why_rsync: Option<WhyRsync>,
    /// What of the workspace the copy does not hold as it is on the GPU; `null` where that is not known, as
    /// it never is by rsync.
    #[serde(default)]
    pub gaps: Option<Gaps>,
    /// What was last found to have been written to the copy on the standby while it followed; `null` where
    /// nothing was found.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// When that was found.
    #[serde(default)]
    pub drift_at: Option<Time>,
    /// While its copy is frozen for that: how many files the standby would have deleted.
    #[serde(default)]
    pub deletions: Option<i64>,
    /// What its GPU was asked for without, of how the one before it was launched.
    #[serde(default)]
    pub left_out: Vec<LaunchPart>,
    /// Other places of the account that show the SSH host key of its GPU or of its standby.
    #[serde(default)]
    pub host_key_shared: Vec<SharedHostKey>,
    /// Fencing number.
    pub epoch: Epoch,
    /// Whether its GPU is lost and not replaced yet.
    pub gpu_failed: bool,
    /// Why, where it is.
    pub failure_reason: Option<String>,
    /// The failover under way.
    pub active_failover: Option<FailoverId>,
    /// Absolute path of the workspace.
    pub workspace: String,
    /// The user's commands.
    pub hooks: Hooks,
    /// When it was made.
    pub created_at: Time,
}

/// The VM of an association.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssociatedStandby {
    /// Name at the provider.
    pub name: String,
    /// Zone.
    pub zone: String,
    /// Where it answers SSH.
    pub ip: Option<String>,
    /// SSH port.
    pub ssh_port: Option<u16>,
    /// Machine type.
    pub machine_type: String,
    /// GB.
    pub disk_gb: i64,
    /// Spot VM.
    pub spot: bool,
    /// Where it is in its life.
    pub status: StandbyState,
    /// Why it is not ready.
    pub reason: Option<String>,
    /// Estimated rate while it runs, USD per hour.
    pub dph_total: f64,
    /// When it was asked for.
    pub created_at: Time,
}

impl Association {
    /// With what is known of its hosts' keys.
    #[must_use]
    pub fn keyed(self, tie: &Tie, keys: &PinnedKeys<'_>) -> Self {
        Self { host_key_shared: keys.shared_with(tie), ..self }
    }

    /// With what its GPU was asked for without.
    #[must_use]
    pub fn lacking(self, left_out: &HashMap<GpuId, Vec<LaunchPart>>) -> Self {
        let left_out = left_out.get(&self.gpu_instance_id).cloned().unwrap_or_default();
        Self { left_out, ..self }
    }

    /// The association as it is at `now`.
    #[must_use]
    pub fn new(tie: &Tie, now: Millis) -> Self {
        let lost = tie.serving != Serving::Gpu
            && matches!(tie.state, AssociationState::FailingOver | AssociationState::OnStandby);
        // The end of a whole sync leaves 0, and nobody has looked since.
        let waits = tie.sync.pending_files.filter(|files| *files > 0);
        Self {
            association_id: tie.id.clone(),
            gpu_instance_id: tie.gpu,
            name: name::shown(&tie.name),
            cpu_standby: tie.standby.as_ref().map(AssociatedStandby::from),
            sync_enabled: tie.sync_enabled,
            state: tie.state,
            reason: tie.reason.clone(),
            serving: tie.serving,
            sync_count: tie.sync.count,
            last_sync_at: tie.sync.last_sync_at.map(Time),
            recovery_point_at: tie.sync.complete_to.map(Time),
            lag_seconds: lag_ms(tie, now).map(seconds),
            follows: follows(tie, now),
            pending_files: waits.and(tie.sync.pending_files),
            pending_bytes: waits.and(tie.sync.pending_bytes),
            files: tie.sync.files,
            bytes: tie.sync.bytes,
            sync_problem: tie.sync.problem.clone(),
            follows_by: tie.sync.path,
            why_rsync: tie.sync.why_rsync,
            gaps: tie.sync.gaps.as_ref().map(Gaps::from),
            drift: tie.sync.drift.map(|(_, drift)| drift),
            drift_at: tie.sync.drift.map(|(at, _)| Time(at)),
            deletions: frozen::deletions(tie),
            left_out: Vec::new(),
            host_key_shared: Vec::new(),
            epoch: tie.epoch,
            gpu_failed: lost,
            failure_reason: if lost { tie.reason.clone() } else { None },
            active_failover: tie.active_failover.clone(),
            workspace: tie.workspace.clone(),
            hooks: tie.hooks.clone(),
            created_at: tie.created_at.into(),
        }
    }
}

impl From<&crate::standby::Standby> for AssociatedStandby {
    fn from(vm: &crate::standby::Standby) -> Self {
        Self {
            name: vm.name.clone(),
            zone: vm.zone.clone(),
            ip: vm.endpoint.as_ref().map(|at| at.host.clone()),
            ssh_port: vm.endpoint.as_ref().map(|at| at.port),
            machine_type: vm.machine_type.clone(),
            disk_gb: vm.disk_gb,
            spot: vm.spot,
            status: vm.state,
            reason: vm.reason.clone(),
            dph_total: vm.usd_per_hour.usd(),
            created_at: vm.created_at.into(),
        }
    }
}

/// How old the copy is, ms: the time since the newest recovery point, before which all that was written
/// is on the standby. A sync that found nothing to send makes it young again, and nothing else does: that
/// nothing is known to wait is no proof that nothing was written. Unknown before the first copy and while
/// the user works on the standby, and where a clock that was set back makes it lie in the future.
#[must_use]
pub fn lag_ms(tie: &Tie, now: Millis) -> Option<i64> {
    if tie.serving == Serving::Standby {
        return None;
    }
    let age = now.since(tie.sync.complete_to?);
    (age >= -SKEW_MS).then_some(age.max(0))
}

/// By how much clocks may differ before a recovery point in the future says nothing of the copy's age, ms.
const SKEW_MS: i64 = 1_000;

/// Within which a copy that follows is renewed, ms: three times the longest interval between two syncs.
const RENEWED_MS: i64 = 900_000;

/// Whether the copy follows its GPU now: syncs are wanted, the last one did not fail, and one that was whole
/// began a short time ago. That it was set up to follow does not say it.
#[must_use]
pub fn follows(tie: &Tie, now: Millis) -> bool {
    tie.state == AssociationState::Following
        && tie.sync_enabled
        && tie.sync.problem.is_none()
        && lag_ms(tie, now).is_some_and(|age| age <= RENEWED_MS)
}

#[expect(clippy::cast_precision_loss, reason = "a span in milliseconds stays far below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// `GET /standby/associations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Associations {
    /// By the GPU's number.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Association>))]
    pub associations: BTreeMap<i64, Association>,
    /// How many.
    pub count: usize,
}

/// `GET /standby/associations/{machine_id}/deletions`: what a frozen copy holds back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldDeletions {
    /// Why the copy is frozen; `null` where it is not.
    pub reason: Option<String>,
    /// Stands for exactly this set of deletions; `null` where none are listed.
    pub digest: Option<String>,
    /// How many files and links the standby would delete.
    pub files: i64,
    /// How many folders.
    pub folders: i64,
    /// Bytes of the standby's copies of them, where they are known.
    pub bytes: Option<i64>,
    /// The first of them by name.
    pub listed: Vec<Deletion>,
    /// How many are not listed.
    pub more: i64,
    /// When they were seen.
    pub seen_at: Option<Time>,
    /// What was said of them and is not done yet.
    pub decision: Option<Decision>,
    /// Why what was said of them could not be done.
    pub problem: Option<String>,
}

impl HeldDeletions {
    /// What a frozen association holds back.
    #[must_use]
    pub fn new(tie: &Tie, held: Option<Held>) -> Self {
        let of = held.as_ref().map(|held| &held.deletions);
        Self {
            reason: tie.reason.clone().filter(|_| tie.state == AssociationState::Frozen),
            digest: of.map(|of| of.digest.clone()),
            files: of.map_or(0, |of| of.files),
            folders: of.map_or(0, |of| of.folders),
            bytes: of.and_then(|of| of.bytes),
            listed: of.map(|of| of.listed.clone()).unwrap_or_default(),
            more: of.map_or(0, Deletions::more),
            seen_at: held.as_ref().map(|held| Time(held.seen_at)),
            decision: held.as_ref().and_then(|held| held.decision),
            problem: held.and_then(|held| held.problem),
        }
    }
}

/// `POST /standby/associations/{machine_id}/accept-deletions`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcceptDeletions {
    /// The `digest` that was shown: exactly these are deleted on the standby too. `null` where none was
    /// listed: then nothing is accepted, and the copy is looked at anew.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub digest: Option<String>,
}

/// `POST /standby/associations/{machine_id}/restore-deletions`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestoreDeletions {
    /// The `digest` that was shown: the GPU has exactly these files again.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub digest: String,
}

/// `POST /standby/associations/{machine_id}/discard`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiscardMachine {
    /// The machine's name, so that no other is meant.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub name: String,
}

/// `POST /standby/provision/{gpu_id}`. The query's `label` names the machine where the body does not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProvisionStandby {
    /// What people call the machine.
    #[cfg_attr(feature = "openapi", schema(max_length = 64, required = false))]
    pub name: Option<String>,
    /// Absolute path; `/workspace` when absent.
    #[cfg_attr(feature = "openapi", schema(max_length = 255, required = false))]
    pub workspace: Option<String>,
    /// The user's commands.
    #[serde(deserialize_with = "object")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Hooks>, required = false))]
    pub hooks: Option<Hooks>,
}

/// `POST /standby/provision/{gpu_id}?label=`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct ProvisionQuery {
    /// What people call the machine.
    #[cfg_attr(feature = "openapi", param(max_length = 64))]
    pub label: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::association::SyncStatus;
    use crate::id::{AssociationId, UserId};
    use crate::offer::GpuSpec;

    fn tie(state: AssociationState, serving: Serving, sync_enabled: bool) -> Tie {
        Tie {
            id: AssociationId::new("a"),
            user: UserId::new("u"),
            gpu: GpuId(1),
            name: "m".into(),
            workspace: "/workspace".into(),
            image: None,
            spec: GpuSpec::default(),
            hooks: Hooks::default(),
            state,
            reason: None,
            serving,
            want_running: true,
            sync_enabled,
            epoch: Epoch(1),
            gpu_endpoint: None,
            gpu_host_key: None,
            standby: None,
            sync: SyncStatus {
                complete_to: Some(Millis(1_000)),
                pending_files: Some(0),
                ..SyncStatus::default()
            },
            active_failover: None,
            created_at: Millis(0),
        }
    }

    #[test]
    fn a_copy_that_nothing_renews_is_never_called_up_to_date() {
        let at = |tie: Tie| lag_ms(&tie, Millis(61_000));
        let following = || tie(AssociationState::Following, Serving::Gpu, true);
        assert_eq!(at(following()), Some(60_000), "though nothing is known to wait");
        assert_eq!(lag_ms(&following(), Millis(999)), Some(0), "clocks differ by a little");
        assert_eq!(lag_ms(&following(), Millis(-1)), None, "a clock that was set back");
        for state in AssociationState::ALL {
            assert_eq!(at(tie(*state, Serving::Gpu, true)), Some(60_000), "{state}");
        }
        assert_eq!(at(tie(AssociationState::Following, Serving::Gpu, false)), Some(60_000));
        assert_eq!(at(tie(AssociationState::Following, Serving::None, true)), Some(60_000));
        assert_eq!(at(tie(AssociationState::OnStandby, Serving::Standby, true)), None);
        let mut first = following();
        first.sync.complete_to = None;
        assert_eq!(at(first), None, "nothing was copied yet");
    }

    #[test]
    fn it_follows_only_while_syncs_succeed_and_the_copy_is_young() {
        let following = || tie(AssociationState::Following, Serving::Gpu, true);
        let told = |tie: &Tie, now| Association::new(tie, Millis(now)).follows;
        assert!(told(&following(), 61_000));
        assert!(!told(&following(), 1_000 + RENEWED_MS + 1), "nothing renewed it");
        assert!(!told(&following(), -1_000), "a clock that was set back");
        let mut none = following();
        none.sync.complete_to = None;
        let mut failing = following();
        failing.sync.problem = Some("no space left".into());
        let off = tie(AssociationState::Following, Serving::Gpu, false);
        let frozen = tie(AssociationState::Frozen, Serving::Gpu, true);
        for not in [none, failing, off, frozen] {
            assert!(!told(&not, 61_000), "{not:?}");
        }
    }

    #[test]
    fn that_nothing_waited_at_the_last_sync_says_nothing_of_now() {
        let mut tie = tie(AssociationState::Following, Serving::Gpu, true);
        let waits = |tie: &Tie| {
            let told = Association::new(tie, Millis(61_000));
            (told.pending_files, told.pending_bytes)
        };
        (tie.sync.pending_files, tie.sync.pending_bytes) = (Some(0), Some(0));
        assert_eq!(waits(&tie), (None, None));
        (tie.sync.pending_files, tie.sync.pending_bytes) = (Some(2), Some(9));
        assert_eq!(waits(&tie), (Some(2), Some(9)));
    }
}
