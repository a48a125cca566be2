//! Accounts. Passwords come and go as Argon2 hashes; they are neither made nor checked here.

use domain::access::AccountRole;
use domain::id::UserId;
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::account::notification::commit;
use crate::account::{browser, grant, link};
use crate::db::{lock_install, must_exist};
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

/// An account, without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// As it was typed; unique without regard to case.
    pub email: String,
    /// As it was typed; unique without regard to case.
    pub username: String,
    /// What it may do beyond what is its own.
    pub role: AccountRole,
    /// Language tag, where one was chosen.
    pub locale: Option<String>,
    /// Colour theme, where one was chosen.
    pub theme: Option<String>,
    /// When it was made.
    pub created_at: Millis,
}

/// An account about to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Identity.
    pub id: UserId,
    /// Address.
    pub email: String,
    /// Name; without `@`, so that it is never mistaken for an address.
    pub username: String,
    /// Argon2 hash in PHC form.
    pub password_hash: String,
}

/// How far what a user can see has come. It is another one after each request of theirs that may have
/// changed something, and after each doorbell of theirs, in whichever process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// Rises with their own requests.
    pub changes: i64,
    /// Their newest doorbell, or that of whoever shares machines with them; 0 when there is none.
    pub newest: i64,
}

/// What a login is checked against.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account.
    pub user: User,
    /// Argon2 hash in PHC form.
    pub password_hash: String,
}

macro_rules! columns {
    () => {
        "id, email, username, role, locale, theme, created_at"
    };
}

/// Accounts.
#[derive(Debug)]
pub struct Users<'s> {
    store: &'s Store,
}

impl<'s> Users<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Makes an account. The first one runs the install. With `first_only`, only while there is
    /// none (of two who set up an empty install at the same time, one gets it).
    ///
    /// # Errors
    /// `Conflict` with `email is taken`, `username is taken` or `an account exists`.
    #[instrument(level = "debug", skip_all)]
    pub async fn create(
        &self,
        new: &NewUser,
        first_only: bool,
        now: Millis,
    ) -> Result<User, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let made = insert(&mut tx, new, first_only, now).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// The account that someone who typed this name means: an address when it has an `@`, else a
    /// username. `None` when there is none.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn by_login(&self, name: &str) -> Result<Option<Login>, StoreError> {
        let by = if name.contains('@') {
            concat!("SELECT ", columns!(), ", password_hash FROM users WHERE email_key = $1")
        } else {
            concat!("SELECT ", columns!(), ", password_hash FROM users WHERE username_key = $1")
        };
        let row =
            query(by).bind(key(name)).fetch_optional(&mut *self.store.db().read().await?).await?;
        row.map(|row| Ok(Login { user: read(&row)?, password_hash: row.text("password_hash")? }))
            .transpose()
    }

    /// The account of a user.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn get(&self, user: &UserId) -> Result<User, StoreError> {
        Ok(self.login(user).await?.user)
    }

    /// The account of a user with what a changed password is checked against.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn login(&self, user: &UserId) -> Result<Login, StoreError> {
        let row = query(concat!("SELECT ", columns!(), ", password_hash FROM users WHERE id = $1"))
            .bind(user.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?
            .ok_or(StoreError::NotFound("user"))?;
        Ok(Login { user: read(&row)?, password_hash: row.text("password_hash")? })
    }

    /// The account of a user, and how far what they can see has come.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn seen(&self, user: &UserId) -> Result<(User, Stamp), StoreError> {
        let row = query(concat!(
            "SELECT ",
            columns!(),
            ", changes, (SELECT COALESCE(MAX(seq), 0) FROM events WHERE user_id = $1) AS newest, ",
            // Of whoever shares machines: what they tell of may be on this user's pages.
            "(SELECT COALESCE(MAX((SELECT MAX(seq) FROM events WHERE user_id = g.owner_id)), 0) ",
            "FROM grants g WHERE g.grantee_id = $1 AND g.accepted_at IS NOT NULL AND g.ended_at IS NULL) AS theirs ",
            "FROM users WHERE id = $1"
        ))
        .bind(user.as_str())
        .fetch_optional(&mut *self.store.db().read().await?)
        .await?
        .ok_or(StoreError::NotFound("user"))?;
        let newest = row.int("newest")?.max(row.int("theirs")?);
        Ok((read(&row)?, Stamp { changes: row.int("changes")?, newest }))
    }

    /// Notes that a request of a user's may have changed what they see. Nothing happens where the
    /// account is gone.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn changed(&self, user: &UserId) -> Result<(), StoreError> {
        query("UPDATE users SET changes = changes + 1 WHERE id = $1")
            .bind(user.as_str())
            .execute(self.store.db().write())
            .await?;
        Ok(())
    }

    /// Replaces the password's hash and, with it, ends every login but `keep` (the handle of a
    /// session or token; none: all of them): sessions, tokens of logins, and API tokens that another
    /// login or token made. What the command line made stays, and what was made before it was noted
    /// by whom. No browser is known to the account after that.
    ///
    /// # Errors
    /// `NotFound`; then nothing has ended.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_password(
        &self,
        user: &UserId,
        hash: &str,
        keep: Option<&str>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        replace_password(&mut tx, user, hash, keep, now).await?;
        commit(self.store, tx, true).await
    }

    /// Stores a choice of language; `None` follows the browser.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_locale(&self, user: &UserId, locale: Option<&str>) -> Result<(), StoreError> {
        let done = query("UPDATE users SET locale = $2 WHERE id = $1")
            .bind(user.as_str())
            .bind(locale)
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "user")
    }

    /// Stores a choice of theme; `None` follows the system.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_theme(&self, user: &UserId, theme: Option<&str>) -> Result<(), StoreError> {
        let done = query("UPDATE users SET theme = $2 WHERE id = $1")
            .bind(user.as_str())
            .bind(theme)
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "user")
    }

    /// How many accounts there are. Of all users.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn count(&self) -> Result<i64, StoreError> {
        query("SELECT COUNT(*) AS n FROM users")
            .fetch_one(&mut *self.store.db().read().await?)
            .await?
            .int("n")
    }

    /// Every account, oldest first. Of all users: for the engine and the command line.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn all(&self) -> Result<Vec<User>, StoreError> {
        let rows = query(concat!("SELECT ", columns!(), " FROM users ORDER BY created_at, id"))
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }
}

