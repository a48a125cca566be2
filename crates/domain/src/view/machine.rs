//! The pages of machines.

use serde::{Deserialize, Serialize};

use super::Time;
use super::failover::{FailoverStatus, Witness};
use super::grant::{SharedBy, SharedMachine};
use super::instance::Instance;
use super::readiness::{LastDrill, Readiness};
use super::report::HistoryRow;
use super::standby::Association;
use crate::association::{AssociationState, Serving};
use crate::buying::Full;
use crate::failover::{FailoverState, Kind, Phase};
use crate::id::{FailoverId, GpuId};
use crate::notification::Wait;
use crate::offer::NearMiss;
use crate::standby::StandbyState;
use crate::verdict::Verdict;

crate::text_enum! {
    /// What Dumont has to do with a GPU that is nobody's machine.
    pub enum Errand ("errand") {
        /// Bought for a failover, a drill or a rental that is under way.
        Bought = "bought",
        /// Being stopped or destroyed.
        Leaving = "leaving",
    }
}

/// One line of the Machines page: a GPU, its standby, and how safe it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineRow {
    /// The GPU's number, or the lost one's.
    pub gpu_instance_id: GpuId,
    /// What people call it.
    pub name: String,
    /// Where the user's work runs.
    pub serving: Serving,
    /// The GPU as the provider lists it; `null` when it is not in the list.
    pub instance: Option<Instance>,
    /// Its tie to a standby; `null` when it is not protected.
    pub association: Option<Association>,
    /// The failover under way.
    pub active: Option<ActiveFailover>,
    /// The newest drill.
    pub last_drill: Option<LastDrill>,
    /// What its observers come to; `null` when nobody watches it.
    pub verdict: Option<Verdict>,
    /// GPU and standby, USD per hour; `null` when a part is unknown.
    pub total_dph: Option<f64>,
    /// Why it is in the list though it is no machine of the user's; `null` for machines.
    pub errand: Option<Errand>,
}

/// A failover under way, in a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActiveFailover {
    /// Which.
    pub failover_id: FailoverId,
    /// Of which kind.
    pub kind: Kind,
    /// Where it stands.
    pub state: FailoverState,
    /// Where it is, as people read it.
    pub phase: Phase,
    /// When it began.
    pub started_at: Time,
    /// Why it waits; `null` while it does not.
    #[serde(default)]
    pub waits: Option<String>,
    /// For what, where only others can give it; `null` while it does not wait.
    #[serde(default)]
    pub waits_for: Option<Wait>,
    /// When it tries again by itself; `null` while it does not wait.
    #[serde(default)]
    pub retry_at: Option<Time>,
    /// While it waits for a person's word to buy on: the limit that is reached.
    #[serde(default)]
    pub full: Option<Full>,
    /// While it waits for an offer: those of its last search that come nearest, and what each breaks.
    #[serde(default)]
    pub nearest: Vec<NearMiss>,
    /// When that search ended.
    #[serde(default)]
    pub searched_at: Option<Time>,
}

