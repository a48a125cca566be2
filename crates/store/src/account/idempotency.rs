//! Answers that are given again instead of doing again what was asked for.

use domain::id::UserId;
use domain::time::Millis;
use sqlx::query;
use tracing::instrument;

use crate::error::StoreError;
use crate::open::Store;
use crate::row::Read as _;

/// Most keys that an account can have at a time.
const MOST: i64 = 1_000;

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is the caller's: what was asked for is done now, once.
    New,
    /// It was used for another request.
    Other,
    /// The same request goes on, or was broken off with its process.
    Open,
    /// The same request was answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// The body.
        answer: String,
    },
    /// The account has too many keys.
    TooMany,
}

/// Keys that requests are known by.
#[derive(Debug)]
pub struct IdempotencyKeys<'s> {
    store: &'s Store,
}

impl<'s> IdempotencyKeys<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Takes a key for a request with this digest. Of several at the same time one gets `New`. A key
    /// from before `since` is forgotten first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn claim(
        &self,
        user: &UserId,
        key: &str,
        digest: &str,
        since: Millis,
        now: Millis,
    ) -> Result<Claim, StoreError> {
        let mut tx = self.store.db().begin().await?;
        query("DELETE FROM idempotency_keys WHERE user_id = $1 AND created_at < $2")
            .bind(user.as_str())
            .bind(since.0)
            .execute(&mut *tx)
            .await?;
        let taken = query(
            "INSERT INTO idempotency_keys (user_id, key, digest, created_at) \
             SELECT $1, $2, $3, $4 \
             WHERE (SELECT COUNT(*) FROM idempotency_keys WHERE user_id = $1) < $5 \
             ON CONFLICT (user_id, key) DO NOTHING",
        )
        .bind(user.as_str())
        .bind(key)
        .bind(digest)
        .bind(now.0)
        .bind(MOST)
        .execute(&mut *tx)
        .await?;
        let row = query(
            "SELECT digest, status, answer FROM idempotency_keys WHERE user_id = $1 AND key = $2",
        )
        .bind(user.as_str())
        .bind(key)
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        if taken.rows_affected() > 0 {
            return Ok(Claim::New);
        }
        let Some(row) = row else { return Ok(Claim::TooMany) };
        if row.text("digest")? != digest {
            return Ok(Claim::Other);
        }
        let status = row.maybe_int("status")?.and_then(|status| u16::try_from(status).ok());
        Ok(match (status, row.maybe_text("answer")?) {
            (Some(status), Some(answer)) => Claim::Answered { status, answer },
            _ => Claim::Open,
        })
    }

    /// Keeps the answer to a claimed request.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn answer(
        &self,
        user: &UserId,
        key: &str,
        status: u16,
        answer: &str,
    ) -> Result<(), StoreError> {
        query(
            "UPDATE idempotency_keys SET status = $3, answer = $4 \
             WHERE user_id = $1 AND key = $2 AND status IS NULL",
        )
        .bind(user.as_str())
        .bind(key)
        .bind(i64::from(status))
        .bind(answer)
        .execute(self.store.db().write())
        .await?;
        Ok(())
    }

    /// Gives a claimed key back, where nothing was done.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn release(&self, user: &UserId, key: &str) -> Result<(), StoreError> {
        query("DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND status IS NULL")
            .bind(user.as_str())
            .bind(key)
            .execute(self.store.db().write())
            .await?;
        Ok(())
    }

    /// Forgets the keys of all users from before `since`: for housekeeping.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, since: Millis) -> Result<(), StoreError> {
        query("DELETE FROM idempotency_keys WHERE created_at < $1")
            .bind(since.0)
            .execute(self.store.db().write())
            .await?;
        Ok(())
    }
}
