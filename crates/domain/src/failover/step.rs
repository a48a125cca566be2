//! The steps of a failover, and one execution of one.

use serde::{Deserialize, Serialize};

use super::Phase;
use crate::id::FailoverId;
use crate::notification::Wait;
use crate::time::Millis;

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

impl StepRow {
    /// What this attempt waits for, where only others can give it.
    #[must_use]
    pub fn waits_for(&self) -> Option<Wait> {
        self.output.get("waits_for")?.as_str()?.parse().ok()
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
