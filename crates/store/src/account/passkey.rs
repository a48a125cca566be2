//! Passkeys, and what was given out for them to sign.

use domain::id::UserId;
use domain::time::Millis;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use super::browser;
use super::second_factor::{drop_codes_without_factor, hold, put_codes};
use super::user::end_logins;
use crate::db::{changed, must_exist};
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

/// How many passkeys an account may have.
pub const MOST: i64 = 20;

/// A passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// For naming and removing it.
    pub id: String,
    /// The name that it belongs to.
    pub rp_id: String,
    /// The identifier of its credential, in base64url.
    pub credential_id: String,
    /// Its public key as its authenticator wrote it, in base64url.
    pub public_key: String,
    /// How its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last used.
    pub last_used_at: Option<Millis>,
}

/// A passkey that was just made.
#[derive(Debug, Clone, Copy)]
pub struct NewPasskey<'a> {
    /// For naming and removing it.
    pub id: &'a str,
    /// The name that it belongs to.
    pub rp_id: &'a str,
    /// The identifier of its credential, in base64url.
    pub credential_id: &'a str,
    /// Its public key as its authenticator wrote it, in base64url.
    pub public_key: &'a str,
    /// How often it says to have been used.
    pub counter: u32,
    /// How its owner calls it.
    pub name: &'a str,
    /// Hashes of recovery codes, for the case that it is the first factor.
    pub codes: &'a [String],
    /// The handle of the session that made it; it goes on.
    pub keep: &'a str,
}

/// For whom and what a challenge was given out.
#[derive(Debug, Clone, Copy)]
pub struct ChallengeOf<'a> {
    /// The account.
    pub user: &'a UserId,
    /// The handle of the session.
    pub holder: &'a str,
    /// What for.
    pub purpose: &'a str,
}

/// Passkeys.
#[derive(Debug)]
pub struct Passkeys<'s> {
    store: &'s Store,
}

impl<'s> Passkeys<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// The passkeys of an account, the first one first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(&self, user: &UserId) -> Result<Vec<Passkey>, StoreError> {
        let rows = query("SELECT id, rp_id, credential_id, public_key, name, created_at, last_used_at FROM passkeys WHERE user_id = $1 ORDER BY created_at, id")
            .bind(user.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// Adds one. Where it is the account's first factor, the recovery codes are put in place, every other login
    /// ends and every browser is unknown again: the password alone let them in. Whether it was the first.
    ///
    /// # Errors
    /// `Conflict` where there are too many, or the credential is known already, of whatever account.
    #[instrument(level = "debug", skip_all)]
    pub async fn add(
        &self,
        user: &UserId,
        new: &NewPasskey<'_>,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let before = hold(&mut tx, user).await?;
        if before.passkeys >= MOST {
            return Err(StoreError::Conflict("there are too many passkeys"));
        }
        query("INSERT INTO passkeys (id, user_id, rp_id, credential_id, public_key, counter, name, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(new.id)
            .bind(user.as_str())
            .bind(new.rp_id)
            .bind(new.credential_id)
            .bind(new.public_key)
            .bind(i64::from(new.counter))
            .bind(new.name)
            .bind(now.0)
            .execute(&mut *tx)
            .await
            .map_err(|error| StoreError::on_unique(error, "this passkey is known already"))?;
        let first = !before.is_on();
        if first {
            put_codes(&mut tx, user, new.codes).await?;
            end_logins(&mut tx, user, new.keep, now).await?;
            browser::forget_all(&mut tx, user).await?;
        }
        tx.commit().await?;
        Ok(first)
    }

    /// Gives one another name.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn rename(&self, user: &UserId, id: &str, name: &str) -> Result<(), StoreError> {
        let done = query("UPDATE passkeys SET name = $3 WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(user.as_str())
            .bind(name)
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "passkey")
    }

    /// Removes one. The recovery codes go with the last factor.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn remove(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold(&mut tx, user).await?;
        let done = query("DELETE FROM passkeys WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(user.as_str())
            .execute(&mut *tx)
            .await?;
        must_exist(&done, "passkey")?;
        drop_codes_without_factor(&mut tx, user).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes that one was used, with what its counter shows now. False where the counter has not gone on: then
    /// there are two of it. One that does not count shows 0 always.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn used(
        &self,
        user: &UserId,
        id: &str,
        counter: u32,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let done = query("UPDATE passkeys SET counter = $3, last_used_at = $4 WHERE id = $1 AND user_id = $2 AND (counter < $3 OR (counter = 0 AND $3 = 0))")
            .bind(id)
            .bind(user.as_str())
            .bind(i64::from(counter))
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        Ok(changed(&done))
    }

    /// Keeps a challenge until it ends, in place of the one before it.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn give_out(
        &self,
        of: &ChallengeOf<'_>,
        challenge: &[u8],
        expires_at: Millis,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO passkey_challenges (user_id, holder, purpose, challenge_hash, expires_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (user_id, holder, purpose) DO UPDATE SET challenge_hash = excluded.challenge_hash, expires_at = excluded.expires_at",
        )
        .bind(of.user.as_str())
        .bind(of.holder)
        .bind(of.purpose)
        .bind(hash(challenge))
        .bind(expires_at.0)
        .execute(self.store.db().write())
        .await?;
        Ok(())
    }

    /// Takes a challenge, once. Whether it was given out to this session for this and has not ended.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn take(
        &self,
        of: &ChallengeOf<'_>,
        challenge: &[u8],
        now: Millis,
    ) -> Result<bool, StoreError> {
        let done = query("DELETE FROM passkey_challenges WHERE user_id = $1 AND holder = $2 AND purpose = $3 AND challenge_hash = $4 AND expires_at > $5")
            .bind(of.user.as_str())
            .bind(of.holder)
            .bind(of.purpose)
            .bind(hash(challenge))
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        Ok(changed(&done))
    }

    /// Removes challenges that have ended. Of all users. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, now: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM passkey_challenges WHERE expires_at <= $1")
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }
}

fn hash(challenge: &[u8]) -> String {
    Sha256::digest(challenge).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(row: &AnyRow) -> Result<Passkey, StoreError> {
    Ok(Passkey {
        id: row.text("id")?,
        rp_id: row.text("rp_id")?,
        credential_id: row.text("credential_id")?,
        public_key: row.text("public_key")?,
        name: row.text("name")?,
        created_at: row.at("created_at")?,
        last_used_at: row.maybe_at("last_used_at")?,
    })
}
