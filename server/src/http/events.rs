//! The stream of doorbells for live pages.
//!
//! Each event says that something changed and nothing of what; a page then asks for it. One that
//! was away names the last event it saw and gets what it missed. Ends when the server is asked to
//! stop, so that no open page holds it up, and when the credential that it was opened with no longer
//! opens anything.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use domain::id::UserId;
use domain::view::event::Event as Bell;
use futures::stream::{self, Stream, StreamExt as _};
use store::{Doorbell, GRANT_DOORBELL};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Interval;
use tokio_util::sync::CancellationToken;

use super::identity::Identity;
use super::streams::Open;
use crate::service::auth::ACCESS_DOORBELL;
use crate::service::whose;
use crate::{Dumont, Fault};

const MISSED: i64 = 500;
const ALIVE: Duration = Duration::from_secs(15);
/// How often a stream looks whether its credential still stands: one that expires rings no bell.
const LOOK: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_millis(500);

/// The number of the last event that the page saw.
#[must_use]
pub fn last_seen(headers: &HeaderMap) -> Option<i64> {
    headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok()
}

/// The doorbells of whoever asks from now on, after those missed since `seen`.
///
/// # Errors
/// The database, and too many streams of the account.
pub async fn stream(
    dumont: &Dumont,
    who: &Identity,
    seen: Option<i64>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Fault> {
    let place = dumont.kept.streams.open(&who.user)?;
    // Listening begins before looking back, so that nothing falls between the two.
    let bells = dumont.store.doorbells();
    let seen = match seen {
        Some(seen) => seen,
        None => dumont.store.events().newest().await?,
    };
    let mut watch = Watch {
        dumont: dumont.clone(),
        who: who.clone(),
        told: seen,
        bells,
        look: tokio::time::interval(LOOK),
        soft: dumont.soft.clone(),
        owners: HashSet::new(),
        _place: place,
    };
    watch.read_owners().await?;
    let missed = watch.missed(seen).await?;
    let begun = stream::iter([Ok(Event::default().comment("listening").retry(RETRY))]);
    let events = stream::unfold((watch, missed), |(mut watch, waiting)| async move {
        let batch = if waiting.is_empty() { watch.next().await? } else { waiting };
        let batch: Vec<Doorbell> = batch.into_iter().filter(|bell| bell.seq > watch.told).collect();
        watch.told = batch.last().map_or(watch.told, |bell| bell.seq);
        Some((stream::iter(batch.into_iter().map(|bell| Ok(event(bell)))), (watch, Vec::new())))
    });
    Ok(Sse::new(begun.chain(events.flatten())).keep_alive(KeepAlive::new().interval(ALIVE)))
}

struct Watch {
    dumont: Dumont,
    who: Identity,
    told: i64,
    bells: Receiver<Doorbell>,
    look: Interval,
    soft: CancellationToken,
    /// Accounts that share machines with this one.
    owners: HashSet<UserId>,
    _place: Open,
}

impl Watch {
    /// The next doorbells of this user; `None` when the stream is to end.
    async fn next(&mut self) -> Option<Vec<Doorbell>> {
        loop {
            let heard = tokio::select! {
                () = self.soft.cancelled() => return None,
                _ = self.look.tick() => {
                    if self.stands().await && self.read_owners().await.is_ok() { continue } else { return None }
                }
                heard = self.bells.recv() => heard,
            };
            match heard {
                Ok(bell) if bell.user == self.who.user => {
                    if bell.kind == GRANT_DOORBELL && self.read_owners().await.is_err() {
                        return None;
                    }
                    if bell.kind == ACCESS_DOORBELL && !self.stands().await {
                        return None;
                    }
                    return Some(vec![bell]);
                }
                // Another account's: told where a grant reaches what it tells of, at this moment.
                Ok(bell) if self.owners.contains(&bell.user) => {
                    let now = self.dumont.now();
                    match self.dumont.store.grants().hears(&self.who.user, &bell, now).await {
                        Ok(true) => return Some(vec![bell]),
                        Ok(false) => {}
                        Err(_) => return None,
                    }
                }
                Ok(_) => {}
                // Too slow: the database still has what was dropped here.
                Err(RecvError::Lagged(_)) => {
                    // One of these may have told of a grant.
                    if !self.stands().await || self.read_owners().await.is_err() {
                        return None;
                    }
                    return self.missed(self.told).await.ok();
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Watch {
    /// Reads anew who shares something: a doorbell tells when that changes.
    async fn read_owners(&mut self) -> Result<(), Fault> {
        let grants = whose::standing(&self.dumont, &self.who.user).await?;
        self.owners = grants.into_iter().map(|grant| grant.owner).collect();
        Ok(())
    }

    /// What was rung after a number for whoever listens, in order. Where there is more than is read at
    /// once, the rest is left out: a page that hears of anything asks for all of it.
    async fn missed(&self, after: i64) -> Result<Vec<Doorbell>, Fault> {
        let (store, user) = (&self.dumont.store, &self.who.user);
        let mut missed = store.events().after(user, after, MISSED).await?;
        if !self.owners.is_empty() {
            let now = self.dumont.now();
            missed.extend(store.grants().bells_after(user, after, now, MISSED).await?);
            missed.sort_by_key(|bell| bell.seq);
        }
        Ok(missed)
    }

    /// Whether the credential still opens anything; a database that does not answer ends the stream.
    async fn stands(&self) -> bool {
        self.who.stands(&self.dumont).await.unwrap_or(false)
    }
}

fn event(bell: Doorbell) -> Event {
    let told = Bell { seq: bell.seq, kind: bell.kind, id: bell.id };
    let event = Event::default().id(bell.seq.to_string());
    // Three plain fields always fit; should they not, the page asks on the bare doorbell.
    event.json_data(told).unwrap_or_else(|_| Event::default().data("{}"))
}
