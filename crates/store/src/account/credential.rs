//! Keys to the providers: sealed at rest, described by what may be shown of them, never listed.

use domain::id::UserId;
use domain::notification::{credentials_refused, refusal};
use domain::provider::Provider;
use domain::time::Millis;
use secrecy::SecretString;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::account::notification;
use crate::db::{changed, lock_install, must_exist};
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each, to_json};
use crate::secret::vault::Place;

domain::text_enum! {
    /// What a credential opens.
    pub enum CredentialKind ("credential kind") {
        /// Key of a Vast.ai account.
        VastApiKey = "vast_api_key",
        /// Service account of a GCP project, as its JSON file.
        GcpServiceAccount = "gcp_service_account",
        /// Private key with which this install reaches the user's hosts.
        SshKey = "ssh_key",
    }
}

impl CredentialKind {
    /// Whose it is.
    #[must_use]
    pub const fn provider(self) -> Provider {
        match self {
            Self::VastApiKey => Provider::Vast,
            Self::GcpServiceAccount => Provider::Gcp,
            Self::SshKey => Provider::Ssh,
        }
    }
}

domain::text_enum! {
    /// What the provider last said of a credential.
    pub enum CredentialStatus ("credential status") {
        /// It works.
        Ok = "ok",
        /// It was refused.
        Refused = "refused",
        /// It was never tried.
        Unchecked = "unchecked",
    }
}

/// A credential about to be kept.
#[derive(Debug, Clone)]
pub struct NewCredential<'a> {
    /// What it opens.
    pub kind: CredentialKind,
    /// Itself.
    pub secret: &'a SecretString,
    /// What may be shown of it: last characters, account, project, public key.
    pub hint: Value,
    /// What the provider said when it was tried.
    pub status: CredentialStatus,
    /// The provider's words, where it refused.
    pub status_word: Option<String>,
    /// When it was tried.
    pub checked_at: Option<Millis>,
}

/// What may be shown of a credential.
#[derive(Debug, Clone, PartialEq)]
pub struct Credential {
    /// What it opens.
    pub kind: CredentialKind,
    /// Last characters, account, project, public key.
    pub hint: Value,
    /// What the provider last said.
    pub status: CredentialStatus,
    /// In its words, where it refused.
    pub status_word: Option<String>,
    /// When it was last tried.
    pub checked_at: Option<Millis>,
    /// When it was put here.
    pub created_at: Millis,
}

macro_rules! columns {
    () => {
        "kind, hint, status, status_word, checked_at, created_at"
    };
}

/// Keys to the providers.
#[derive(Debug)]
pub struct Credentials<'s> {
    store: &'s Store,
}

