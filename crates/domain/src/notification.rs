//! What a user is told of what happened while nobody looked.
//!
//! A notification is a kind and figures, never a sentence: words are made in the language of whoever
//! reads it. It is told once. Its *fact* is the name under which the database knows that it was told,
//! whichever process tells it and however often it is restarted.

mod of_account;
mod of_failover;
mod of_machine;

pub use self::of_account::{Credit, credentials_refused, credit, refusal};
pub use self::of_failover::{begun, ended, on_standby, waits};
pub use self::of_machine::{
    frozen, gpu_lost, gpu_silent, host_key_shared, late_writes, loss, silence, standby, went_back,
};

use serde::{Deserialize, Serialize};

use crate::failover::Kind as FailoverKind;
use crate::id::{AssociationId, FailoverId, GpuId, NotificationId, UserId};
use crate::launch::LaunchPart;
use crate::money::MicroUsd;
use crate::provider::Provider;
use crate::time::Millis;
use crate::verdict::Cause;

crate::text_enum! {
    /// What happened.
    pub enum NewsKind ("notification kind") {
        /// A GPU is lost and its failover has begun.
        FailoverStarted = "failover_started",
        /// A lost machine's user is on the standby.
        OnStandby = "on_standby",
        /// A failover reached its aim.
        FailoverComplete = "failover_complete",
        /// A failover ended without reaching it.
        FailoverFailed = "failover_failed",
        /// A failover waits for something that only others can give.
        FailoverWaiting = "failover_waiting",
        /// A drill reached its end and removed what it made.
        DrillPassed = "drill_passed",
        /// A drill did not.
        DrillFailed = "drill_failed",
        /// A planned move is done.
        MoveComplete = "move_complete",
        /// A planned move ended without reaching its aim.
        MoveFailed = "move_failed",
        /// A GPU is lost, and nothing is done about it by itself.
        GpuLost = "gpu_lost",
        /// A GPU does not answer, and whether it is lost can't be told.
        GpuSilent = "gpu_silent",
        /// A GPU that was left held files that the copy has not; they were fetched.
        LateWrites = "late_writes",
        /// The provider gives no standby.
        StandbyDegraded = "standby_degraded",
        /// The standby is gone with its disk.
        StandbyLost = "standby_lost",
        /// The provider took the standby back; its disk is kept.
        StandbyPreempted = "standby_preempted",
        /// Someone stopped the standby.
        StandbyStopped = "standby_stopped",
        /// The standby is ready again after one of those.
        StandbyBack = "standby_back",
        /// The tripwire stopped sync.
        SyncFrozen = "sync_frozen",
        /// A machine's files are again what a recovery point says.
        WentBack = "went_back",
        /// They could not be put back.
        GoBackFailed = "go_back_failed",
        /// A machine shows the SSH host key of another.
        HostKeyShared = "host_key_shared",
        /// A provider refuses the stored credentials.
        CredentialsRefused = "credentials_refused",
        /// The credit would not pay for an hour of a replacement.
        CreditLow = "credit_low",
    }
}

crate::text_enum! {
    /// How much it matters now.
    pub enum Severity ("severity") {
        /// As it should be.
        Good = "good",
        /// Under way; nothing to do.
        Notice = "notice",
        /// Someone should look.
        Warning = "warning",
        /// Work or protection is lost until someone acts.
        Critical = "critical",
    }
}

crate::text_enum! {
    /// What a failover waits for.
    pub enum Wait ("wait") {
        /// An offer that fits the rules.
        Offer = "offer",
        /// Credit at the provider.
        Credit = "credit",
        /// Credentials that the provider takes.
        Credentials = "credentials",
        /// A provider that has none to give.
        Capacity = "capacity",
        /// The provider's pace: it asked for a pause.
        Pace = "pace",
        /// A standby that can act.
        Standby = "standby",
        /// Someone to look at files that differed on two GPUs in the same way.
        Difference = "difference",
        /// Someone to look at why several GPUs could not be prepared.
        Preparation = "preparation",
        /// A person's word: as much was bought as the limits allow.
        Limit = "limit",
    }
}

impl Wait {
    /// Whether somebody is told of it: a pause that a provider asks for ends by itself.
    #[must_use]
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::Pace)
    }

    /// Whether a person's *Retry now* is their word that one more GPU may be bought.
    #[must_use]
    pub const fn takes_a_word(self) -> bool {
        matches!(self, Self::Limit | Self::Preparation)
    }
}

