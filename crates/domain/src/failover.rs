//! The rows that a failover is made of. Reports are computed from these and from nothing else.

use serde::{Deserialize, Serialize};

use crate::gpu::Endpoint;
use crate::id::{AssociationId, DisposalId, Epoch, FailoverId, GpuId, IntentId, UserId};
use crate::money::MicroUsd;
use crate::provider::Provider;
use crate::time::Millis;
use crate::verdict::Cause;

crate::text_enum! {
    /// Which of the three reports a failover belongs to. Never mixed.
    pub enum Kind ("failover kind") {
        /// An unplanned loss, or a person's call on a machine that does not answer.
        Real = "real",
        /// A rehearsal: the running GPU is not touched.
        Drill = "drill",
        /// A planned move: last bytes first, nothing lost.
        Planned = "planned",
    }
}

crate::text_enum! {
    /// Phases as people read them, in order. They may overlap.
    pub enum Phase ("phase") {
        /// From the last proof of life to the verdict.
        Detecting = "detecting",
        /// Fencing the lost GPU.
        GpuLost = "gpu_lost",
        /// The standby takes over.
        FailoverToCpu = "failover_to_cpu",
        /// Looking for a replacement.
        SearchingGpu = "searching_gpu",
        /// Buying it and waiting until it answers.
        Provisioning = "provisioning",
        /// Bringing the data, proving it, switching.
        Restoring = "restoring",
        /// Done.
        Complete = "complete",
        /// Ended without reaching its aim.
        Failed = "failed",
    }
}

crate::text_enum! {
    /// Where a failover stands.
    pub enum FailoverState ("failover state") {
        /// Going on.
        Running = "running",
        /// Going on, but waiting for something that others must give (an offer, credit, a provider).
        Waiting = "waiting",
        /// Asked to stop; cleaning up.
        Cancelling = "cancelling",
        /// Reached its aim.
        Complete = "complete",
        /// Ended without reaching it.
        Failed = "failed",
        /// Stopped by a person.
        Cancelled = "cancelled",
    }
}

impl FailoverState {
    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Cancelled)
    }
}

crate::text_enum! {
    /// Steps of a failover, each recorded before it acts and after it knows.
    pub enum StepName ("step") {
        /// Record the verdict and its evidence.
        Detect = "detect",
        /// Sync the last bytes with the user's job stopped (planned moves).
        FinalSync = "final_sync",
        /// Raise the epoch and have the old GPU stopped.
        Fence = "fence",
        /// Put the user on the standby.
        Takeover = "takeover",
        /// Pin a recovery point on the standby without touching the live copy (drills).
        Rehearse = "rehearse",
        /// Find offers.
        Search = "search",
        /// Buy one.
        Buy = "buy",
        /// Wait until it runs and answers SSH.
        Boot = "boot",
        /// Bring the bulk of the data while the standby serves.
        Restore = "restore",
        /// Freeze writes and bring the rest.
        Delta = "delta",
        /// Compare every file by content hash.
        Verify = "verify",
        /// Make the new GPU the place that serves.
        Switch = "switch",
        /// Ask for the old GPU to be destroyed.
        Retire = "retire",
        /// Remove all that a drill made, and see that it is gone.
        Cleanup = "cleanup",
        /// Undo after a failure or a cancellation.
        Abandon = "abandon",
    }
}

impl StepName {
    /// The phase that a step belongs to; none for what happens after the user is back.
    #[must_use]
    pub const fn phase(self) -> Option<Phase> {
        match self {
            Self::Detect => Some(Phase::Detecting),
            Self::Fence => Some(Phase::GpuLost),
            Self::FinalSync | Self::Takeover | Self::Rehearse => Some(Phase::FailoverToCpu),
            Self::Search => Some(Phase::SearchingGpu),
            Self::Buy | Self::Boot => Some(Phase::Provisioning),
            Self::Restore | Self::Delta | Self::Verify | Self::Switch => Some(Phase::Restoring),
            Self::Retire | Self::Cleanup | Self::Abandon => None,
        }
    }

    /// Whether a new round (another candidate) does this step again.
    #[must_use]
    pub const fn per_round(self) -> bool {
        matches!(
            self,
            Self::Search | Self::Buy | Self::Boot | Self::Restore | Self::Delta | Self::Verify
        )
    }
}

crate::text_enum! {
    /// How an attempt at a step ended.
    pub enum Outcome ("outcome") {
        /// Done.
        Ok = "ok",
        /// Not done; again after `retry_at`.
        Retry = "retry",
        /// This candidate is no good; a new round starts.
        NextRound = "next_round",
        /// Can't be done.
        Failed = "failed",
        /// The process ended while it ran; what it did is looked up before it is done again.
        Interrupted = "interrupted",
    }
}

