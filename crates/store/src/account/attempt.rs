//! How often something may be tried, counted in the database, so that every process that shares it
//! counts as one.
//!
//! A count is one number, the time until which the tries so far are remembered; each try moves it on
//! by one interval. A count that has come to rest is the same as none, so that the table holds those
//! of the last minutes alone.

use domain::time::Millis;
use sqlx::query;
use tracing::instrument;

use crate::db::{Tx, changed};
use crate::error::StoreError;
use crate::open::Store;
use crate::row::Read as _;

/// What is counted together, and how often it may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// What is counted together.
    pub name: String,
    /// How often at once.
    pub burst: i64,
    /// After how long once more, ms.
    pub every_ms: i64,
}

/// Whether a try is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is, and is counted.
    Through,
    /// It is not, and nothing was counted; after so many ms it would be.
    Wait(i64),
}

/// Counts of tries.
#[derive(Debug)]
pub struct Attempts<'s> {
    store: &'s Store,
}

impl<'s> Attempts<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Counts a try in all of these buckets, or in none of them where one is full.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn take(&self, buckets: &[Bucket], now: Millis) -> Result<Verdict, StoreError> {
        let mut tx = self.store.db().begin().await?;
        for bucket in buckets {
            if !count(&mut tx, bucket, now).await? {
                let wait = wait(&mut tx, bucket, now).await?;
                tx.rollback().await?;
                return Ok(Verdict::Wait(wait));
            }
        }
        tx.commit().await?;
        Ok(Verdict::Through)
    }

    /// Takes one try back.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn give_back(&self, bucket: &Bucket) -> Result<(), StoreError> {
        query("UPDATE attempts SET busy_until = busy_until - $2 WHERE bucket = $1")
            .bind(&bucket.name)
            .bind(bucket.every_ms)
            .execute(self.store.db().write())
            .await?;
        Ok(())
    }

    /// Forgets what was tried.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn forget(&self, name: &str) -> Result<(), StoreError> {
        query("DELETE FROM attempts WHERE bucket = $1")
            .bind(name)
            .execute(self.store.db().write())
            .await?;
        Ok(())
    }

    /// Removes the counts that are at rest. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, now: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM attempts WHERE busy_until <= $1")
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }

    /// How many counts there are.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn count(&self) -> Result<i64, StoreError> {
        query("SELECT COUNT(*) AS n FROM attempts")
            .fetch_one(&mut *self.store.db().read().await?)
            .await?
            .int("n")
    }
}

/// One statement, so that of two at the same time the second sees the first.
async fn count(tx: &mut Tx, bucket: &Bucket, now: Millis) -> Result<bool, StoreError> {
    let room = bucket.every_ms.saturating_mul(bucket.burst.saturating_sub(1));
    let full = bucket.every_ms.saturating_mul(bucket.burst);
    // What lies further ahead than a full bucket was counted by a clock that has been set back.
    let done = query(
        "INSERT INTO attempts (bucket, busy_until) VALUES ($1, $2) \
         ON CONFLICT (bucket) DO UPDATE SET busy_until = CASE \
         WHEN attempts.busy_until <= $3 OR attempts.busy_until > $4 THEN $2 \
         ELSE attempts.busy_until + $5 END \
         WHERE attempts.busy_until <= $6 OR attempts.busy_until > $4",
    )
    .bind(&bucket.name)
    .bind(now.plus(bucket.every_ms).0)
    .bind(now.0)
    .bind(now.plus(full).0)
    .bind(bucket.every_ms)
    .bind(now.plus(room).0)
    .execute(&mut **tx)
    .await?;
    Ok(changed(&done))
}

async fn wait(tx: &mut Tx, bucket: &Bucket, now: Millis) -> Result<i64, StoreError> {
    let room = bucket.every_ms.saturating_mul(bucket.burst.saturating_sub(1));
    let row = query("SELECT busy_until FROM attempts WHERE bucket = $1")
        .bind(&bucket.name)
        .fetch_optional(&mut **tx)
        .await?;
    let busy_until = row.map(|row| row.at("busy_until")).transpose()?;
    Ok(busy_until.map_or(1, |until| until.since(now).saturating_sub(room).max(1)))
}
