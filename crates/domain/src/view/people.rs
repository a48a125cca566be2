//! Who has an account here, and the links that let somebody in.

use serde::{Deserialize, Serialize};

use super::Time;
use super::account::User;
use crate::access::AccountRole;

/// An account, as those who run the install see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// Identity.
    pub id: String,
    /// E-mail.
    pub email: String,
    /// User name.
    pub username: String,
    /// What it may do beyond what is its own.
    pub role: AccountRole,
    /// When it was made.
    pub created_at: Time,
}

/// `GET /accounts`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accounts {
    /// Oldest first.
    pub accounts: Vec<Account>,
    /// How many.
    pub count: usize,
}

crate::text_enum! {
    /// What became of an invitation.
    pub enum InvitationState ("invitation state") {
        /// It opens.
        Open = "open",
        /// An account came of it.
        Accepted = "accepted",
        /// It was taken back.
        Revoked = "revoked",
        /// Its time is over.
        Expired = "expired",
    }
}

/// An invitation, without its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// For revoking it.
    pub id: String,
    /// Whom it is for, as whoever made it wrote.
    pub note: Option<String>,
    /// What became of it.
    pub state: InvitationState,
    /// User name of whoever made it; none: the command line.
    pub made_by: Option<String>,
    /// User name of the account that came of it.
    pub accepted_by: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it ends by itself.
    pub expires_at: Time,
}

/// `GET /invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitations {
    /// Newest first.
    pub invitations: Vec<Invitation>,
    /// How many.
    pub count: usize,
}

/// `POST /invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewInvitation {
    /// Whom it is for, at most 64 characters; shown in the list and to nobody else.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub note: Option<String>,
    /// How many days it opens; 7 where nothing is said.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 30))]
    pub days: Option<i64>,
}

/// A link just made. The only answer that ever holds it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeLink {
    /// Its id: an invitation can be revoked by it.
    pub id: String,
    /// What is given to whoever shall use it. The code stands behind the `#`, which no browser sends
    /// to a server and no log holds.
    pub link: String,
    /// The code alone, for `POST /auth/join` or `POST /auth/reset`.
    pub code: String,
    /// When it ends by itself.
    pub expires_at: Time,
}

impl std::fmt::Debug for MadeLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeLink").field("id", &self.id).finish_non_exhaustive()
    }
}

/// `POST /auth/join`: makes the account that an invitation is for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinRequest {
    /// The link's code: what stands behind the `#`.
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub code: String,
    /// E-mail.
    #[cfg_attr(feature = "openapi", schema(max_length = 254))]
    pub email: String,
    /// User name, 2 to 32 of `a-z 0-9 . _ -`.
    #[cfg_attr(feature = "openapi", schema(min_length = 2, max_length = 32))]
    pub username: String,
    /// Password, at least 10 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 10, max_length = 1024))]
    pub password: String,
}

/// The answer to a joining.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Joined {
    /// Always true; a refusal is a problem document.
    pub success: bool,
    /// The account that was made; it logs in as every other.
    pub user: User,
}

/// `POST /auth/reset`: replaces a forgotten password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResetRequest {
    /// The link's code: what stands behind the `#`.
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub code: String,
    /// The password from now on, at least 10 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 10, max_length = 1024))]
    pub new_password: String,
}
