//! Tokens for programs: shown once, stored as a hash, revocable.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::Scope;
use domain::id::{TokenId, UserId};
use domain::time::Millis;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::db::must_exist;
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

const PREFIX: &str = "dumont_sk_";
const RANDOM_BYTES: usize = 32;
const USED_EVERY_MS: i64 = 60_000;

domain::text_enum! {
    /// What a token was made for.
    pub enum TokenKind ("token kind") {
        /// Made by hand, named, until it is revoked.
        Api = "api",
        /// Made by a login over the API: that login's one credential.
        Login = "login",
    }
}

/// A token about to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Identity of its row.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it is for.
    pub kind: TokenKind,
    /// What it may be used for.
    pub scope: Scope,
    /// When it ends by itself, if ever.
    pub expires_at: Option<Millis>,
    /// Handle of the session or token that asked for it; `None` for the command line.
    pub made_by: Option<String>,
    /// Where a login came from.
    pub ip: Option<String>,
    /// When its holder proved to know the password.
    pub confirmed_at: Option<Millis>,
}

/// A token, without itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Identity of the row.
    pub id: TokenId,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it is for.
    pub kind: TokenKind,
    /// What it may be used for.
    pub scope: Scope,
    /// Handle of the session or token that asked for it, where one did.
    pub made_by: Option<String>,
    /// Where a login came from.
    pub ip: Option<String>,
    /// When its holder last proved to know the password.
    pub confirmed_at: Option<Millis>,
    /// Its last four characters.
    pub last4: String,
    /// When it ends by itself, if ever.
    pub expires_at: Option<Millis>,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Millis>,
    /// When it was revoked.
    pub revoked_at: Option<Millis>,
}

macro_rules! columns {
    () => {
        "id, user_id, name, kind, scope, made_by, ip, confirmed_at, last4, expires_at, created_at, last_used_at, revoked_at"
    };
}

/// Tokens for programs.
#[derive(Debug)]
pub struct Tokens<'s> {
    store: &'s Store,
}

impl<'s> Tokens<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Makes a token and returns it, for the only time: `dumont_sk_` and 43 characters that are safe
    /// in addresses.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn create(
        &self,
        user: &UserId,
        new: &NewToken,
        now: Millis,
    ) -> Result<SecretString, StoreError> {
        let random: [u8; RANDOM_BYTES] = rand::random();
        let plain = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        let last4: String = plain.chars().skip(plain.len() - 4).collect();
        query("INSERT INTO api_tokens (id, user_id, name, kind, token_hash, last4, expires_at, created_at, scope, made_by, ip, confirmed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
            .bind(new.id.as_str())
            .bind(user.as_str())
            .bind(&new.name)
            .bind(new.kind.as_str())
            .bind(hash(&plain))
            .bind(&last4)
            .bind(new.expires_at.map(|at| at.0))
            .bind(now.0)
            .bind(new.scope.as_str())
            .bind(new.made_by.as_deref())
            .bind(new.ip.as_deref())
            .bind(new.confirmed_at.map(|at| at.0))
            .execute(self.store.db().write())
            .await?;
        Ok(SecretString::from(plain))
    }

    /// The row of a token that someone presents; `None` when it is unknown, expired or revoked.
    /// Notes the use at most once a minute. Of all users: the token itself says whose it is.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn find(&self, plain: &str, now: Millis) -> Result<Option<Token>, StoreError> {
        if !plain.starts_with(PREFIX) {
            return Ok(None);
        }
        let row = query(concat!(
            "SELECT ",
            columns!(),
            " FROM api_tokens WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"
        ))
        .bind(hash(plain))
        .bind(now.0)
        .fetch_optional(&mut *self.store.db().read().await?)
        .await?;
        let Some(mut token) = row.as_ref().map(read).transpose()? else {
            return Ok(None);
        };
        if token.last_used_at.is_none_or(|at| now.since(at) >= USED_EVERY_MS) {
            query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1")
                .bind(token.id.as_str())
                .bind(now.0)
                .execute(self.store.db().write())
                .await?;
            token.last_used_at = Some(now);
        }
        Ok(Some(token))
    }

    /// A user's tokens that are not revoked, newest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(&self, user: &UserId) -> Result<Vec<Token>, StoreError> {
        let rows = query(concat!(
            "SELECT ",
            columns!(),
            " FROM api_tokens WHERE user_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id DESC"
        ))
        .bind(user.as_str())
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// Revokes one of a user's tokens.
    ///
    /// # Errors
    /// `NotFound`, also when it is revoked already.
    #[instrument(level = "debug", skip_all)]
    pub async fn revoke(&self, user: &UserId, id: &TokenId, now: Millis) -> Result<(), StoreError> {
        let done = query("UPDATE api_tokens SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "token")
    }

    /// Whether a token still opens anything.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn stands(
        &self,
        user: &UserId,
        id: &TokenId,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let found = query("SELECT 1 AS one FROM api_tokens WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(now.0)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        Ok(found.is_some())
    }

    /// Notes that a token's holder has just proved to know the password.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn confirm(
        &self,
        user: &UserId,
        id: &TokenId,
        now: Millis,
    ) -> Result<(), StoreError> {
        let done = query("UPDATE api_tokens SET confirmed_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        must_exist(&done, "token")
    }
}

fn hash(plain: &str) -> String {
    let digest = Sha256::digest(plain.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(row: &AnyRow) -> Result<Token, StoreError> {
    Ok(Token {
        id: TokenId(row.text("id")?),
        user: UserId(row.text("user_id")?),
        name: row.text("name")?,
        kind: row.word("kind")?,
        scope: row.word("scope")?,
        made_by: row.maybe_text("made_by")?,
        ip: row.maybe_text("ip")?,
        confirmed_at: row.maybe_at("confirmed_at")?,
        last4: row.text("last4")?,
        expires_at: row.maybe_at("expires_at")?,
        created_at: row.at("created_at")?,
        last_used_at: row.maybe_at("last_used_at")?,
        revoked_at: row.maybe_at("revoked_at")?,
    })
}
