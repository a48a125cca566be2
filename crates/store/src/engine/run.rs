//! When processes ran, so that what nobody saw is not told as seen.

use domain::time::Millis;
use sqlx::query;
use tracing::instrument;

use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

/// The times at which processes of this install ran.
#[derive(Debug)]
pub struct Runs<'s> {
    store: &'s Store,
}

impl<'s> Runs<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Notes that a process runs, from its first note on.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn note(&self, process: &str, now: Millis) -> Result<(), StoreError> {
        query("INSERT INTO runs (id, began_at, seen_at) VALUES ($1, $2, $2) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at")
            .bind(process)
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        Ok(())
    }

    /// From when until when processes ran, of those that ran after a time, by their beginning.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn after(&self, begin: Millis) -> Result<Vec<(Millis, Millis)>, StoreError> {
        let rows = query(
            "SELECT began_at, seen_at FROM runs WHERE seen_at > $1 ORDER BY began_at, seen_at",
        )
        .bind(begin.0)
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, |row| Ok((row.at("began_at")?, row.at("seen_at")?)))
    }

    /// Forgets those that ended before a time. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, before: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM runs WHERE seen_at < $1")
            .bind(before.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }
}
