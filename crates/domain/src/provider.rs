//! What a provider's refusal or silence means, classified once and acted on everywhere.

use serde::{Deserialize, Serialize};

crate::text_enum! {
    /// Whose service an instance or an error belongs to.
    pub enum Provider ("provider") {
        /// Vast.ai, where GPUs are rented.
        Vast = "vast.ai",
        /// Google Compute Engine, where standbys run.
        Gcp = "gcp",
        /// A host of either, spoken to over SSH.
        Ssh = "ssh",
    }
}

/// What went wrong in a call to a provider, as far as an engine must tell apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum ErrorClass {
    /// Connection failed, 5xx, cut reply: the call may or may not have taken effect.
    Transient,
    /// Asked too often; nothing happened. Wait at least this long.
    RateLimited {
        /// Milliseconds to wait.
        after_ms: i64,
    },
    /// The thing is not there.
    NotFound,
    /// Another holds it, or it is in another state.
    Conflict,
    /// None to be had: offer gone, zone exhausted, quota.
    Capacity,
    /// Key or permission refused.
    Auth,
    /// Nothing was done, and something beside request and key has to be mended first: a policy of the
    /// organisation, a service that is not switched on, a clock. The message says what.
    Setup,
    /// The account can't pay.
    Credit,
    /// The request itself is wrong.
    Invalid,
    /// A reply that fits none of the above.
    Unexpected,
}

impl ErrorClass {
    /// Whether the provider clearly said that nothing was done. Anything else after a create is
    /// ambiguous and must be looked up.
    #[must_use]
    pub const fn is_clear_no(&self) -> bool {
        !matches!(self, Self::Transient | Self::Unexpected)
    }
}

/// A failed call to a provider, ready to be logged, stored and shown: no secret, no page of HTML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{provider} {operation}: {message}")]
pub struct ProviderError {
    /// Whose call.
    pub provider: Provider,
    /// Which call, for example `create instance`.
    pub operation: String,
    /// What it means.
    pub class: ErrorClass,
    /// The provider's own words, shortened, or what the connection said.
    pub message: String,
    /// The HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// An instance id that the refusal named all the same (Vast's `new_contract` beside an error).
    pub created: Option<i64>,
}