impl NewsKind {
    /// How much it matters.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::FailoverComplete
            | Self::DrillPassed
            | Self::MoveComplete
            | Self::StandbyBack
            | Self::WentBack => Severity::Good,
            Self::FailoverStarted | Self::OnStandby | Self::LateWrites => Severity::Notice,
            Self::FailoverWaiting
            | Self::DrillFailed
            | Self::MoveFailed
            | Self::StandbyDegraded
            | Self::StandbyPreempted
            | Self::StandbyStopped
            | Self::SyncFrozen
            | Self::GoBackFailed
            | Self::GpuSilent
            | Self::HostKeyShared
            | Self::CreditLow => Severity::Warning,
            Self::FailoverFailed | Self::GpuLost | Self::StandbyLost | Self::CredentialsRefused => {
                Severity::Critical
            }
        }
    }
}

/// What was measured. `None` is unknown, or does not belong to this kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Of a failover: which report it belongs to.
    pub failover_kind: Option<FailoverKind>,
    /// Why a GPU is lost.
    pub cause: Option<Cause>,
    /// What a failover waits for.
    pub wait: Option<Wait>,
    /// From the start to the user's being on the standby, ms.
    pub time_to_cpu_ms: Option<i64>,
    /// From the start to the user's being on a GPU, ms.
    pub total_time_ms: Option<i64>,
    /// At most the writes of how many milliseconds, until the GPU was known to be lost, were not on the
    /// standby; `null`: not known.
    pub rpo_ms: Option<i64>,
    /// How old the standby's copy was when the GPU was last known to live, ms.
    pub copy_age_ms: Option<i64>,
    /// Files found equal by content on both sides.
    pub files_verified: Option<i64>,
    /// Of a drill: whether it was to restore and prove nothing.
    pub searched_only: bool,
    /// The GPU that serves after it.
    pub new_gpu: Option<GpuId>,
    /// Whether the new GPU answered nobody once it was the machine's.
    pub unanswered: bool,
    /// What the new GPU was asked for without, of how the lost machine was launched.
    pub left_out: Vec<LaunchPart>,
    /// Files that a sync would have deleted.
    pub would_delete: Option<i64>,
    /// Of how many.
    pub of_files: Option<i64>,
    /// Files that only a GPU that was left had.
    pub late_files: Option<i64>,
    /// Files that going back to a recovery point changed.
    pub changed_files: Option<i64>,
    /// When the recovery point was made that was gone back to.
    pub point_at: Option<Millis>,
    /// Whether a complete copy was on the standby.
    pub protected: Option<bool>,
    /// What people call the other machine that this is about.
    pub other_machine: Option<String>,
    /// Whose credentials.
    pub provider: Option<Provider>,
    /// The credit.
    pub credit: Option<MicroUsd>,
    /// What an hour of the dearest machine costs.
    pub need: Option<MicroUsd>,
}

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Whom.
    pub user: UserId,
    /// The name under which it is told once.
    pub fact: String,
    /// What happened.
    pub kind: NewsKind,
    /// In which failover.
    pub failover: Option<FailoverId>,
    /// To which machine.
    pub association: Option<AssociationId>,
    /// The GPU that the machine ran on then.
    pub gpu: Option<GpuId>,
    /// The machine's name then.
    pub machine_name: Option<String>,
    /// When.
    pub at: Millis,
    /// Whether the providers were the sandbox.
    pub sandbox: bool,
    /// What was measured.
    pub figures: Figures,
    /// Standing facts that this one ends. Where it names some, it is told only if one of them stood.
    pub ends: Vec<String>,
}

/// Something that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Rises with each one.
    pub id: NotificationId,
    /// What was told.
    pub news: News,
    /// When it was read.
    pub read_at: Option<Millis>,
    /// User name of whose machine it is, where it is another account's.
    pub owner_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_nobody_is_not_alarming_and_a_loss_is() {
        for kind in NewsKind::ALL {
            let good = kind.as_str().ends_with("complete")
                || kind.as_str().ends_with("passed")
                || kind.as_str().ends_with("back");
            assert_eq!(kind.severity() == Severity::Good, good, "{kind}");
        }
        assert!(NewsKind::GpuLost.severity() > NewsKind::FailoverWaiting.severity());
        assert!(NewsKind::FailoverWaiting.severity() > NewsKind::FailoverStarted.severity());
    }
}
