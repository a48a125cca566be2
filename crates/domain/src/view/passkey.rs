//! Passkeys as the API and browsers have them (W3C Web Authentication, level 3): options as
//! `PublicKeyCredential.parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` take them, and what
//! `toJSON` makes of a credential. Bytes are in base64url.

use serde::{Deserialize, Serialize};

use super::Time;

/// A passkey of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Passkey {
    /// For naming and removing it.
    pub id: String,
    /// How its owner calls it.
    pub name: String,
    /// The name of the site that it belongs to; it opens nothing under another one.
    pub site: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was last used.
    pub last_used_at: Option<Time>,
}

/// `GET /auth/passkeys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Passkeys {
    /// The first one first.
    pub passkeys: Vec<Passkey>,
    /// How many.
    pub count: usize,
    /// The name of the site that passkeys are made for here; absent where none can be: a passkey belongs to
    /// the public address, or to `localhost` where there is none, and to no IP address.
    pub site: Option<String>,
    /// The address of the pages that make and use them.
    pub origin: Option<String>,
}

/// What a passkey is used for. A challenge is good for this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PasskeyUse {
    /// The confirmation that it is the account's owner.
    Confirm,
    /// Another password.
    ChangePassword,
    /// Removing a passkey or the app's codes.
    RemoveFactor,
}

impl PasskeyUse {
    /// Its one spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::ChangePassword => "change_password",
            Self::RemoveFactor => "remove_factor",
        }
    }
}

/// `POST /auth/passkeys/challenge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasskeyChallenge {
    /// What the passkey is to be used for.
    pub purpose: PasskeyUse,
}

/// A credential by its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CredentialDescriptor {
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The identifier.
    pub id: String,
}

/// What a passkey is to be made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RelyingPartyEntity {
    /// The name that it shall belong to.
    pub id: String,
    /// What the browser calls it.
    pub name: String,
}

/// Whom it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserEntity {
    /// What stands for the account.
    pub id: String,
    /// Its e-mail address.
    pub name: String,
    /// Its user name.
    pub display_name: String,
}

/// A kind of key that is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CredentialParameters {
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its COSE number.
    pub alg: i64,
}

/// Which authenticators may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthenticatorSelection {
    /// `discouraged`: which account it is, is known before it is used.
    pub resident_key: String,
    /// `discouraged`: the password is asked for beside it.
    pub user_verification: String,
}

/// `POST /auth/passkeys/begin`: what the browser needs to make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreationOptions {
    /// To be signed; good once, for this session.
    pub challenge: String,
    /// What it is for.
    pub rp: RelyingPartyEntity,
    /// Whom it is for.
    pub user: UserEntity,
    /// The kinds of keys that are taken, the most wanted first.
    pub pub_key_cred_params: Vec<CredentialParameters>,
    /// Those that the account has.
    pub exclude_credentials: Vec<CredentialDescriptor>,
    /// Which authenticators may be used.
    pub authenticator_selection: AuthenticatorSelection,
    /// `none`.
    pub attestation: String,
    /// How long it may take, ms.
    pub timeout: i64,
}

/// What the browser needs to use one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestOptions {
    /// To be signed; good once, for this session and this use.
    pub challenge: String,
    /// The name that it belongs to.
    pub rp_id: String,
    /// Those that the account has here.
    pub allow_credentials: Vec<CredentialDescriptor>,
    /// `discouraged`: the password is asked for beside it.
    pub user_verification: String,
    /// How long it may take, ms.
    pub timeout: i64,
}

/// What a browser tells of a passkey that was made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttestationResponse {
    /// What the browser was asked, as it understood it.
    #[serde(rename = "clientDataJSON")]
    #[cfg_attr(feature = "openapi", schema(max_length = 8192))]
    pub client_data_json: String,
    /// What the authenticator made.
    #[cfg_attr(feature = "openapi", schema(max_length = 16384))]
    pub attestation_object: String,
}

/// A passkey that was made. What else a browser tells of it is passed over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistrationCredential {
    /// Its identifier.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub id: String,
    /// The same again.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub raw_id: String,
    /// `public-key`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(max_length = 32))]
    pub kind: String,
    /// What was made.
    pub response: AttestationResponse,
}

/// `POST /auth/passkeys`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewPasskey {
    /// How to call it.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub name: String,
    /// The passkey.
    pub credential: RegistrationCredential,
}

/// The answer to a new passkey. The only one that ever holds the recovery codes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddedPasskey {
    /// For naming and removing it.
    pub id: String,
    /// Ten recovery codes where it is the account's first second factor, else none: those that there are stay.
    pub recovery_codes: Vec<String>,
}

/// What a browser tells of a passkey that was used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssertionResponse {
    /// What the browser was asked, as it understood it.
    #[serde(rename = "clientDataJSON")]
    #[cfg_attr(feature = "openapi", schema(max_length = 8192))]
    pub client_data_json: String,
    /// What the authenticator says.
    #[cfg_attr(feature = "openapi", schema(max_length = 16384))]
    pub authenticator_data: String,
    /// Its signature.
    #[cfg_attr(feature = "openapi", schema(max_length = 1024))]
    pub signature: String,
    /// Whom the authenticator holds it for, where it tells that.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub user_handle: Option<String>,
}

/// A passkey that was used. What else a browser tells of it is passed over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssertionCredential {
    /// Its identifier.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub id: String,
    /// The same again.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub raw_id: String,
    /// `public-key`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(max_length = 32))]
    pub kind: String,
    /// What was signed.
    pub response: AssertionResponse,
}

/// `PUT /auth/passkeys/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenamePasskey {
    /// How to call it.
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub name: String,
}
