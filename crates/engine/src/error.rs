//! Why an operation that a person asked for was not done.

use domain::policy::FieldError;
use domain::provider::{Provider, ProviderError};
use store::StoreError;

/// A refused or failed operation. Nothing was bought, changed or lost unless the message says so.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No such thing, or not this user's.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// It can't be done in the present state.
    #[error("{message}")]
    Conflict {
        /// Stable key of the text.
        code: &'static str,
        /// In English.
        message: String,
    },
    /// Fields that can't be accepted.
    #[error("{} invalid fields", .0.len())]
    Invalid(Vec<FieldError>),
    /// A provider's credentials are missing or refused.
    #[error("{message}")]
    Credentials {
        /// Whose.
        provider: Provider,
        /// `missing` or `refused`.
        code: &'static str,
        /// In English.
        message: String,
    },
    /// A provider failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineError {
    /// A conflict with a stable code.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code, message: message.into() }
    }

    /// One invalid field.
    pub fn field(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field, code, message: message.into() }])
    }
}
