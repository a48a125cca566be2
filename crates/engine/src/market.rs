//! The market as pages see it: one search serves all machines that would be replaced by the same.
//!
//! A failover and a dry run never look here: what they choose from was searched for just then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::id::UserId;
use domain::offer::{Offer, OfferFilter};
use domain::time::Millis;

use crate::context::Context;
use crate::error::EngineError;
use crate::ops::fleet;

/// How long a search is good enough to say what could be bought, ms.
const FRESH_MS: i64 = 15_000;

/// The newest searches of an account.
#[derive(Debug, Default)]
pub(crate) struct Market {
    known: Mutex<Vec<Search>>,
    /// Held while the provider is asked: one search at a time, so that pages use up little of what an
    /// account may ask for.
    asking: tokio::sync::Mutex<()>,
}

/// What was asked for, when, and what there was.
#[derive(Debug)]
struct Search {
    filter: OfferFilter,
    storage_gb: f64,
    at: Millis,
    found: Arc<Vec<Offer>>,
}

impl Market {
    fn find(&self, filter: &OfferFilter, storage_gb: f64, now: Millis) -> Option<Arc<Vec<Offer>>> {
        let mut known = self.known();
        // A clock that was set back makes nothing good for longer.
        known.retain(|search| (0..FRESH_MS).contains(&now.since(search.at)));
        let same = |search: &&Search| {
            search.filter == *filter && search.storage_gb.total_cmp(&storage_gb).is_eq()
        };
        known.iter().find(same).map(|search| Arc::clone(&search.found))
    }

    async fn ask(
        &self,
        context: &Context,
        user: &UserId,
        filter: OfferFilter,
        storage_gb: f64,
    ) -> Result<Arc<Vec<Offer>>, EngineError> {
        let _asking = self.asking.lock().await;
        // Who asked before may have asked for the same.
        if let Some(found) = self.find(&filter, storage_gb, context.now()) {
            return Ok(found);
        }
        let at = context.now();
        let found = Arc::new(fleet::offers(context, user, &filter, storage_gb).await?);
        self.known().push(Search { filter, storage_gb, at, found: Arc::clone(&found) });
        Ok(found)
    }

    fn known(&self) -> MutexGuard<'_, Vec<Search>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Offers that meet the filter, cheapest first, as they were within the last quarter of a minute.
///
/// # Errors
/// No key, or the provider does not answer or refuses; then it is asked again next time.
pub(crate) async fn lately(
    context: &Context,
    user: &UserId,
    filter: &OfferFilter,
    storage_gb: f64,
) -> Result<Vec<Offer>, EngineError> {
    // Each machine has a cap of its own. The cheapest come first, so one search without any does.
    let shared = OfferFilter { max_usd_per_hour: None, ..filter.clone() };
    let account = context.live.account(user);
    let found = match account.market.find(&shared, storage_gb, context.now()) {
        Some(found) => found,
        None => account.market.ask(context, user, shared, storage_gb).await?,
    };
    Ok(found.iter().filter(|offer| filter.admits(offer)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_serves_who_asks_for_the_same_within_its_time() {
        let market = Market::default();
        let filter =
            |name: &str| OfferFilter { gpu_name: Some(name.into()), ..OfferFilter::default() };
        let search =
            |filter| Search { filter, storage_gb: 40.0, at: Millis(1_000), found: Arc::default() };
        market.known().push(search(filter("A")));
        let found =
            |name, storage_gb, now| market.find(&filter(name), storage_gb, Millis(now)).is_some();
        assert!(found("A", 40.0, 1_000) && found("A", 40.0, 1_000 + FRESH_MS - 1));
        assert!(!found("B", 40.0, 1_000), "another model");
        assert!(!found("A", 41.0, 1_000), "another price for storage");
        assert!(!found("A", 40.0, 1_000 + FRESH_MS), "too old");
        market.known().push(search(filter("A")));
        assert!(!found("A", 40.0, 999), "the clock was set back");
    }
}
