//! What an account lets others do with its machines, and what others let it do.
//!
//! A grant is offered to a name and counts once whoever has it accepts. Its owner is told nothing of the
//! name before that: neither that there is an account, nor that there is none.

use std::collections::HashMap;

use domain::grant::GrantState;
use domain::id::{AssociationId, GrantId, UserId};
use domain::name;
use domain::time::DAY_MS;
use domain::view::grant::{
    GivenGrant, GivenGrants, GrantedMachine, NewGrant, ReceivedGrant, Shared,
};
use store::StoreError;
use uuid::Uuid;

use super::{confirm, shared};
use crate::http::identity::Identity;
use crate::{Dumont, Fault};

/// How long a grant can be accepted.
pub const OFFERED_MS: i64 = 7 * DAY_MS;
/// Grants that the list shows.
const SHOWN: i64 = 200;
/// Machines that one can name.
const MACHINES: usize = 100;

/// What an account has given.
///
/// # Errors
/// The database.
pub async fn given(dumont: &Dumont, user: &UserId) -> Result<GivenGrants, Fault> {
    let now = dumont.now();
    let ties = dumont.store.associations().list(user).await?;
    let names: HashMap<AssociationId, String> =
        ties.into_iter().map(|tie| (tie.id, name::shown(&tie.name))).collect();
    let rows = dumont.store.grants().given(user, SHOWN).await?;
    let grants: Vec<GivenGrant> = rows
        .iter()
        .map(|grant| {
            let machines = grant.machines.iter().filter_map(|id| {
                Some(GrantedMachine { machine_id: id.clone(), name: names.get(id)?.clone() })
            });
            GivenGrant::new(grant, machines.collect(), now)
        })
        .collect();
    Ok(GivenGrants { count: grants.len(), grants })
}

/// Offers a grant, for someone who has just confirmed who they are.
///
/// # Errors
/// They have not, fields that can't be accepted, or as many stand as may.
pub async fn give(dumont: &Dumont, who: &Identity, asked: NewGrant) -> Result<GivenGrant, Fault> {
    confirm::require(dumont, who)?;
    let named = asked.to.trim();
    if named.is_empty() || named.chars().count() > 254 || named.chars().any(char::is_control) {
        return Err(Fault::field("to", "required", "is a user name or an e-mail"));
    }
    let chosen = !asked.machines.is_empty();
    if chosen == asked.all_machines {
        let message = "name some of your machines, or say that it is for all of them";
        return Err(Fault::field("machines", "required", message));
    }
    if asked.machines.len() > MACHINES {
        return Err(Fault::field("machines", "out_of_range", "are 100 at most"));
    }
    if asked.days.is_some_and(|days| !(1..=365).contains(&days)) {
        return Err(Fault::field("days", "out_of_range", "must be between 1 and 365"));
    }
    let now = dumont.now();
    let expires_at = asked.days.map(|days| now.plus(days * DAY_MS));
    let new = store::NewGrant {
        id: GrantId::new(Uuid::now_v7().to_string()),
        owner: who.user.clone(),
        named: named.to_owned(),
        level: asked.level,
        machines: chosen.then_some(asked.machines),
        accept_by: now.plus(OFFERED_MS),
        expires_at,
        given_by: Some(who.via.handle().to_owned()),
    };
    match dumont.store.grants().offer(&new, now).await {
        Ok(()) => {}
        Err(StoreError::NotFound(_)) => {
            let message = "one of them is no protected machine of yours";
            return Err(Fault::field("machines", "unknown", message));
        }
        Err(StoreError::Conflict("own account")) => {
            return Err(Fault::field("to", "own_account", "is your own account"));
        }
        Err(StoreError::Conflict(message)) => {
            return Err(Fault::conflict("too_many_grants", message));
        }
        Err(error) => return Err(error.into()),
    }
    let all = given(dumont, &who.user).await?.grants;
    all.into_iter().find(|one| one.id == new.id.as_str()).ok_or(Fault::NotFound("grant"))
}

/// Takes a grant back. What was begun before goes on; nothing is begun after.
///
/// # Errors
/// It is not this account's, or has ended.
pub async fn revoke(dumont: &Dumont, user: &UserId, id: &GrantId) -> Result<(), Fault> {
    Ok(dumont.store.grants().revoke(user, id, dumont.now()).await?)
}

/// What others offer this account and let it do.
///
/// # Errors
/// The database.
pub async fn received(dumont: &Dumont, user: &UserId) -> Result<Vec<ReceivedGrant>, Fault> {
    let now = dumont.now();
    let rows = dumont.store.grants().received(user, now).await?;
    Ok(rows.iter().map(|grant| ReceivedGrant::new(grant, now)).collect())
}

/// The same with the machines.
///
/// # Errors
/// The database.
pub async fn all(dumont: &Dumont, user: &UserId) -> Result<Shared, Fault> {
    Ok(Shared {
        grants: received(dumont, user).await?,
        machines: shared::machines(dumont, user).await?,
    })
}

/// How many offers wait for an answer.
///
/// # Errors
/// The database.
pub async fn offers(dumont: &Dumont, user: &UserId) -> Result<usize, Fault> {
    let all = received(dumont, user).await?;
    Ok(all.iter().filter(|grant| grant.state == GrantState::Offered).count())
}

/// Accepts what was offered.
///
/// # Errors
/// It was not offered to this account, or is not any more.
pub async fn accept(dumont: &Dumont, user: &UserId, id: &GrantId) -> Result<(), Fault> {
    Ok(dumont.store.grants().accept(user, id, dumont.now()).await?)
}

/// Refuses or gives up what this account was given.
///
/// # Errors
/// It was not given to this account, or has ended.
pub async fn decline(dumont: &Dumont, user: &UserId, id: &GrantId) -> Result<(), Fault> {
    Ok(dumont.store.grants().decline(user, id, dumont.now()).await?)
}
