//! The market as pages see it: one search serves all machines that would be replaced by the same, and
//! most of what Vast allows of searching is left to failovers.
//!
//! A failover and a dry run never look here: what they choose from was searched for just then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::id::UserId;
use domain::offer::{Offer, OfferFilter};
use domain::time::Millis;

use crate::context::Context;
use crate::error::EngineError;

/// How long a search says what could be bought now, ms.
const FRESH_MS: i64 = 60_000;
/// How long it still does where the allowance lets nothing newer be had, ms.
const KEPT_MS: i64 = 600_000;
/// Searches a minute, of the ten that Vast allows, that pages leave to others.
const PAGES_LEAVE: usize = 6;

/// The newest searches of an account.
#[derive(Debug, Default)]
pub(crate) struct Market {
    known: Mutex<Vec<Search>>,
    /// Held while the provider is asked: one search at a time.
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
    /// The newest search for the same that is not older than this.
    fn find(
        &self,
        within_ms: i64,
        wanted: (&OfferFilter, f64),
        now: Millis,
    ) -> Option<Arc<Vec<Offer>>> {
        let known = self.known();
        let same = |search: &&Search| {
            search.filter == *wanted.0 && search.storage_gb.total_cmp(&wanted.1).is_eq()
        };
        // A clock that was set back makes nothing good for longer.
        let good = |search: &&Search| (0..within_ms).contains(&now.since(search.at));
        known.iter().rev().find(same).filter(good).map(|search| Arc::clone(&search.found))
    }

    fn keep(&self, search: Search) {
        let mut known = self.known();
        known.retain(|old| (0..KEPT_MS).contains(&search.at.since(old.at)));
        known.push(search);
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
        if let Some(found) = self.find(FRESH_MS, (&filter, storage_gb), context.now()) {
            return Ok(found);
        }
        let client = context.accounts.vast(user).await?;
        let at = context.now();
        let found = Arc::new(client.search_leaving(&filter, storage_gb, PAGES_LEAVE).await?);
        self.keep(Search { filter, storage_gb, at, found: Arc::clone(&found) });
        Ok(found)
    }

    fn known(&self) -> MutexGuard<'_, Vec<Search>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Offers that meet the filter, cheapest first, as they were a minute ago at most; where a search
/// would take from what is left to failovers, as they were ten minutes ago at most.
///
/// # Errors
/// No key, or the provider does not answer or refuses; `RateLimited` where no search was ever made
/// and none can be for now.
pub(crate) async fn lately(
    context: &Context,
    user: &UserId,
    filter: &OfferFilter,
    storage_gb: f64,
) -> Result<Vec<Offer>, EngineError> {
    // Each machine has a cap of its own. The cheapest come first, so one search without any does.
    let shared = OfferFilter { max_usd_per_hour: None, ..filter.clone() };
    let free = context.accounts.vast(user).await?.can_search_leaving(PAGES_LEAVE);
    let within_ms = if free { FRESH_MS } else { KEPT_MS };
    let account = context.live.account(user);
    let found = match account.market.find(within_ms, (&shared, storage_gb), context.now()) {
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
            |at| Search { filter: filter("A"), storage_gb: 40.0, at, found: Arc::default() };
        market.keep(search(Millis(1_000)));
        let found = |name, storage_gb, now| {
            market.find(FRESH_MS, (&filter(name), storage_gb), Millis(now)).is_some()
        };
        assert!(found("A", 40.0, 1_000) && found("A", 40.0, 1_000 + FRESH_MS - 1));
        assert!(!found("B", 40.0, 1_000), "another model");
        assert!(!found("A", 41.0, 1_000), "another price for storage");
        assert!(!found("A", 40.0, 1_000 + FRESH_MS), "too old");
        assert!(!found("A", 40.0, 999), "the clock was set back");
        market.keep(search(Millis(1_000 + KEPT_MS)));
        assert_eq!(market.known().len(), 1, "what nobody may be told any more is forgotten");
        assert!(found("A", 40.0, 1_000 + KEPT_MS), "the newest counts");
    }
}
