//! Who works on what: a named lease with a fencing token, one holder at a time.
//!
//! The token grows whenever a lease begins anew, so that work begun under an older one can be told
//! apart. Leases are of the install, not of a user.

use std::collections::{HashMap, HashSet};

use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::db::changed;
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

/// A lease, live or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is on.
    pub name: String,
    /// Who has or last had it.
    pub holder: String,
    /// Grows with each beginning.
    pub token: i64,
    /// Until when.
    pub expires_at: Millis,
}

/// Who works on what.
#[derive(Debug)]
pub struct Leases<'s> {
    store: &'s Store,
}

impl<'s> Leases<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Takes a lease that nobody holds, or that has run out, or prolongs one's own. Returns its
    /// token: the same for one's own live lease, else a larger one than ever before. `None` while
    /// another holds it.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn acquire(
        &self,
        name: &str,
        holder: &str,
        ttl_ms: i64,
        now: Millis,
    ) -> Result<Option<i64>, StoreError> {
        let row = query(
            "INSERT INTO leases (name, holder, token, expires_at) VALUES ($1, $2, 1, $4) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, \
             expires_at = excluded.expires_at, \
             token = CASE WHEN leases.expires_at > $3 THEN leases.token ELSE leases.token + 1 END \
             WHERE leases.holder = excluded.holder OR leases.expires_at <= $3 RETURNING token",
        )
        .bind(name)
        .bind(holder)
        .bind(now.0)
        .bind(now.plus(ttl_ms).0)
        .fetch_optional(self.store.db().write())
        .await?;
        row.map(|row| row.int("token")).transpose()
    }

    /// Prolongs every live lease of a holder at once. Returns their tokens by name; what has run out is
    /// not among them, whether or not somebody took it.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn renew_all(
        &self,
        holder: &str,
        ttl_ms: i64,
        now: Millis,
    ) -> Result<HashMap<String, i64>, StoreError> {
        let rows = query(
            "UPDATE leases SET expires_at = $3 WHERE holder = $1 AND expires_at > $2 \
             RETURNING name, token",
        )
        .bind(holder)
        .bind(now.0)
        .bind(now.plus(ttl_ms).0)
        .fetch_all(self.store.db().write())
        .await?;
        rows.iter().map(|row| Ok((row.text("name")?, row.int("token")?))).collect()
    }

    /// Names of the live leases of others.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn of_others(
        &self,
        holder: &str,
        now: Millis,
    ) -> Result<HashSet<String>, StoreError> {
        let rows = query("SELECT name FROM leases WHERE holder <> $1 AND expires_at > $2")
            .bind(holder)
            .bind(now.0)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        rows.iter().map(|row| row.text("name")).collect()
    }

    /// Gives a lease back. Returns whether it was still held under this token.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn release(&self, name: &str, holder: &str, token: i64) -> Result<bool, StoreError> {
        let done = query("UPDATE leases SET expires_at = 0 WHERE name = $1 AND holder = $2 AND token = $3 AND expires_at > 0")
            .bind(name)
            .bind(holder)
            .bind(token)
            .execute(self.store.db().write())
            .await?;
        Ok(changed(&done))
    }

    /// Gives back every lease of a holder, at its shutdown. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn release_all(&self, holder: &str) -> Result<u64, StoreError> {
        let done = query("UPDATE leases SET expires_at = 0 WHERE holder = $1 AND expires_at > 0")
            .bind(holder)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }

    /// Whether nobody has taken or released the lease since this token was given.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn check(&self, name: &str, token: i64) -> Result<bool, StoreError> {
        let row =
            query("SELECT token FROM leases WHERE name = $1 AND token = $2 AND expires_at > 0")
                .bind(name)
                .bind(token)
                .fetch_optional(&mut *self.store.db().read().await?)
                .await?;
        Ok(row.is_some())
    }

    /// Every lease there ever was, by name.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(&self) -> Result<Vec<Lease>, StoreError> {
        let rows = query("SELECT name, holder, token, expires_at FROM leases ORDER BY name")
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }
}

fn read(row: &AnyRow) -> Result<Lease, StoreError> {
    Ok(Lease {
        name: row.text("name")?,
        holder: row.text("holder")?,
        token: row.int("token")?,
        expires_at: row.at("expires_at")?,
    })
}
