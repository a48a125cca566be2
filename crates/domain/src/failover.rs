//! The rows that a failover is made of. Reports are computed from these and from nothing else.

mod output;
mod purchase;
mod step;

pub use output::{
    BootOutput, BuyOutput, CandidateFault, DetectOutput, FenceOutput, HookResult, Left,
    RestoreOutput, STANDBY_GONE, SearchOutput, SwitchOutput, TakeoverOutput, VerifyOutput,
};
pub use purchase::{Disposal, Intent, IntentState, MAY_TURN_UP_MS, RentalPlan, Role, Saved, Wish};
pub use step::{Outcome, StepName, StepRow};

use serde::{Deserialize, Serialize};

use crate::id::{AssociationId, Epoch, FailoverId, GpuId, UserId};
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
    /// Leave the GPU though not all of its workspace is on the standby.
    pub accept_gaps: bool,
    /// Begun by another account, which its owner lets operate the machine.
    pub by_grantee: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            from_standby: false,
            new_gpu: true,
            restore: true,
            accept_gaps: false,
            by_grantee: false,
        }
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
