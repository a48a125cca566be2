//! Links that let somebody in: invitations, which make an account, and reset links, which replace a
//! password. Each opens once, for a while. Its code is shown once and stored as a hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::UserId;
use domain::time::Millis;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use super::notification::commit;
use super::user::{self, NewUser, User};
use crate::db::{lock_install, must_change, must_exist};
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

const RANDOM_BYTES: usize = 32;
/// Most invitations of an install that are open at a time.
const MOST_OPEN: i64 = 100;

domain::text_enum! {
    /// What a link is for.
    pub enum LinkKind ("link kind") {
        /// Makes an account.
        Invitation = "invitation",
        /// Replaces a password.
        PasswordReset = "password_reset",
    }
}

/// A link about to be made.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Identity of its row.
    pub id: String,
    /// What it is for.
    pub kind: LinkKind,
    /// Whom an invitation is for, in words.
    pub note: Option<String>,
    /// Whoever makes it; none: the command line.
    pub made_by: Option<UserId>,
    /// Whose password a reset link replaces.
    pub user: Option<UserId>,
    /// When it ends by itself.
    pub expires_at: Millis,
}

/// A link, without its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Identity of the row.
    pub id: String,
    /// What it is for.
    pub kind: LinkKind,
    /// Whom an invitation is for, in words.
    pub note: Option<String>,
    /// User name of whoever made it; none: the command line.
    pub made_by: Option<String>,
    /// Whose password it replaces, or the account that came of it.
    pub user: Option<UserId>,
    /// That account's user name.
    pub username: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When it ends by itself.
    pub expires_at: Millis,
    /// When it was used.
    pub used_at: Option<Millis>,
    /// When it was taken back.
    pub revoked_at: Option<Millis>,
}

macro_rules! select {
    () => {
        "SELECT l.id, l.kind, l.note, m.username AS made_by, l.user_id, u.username, l.created_at, l.expires_at, l.used_at, l.revoked_at FROM access_links l LEFT JOIN users m ON m.id = l.made_by LEFT JOIN users u ON u.id = l.user_id "
    };
}

/// Links that let somebody in. They belong to the install: whoever calls this for a request has made
/// sure that it comes from someone who runs it, or has the code itself.
#[derive(Debug)]
pub struct AccessLinks<'s> {
    store: &'s Store,
}

