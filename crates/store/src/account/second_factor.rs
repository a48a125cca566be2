//! Second factors: a sealed secret that makes codes, and codes for the day when it is lost.

use domain::id::UserId;
use domain::time::Millis;
use secrecy::SecretString;
use sqlx::query;
use tracing::instrument;

use super::browser;
use super::user::end_logins;
use crate::db::{Tx, changed, lock_install, must_change, must_exist};
use crate::error::StoreError;
use crate::open::Store;
use crate::row::Read as _;
use crate::secret::vault::Place;

/// A second factor, without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactor {
    /// When it was begun to be set up; tells one that replaced another.
    pub created_at: Millis,
    /// Since when it is asked for; none while it is being set up.
    pub active_since: Option<Millis>,
    /// How many recovery codes were not used yet.
    pub codes_left: i64,
}

/// That an app has the secret.
#[derive(Debug, Clone, Copy)]
pub struct Proved<'a> {
    /// When the one that was proved was begun.
    pub created_at: Millis,
    /// The step of the code that proved it.
    pub step: i64,
    /// Hashes of new recovery codes.
    pub codes: &'a [String],
    /// The handle of the session or token that proved it; it goes on.
    pub keep: &'a str,
}

/// Second factors.
#[derive(Debug)]
pub struct SecondFactors<'s> {
    store: &'s Store,
}

impl<'s> SecondFactors<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// An account's second factor, also one that is being set up.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn get(&self, user: &UserId) -> Result<Option<SecondFactor>, StoreError> {
        let row = query("SELECT created_at, active_since, (SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL) AS codes_left FROM second_factors WHERE user_id = $1")
            .bind(user.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.map(|row| {
            Ok(SecondFactor {
                created_at: row.at("created_at")?,
                active_since: row.maybe_at("active_since")?,
                codes_left: row.int("codes_left")?,
            })
        })
        .transpose()
    }

    /// The secret itself; `None` when there is none.
    ///
    /// # Errors
    /// `Key` when it was sealed under a key that is not in the ring, or was changed.
    #[instrument(level = "debug", skip_all)]
    pub async fn secret(&self, user: &UserId) -> Result<Option<SecretString>, StoreError> {
        let row = query("SELECT secret FROM second_factors WHERE user_id = $1")
            .bind(user.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.map(|row| Ok(self.store.vault().open(&row.text("secret")?, &place(user))?)).transpose()
    }

    /// Begins to set one up, in place of one that was begun before.
    ///
    /// # Errors
    /// `Conflict` where one is active, `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn begin(
        &self,
        user: &UserId,
        secret: &SecretString,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        // Sealed under this lock, so that no rotation of keys comes between (see `rotate`).
        lock_install(&mut tx).await?;
        let sealed = self.store.vault().seal(secret, &place(user))?;
        let done = query(
            "INSERT INTO second_factors (user_id, secret, last_step, created_at) VALUES ($1, $2, 0, $3) \
             ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at \
             WHERE second_factors.active_since IS NULL",
        )
        .bind(user.as_str())
        .bind(sealed)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        if !changed(&done) {
            return Err(StoreError::Conflict("a second factor is on already"));
        }
        tx.commit().await?;
        Ok(())
    }

    /// Makes the one that was begun active. Every login but the one that proved it ends, and every
    /// browser is unknown again: the others were let in by the password alone.
    ///
    /// # Errors
    /// `Stale` where it is active already, or was begun anew.
    #[instrument(level = "debug", skip_all)]
    pub async fn activate(
        &self,
        user: &UserId,
        proved: &Proved<'_>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let done = query("UPDATE second_factors SET active_since = $4, last_step = $3 WHERE user_id = $1 AND created_at = $2 AND active_since IS NULL")
            .bind(user.as_str())
            .bind(proved.created_at.0)
            .bind(proved.step)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        must_change(&done, "second factor")?;
        put_codes(&mut tx, user, proved.codes).await?;
        end_logins(&mut tx, user, proved.keep, now).await?;
        browser::forget_all(&mut tx, user).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes the code of a step, once: neither it nor one of an older step is taken after that.
    /// Whether it was.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn take_step(&self, user: &UserId, step: i64) -> Result<bool, StoreError> {
        let done = query("UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2 AND active_since IS NOT NULL")
            .bind(user.as_str())
            .bind(step)
            .execute(self.store.db().write())
            .await?;
        Ok(changed(&done))
    }

    /// Takes the recovery code with this hash, once. Whether it was.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn take_code(
        &self,
        user: &UserId,
        hash: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let done = query("UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL AND EXISTS (SELECT 1 FROM second_factors WHERE user_id = $1 AND active_since IS NOT NULL)")
            .bind(user.as_str())
            .bind(hash)
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        Ok(changed(&done))
    }

    /// Puts other recovery codes in the place of those that there are.
    ///
    /// # Errors
    /// `NotFound` where no second factor is active.
    #[instrument(level = "debug", skip_all)]
    pub async fn replace_codes(&self, user: &UserId, codes: &[String]) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let held = query("UPDATE second_factors SET last_step = last_step WHERE user_id = $1 AND active_since IS NOT NULL")
            .bind(user.as_str())
            .execute(&mut *tx)
            .await?;
        must_exist(&held, "second factor")?;
        put_codes(&mut tx, user, codes).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes it with its codes, also while it is being set up.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn remove(&self, user: &UserId) -> Result<(), StoreError> {
        let done = query("DELETE FROM second_factors WHERE user_id = $1")
            .bind(user.as_str())
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "second factor")
    }
}

async fn put_codes(tx: &mut Tx, user: &UserId, codes: &[String]) -> Result<(), StoreError> {
    query("DELETE FROM recovery_codes WHERE user_id = $1")
        .bind(user.as_str())
        .execute(&mut **tx)
        .await?;
    for code in codes {
        query("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)")
            .bind(user.as_str())
            .bind(code)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Where the secret of an account stands.
pub(crate) fn place(user: &UserId) -> Place {
    Place::new("second_factors", "secret", &[user.as_str()])
}
