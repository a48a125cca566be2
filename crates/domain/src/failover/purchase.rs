//! What is bought, and what is to be gone again.

use serde::{Deserialize, Serialize};

use crate::association::Hooks;
use crate::id::{AssociationId, DisposalId, Epoch, FailoverId, IntentId, UserId};
use crate::launch::LaunchPart;
use crate::money::MicroUsd;
use crate::provider::Provider;
use crate::time::Millis;

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
    /// GCP: the project, where it was recorded.
    pub project: Option<String>,
    /// Vast: what it was asked for without, of how the lost machine was launched.
    pub left_out: Vec<LaunchPart>,
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

/// For how long a purchase that was given up may still turn up, ms. After that nothing is expected of it.
pub const MAY_TURN_UP_MS: i64 = 3_600_000;

impl Intent {
    /// Whether something of it is expected that is nobody's yet.
    #[must_use]
    pub const fn may_turn_up(&self, now: Millis) -> bool {
        match self.state {
            IntentState::Open | IntentState::Bound => true,
            IntentState::Tombstoned => now.since(self.changed_at) < MAY_TURN_UP_MS,
            _ => false,
        }
    }
}

/// What a rental by hand is to become once it is bought. Kept with its purchase, so that it becomes that
/// also where whoever asked for it, or the process that did it, is gone meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RentalPlan {
    /// What its user calls it.
    pub label: Option<String>,
    /// Ports of the container, such as `8080/tcp`.
    pub ports: Vec<String>,
    /// No standby, whatever is usual.
    pub skip_standby: bool,
    /// Its user's commands.
    pub hooks: Hooks,
    /// Where its work lies.
    pub workspace: Option<String>,
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
    /// What it held beyond the copy, fetched before it goes.
    pub saved: Option<Saved>,
}

impl Disposal {
    /// Whether an instance is not to go before what only it holds is saved: it is the GPU that a failover left.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.provider == Provider::Vast
            && self.role == Role::OldGpu
            && self.failover.is_some()
            && self.association.is_some()
    }

    /// Until when the instance is kept for what it may still hold: nothing was tried, and nothing will
    /// be before that, unless what it holds is fetched first.
    #[must_use]
    pub fn kept_until(&self, now: Millis) -> Option<Millis> {
        let held = self.role == Role::OldGpu
            && self.done_at.is_none()
            && self.attempts == 0
            && self.saved.is_none()
            && self.next_at > now;
        held.then_some(self.next_at)
    }
}

/// Files of a GPU that was left, which the copy did not have: kept on the standby.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// Files and links.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Folder on the standby.
    pub path: String,
    /// When they were fetched last.
    pub at: Millis,
    /// How often they were fetched.
    pub fetches: i64,
    /// Whether nothing ran there any more and nothing was written since, seen right before it went. Where it
    /// is not, it may have written more.
    pub settled: bool,
}
