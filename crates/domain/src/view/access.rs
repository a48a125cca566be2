//! What lets somebody into an account beside the password: browsers that it knows, second factors.

use serde::{Deserialize, Serialize};

use super::Time;
use super::passkey::AssertionCredential;

/// A browser that has logged in before. It is never kept out by what strangers try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Browser {
    /// For forgetting it; not the cookie's value.
    pub id: String,
    /// Whether it is the one that asks.
    pub current: bool,
    /// When it became known.
    pub created_at: Time,
    /// When it last logged in.
    pub last_used_at: Time,
    /// What it calls itself.
    pub user_agent: Option<String>,
    /// Where its last login came from.
    pub ip: Option<String>,
}

/// `GET /auth/browsers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Browsers {
    /// Last used first.
    pub browsers: Vec<Browser>,
    /// How many.
    pub count: usize,
}

/// `GET /auth/second-factor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecondFactor {
    /// Whether it is asked for: a code, or a passkey.
    pub enabled: bool,
    /// Since when.
    pub since: Option<Time>,
    /// Since when codes of an app are taken.
    pub app_since: Option<Time>,
    /// How many passkeys there are.
    pub passkeys: i64,
    /// Whether one of them can be used at this address.
    pub passkey_here: bool,
    /// How many recovery codes were not used yet.
    pub recovery_codes_left: i64,
}

/// A second factor that is being set up. It is asked for once a code of it was sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSecondFactor {
    /// The secret, in base 32, to be typed into an app.
    pub secret: String,
    /// The same as an address that apps take (`otpauth://totp/…`), often as a QR code.
    pub uri: String,
}

/// `POST /auth/second-factor/activate`: proves that an app has the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Code {
    /// The six digits that the app shows.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub code: String,
}

/// Recovery codes. The only answer that ever holds them; each opens once, in place of a code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryCodes {
    /// Ten of them; none where the account has some already, which stay.
    pub recovery_codes: Vec<String>,
}

/// `POST /auth/second-factor/remove`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RemoveSecondFactor {
    /// The password.
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub password: String,
    /// A code of the second factor, or a recovery code.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub code: Option<String>,
    /// A passkey, in place of a code.
    #[serde(default)]
    pub passkey: Option<AssertionCredential>,
}
