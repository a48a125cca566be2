//! The market as pages see it: one search serves all machines that would be replaced by the same, and
//! most of what Vast allows of searching is left to failovers.
//!
//! A failover never looks here: what it chooses from was searched for just then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::UserId;
use domain::offer::{Offer, OfferFilter};
use domain::provider::{ErrorClass, Provider, ProviderError};
use domain::time::Millis;
use tokio::sync::OwnedMutexGuard;

use crate::context::Context;
use crate::error::EngineError;
use crate::ports::time::{self, Instant};

/// How long a search says what could be bought now, ms.
const FRESH_MS: i64 = 60_000;
/// How long it still does where the allowance lets nothing newer be had, ms.
const KEPT_MS: i64 = 600_000;
/// Searches a minute, of the ten that Vast allows, that pages leave to others.
const PAGES_LEAVE: usize = 6;
/// Those that someone who looks at offers leaves to failovers.
const LOOKER_LEAVES: usize = 3;
/// How long a search is new enough for someone who looks at offers, ms.
const LOOKER_MS: i64 = 5_000;
/// How many times as long it is waited where nothing is known.
const UNKNOWN: u32 = 3;
/// When to ask again where nothing is known yet, ms.
const AGAIN_MS: i64 = 5_000;

/// The newest searches of an account.
#[derive(Debug, Default)]
pub(crate) struct Market {
    known: Mutex<Vec<Search>>,
    /// Held while the provider is asked: one search at a time.
    asking: Arc<tokio::sync::Mutex<()>>,
}

/// What was asked for, when, and what there was.
#[derive(Debug)]
struct Search {
    filter: OfferFilter,
    storage_gb: f64,
    at: Millis,
    found: Arc<Vec<Offer>>,
}

/// Offers, and when they were.
type Found = (Millis, Arc<Vec<Offer>>);

impl Market {
    /// The newest search for the same that is not older than this.
    fn find(&self, within_ms: i64, wanted: (&OfferFilter, f64), now: Millis) -> Option<Found> {
        let known = self.known();
        let same = |search: &&Search| {
            search.filter == *wanted.0 && search.storage_gb.total_cmp(&wanted.1).is_eq()
        };
        // A clock that was set back makes nothing good for longer.
        let good = |search: &&Search| (0..within_ms).contains(&now.since(search.at));
        known
            .iter()
            .rev()
            .find(same)
            .filter(good)
            .map(|search| (search.at, Arc::clone(&search.found)))
    }

    fn keep(&self, search: Search) {
        let mut known = self.known();
        known.retain(|old| (0..KEPT_MS).contains(&search.at.since(old.at)));
        known.push(search);
    }

    /// Searches, for the one whose turn it is.
    async fn search(
        &self,
        context: &Context,
        user: &UserId,
        (filter, storage_gb): (OfferFilter, f64),
        leaves: usize,
    ) -> Result<Found, EngineError> {
        let client = context.accounts.vast(user).await?;
        let at = context.now();
        let found = Arc::new(client.search_leaving(&filter, storage_gb, leaves).await?);
        self.keep(Search { filter, storage_gb, at, found: Arc::clone(&found) });
        Ok((at, found))
    }

    async fn ask(
        &self,
        context: &Context,
        user: &UserId,
        filter: OfferFilter,
        storage_gb: f64,
    ) -> Result<Found, EngineError> {
        let _asking = self.asking.lock().await;
        // Who asked before may have asked for the same.
        if let Some(found) = self.find(FRESH_MS, (&filter, storage_gb), context.now()) {
            return Ok(found);
        }
        self.search(context, user, (filter, storage_gb), PAGES_LEAVE).await
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
        Some((_, found)) => found,
        None => account.market.ask(context, user, shared, storage_gb).await?.1,
    };
    Ok(admitted(&found, filter))
}

fn admitted(found: &[Offer], filter: &OfferFilter) -> Vec<Offer> {
    found.iter().filter(|offer| filter.admits(offer)).cloned().collect()
}

/// Offers that meet the filter, cheapest first, for one who waits so long: as they are now where that
/// can be told in time, else as they were last, ten minutes ago at most. Where nothing is known it is
/// waited three times as long, as a search takes Vast about three seconds. One that takes longer goes
/// on for who asks next.
///
/// # Errors
/// No key, or the provider refuses it; `RateLimited` where nothing is known and nothing could be
/// learned in time; the provider's failure where nothing is known.
pub(crate) async fn within(
    context: &Context,
    user: &UserId,
    filter: &OfferFilter,
    storage_gb: f64,
    patience: Duration,
) -> Result<(Millis, Vec<Offer>), EngineError> {
    // Says so when no key is stored, instead of showing old offers.
    context.accounts.vast(user).await?;
    let wanted = (filter.clone(), storage_gb);
    let account = context.live.account(user);
    let known = |within_ms| {
        let found = account.market.find(within_ms, (filter, storage_gb), context.now());
        found.map(|(at, found)| (at, admitted(&found, filter)))
    };
    if let Some(found) = known(LOOKER_MS) {
        return Ok(found);
    }
    let patience = if known(KEPT_MS).is_some() { patience } else { patience * UNKNOWN };
    let until = time::now() + patience;
    let turn = time::timeout_at(until, Arc::clone(&account.market.asking).lock_owned()).await;
    let outcome = match turn {
        // Who asked before may have asked for the same.
        Ok(turn) => match known(LOOKER_MS) {
            Some(found) => return Ok(found),
            None => look(context, user, wanted, turn, until).await,
        },
        Err(_) => Err(not_yet()),
    };
    match outcome {
        Ok((at, found)) => Ok((at, admitted(&found, filter))),
        Err(EngineError::Provider(error)) if error.class != ErrorClass::Auth => {
            known(KEPT_MS).ok_or_else(|| error.into())
        }
        Err(error) => Err(error),
    }
}

/// Searches in a task of its own, so that its result is kept whether or not it comes in time.
async fn look(
    context: &Context,
    user: &UserId,
    wanted: (OfferFilter, f64),
    turn: OwnedMutexGuard<()>,
    until: Instant,
) -> Result<Found, EngineError> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let (of, user) = (context.clone(), user.clone());
    context.spawn(async move {
        let market = &of.live.account(&user).market;
        let outcome = tokio::select! {
            biased;
            () = of.token.cancelled() => return,
            outcome = market.search(&of, &user, wanted, LOOKER_LEAVES) => outcome,
        };
        drop(turn);
        // Nobody listens any more where it took too long.
        drop(tell.send(outcome));
    });
    match time::timeout_at(until, told).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) | Err(_) => Err(not_yet()),
    }
}

fn not_yet() -> EngineError {
    EngineError::Provider(ProviderError {
        provider: Provider::Vast,
        operation: "search offers".into(),
        class: ErrorClass::RateLimited { after_ms: AGAIN_MS },
        message: "the market did not answer yet; it is being asked".into(),
        http_status: None,
        created: None,
    })
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