impl MachineRow {
    /// Whether a loss of its GPU now would find a standby that can take over and a copy that is kept up.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.association.as_ref().is_some_and(|tie| {
            tie.follows
                && tie.cpu_standby.as_ref().is_some_and(|vm| vm.status == StandbyState::Ready)
        })
    }

    /// Whether it runs on its standby: that is up, and has a copy. One that is down, or was made anew after
    /// the one that took over was gone, serves nobody.
    #[must_use]
    pub fn stands_in(&self) -> bool {
        self.serving == Serving::Standby
            && self.association.as_ref().is_some_and(|tie| {
                tie.recovery_point_at.is_some()
                    && tie.cpu_standby.as_ref().is_some_and(|vm| vm.status == StandbyState::Ready)
            })
    }

    /// Whether nothing serves though nobody wants it so: it is lost and nothing took over, its failover
    /// ended before anything did, or its standby is down while it should serve.
    #[must_use]
    pub fn is_stranded(&self) -> bool {
        let degraded =
            self.association.as_ref().is_some_and(|tie| tie.state == AssociationState::Degraded);
        match self.serving {
            Serving::Gpu => false,
            Serving::Standby => !self.stands_in(),
            Serving::None => degraded || self.verdict == Some(Verdict::ConfirmedLost),
        }
    }

    /// Whether it should run on its GPU and we are in no position to say that it does: nobody watches it, its
    /// watcher can't judge, or the provider stopped it without its user.
    #[must_use]
    pub fn is_unheard(&self) -> bool {
        self.serving == Serving::Gpu
            && self.association.is_some()
            && matches!(self.verdict, None | Some(Verdict::Unknown | Verdict::Paused))
    }

    /// Whether it should run on its GPU, and its GPU was not heard from of late: lost, silent, or not judged.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let silent = matches!(self.verdict, Some(Verdict::Suspect | Verdict::ConfirmedLost));
        self.serving == Serving::Gpu && self.association.is_some() && (silent || self.is_unheard())
    }

    /// How much it needs someone to look at it; the least number first.
    #[must_use]
    pub fn rank(&self) -> u8 {
        let Some(tie) = &self.association else {
            return if self.errand.is_some() { 9 } else { 8 };
        };
        if self.active.as_ref().is_some_and(|active| active.state == FailoverState::Waiting) {
            return 0;
        }
        match (self.serving, tie.state) {
            _ if self.is_stranded() => 0,
            (_, AssociationState::Frozen) => 1,
            (Serving::Standby, _) => 2,
            (_, AssociationState::FailingOver) => 3,
            (_, AssociationState::Degraded) => 4,
            (_, AssociationState::Preparing | AssociationState::FirstSync) => 5,
            (_, AssociationState::Deleting) => 7,
            _ if self.is_silent() => 3,
            (_, AssociationState::Paused) => 6,
            _ => 7,
        }
    }
}

/// The Machines page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachinesPage {
    /// Those in trouble first, unprotected ones last, then by name.
    pub machines: Vec<MachineRow>,
    /// When the provider listed the GPUs; `null` when it never did.
    pub as_of: Option<Time>,
    /// Why the provider could not be asked.
    pub stale_error: Option<String>,
    /// Credentials that are missing or refused: `vast_api_key`, `gcp_credentials`.
    pub missing: Vec<String>,
    /// Whether the providers are a sandbox.
    pub sandbox: bool,
    /// Machines of other accounts.
    #[serde(default)]
    pub shared: Vec<SharedMachine>,
    /// How many offers of other accounts to share machines wait for an answer.
    #[serde(default)]
    pub offers: usize,
    /// When this was computed.
    pub now: Time,
}

/// One sync of a standby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncCycle {
    /// When its scan began: everything written before is on the standby if it completed.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Time,
    /// `interval`, `change`, `manual` or `final`.
    pub source: String,
    /// `ok`, `failed` or `frozen`.
    pub outcome: String,
    /// Files in the workspace.
    pub files_total: Option<i64>,
    /// Bytes in the workspace.
    pub bytes_total: Option<i64>,
    /// Files sent.
    pub files_sent: Option<i64>,
    /// Bytes sent.
    pub bytes_sent: Option<i64>,
    /// Files deleted.
    pub files_deleted: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A verdict that was recorded because it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerdictRow {
    /// When.
    pub at: Time,
    /// What.
    pub verdict: Verdict,
    /// What each observer said.
    pub evidence: Vec<Witness>,
}

crate::text_enum! {
    /// Where a machine's work ran.
    pub enum Place ("place") {
        /// On a GPU.
        Gpu = "gpu",
        /// On its standby.
        Standby = "standby",
        /// Its GPU was lost, and the standby had not taken over yet.
        Nowhere = "nowhere",
        /// Its user had paused it.
        Paused = "paused",
        /// No process of Dumont ran: nobody saw where.
        Unseen = "unseen",
    }
}

/// A stretch of time in which a machine's work ran in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stretch {
    /// Its first moment.
    pub from: Time,
    /// Its end, or now.
    pub until: Time,
    /// Where.
    pub place: Place,
    /// The failover that brought it there.
    pub failover_id: Option<FailoverId>,
}