impl<'s> Credentials<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Keeps a credential in place of the one of its kind.
    ///
    /// # Errors
    /// `NotFound` when there is no such user; `Key` when it can't be sealed.
    #[instrument(level = "debug", skip_all)]
    pub async fn put(
        &self,
        user: &UserId,
        new: &NewCredential<'_>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        // Sealed under this lock, so that no rotation of keys comes between (see `rotate`).
        lock_install(&mut tx).await?;
        let sealed = self.store.vault().seal(new.secret, &place(user, new.kind))?;
        query(
            "INSERT INTO credentials (user_id, kind, secret, hint, status, status_word, checked_at, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (user_id, kind) DO UPDATE SET secret = excluded.secret, \
             hint = excluded.hint, status = excluded.status, status_word = excluded.status_word, \
             checked_at = excluded.checked_at, created_at = excluded.created_at",
        )
        .bind(user.as_str())
        .bind(new.kind.as_str())
        .bind(sealed)
        .bind(to_json(&new.hint, "credentials.hint")?)
        .bind(new.status.as_str())
        .bind(new.status_word.as_deref())
        .bind(new.checked_at.map(|at| at.0))
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        // Others than those that were refused.
        notification::end(&mut tx, user, &refusal(new.kind.provider())).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The secret itself; `None` when there is none.
    ///
    /// # Errors
    /// `Key` when it was sealed under a key that is not in the ring, or was changed.
    #[instrument(level = "debug", skip_all)]
    pub async fn secret(
        &self,
        user: &UserId,
        kind: CredentialKind,
    ) -> Result<Option<SecretString>, StoreError> {
        let row = query("SELECT secret FROM credentials WHERE user_id = $1 AND kind = $2")
            .bind(user.as_str())
            .bind(kind.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.map(|row| {
            let sealed = row.text("secret")?;
            Ok(self.store.vault().open(&sealed, &place(user, kind))?)
        })
        .transpose()
    }

    /// What may be shown of a credential; `None` when there is none.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn describe(
        &self,
        user: &UserId,
        kind: CredentialKind,
    ) -> Result<Option<Credential>, StoreError> {
        Ok(self.list(user).await?.into_iter().find(|credential| credential.kind == kind))
    }

    /// What may be shown of each of a user's credentials.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(&self, user: &UserId) -> Result<Vec<Credential>, StoreError> {
        let rows = query(concat!(
            "SELECT ",
            columns!(),
            " FROM credentials WHERE user_id = $1 ORDER BY kind"
        ))
        .bind(user.as_str())
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// Records what the provider said of a credential.
    ///
    /// # Errors
    /// `NotFound` when there is none of this kind.
    #[instrument(level = "debug", skip_all)]
    pub async fn mark(
        &self,
        user: &UserId,
        kind: CredentialKind,
        status: CredentialStatus,
        word: Option<&str>,
        checked_at: Millis,
    ) -> Result<(), StoreError> {
        let done = query("UPDATE credentials SET status = $3, status_word = $4, checked_at = $5 WHERE user_id = $1 AND kind = $2")
            .bind(user.as_str())
            .bind(kind.as_str())
            .bind(status.as_str())
            .bind(word)
            .bind(checked_at.0)
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "credential")
    }

    /// Records that the provider takes a credential again. Whether that is a change.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn restore(
        &self,
        user: &UserId,
        kind: CredentialKind,
        at: Millis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let done = query("UPDATE credentials SET status = 'ok', status_word = NULL, checked_at = $3 WHERE user_id = $1 AND kind = $2 AND status = 'refused'")
            .bind(user.as_str())
            .bind(kind.as_str())
            .bind(at.0)
            .execute(&mut *tx)
            .await?;
        notification::end(&mut tx, user, &refusal(kind.provider())).await?;
        tx.commit().await?;
        Ok(changed(&done))
    }

    /// Records that the provider refuses a credential, and tells the user. Whether that is a change.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn refuse(
        &self,
        user: &UserId,
        kind: CredentialKind,
        word: &str,
        at: Millis,
        sandbox: bool,
    ) -> Result<bool, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let done = query("UPDATE credentials SET status = 'refused', status_word = $3, checked_at = $4 WHERE user_id = $1 AND kind = $2 AND status <> 'refused'")
            .bind(user.as_str())
            .bind(kind.as_str())
            .bind(word)
            .bind(at.0)
            .execute(&mut *tx)
            .await?;
        if !changed(&done) {
            return Ok(false);
        }
        let news = credentials_refused(user, kind.provider(), at, sandbox);
        let told = notification::tell(&mut tx, &news).await?;
        notification::commit(self.store, tx, told).await?;
        Ok(true)
    }

    /// Forgets a credential.
    ///
    /// # Errors
    /// `NotFound` when there is none of this kind.
    #[instrument(level = "debug", skip_all)]
    pub async fn delete(&self, user: &UserId, kind: CredentialKind) -> Result<(), StoreError> {
        let done = query("DELETE FROM credentials WHERE user_id = $1 AND kind = $2")
            .bind(user.as_str())
            .bind(kind.as_str())
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "credential")
    }

    /// Who has a credential of a kind. Of all users: for the pollers.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn holders(&self, kind: CredentialKind) -> Result<Vec<UserId>, StoreError> {
        let rows = query("SELECT user_id FROM credentials WHERE kind = $1 ORDER BY user_id")
            .bind(kind.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, |row| Ok(UserId(row.text("user_id")?)))
    }
}

fn place(user: &UserId, kind: CredentialKind) -> Place {
    Place::new("credentials", "secret", &[user.as_str(), kind.as_str()])
}

fn read(row: &AnyRow) -> Result<Credential, StoreError> {
    Ok(Credential {
        kind: row.word("kind")?,
        hint: row.json("hint")?,
        status: row.word("status")?,
        status_word: row.maybe_text("status_word")?,
        checked_at: row.maybe_at("checked_at")?,
        created_at: row.at("created_at")?,
    })
}
