//! Machines that accounts share with one another.

use serde::{Deserialize, Serialize};

use super::Time;
use super::machine::MachineRow;
use crate::grant::{Grant, GrantLevel, GrantState};
use crate::id::AssociationId;
use crate::time::Millis;

/// Whose a machine or a failover is, where it is another account's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SharedBy {
    /// The owner's user name.
    pub owner: String,
    /// What whoever asks may do with it.
    pub level: GrantLevel,
}

/// A machine of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantedMachine {
    /// Its own id.
    pub machine_id: AssociationId,
    /// What people call it.
    pub name: String,
}

/// What an account gave to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GivenGrant {
    /// For taking it back.
    pub id: String,
    /// Whom it was offered to, as that was typed. Whether there is such an account is not told.
    pub to: String,
    /// User name of whoever accepted it.
    pub accepted_by: Option<String>,
    /// What became of it.
    pub state: GrantState,
    /// How far it reaches.
    pub level: GrantLevel,
    /// Every protected machine, now and later.
    pub all_machines: bool,
    /// Those that it is for, where it is not for all; without those that are gone.
    pub machines: Vec<GrantedMachine>,
    /// When it was offered.
    pub created_at: Time,
    /// Until when it can be accepted; `null` once it was.
    pub accept_by: Option<Time>,
    /// When it ends by itself; `null`: when it is taken back.
    pub expires_at: Option<Time>,
}

impl GivenGrant {
    /// Of a grant, with the names of its machines.
    #[must_use]
    pub fn new(grant: &Grant, machines: Vec<GrantedMachine>, now: Millis) -> Self {
        let accepted = grant.accepted_at.is_some();
        Self {
            id: grant.id.to_string(),
            to: grant.named.clone(),
            accepted_by: grant.grantee_name.clone().filter(|_| accepted),
            state: grant.state_for_owner(now),
            level: grant.level,
            all_machines: grant.all_machines,
            machines,
            created_at: grant.created_at.into(),
            accept_by: (!accepted).then_some(grant.accept_by.into()),
            expires_at: grant.expires_at.map(Time),
        }
    }
}

/// `GET /grants`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GivenGrants {
    /// Newest first.
    pub grants: Vec<GivenGrant>,
    /// How many.
    pub count: usize,
}

/// `POST /grants`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewGrant {
    /// User name or e-mail of an account of this install. It has a week to accept.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 254))]
    pub to: String,
    /// How far it reaches.
    pub level: GrantLevel,
    /// Every protected machine, now and later; else `machines` names some.
    pub all_machines: bool,
    /// Ids of protected machines of one's own.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub machines: Vec<AssociationId>,
    /// After how many days it ends by itself; absent: when it is taken back.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 365))]
    pub days: Option<i64>,
}

/// What another account offers or lets one do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceivedGrant {
    /// For accepting it, refusing it, giving it up.
    pub id: String,
    /// The owner's user name.
    pub owner: String,
    /// `offered` or `active`.
    pub state: GrantState,
    /// How far it reaches.
    pub level: GrantLevel,
    /// Every protected machine of theirs, now and later.
    pub all_machines: bool,
    /// For how many machines it is, where it is not for all.
    pub machine_count: usize,
    /// When it was offered.
    pub created_at: Time,
    /// Until when it can be accepted; `null` once it was.
    pub accept_by: Option<Time>,
    /// When it ends by itself; `null`: when it is taken back.
    pub expires_at: Option<Time>,
}

impl ReceivedGrant {
    /// Of a grant, as whoever it is for sees it.
    #[must_use]
    pub fn new(grant: &Grant, now: Millis) -> Self {
        Self {
            id: grant.id.to_string(),
            owner: grant.owner_name.clone(),
            state: grant.state(now),
            level: grant.level,
            all_machines: grant.all_machines,
            machine_count: grant.machines.len(),
            created_at: grant.created_at.into(),
            accept_by: grant.accepted_at.is_none().then_some(grant.accept_by.into()),
            expires_at: grant.expires_at.map(Time),
        }
    }
}

/// A machine of another account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SharedMachine {
    /// Whose it is, and what may be done with it.
    pub shared: SharedBy,
    /// Its line.
    pub row: MachineRow,
}

/// `GET /shared`: what other accounts share.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Shared {
    /// What they offer and let one do, oldest first.
    pub grants: Vec<ReceivedGrant>,
    /// The machines, by owner; of each those in trouble first.
    pub machines: Vec<SharedMachine>,
}
