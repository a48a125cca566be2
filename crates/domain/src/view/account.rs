//! Accounts: login, who one is, API tokens and sessions.

use serde::{Deserialize, Serialize};

use super::Time;
use super::passkey::AssertionCredential;
use crate::access::{AccountRole, Scope};

/// `POST /auth/login`. One of `username` and `email` names the account; either is looked up as both.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginRequest {
    /// User name or e-mail.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 254))]
    pub username: Option<String>,
    /// E-mail or user name.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 254))]
    pub email: Option<String>,
    /// The password.
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub password: String,
    /// The code of the second factor, or a recovery code, where the account has one.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub code: Option<String>,
}

impl std::fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginRequest")
            .field("username", &self.username)
            .field("email", &self.email)
            .field("password", &"[redacted]")
            .finish()
    }
}

/// The answer to a login.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginAnswer {
    /// Always true; a refusal is a problem document.
    pub success: bool,
    /// Who logged in.
    pub user: User,
    /// This login's one credential, for `Authorization: Bearer`: listed among the sessions, ended by
    /// a logout with it, shown once. No cookie is set.
    pub token: String,
}

/// An account as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// E-mail, lower case.
    pub email: String,
    /// User name, lower case.
    pub username: String,
    /// What it may do beyond what is its own.
    pub role: AccountRole,
    /// What the interface looks like for this account.
    pub settings: UserSettings,
}

/// Language and look of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserSettings {
    /// `pt-BR` or `en`; none: as the browser asks.
    pub locale: Option<String>,
    /// `light` or `dark`; none: as the system is set.
    pub theme: Option<String>,
}

/// `GET /auth/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// Always true; without a login the answer is a 401.
    pub authenticated: bool,
    /// Who asks.
    pub user: User,
}

/// `GET /auth/sdk/config`: what a client needs to begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SdkConfig {
    /// Where the API is.
    pub base_url: String,
    /// What this install offers.
    pub features: Features,
}

/// What this install offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Features {
    /// CPU standbys and failover.
    pub standby: bool,
    /// Failover drills.
    pub drills: bool,
    /// Events over SSE.
    pub events: bool,
    /// Snapshots to object storage.
    pub snapshots: bool,
    /// Whether a provider is not the real one.
    pub sandbox: bool,
}

/// `POST /auth/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewToken {
    /// What the token is for, 1 to 64 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    pub name: String,
    /// What it may be used for; `read` where nothing is said.
    #[serde(default)]
    pub scope: Scope,
    /// When it shall stop working; none: after 90 days.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// That it shall work until it is revoked.
    #[serde(default)]
    pub never_expires: bool,
}

/// An API token, without the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    /// For revoking it.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may be used for.
    pub scope: Scope,
    /// Its last four characters.
    pub last4: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Time>,
    /// When it stops working.
    pub expires_at: Option<Time>,
}

/// `GET /auth/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tokens {
    /// Newest first, without revoked ones.
    pub tokens: Vec<Token>,
    /// How many.
    pub count: usize,
}

/// A token just made. The only answer that ever holds `token`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    /// `dumont_sk_…`, shown once.
    pub token: String,
    /// Its row.
    pub info: Token,
}

crate::text_enum! {
    /// How a login was made.
    pub enum SessionKind ("session kind") {
        /// On the page, by a browser.
        Browser = "browser",
        /// Over the API, by a program.
        Api = "api",
    }
}

/// One login of this account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// For revoking it; not the cookie's value.
    pub id: String,
    /// How it was made.
    pub kind: SessionKind,
    /// Whether it is the one that asks.
    pub current: bool,
    /// When it began.
    pub created_at: Time,
    /// When it was last used.
    pub last_seen_at: Option<Time>,
    /// When it ends by itself.
    pub expires_at: Time,
    /// The browser or program, as it calls itself.
    pub user_agent: Option<String>,
    /// Where it came from.
    pub ip: Option<String>,
}

/// `GET /auth/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sessions {
    /// Newest first.
    pub sessions: Vec<Session>,
    /// How many.
    pub count: usize,
}

/// `POST /auth/confirm`: that the one who holds this credential is the account's owner.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confirm {
    /// The password.
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub password: String,
    /// The code of the second factor, or a recovery code, where the account has one.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub code: Option<String>,
    /// A passkey, in place of a code: what a browser made of the answer of `POST /auth/passkeys/challenge`.
    #[serde(default)]
    pub passkey: Option<AssertionCredential>,
}

/// The answer to a confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confirmed {
    /// Always true; a refusal is a problem document.
    pub success: bool,
    /// Until when tokens can be made and keys replaced without another one.
    pub until: Time,
}

/// `POST /auth/password`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePassword {
    /// The password until now.
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub current_password: String,
    /// The password from now on, at least 10 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 10, max_length = 1024))]
    pub new_password: String,
    /// The code of the second factor, or a recovery code, where the account has one.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub code: Option<String>,
    /// A passkey, in place of a code: what a browser made of the answer of `POST /auth/passkeys/challenge`.
    #[serde(default)]
    pub passkey: Option<AssertionCredential>,
}

/// `POST /setup`: the first account of an empty install.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetupRequest {
    /// What the server printed at its start, for whoever makes the first account.
    pub token: String,
    /// E-mail.
    pub email: String,
    /// User name, 2 to 32 of `a-z 0-9 . _ -`.
    pub username: String,
    /// Password, at least 10 characters.
    pub password: String,
}
