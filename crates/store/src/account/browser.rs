//! Browsers that an account has logged in with: known by a cookie that opens nothing, and by which a
//! login from there is told from a stranger's.
//!
//! The cookie's value is stored as a hash, and is another one after each login. Several accounts may
//! be known to one browser, under one value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::UserId;
use domain::time::Millis;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;
use uuid::Uuid;

use crate::db::{Tx, changed, must_exist};
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

const RANDOM_BYTES: usize = 32;
/// How many browsers are known to one account at most; the one used longest ago goes first.
const MOST: i64 = 20;

/// A browser, as its account sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// For forgetting it; not the cookie's value.
    pub id: String,
    /// Whose.
    pub user: UserId,
    /// What it calls itself.
    pub user_agent: Option<String>,
    /// Where its last login came from.
    pub ip: Option<String>,
    /// When it became known.
    pub created_at: Millis,
    /// When it last logged in.
    pub last_used_at: Millis,
}

/// A browser that has just logged in.
#[derive(Debug, Clone, Default)]
pub struct Visit<'a> {
    /// The value of its cookie until now.
    pub had: Option<&'a str>,
    /// What it calls itself.
    pub user_agent: Option<&'a str>,
    /// Where it is.
    pub ip: Option<String>,
}

/// Browsers that are known.
#[derive(Debug)]
pub struct Browsers<'s> {
    store: &'s Store,
}

impl<'s> Browsers<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// The rows of a cookie that someone presents, one for each account that it is known to. Of all
    /// users: the cookie itself says whose it is.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn find(&self, plain: &str, now: Millis) -> Result<Vec<Browser>, StoreError> {
        let rows = query("SELECT id, user_id, user_agent, ip, created_at, last_used_at FROM browsers WHERE token_hash = $1 AND expires_at > $2")
            .bind(hash(plain))
            .bind(now.0)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// Makes the browser of a login known to its account until `expires_at`, and returns the cookie's
    /// new value, for the only time; the old one is known to nobody after that.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn remember(
        &self,
        user: &UserId,
        visit: &Visit<'_>,
        expires_at: Millis,
        now: Millis,
    ) -> Result<SecretString, StoreError> {
        let random: [u8; RANDOM_BYTES] = rand::random();
        let plain = URL_SAFE_NO_PAD.encode(random);
        let new = hash(&plain);
        let mut tx = self.store.db().begin().await?;
        if let Some(had) = visit.had {
            query("UPDATE browsers SET token_hash = $2 WHERE token_hash = $1 AND expires_at > $3")
                .bind(hash(had))
                .bind(&new)
                .bind(now.0)
                .execute(&mut *tx)
                .await?;
        }
        let known = query("UPDATE browsers SET user_agent = $3, ip = $4, last_used_at = $5, expires_at = $6 WHERE token_hash = $1 AND user_id = $2")
            .bind(&new)
            .bind(user.as_str())
            .bind(visit.user_agent)
            .bind(visit.ip.as_deref())
            .bind(now.0)
            .bind(expires_at.0)
            .execute(&mut *tx)
            .await?;
        if !changed(&known) {
            query("INSERT INTO browsers (id, user_id, token_hash, user_agent, ip, created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $7)")
                .bind(Uuid::now_v7().to_string())
                .bind(user.as_str())
                .bind(&new)
                .bind(visit.user_agent)
                .bind(visit.ip.as_deref())
                .bind(now.0)
                .bind(expires_at.0)
                .execute(&mut *tx)
                .await?;
            keep_newest(&mut tx, user).await?;
        }
        tx.commit().await?;
        Ok(SecretString::from(plain))
    }

    /// The browsers that are known to an account, last used first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(&self, user: &UserId, now: Millis) -> Result<Vec<Browser>, StoreError> {
        let rows = query("SELECT id, user_id, user_agent, ip, created_at, last_used_at FROM browsers WHERE user_id = $1 AND expires_at > $2 ORDER BY last_used_at DESC, id DESC")
            .bind(user.as_str())
            .bind(now.0)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// Forgets one of them.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn forget(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        let done = query("DELETE FROM browsers WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(user.as_str())
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "browser")
    }

    /// Removes those that have not logged in for too long. Of all users. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn delete_expired(&self, now: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM browsers WHERE expires_at <= $1")
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }
}

/// Forgets every browser of an account, as part of a change of its password.
pub(crate) async fn forget_all(tx: &mut AnyConnection, user: &UserId) -> Result<(), StoreError> {
    query("DELETE FROM browsers WHERE user_id = $1").bind(user.as_str()).execute(tx).await?;
    Ok(())
}

async fn keep_newest(tx: &mut Tx, user: &UserId) -> Result<(), StoreError> {
    query("DELETE FROM browsers WHERE user_id = $1 AND id NOT IN (SELECT id FROM browsers WHERE user_id = $1 ORDER BY last_used_at DESC, id DESC LIMIT $2)")
        .bind(user.as_str())
        .bind(MOST)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn hash(plain: &str) -> String {
    Sha256::digest(plain.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(row: &AnyRow) -> Result<Browser, StoreError> {
    Ok(Browser {
        id: row.text("id")?,
        user: UserId(row.text("user_id")?),
        user_agent: row.maybe_text("user_agent")?,
        ip: row.maybe_text("ip")?,
        created_at: row.at("created_at")?,
        last_used_at: row.at("last_used_at")?,
    })
}