/// Makes an account; see [`Users::create`].
pub(crate) async fn insert(
    tx: &mut AnyConnection,
    new: &NewUser,
    first_only: bool,
    now: Millis,
) -> Result<User, StoreError> {
    let (email_key, username_key) = (key(&new.email), key(&new.username));
    lock_install(tx).await?;
    let accounts = query("SELECT COUNT(*) AS n FROM users").fetch_one(&mut *tx).await?.int("n")?;
    let role = if accounts == 0 { AccountRole::Administrator } else { AccountRole::Member };
    let taken = query("SELECT email_key, username_key FROM users WHERE email_key = $1 OR username_key = $2 OR $3 = 1")
        .bind(&email_key)
        .bind(&username_key)
        .bind(i64::from(first_only))
        .fetch_all(&mut *tx)
        .await?;
    if first_only && !taken.is_empty() {
        return Err(StoreError::Conflict("an account exists"));
    }
    if let Some(row) = taken.first() {
        return Err(StoreError::Conflict(if row.text("email_key")? == email_key {
            "email is taken"
        } else {
            "username is taken"
        }));
    }
    query("INSERT INTO users (id, email, email_key, username, username_key, password_hash, created_at, role) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(new.id.as_str())
        .bind(new.email.trim())
        .bind(&email_key)
        .bind(new.username.trim())
        .bind(&username_key)
        .bind(&new.password_hash)
        .bind(now.0)
        .bind(role.as_str())
        .execute(&mut *tx)
        .await?;
    Ok(User {
        id: new.id.clone(),
        email: new.email.trim().to_owned(),
        username: new.username.trim().to_owned(),
        role,
        locale: None,
        theme: None,
        created_at: now,
    })
}

/// Replaces a password and ends logins; see [`Users::set_password`]. Open reset links of the account
/// end as well.
pub(crate) async fn replace_password(
    tx: &mut AnyConnection,
    user: &UserId,
    hash: &str,
    keep: Option<&str>,
    now: Millis,
) -> Result<(), StoreError> {
    let keep = keep.unwrap_or_default();
    let done = query("UPDATE users SET password_hash = $2 WHERE id = $1")
        .bind(user.as_str())
        .bind(hash)
        .execute(&mut *tx)
        .await?;
    must_exist(&done, "user")?;
    end_logins(tx, user, keep, now).await?;
    query("UPDATE api_tokens SET revoked_at = $3 WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL AND made_by <> $2")
        .bind(user.as_str())
        .bind(keep)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    grant::end_given(tx, user, keep, now).await?;
    browser::forget_all(tx, user).await?;
    link::revoke_resets(tx, user, now).await?;
    Ok(())
}

/// Ends every login, of browsers and programs, but the one with the handle `keep`.
pub(crate) async fn end_logins(
    tx: &mut AnyConnection,
    user: &UserId,
    keep: &str,
    now: Millis,
) -> Result<(), StoreError> {
    query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
        .bind(user.as_str())
        .bind(keep)
        .execute(&mut *tx)
        .await?;
    query("UPDATE api_tokens SET revoked_at = $3 WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL AND kind = 'login'")
        .bind(user.as_str())
        .bind(keep)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// The account that a typed name means, as [`Users::by_login`] finds it, within a transaction.
pub(crate) async fn named(
    tx: &mut AnyConnection,
    name: &str,
) -> Result<Option<UserId>, StoreError> {
    let by = if name.contains('@') {
        "SELECT id FROM users WHERE email_key = $1"
    } else {
        "SELECT id FROM users WHERE username_key = $1"
    };
    let row = query(by).bind(key(name)).fetch_optional(tx).await?;
    row.map(|row| Ok(UserId(row.text("id")?))).transpose()
}

fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

fn read(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: UserId(row.text("id")?),
        email: row.text("email")?,
        username: row.text("username")?,
        role: row.word("role")?,
        locale: row.maybe_text("locale")?,
        theme: row.maybe_text("theme")?,
        created_at: row.at("created_at")?,
    })
}
