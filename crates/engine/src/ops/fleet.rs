//! What a user has and could have at Vast.ai: instances, offers, credit.

use std::sync::Arc;

use domain::id::UserId;
use domain::time::Millis;
use providers::vast::Account as VastMoney;
use serde::de::DeserializeOwned;
use store::StateKind;

use crate::context::Context;
use crate::error::EngineError;
use crate::handle::{Balance, Fleet};
use crate::poller;

/// The newest list: of the poller where it has one, else read now.
pub(crate) async fn instances(context: &Context, user: &UserId) -> Result<Fleet, EngineError> {
    // Says so when no key is stored, instead of showing an old list.
    let client = context.accounts.vast(user).await?;
    if let Some(fleet) = listed(context, user).await? {
        return Ok(fleet);
    }
    let listing = client.list().await?;
    Ok(Fleet { instances: Arc::new(listing.instances), as_of: context.now(), error: None })
}

/// The poller's newest list, whoever asks for it: nobody is waited for.
pub(crate) async fn known(context: &Context, user: &UserId) -> Result<Option<Fleet>, EngineError> {
    context.accounts.vast(user).await?;
    listed(context, user).await
}

/// The poller's newest list. It is read and parsed once, however many pages ask for it. `None` when
/// there never was one that this version can read.
async fn listed(context: &Context, user: &UserId) -> Result<Option<Fleet>, EngineError> {
    let known = context.live.list(user);
    let kind = StateKind::VastInstances;
    let at = known.as_ref().map(|(at, _)| *at);
    let Some(state) = context.store.provider_states().get_newer(user, kind, at).await? else {
        return Ok(None);
    };
    let Some(as_of) = state.fetched_at else { return Ok(None) };
    let instances = match (known, state.payload) {
        (Some((at, instances)), None) if at == as_of => instances,
        (_, Some(payload)) => {
            let Ok(read) = serde_json::from_value(payload) else { return Ok(None) };
            let instances = Arc::new(read);
            context.live.keep_list(user, as_of, &instances);
            instances
        }
        _ => return Ok(None),
    };
    Ok(Some(Fleet { instances, as_of, error: state.error }))
}

/// How long a failure to read a credit that was never read answers for the next try, ms. The poller
/// tries again well within it.
const UNREAD_MS: i64 = 20_000;

/// The credit: as last read by the poller, else read now. Where it was never read and a moment ago
/// could not be, that is said at once: a try against a provider that is down takes longer than a page
/// waits.
pub(crate) async fn balance(context: &Context, user: &UserId) -> Result<Balance, EngineError> {
    context.accounts.vast(user).await?;
    if let Some((money, as_of, error)) =
        stored::<VastMoney>(context, user, StateKind::VastBalance).await?
    {
        return Ok(as_balance(money, as_of, error));
    }
    if let Some((at, failure)) = context.live.account(user).unread()
        && context.now().since(at) < UNREAD_MS
    {
        return Err(failure.into());
    }
    let money = poller::read_balance(context, user).await?;
    Ok(as_balance(money, context.now(), None))
}

/// A provider's last answer, its time, and why there is no newer one. `None` when there never was one
/// that this version can read.
async fn stored<T: DeserializeOwned>(
    context: &Context,
    user: &UserId,
    kind: StateKind,
) -> Result<Option<(T, Millis, Option<String>)>, EngineError> {
    let Some(state) = context.store.provider_states().get(user, kind).await? else {
        return Ok(None);
    };
    let value = state.payload.and_then(|payload| serde_json::from_value(payload).ok());
    Ok(value.zip(state.fetched_at).map(|(value, at)| (value, at, state.error)))
}

fn as_balance(money: VastMoney, as_of: Millis, stale_error: Option<String>) -> Balance {
    Balance {
        credit: money.credit,
        balance: money.balance,
        threshold: money.balance_threshold,
        email: money.email,
        as_of,
        stale_error,
    }
}