/// One attempt at a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Its failover.
    pub failover: FailoverId,
    /// Order of recording within the failover, from 1.
    pub seq: i64,
    /// Which step.
    pub name: StepName,
    /// Which candidate, from 0; always 0 for steps that are not per round.
    pub round: i64,
    /// Attempt within the round, from 1.
    pub attempt: i64,
    /// Recorded before acting.
    pub started_at: Millis,
    /// Recorded after; `None` while it runs.
    pub ended_at: Option<Millis>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Not again before this time.
    pub retry_at: Option<Millis>,
    /// Time spent waiting for a provider within it, ms.
    pub provider_ms: i64,
    /// What later steps need, as JSON of the step's own output type.
    pub output: serde_json::Value,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// How far its transfer is or was; `None` where it moves nothing, or has not begun to.
    #[serde(default)]
    pub progress: Option<crate::progress::Progress>,
}

/// What a failover was asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Start from the standby, without leaving a GPU (fail-back).
    pub from_standby: bool,
    /// Buy a GPU (false: stay on the standby; a drill without purchase).
    pub new_gpu: bool,
    /// Restore and verify (false only in a drill).
    pub restore: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { from_standby: false, new_gpu: true, restore: true }
    }
}

/// One failover, drill or planned move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failover {
    /// Identity.
    pub id: FailoverId,
    /// Owner.
    pub user: UserId,
    /// Machine.
    pub association: AssociationId,
    /// The machine's name then.
    pub machine_name: String,
    /// The GPU that it started from.
    pub gpu: GpuId,
    /// Which report it belongs to.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// The caller's words, where a person asked.
    pub note: Option<String>,
    /// What it shall do.
    pub options: Options,
    /// Where it stands.
    pub state: FailoverState,
    /// Epoch of the association when it began.
    pub from_epoch: Epoch,
    /// Candidate number, from 0.
    pub round: i64,
    /// The last proof of life of the GPU, or when it was asked for.
    pub started_at: Millis,
    /// When it reached an end.
    pub ended_at: Option<Millis>,
    /// Why it waits, or failed, in words.
    pub error: Option<String>,
    /// Whether the providers were the sandbox; never mixed with real ones in a report.
    pub sandbox: bool,
}

crate::text_enum! {
    /// Where a purchase stands.
    pub enum IntentState ("intent state") {
        /// Recorded; the request may or may not have been sent.
        Open = "open",
        /// The provider named the instance.
        Bound = "bound",
        /// The instance serves.
        Adopted = "adopted",
        /// The provider clearly said no: nothing was made.
        Refused = "refused",
        /// Given up while ambiguous: looked for under its label as long as it can appear.
        Tombstoned = "tombstoned",
        /// The instance is to be destroyed; see its disposal.
        Discarded = "discarded",
        /// Nothing exists under it any more, and nothing will.
        Gone = "gone",
    }
}

/// A purchase: recorded before it is sent, bound after it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Identity; part of the label.
    pub id: IntentId,
    /// Who pays.
    pub user: UserId,
    /// For which failover, if any.
    pub failover: Option<FailoverId>,
    /// For which association, if any.
    pub association: Option<AssociationId>,
    /// Where.
    pub provider: Provider,
    /// Epoch of the association at the time.
    pub epoch: Epoch,
    /// Unique label or name at the provider.
    pub label: String,
    /// GCP: the zone. Vast: empty.
    pub zone: String,
    /// Vast: the offer.
    pub offer: Option<i64>,
    /// Physical machine of the offer.
    pub machine_id: Option<i64>,
    /// Rate per hour at the time of buying.
    pub usd_per_hour: MicroUsd,
    /// Where it stands.
    pub state: IntentState,
    /// The instance, once known: Vast's number, or GCP's name.
    pub external_id: Option<String>,
    /// When it was recorded.
    pub created_at: Millis,
    /// When its last change was.
    pub changed_at: Millis,
    /// When the instance was first known to be made.
    pub bound_at: Option<Millis>,
    /// When a complete list first no longer had it.
    pub gone_at: Option<Millis>,
    /// The provider's words when it refused, or why it was given up.
    pub error: Option<String>,
}

crate::text_enum! {
    /// What a disposal wants.
    pub enum Wish ("wish") {
        /// Stopped, disk kept (fencing).
        Stop = "stop",
        /// Destroyed, and seen to be gone.
        Destroy = "destroy",
    }
}

