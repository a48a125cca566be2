//! Second factors: a sealed secret that makes codes, and codes for the day when it is lost. Passkeys, which stand
//! beside it or in its place, are in [`super::passkey`].

use domain::id::UserId;
use domain::time::Millis;
use secrecy::SecretString;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use super::browser;
use super::user::end_logins;
use crate::db::{Tx, changed, lock_install, must_change, must_exist};
use crate::error::StoreError;
use crate::open::Store;
use crate::row::Read as _;
use crate::secret::vault::Place;

/// An app's secret, without the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactor {
    /// When it was begun to be set up; tells one that replaced another.
    pub created_at: Millis,
    /// Since when it is asked for; none while it is being set up.
    pub active_since: Option<Millis>,
}

/// All that is asked for beside an account's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Factors {
    /// Since when an app's codes are taken.
    pub app_since: Option<Millis>,
    /// How many passkeys there are.
    pub passkeys: i64,
    /// When the first of them was made.
    pub passkeys_since: Option<Millis>,
    /// How many recovery codes were not used yet.
    pub codes_left: i64,
}

impl Factors {
    /// Whether there is anything.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.app_since.is_some() || self.passkeys > 0
    }
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

    /// All that is asked for beside an account's password.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn of(&self, user: &UserId) -> Result<Factors, StoreError> {
        factors(&mut *self.store.db().read().await?, user).await
    }

    /// An app's secret, also one that is being set up.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn get(&self, user: &UserId) -> Result<Option<SecondFactor>, StoreError> {
        let row = query("SELECT created_at, active_since FROM second_factors WHERE user_id = $1")
            .bind(user.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.map(|row| {
            Ok(SecondFactor {
                created_at: row.at("created_at")?,
                active_since: row.maybe_at("active_since")?,
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
    /// browser is unknown again: the others were let in by the password alone. The recovery codes are put in
    /// place where it is the first factor; whether they were.
    ///
    /// # Errors
    /// `Stale` where it is active already, or was begun anew.
    #[instrument(level = "debug", skip_all)]
    pub async fn activate(
        &self,
        user: &UserId,
        proved: &Proved<'_>,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let first = !hold(&mut tx, user).await?.is_on();
        let done = query("UPDATE second_factors SET active_since = $4, last_step = $3 WHERE user_id = $1 AND created_at = $2 AND active_since IS NULL")
            .bind(user.as_str())
            .bind(proved.created_at.0)
            .bind(proved.step)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        must_change(&done, "second factor")?;
        if first {
            put_codes(&mut tx, user, proved.codes).await?;
        }
        end_logins(&mut tx, user, proved.keep, now).await?;
        browser::forget_all(&mut tx, user).await?;
        tx.commit().await?;
        Ok(first)
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
        let done = query("UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL AND (EXISTS (SELECT 1 FROM second_factors WHERE user_id = $1 AND active_since IS NOT NULL) OR EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1))")
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
        if !hold(&mut tx, user).await?.is_on() {
            return Err(StoreError::NotFound("second factor"));
        }
        put_codes(&mut tx, user, codes).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes an app's secret, also while it is being set up. The recovery codes go with the last factor.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn remove(&self, user: &UserId) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold(&mut tx, user).await?;
        let done = query("DELETE FROM second_factors WHERE user_id = $1")
            .bind(user.as_str())
            .execute(&mut *tx)
            .await?;
        must_exist(&done, "second factor")?;
        drop_codes_without_factor(&mut tx, user).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes all that is asked for beside an account's password.
    ///
    /// # Errors
    /// `NotFound` where there is nothing.
    #[instrument(level = "debug", skip_all)]
    pub async fn remove_all(&self, user: &UserId) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold(&mut tx, user).await?;
        let apps = query("DELETE FROM second_factors WHERE user_id = $1")
            .bind(user.as_str())
            .execute(&mut *tx)
            .await?;
        let passkeys = query("DELETE FROM passkeys WHERE user_id = $1")
            .bind(user.as_str())
            .execute(&mut *tx)
            .await?;
        if !changed(&apps) && !changed(&passkeys) {
            return Err(StoreError::NotFound("second factor"));
        }
        drop_codes_without_factor(&mut tx, user).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What there is, while nothing of it changes until the transaction ends.
///
/// # Errors
/// `NotFound` when there is no such user.
pub(super) async fn hold(tx: &mut Tx, user: &UserId) -> Result<Factors, StoreError> {
    let held = query("UPDATE users SET id = id WHERE id = $1")
        .bind(user.as_str())
        .execute(&mut **tx)
        .await?;
    must_exist(&held, "user")?;
    factors(tx, user).await
}

async fn factors(connection: &mut AnyConnection, user: &UserId) -> Result<Factors, StoreError> {
    let row = query(
        "SELECT (SELECT active_since FROM second_factors WHERE user_id = $1) AS app_since, \
         (SELECT COUNT(*) FROM passkeys WHERE user_id = $1) AS passkeys, \
         (SELECT MIN(created_at) FROM passkeys WHERE user_id = $1) AS passkeys_since, \
         (SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL) AS codes_left",
    )
    .bind(user.as_str())
    .fetch_one(connection)
    .await?;
    Ok(Factors {
        app_since: row.maybe_at("app_since")?,
        passkeys: row.int("passkeys")?,
        passkeys_since: row.maybe_at("passkeys_since")?,
        codes_left: row.int("codes_left")?,
    })
}

/// Removes the recovery codes of an account that has nothing left that they stand in for.
pub(super) async fn drop_codes_without_factor(
    tx: &mut Tx,
    user: &UserId,
) -> Result<(), StoreError> {
    if factors(tx, user).await?.is_on() {
        return Ok(());
    }
    query("DELETE FROM recovery_codes WHERE user_id = $1")
        .bind(user.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn put_codes(
    tx: &mut Tx,
    user: &UserId,
    codes: &[String],
) -> Result<(), StoreError> {
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
