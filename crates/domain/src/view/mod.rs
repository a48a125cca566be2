//! What leaves the server: the JSON of the HTTP contract and what the pages show.
//!
//! Used by the REST API and by the pages alike, so that a number has one shape and one meaning in
//! both. Nothing here can carry a secret, and nothing here decides anything: these are words, made
//! from stored rows by `report` and by the server's services. What is not known is `null`, never a
//! zero.

pub mod access;
pub mod account;
pub mod audit;
pub mod balance;
pub mod configure;
pub mod event;
pub mod failover;
pub mod gaps;
pub mod grant;
pub mod instance;
pub mod machine;
pub mod notification;
pub mod offer;
pub mod passkey;
pub mod people;
pub mod points;
mod port;
pub mod pricing;
pub mod problem;
pub mod readiness;
pub mod report;
pub mod settings;
pub mod standby;
mod time;

pub use self::port::Port;
pub use self::time::Time;

use serde::{Deserialize, Serialize};

/// The answer of an operation that only says that it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {
    /// Always true; a failure is a problem document.
    pub success: bool,
    /// What was done, in English.
    pub message: String,
}

impl Done {
    /// Says that something was done.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { success: true, message: message.into() }
    }
}

/// Reads a field that may be absent (leave as it is), `null` (remove) or a value (set).
pub(crate) fn present<'de, D, T>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Some)
}

/// Reads a field that may be absent (leave as it is) or a value (set), and never `null`.
pub(crate) fn given<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(from).map(Some)
}

/// Reads a part that may be absent or `null`, and never a list that is taken by position.
pub(crate) fn object<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let Some(fields) = Option::<serde_json::Map<String, serde_json::Value>>::deserialize(from)?
    else {
        return Ok(None);
    };
    serde_json::from_value(serde_json::Value::Object(fields))
        .map(Some)
        .map_err(serde::de::Error::custom)
}