impl<'s> AccessLinks<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Makes a link and returns its code, for the only time: 43 characters that are safe in addresses.
    /// A reset link ends those of the same account that were open.
    ///
    /// # Errors
    /// `Conflict` where as many invitations are open as there may be.
    #[instrument(level = "debug", skip_all)]
    pub async fn create(&self, new: &NewLink, now: Millis) -> Result<SecretString, StoreError> {
        let random: [u8; RANDOM_BYTES] = rand::random();
        let code = URL_SAFE_NO_PAD.encode(random);
        let mut tx = self.store.db().begin().await?;
        lock_install(&mut tx).await?;
        match &new.user {
            Some(user) => revoke_resets(&mut tx, user, now).await?,
            None => {
                let open = query("SELECT COUNT(*) AS n FROM access_links WHERE kind = 'invitation' AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $1")
                    .bind(now.0)
                    .fetch_one(&mut *tx)
                    .await?
                    .int("n")?;
                if open >= MOST_OPEN {
                    return Err(StoreError::Conflict("too many invitations are open"));
                }
            }
        }
        query("INSERT INTO access_links (id, kind, code_hash, note, made_by, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(&new.id)
            .bind(new.kind.as_str())
            .bind(hash(&code))
            .bind(new.note.as_deref())
            .bind(new.made_by.as_ref().map(UserId::as_str))
            .bind(new.user.as_ref().map(UserId::as_str))
            .bind(now.0)
            .bind(new.expires_at.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(SecretString::from(code))
    }

    /// The link of a code that still opens; `None` when it is unknown, of another kind, used, revoked
    /// or over. Of all users: whoever has the code may know what it is for.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn open(
        &self,
        kind: LinkKind,
        code: &str,
        now: Millis,
    ) -> Result<Option<Link>, StoreError> {
        let row = query(concat!(select!(), "WHERE l.code_hash = $1 AND l.kind = $2 AND l.used_at IS NULL AND l.revoked_at IS NULL AND l.expires_at > $3"))
            .bind(hash(code))
            .bind(kind.as_str())
            .bind(now.0)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Makes the account of an invitation; the link is used by that, and by nothing that is refused.
    ///
    /// # Errors
    /// `Stale` when the link does not open (any more); as [`crate::Users::create`].
    #[instrument(level = "debug", skip_all)]
    pub async fn accept(&self, code: &str, new: &NewUser, now: Millis) -> Result<User, StoreError> {
        let mut tx = self.store.db().begin().await?;
        lock_install(&mut tx).await?;
        // The link first: without it nobody learns which names are taken.
        let done = query("UPDATE access_links SET used_at = $2 WHERE code_hash = $1 AND kind = 'invitation' AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2")
            .bind(hash(code))
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        must_change(&done, "link")?;
        let user = user::insert(&mut tx, new, false, now).await?;
        query("UPDATE access_links SET user_id = $2 WHERE code_hash = $1")
            .bind(hash(code))
            .bind(user.id.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Replaces the password of a reset link's account and ends every login of it, as a change of the
    /// password from nowhere would.
    ///
    /// # Errors
    /// `Stale` when the link does not open (any more).
    #[instrument(level = "debug", skip_all)]
    pub async fn reset(
        &self,
        code: &str,
        password_hash: &str,
        now: Millis,
    ) -> Result<UserId, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let row = query("UPDATE access_links SET used_at = $2 WHERE code_hash = $1 AND kind = 'password_reset' AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2 RETURNING user_id")
            .bind(hash(code))
            .bind(now.0)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(StoreError::stale("link"))?;
        let user = UserId(row.text("user_id")?);
        user::replace_password(&mut tx, &user, password_hash, None, now).await?;
        commit(self.store, tx, true).await?;
        Ok(user)
    }

    /// Invitations, newest first, at most so many. Of all users.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn invitations(&self, limit: i64) -> Result<Vec<Link>, StoreError> {
        let rows = query(concat!(
            select!(),
            "WHERE l.kind = 'invitation' ORDER BY l.created_at DESC, l.id DESC LIMIT $1"
        ))
        .bind(limit)
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// Takes an invitation back. Of all users.
    ///
    /// # Errors
    /// `NotFound` where it does not open (any more).
    #[instrument(level = "debug", skip_all)]
    pub async fn revoke_invitation(&self, id: &str, now: Millis) -> Result<(), StoreError> {
        let done = query("UPDATE access_links SET revoked_at = $2 WHERE id = $1 AND kind = 'invitation' AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2")
            .bind(id)
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "invitation")
    }

    /// Removes what was made before `before` and opens nothing. Of all users. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, before: Millis) -> Result<u64, StoreError> {
        let done =
            query("DELETE FROM access_links WHERE created_at < $1 AND (expires_at < $1 OR used_at IS NOT NULL OR revoked_at IS NOT NULL)")
                .bind(before.0)
                .execute(self.store.db().write())
                .await?;
        Ok(done.rows_affected())
    }
}

/// Ends the open reset links of an account.
pub(crate) async fn revoke_resets(
    tx: &mut AnyConnection,
    user: &UserId,
    now: Millis,
) -> Result<(), StoreError> {
    query("UPDATE access_links SET revoked_at = $2 WHERE user_id = $1 AND kind = 'password_reset' AND used_at IS NULL AND revoked_at IS NULL")
        .bind(user.as_str())
        .bind(now.0)
        .execute(tx)
        .await?;
    Ok(())
}

fn hash(code: &str) -> String {
    let digest = Sha256::digest(code.trim().as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

fn read(row: &AnyRow) -> Result<Link, StoreError> {
    Ok(Link {
        id: row.text("id")?,
        kind: row.word("kind")?,
        note: row.maybe_text("note")?,
        made_by: row.maybe_text("made_by")?,
        user: row.maybe_text("user_id")?.map(UserId),
        username: row.maybe_text("username")?,
        created_at: row.at("created_at")?,
        expires_at: row.at("expires_at")?,
        used_at: row.maybe_at("used_at")?,
        revoked_at: row.maybe_at("revoked_at")?,
    })
}
