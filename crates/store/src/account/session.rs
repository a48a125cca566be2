//! A user's logins: seen, and revoked one by one or all but this one.

use domain::id::UserId;
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::db::must_exist;
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

/// Key of the session's data that holds the user's id, once logged in.
pub const SESSION_USER: &str = "user";
/// Key of the session's data that holds the browser's name for itself.
pub const SESSION_USER_AGENT: &str = "user_agent";
/// Key of the session's data that holds the address of the last login.
pub const SESSION_IP: &str = "ip";
/// Key of the session's data that holds when its user last proved to know the password, ms.
pub const SESSION_CONFIRMED: &str = "confirmed";

const SEEN_EVERY_MS: i64 = 60_000;

/// A login, as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Handle for revoking (see [`crate::session_handle`]); not the cookie's value.
    pub id: String,
    /// When it began.
    pub created_at: Millis,
    /// When it was last used, to the minute.
    pub last_seen_at: Millis,
    /// When it ends by itself.
    pub expires_at: Millis,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// From where.
    pub ip: Option<String>,
}

/// Logins in browsers.
#[derive(Debug)]
pub struct Sessions<'s> {
    store: &'s Store,
}

impl<'s> Sessions<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// A user's logins that have not expired, last used first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(&self, user: &UserId, now: Millis) -> Result<Vec<SessionRow>, StoreError> {
        let rows = query("SELECT id, created_at, last_seen_at, expires_at, user_agent, ip FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY last_seen_at DESC, id")
            .bind(user.as_str())
            .bind(now.0)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// Notes that a session is in use; writes at most once a minute.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn touch(&self, user: &UserId, id: &str, now: Millis) -> Result<(), StoreError> {
        let old = query(
            "SELECT 1 AS old FROM sessions WHERE id = $1 AND user_id = $2 AND last_seen_at <= $3",
        )
        .bind(id)
        .bind(user.as_str())
        .bind(now.plus(-SEEN_EVERY_MS).0)
        .fetch_optional(&mut *self.store.db().read().await?)
        .await?;
        if old.is_some() {
            query("UPDATE sessions SET last_seen_at = $3 WHERE id = $1 AND user_id = $2 AND last_seen_at < $3")
                .bind(id)
                .bind(user.as_str())
                .bind(now.0)
                .execute(self.store.db().write())
                .await?;
        }
        Ok(())
    }

    /// Whether a login still opens anything.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn stands(&self, user: &UserId, id: &str, now: Millis) -> Result<bool, StoreError> {
        let found = query(
            "SELECT 1 AS one FROM sessions WHERE id = $1 AND user_id = $2 AND expires_at > $3",
        )
        .bind(id)
        .bind(user.as_str())
        .bind(now.0)
        .fetch_optional(&mut *self.store.db().read().await?)
        .await?;
        Ok(found.is_some())
    }

    /// Ends one of a user's logins.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn revoke(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        let done = query("DELETE FROM sessions WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(user.as_str())
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "session")
    }

    /// Removes what has expired. Of all users. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn delete_expired(&self, now: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        id: row.text("id")?,
        created_at: row.at("created_at")?,
        last_seen_at: row.at("last_seen_at")?,
        expires_at: row.at("expires_at")?,
        user_agent: row.maybe_text("user_agent")?,
        ip: row.maybe_text("ip")?,
    })
}
