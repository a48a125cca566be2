//! The provider's list in a process that is not the one that asks for it.
//!
//! One process asks each account, for all machines of it, and stores what it was told; a machine may be worked
//! on by another. That one reads it from the database, each time with an age that it can answer for: no younger
//! than the list says itself, nor than its own last look that did not show it yet. So a clock that is wrong
//! makes a word old, never fresh.

use std::sync::Arc;

use domain::id::{GpuId, UserId};
use domain::time::Millis;
use store::StateKind;

use crate::context::Context;
use crate::error::EngineError;
use crate::live::{Account, AccountView};
use crate::ports::time;

/// Between two readings of the stored list, ms.
const READ_MS: i64 = 1_000;
/// How long someone waits for a look of this process's own poller.
const LOOK: std::time::Duration = std::time::Duration::from_secs(10);

/// When the stored list was read last, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read {
    at: Millis,
    list: Option<Millis>,
}

/// Keeps up what this process knows of an account whose provider another process asks.
///
/// # Errors
/// The database failed.
pub(crate) async fn keep(context: &Context, user: &UserId) -> Result<(), EngineError> {
    let account = context.live.account(user);
    let now = context.now();
    let before = account.stored_read();
    let rests = before.is_some_and(|read| (0..READ_MS).contains(&now.since(read.at)));
    if account.is_polled() || rests {
        return Ok(());
    }
    read(context, user, &account, before, now).await
}

async fn read(
    context: &Context,
    user: &UserId,
    account: &Account,
    before: Option<Read>,
    now: Millis,
) -> Result<(), EngineError> {
    let known = before.and_then(|read| read.list);
    let states = context.store.provider_states();
    let found = states.get_newer(user, StateKind::VastInstances, known).await?;
    let list = found.as_ref().and_then(|state| state.fetched_at);
    account.set_stored_read(Some(Read { at: now, list }));
    let Some(state) = found else { return Ok(()) };
    let mut view = account.view();
    view.error.clone_from(&state.error);
    if list != known
        && let Some(instances) = state.payload
    {
        // One of another version says nothing.
        let Ok(instances) = serde_json::from_value(instances) else { return Ok(()) };
        view = AccountView {
            instances: Arc::new(instances),
            at: age(list, before.map(|read| read.at), now),
            error: state.error,
            gone: state.gone.into_iter().map(GpuId).collect(),
        };
    }
    // One that began in between knows better.
    if !account.is_polled() {
        account.set_view(view);
    }
    Ok(())
}

/// From when a stored list is that was not there at the last look: no younger than this is known of it.
fn age(list: Option<Millis>, looked: Option<Millis>, now: Millis) -> Option<Millis> {
    match (list?, looked) {
        (list, Some(looked)) => Some(list.min(looked)),
        // By a clock that is ahead of ours, nothing is known.
        (list, None) => Some(list).filter(|list| *list <= now),
    }
}

/// Has the provider asked now, and waits for a list that was asked for after this call: by the poller where it
/// is this process's, else at once. Then every process is told.
///
/// # Errors
/// No key is stored, the provider does not answer, or the database failed.
pub(crate) async fn refresh(context: &Context, user: &UserId) -> Result<(), EngineError> {
    let account = context.live.account(user);
    if account.is_polled() && time::timeout(LOOK, account.refreshed()).await.is_ok() {
        return Ok(());
    }
    let listing = context.accounts.vast(user).await?.list().await?;
    let now = context.now();
    let gone = account.view().gone;
    let payload = serde_json::to_value(&listing.instances).unwrap_or_default();
    let numbers: Vec<i64> = gone.iter().map(|id| id.0).collect();
    let states = context.store.provider_states();
    states.put_instances(user, &payload, &numbers, listing.complete, now).await?;
    let instances = Arc::new(listing.instances);
    account.set_view(AccountView { instances, at: Some(now), error: None, gone });
    Ok(())
}

#[cfg(test)]
mod tests;