crate::text_enum! {
    /// The part that an instance played.
    pub enum Role ("role") {
        /// The GPU that was lost or left.
        OldGpu = "old_gpu",
        /// The GPU that serves now.
        NewGpu = "new_gpu",
        /// A GPU that was bought and given up, or a drill's.
        Candidate = "candidate",
        /// The CPU standby.
        Standby = "standby",
        /// Rented by its user, outside any failover.
        Rental = "rental",
    }
}

/// A wish that an instance be stopped or gone, tried until it is so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disposal {
    /// Identity.
    pub id: DisposalId,
    /// Whose account.
    pub user: UserId,
    /// Where.
    pub provider: Provider,
    /// Vast's number, or GCP's name.
    pub external_id: String,
    /// GCP: the zone. Vast: empty.
    pub zone: String,
    /// Why it is in our hands.
    pub role: Role,
    /// For which failover, if any.
    pub failover: Option<FailoverId>,
    /// For which association, if any.
    pub association: Option<AssociationId>,
    /// What is wanted.
    pub wish: Wish,
    /// When it was asked for.
    pub requested_at: Millis,
    /// How often it was tried.
    pub attempts: i64,
    /// Not again before this time.
    pub next_at: Millis,
    /// What the provider said last.
    pub last_error: Option<String>,
    /// When it was fulfilled: gone from a complete list, or seen stopped.
    pub done_at: Option<Millis>,
}

// ---- outputs of steps: what one attempt leaves for the next ones and for the report ----

/// Output of [`StepName::Detect`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectOutput {
    /// What each observer said.
    pub evidence: Option<crate::verdict::Observations>,
    /// When it was first suspect.
    pub suspect_at: Option<Millis>,
    /// When it was confirmed.
    pub confirmed_at: Option<Millis>,
    /// Paths that were seen to change after the newest recovery point; `None`: not known.
    pub unsynced_paths: Option<Vec<String>>,
    /// Whether more paths changed than are named.
    pub unsynced_more: bool,
}

/// Output of [`StepName::Fence`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FenceOutput {
    /// The new epoch; unchanged in a drill.
    pub epoch: Option<Epoch>,
    /// What the provider said of the old instance.
    pub provider_word: Option<String>,
}

/// Output of [`StepName::Takeover`], [`StepName::Rehearse`] and [`StepName::FinalSync`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TakeoverOutput {
    /// Everything written before this time is in the recovery point.
    pub recovery_point: Option<Millis>,
    /// Folder on the standby that the restore reads from.
    pub source: Option<String>,
    /// Files there.
    pub files: Option<i64>,
    /// Bytes there.
    pub bytes: Option<i64>,
    /// How the user's command ended, where there is one.
    pub hook: Option<HookResult>,
}

/// How a user's command ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HookResult {
    /// Exit status; `None` when it was cut off.
    pub status: Option<i64>,
    /// The end of what it printed, at most 4,000 characters.
    pub output: String,
}

/// Output of [`StepName::Search`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchOutput {
    /// How many offers the provider gave.
    pub seen: i64,
    /// The admissible ones, best first, at most ten.
    pub offers: Vec<crate::offer::Offer>,
}

/// Output of [`StepName::Buy`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BuyOutput {
    /// The intent that was bound.
    pub intent: Option<IntentId>,
    /// The instance.
    pub gpu: Option<GpuId>,
    /// The offer.
    pub offer: Option<i64>,
    /// Physical machine.
    pub machine_id: Option<i64>,
    /// Rate per hour.
    pub usd_per_hour: MicroUsd,
}

/// Output of [`StepName::Boot`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BootOutput {
    /// Where the new GPU answers.
    pub endpoint: Option<Endpoint>,
    /// Its pinned host key.
    pub host_key: Option<String>,
    /// Its class, as the provider tells it.
    pub spec: crate::offer::GpuSpec,
}

/// Output of [`StepName::Restore`] and [`StepName::Delta`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreOutput {
    /// Files sent.
    pub files: i64,
    /// Bytes sent.
    pub bytes: i64,
    /// How long writes were frozen, ms (delta only; ends at the switch).
    pub frozen_at: Option<Millis>,
}

/// Output of [`StepName::Verify`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VerifyOutput {
    /// Files (links too) found equal on both sides.
    pub verified: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Paths that differ or are missing on the new GPU, at most 1,000.
    pub mismatched: Vec<String>,
    /// How many differ in all.
    pub mismatched_count: i64,
}

/// Output of [`StepName::Switch`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SwitchOutput {
    /// How the user's command ended, where there is one.
    pub hook: Option<HookResult>,
    /// How long writes were frozen before the new GPU served, ms.
    pub freeze_ms: Option<i64>,
}
