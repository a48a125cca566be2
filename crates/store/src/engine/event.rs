//! Doorbells: something of a user's has changed, look again. The database is the truth; an event
//! carries no state.
//!
//! Numbers rise in the order of commits. Every process hands them to its pages in that order,
//! whoever appended them, so a page that has seen n has missed nothing before n.

use domain::id::UserId;
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tokio::sync::{Mutex, broadcast};
use tracing::instrument;

use crate::db::Db;
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

const WAITING: usize = 1024;
const BATCH: i64 = 500;

/// Something has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doorbell {
    /// Rises by one, over all users.
    pub seq: i64,
    /// Whose.
    pub user: UserId,
    /// What kind of thing, for example `failover`.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// When.
    pub at: Millis,
}

/// This process' own listeners, and how far they have been told.
#[derive(Debug)]
pub(crate) struct Chimes {
    told: Mutex<i64>,
    sender: broadcast::Sender<Doorbell>,
}

impl Chimes {
    pub(crate) fn new(told: i64) -> Self {
        Self { told: Mutex::new(told), sender: broadcast::channel(WAITING).0 }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Doorbell> {
        self.sender.subscribe()
    }
}

/// The newest number; 0 when there is no event.
pub(crate) async fn newest(db: &Db) -> Result<i64, StoreError> {
    query("SELECT next - 1 AS newest FROM counters WHERE name = 'events'")
        .fetch_one(&mut *db.read().await?)
        .await?
        .int("newest")
}

/// Holds the counter until the transaction ends, and says which number the next event gets. The last
/// lock that a transaction takes.
pub(crate) async fn hold(tx: &mut AnyConnection) -> Result<i64, StoreError> {
    query("UPDATE counters SET next = next WHERE name = 'events' RETURNING next")
        .fetch_one(tx)
        .await?
        .int("next")
}

/// Appends an event within a transaction; listeners are told by [`Events::catch_up`] after it.
pub(crate) async fn ring(
    tx: &mut AnyConnection,
    user: &UserId,
    kind: &str,
    id: &str,
    at: Millis,
) -> Result<i64, StoreError> {
    let seq = query(
        "UPDATE counters SET next = next + 1 WHERE name = 'events' RETURNING next - 1 AS seq",
    )
    .fetch_one(&mut *tx)
    .await?
    .int("seq")?;
    query("INSERT INTO events (seq, user_id, kind, ref_id, at) VALUES ($1, $2, $3, $4, $5)")
        .bind(seq)
        .bind(user.as_str())
        .bind(kind)
        .bind(id)
        .bind(at.0)
        .execute(tx)
        .await?;
    Ok(seq)
}

/// Passes one number over, within a transaction: nobody is told anything.
pub(crate) async fn pass(tx: &mut AnyConnection) -> Result<(), StoreError> {
    query("UPDATE counters SET next = next + 1 WHERE name = 'events'").execute(tx).await?;
    Ok(())
}

/// Doorbells for live pages.
#[derive(Debug)]
pub struct Events<'s> {
    store: &'s Store,
}

impl<'s> Events<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Appends an event, tells this process' listeners, and returns its number.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn append(
        &self,
        user: &UserId,
        kind: &str,
        id: &str,
        at: Millis,
    ) -> Result<i64, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let seq = ring(&mut tx, user, kind, id, at).await?;
        tx.commit().await?;
        self.catch_up().await?;
        Ok(seq)
    }

    /// Tells this process' listeners what they have not been told, in order. On a shared store call
    /// it every fraction of a second: it brings what other processes appended. Returns the newest
    /// number told. Of all users.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn catch_up(&self) -> Result<i64, StoreError> {
        let chimes = self.store.chimes();
        let mut told = chimes.told.lock().await;
        loop {
            let bells = self.all_after(*told, BATCH).await?;
            let Some(last) = bells.last().map(|bell| bell.seq) else {
                return Ok(*told);
            };
            for bell in bells {
                // Nobody listening is no error.
                let _ = chimes.sender.send(bell);
            }
            *told = last;
        }
    }

    /// As [`Events::catch_up`], after a change that stands whether listeners hear of it now or not.
    pub(crate) async fn spread(&self) {
        if let Err(error) = self.catch_up().await {
            tracing::debug!(%error, "events not told yet");
        }
    }

    /// A user's events after a number, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn after(
        &self,
        user: &UserId,
        seq: i64,
        limit: i64,
    ) -> Result<Vec<Doorbell>, StoreError> {
        let rows = query("SELECT seq, user_id, kind, ref_id, at FROM events WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
            .bind(user.as_str())
            .bind(seq)
            .bind(limit)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// Events of all users after a number, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn all_after(&self, seq: i64, limit: i64) -> Result<Vec<Doorbell>, StoreError> {
        let rows = query("SELECT seq, user_id, kind, ref_id, at FROM events WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(seq)
            .bind(limit)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// The newest number; 0 when there never was an event.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn newest(&self) -> Result<i64, StoreError> {
        newest(self.store.db()).await
    }

    /// Removes events older than a time, of all users. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, before: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM events WHERE at < $1")
            .bind(before.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }
}

pub(crate) fn read(row: &AnyRow) -> Result<Doorbell, StoreError> {
    Ok(Doorbell {
        seq: row.int("seq")?,
        user: UserId(row.text("user_id")?),
        kind: row.text("kind")?,
        id: row.text("ref_id")?,
        at: row.at("at")?,
    })
}