/// The page of one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachinePage {
    /// Its line.
    pub row: MachineRow,
    /// The figures of the failover under way.
    #[serde(default)]
    pub failover: Option<FailoverStatus>,
    /// What is ready for a failover and what blocks one; `null` when it is not protected, and while
    /// the providers are asked for the first time.
    pub readiness: Option<Readiness>,
    /// What each observer says now; empty when nobody watches it here.
    pub observers: Vec<Witness>,
    /// The newest verdicts, newest first.
    pub verdicts: Vec<VerdictRow>,
    /// The newest syncs, newest first.
    pub cycles: Vec<SyncCycle>,
    /// Its failovers of all kinds, newest first, each marked with its kind.
    pub history: Vec<HistoryRow>,
    /// Where its work ran lately, oldest first, without gaps.
    pub whereabouts: Vec<Stretch>,
    /// Whether a failover or a move buys a new GPU by itself; else it ends on the standby.
    pub auto_recovery: bool,
    /// Whose it is, where another account shares it.
    #[serde(default)]
    pub shared: Option<SharedBy>,
    /// When the provider listed the GPUs; `null` when it never did.
    #[serde(default)]
    pub as_of: Option<Time>,
    /// Why the provider could not be asked since.
    #[serde(default)]
    pub stale_error: Option<String>,
    /// Whether the providers are a sandbox.
    pub sandbox: bool,
    /// When this was computed.
    pub now: Time,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::association::{Association as Tie, Hooks, SyncStatus};
    use crate::id::{AssociationId, Epoch, IntentId, UserId};
    use crate::money::MicroUsd;
    use crate::offer::GpuSpec;
    use crate::standby::Standby;
    use crate::time::Millis;

    fn row(serving: Serving, vm: Option<StandbyState>, copy: bool) -> MachineRow {
        let tie = Tie {
            id: AssociationId::new("a"),
            user: UserId::new("u"),
            gpu: GpuId(1),
            name: "m".into(),
            workspace: "/workspace".into(),
            image: None,
            spec: GpuSpec::default(),
            hooks: Hooks::default(),
            state: AssociationState::Following,
            reason: None,
            serving,
            want_running: true,
            sync_enabled: true,
            epoch: Epoch(1),
            gpu_endpoint: None,
            gpu_host_key: None,
            standby: vm.map(standby),
            sync: SyncStatus {
                complete_to: copy.then_some(Millis(1_000)),
                ..SyncStatus::default()
            },
            active_failover: None,
            created_at: Millis(0),
        };
        MachineRow {
            gpu_instance_id: GpuId(1),
            name: "m".into(),
            serving,
            instance: None,
            association: Some(Association::new(&tie, Millis(2_000))),
            active: None,
            last_drill: None,
            verdict: Some(Verdict::Healthy),
            total_dph: None,
            errand: None,
        }
    }

    fn standby(state: StandbyState) -> Standby {
        Standby {
            intent: IntentId::new("i"),
            name: "dumont-sb-i".into(),
            project: "p".into(),
            zone: "z".into(),
            machine_type: "e2-medium".into(),
            disk_gb: 100,
            spot: true,
            usd_per_hour: MicroUsd(0),
            state,
            reason: None,
            endpoint: None,
            host_key: None,
            public_key: None,
            created_at: Millis(0),
        }
    }

    #[test]
    fn it_runs_on_its_standby_only_where_that_is_up_and_has_a_copy() {
        let told = |vm, copy| {
            let row = row(Serving::Standby, vm, copy);
            (row.stands_in(), row.is_stranded(), row.rank())
        };
        assert_eq!(told(Some(StandbyState::Ready), true), (true, false, 2));
        for (vm, copy) in [
            (Some(StandbyState::Ready), false),
            (Some(StandbyState::Preempted), true),
            (None, true),
        ] {
            assert_eq!(told(vm, copy), (false, true, 0), "{vm:?} {copy}");
        }
    }

    #[test]
    fn one_that_nobody_here_watches_is_not_heard() {
        let mut row = row(Serving::Gpu, Some(StandbyState::Ready), true);
        assert!(row.is_covered() && !row.is_unheard());
        row.verdict = None;
        assert!(row.is_unheard() && row.is_silent());
        row.association = None;
        assert!(!row.is_unheard(), "nobody is to watch one that is not protected");
    }
}
