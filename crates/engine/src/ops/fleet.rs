//! What a user has and could have at Vast.ai: instances, offers, credit.

use domain::gpu::GpuInstance;
use domain::id::UserId;
use domain::offer::{Offer, OfferFilter};
use providers::vast::Account as VastMoney;

use crate::context::Context;
use crate::error::EngineError;
use crate::handle::{Balance, Fleet};
use crate::poller;

/// The newest list: of the poller where it has one, else read now.
pub(crate) async fn instances(context: &Context, user: &UserId) -> Result<Fleet, EngineError> {
    // Says so when no key is stored, instead of showing an old list.
    let client = context.accounts.vast(user).await?;
    if let Some(stored) = context.store.provider_state().get::<Vec<GpuInstance>>(user, "vast_instances").await?
        && let (Some(instances), Some(as_of)) = (stored.value, stored.at)
    {
        return Ok(Fleet { instances, as_of, error: stored.error });
    }
    let listing = client.list().await?;
    Ok(Fleet { instances: listing.instances, as_of: context.now(), error: None })
}

/// Offers that meet the filter, cheapest first.
pub(crate) async fn offers(context: &Context, user: &UserId, filter: &OfferFilter, storage_gb: f64) -> Result<Vec<Offer>, EngineError> {
    let mut offers = context.accounts.vast(user).await?.search(filter, storage_gb).await?;
    offers.sort_by_key(|offer| (offer.usd_per_hour, offer.id));
    Ok(offers)
}

/// The credit: as last read by the poller, else read now.
pub(crate) async fn balance(context: &Context, user: &UserId) -> Result<Balance, EngineError> {
    context.accounts.vast(user).await?;
    if let Some(stored) = context.store.provider_state().get::<VastMoney>(user, "vast_balance").await?
        && let (Some(money), Some(as_of)) = (stored.value, stored.at)
    {
        return Ok(as_balance(money, as_of, stored.error));
    }
    let money = poller::read_balance(context, user).await?;
    Ok(as_balance(money, context.now(), None))
}

fn as_balance(money: VastMoney, as_of: domain::time::Millis, stale_error: Option<String>) -> Balance {
    Balance {
        credit: money.credit,
        balance: money.balance,
        threshold: money.balance_threshold,
        email: money.email,
        as_of,
        stale_error,
    }
}
