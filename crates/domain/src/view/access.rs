//! What lets somebody into an account beside the password: browsers that it knows.

use serde::{Deserialize, Serialize};

use super::Time;

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
