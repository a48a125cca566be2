//! Why a request was not done: one error for the whole server, told as a problem document.
//!
//! Says what happened and what to do next. Never carries a secret, a stack or the database's own
//! words; those are for the log.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use domain::policy::FieldError;
use domain::provider::{ErrorClass, Provider, ProviderError};
use domain::view::problem::{FieldProblem, Problem};
use engine::EngineError;
use store::StoreError;

/// A request that was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// The request can't be read.
    #[error("{0}")]
    Malformed(String),
    /// Nobody is logged in, or the token is not good.
    #[error("log in or send a valid API token")]
    Unauthorized,
    /// A login was refused. The same for an unknown account, a wrong password and too many tries of
    /// an account, since to tell them apart would tell of the account.
    #[error(
        "the user name or password is wrong, or the account was tried too often: then wait some minutes"
    )]
    WrongPassword,
    /// The password is right, and the account has a second factor besides.
    #[error("this account has a second factor: send its code, or a recovery code, as `code`")]
    CodeNeeded,
    /// A second factor's code is wrong or was used.
    #[error("the code is wrong, too old or used; wait for the next one")]
    WrongCode,
    /// Logged in, but not allowed from there.
    #[error("{message}")]
    Forbidden {
        /// Stable key.
        code: &'static str,
        /// In English.
        message: &'static str,
    },
    /// Asked under a name that is not this install's.
    #[error(
        "this install is not known under the name that was asked for; name it in DUMONT_PUBLIC_URL or DUMONT_ALLOWED_HOSTS, or use its address"
    )]
    UnknownHost,
    /// No such thing, or not this user's.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// It can't be done in the present state.
    #[error("{message}")]
    Conflict {
        /// Stable key.
        code: &'static str,
        /// In English.
        message: String,
    },
    /// Fields that can't be accepted.
    #[error("{}", fields_in_words(.0))]
    Invalid(Vec<FieldProblem>),
    /// A provider's credentials are missing or refused.
    #[error("{message}")]
    Credentials {
        /// Whose.
        provider: Provider,
        /// `missing` or `refused`.
        code: &'static str,
        /// What to do, in English.
        message: String,
    },
    /// Too many tries.
    #[error("too many attempts; try again in {after_s} s")]
    TooMany {
        /// Seconds to wait.
        after_s: u64,
    },
    /// What is asked for is being found out, and nothing is known yet.
    #[error("providers are being asked and nothing is known yet; ask again in {after_s} s")]
    Unknown {
        /// Seconds to wait.
        after_s: u64,
    },
    /// A provider failed or refused.
    #[error("{0}")]
    Provider(ProviderError),
    /// The database failed or refused.
    #[error("the database could not be used")]
    Store(Arc<StoreError>),
    /// An answer of the framework's: no such path, wrong method, too large.
    #[error("{0}")]
    Status(axum::http::StatusCode),
    /// Our own mistake; the text is for the log only.
    #[error("something went wrong in Dumont itself")]
    Internal(String),
}

fn fields_in_words(fields: &[FieldProblem]) -> String {
    let named: Vec<String> =
        fields.iter().map(|one| format!("{} {}", one.field, one.message)).collect();
    format!("some fields can't be accepted: {}", named.join("; "))
}

impl Fault {
    /// A conflict with a stable code.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code, message: message.into() }
    }

    /// One invalid field.
    pub fn field(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem {
            field: field.into(),
            code: code.into(),
            message: message.into(),
        }])
    }

    /// A name that is not taken.
    #[must_use]
    pub fn name(field: &str, error: domain::name::NameError) -> Self {
        Self::field(field, error.code(), error.to_string())
    }

    /// Credentials that were never given.
    #[must_use]
    pub fn missing(provider: Provider) -> Self {
        let what = if provider == Provider::Gcp {
            "no Google Cloud service account is stored; add one in Settings → APIs & Credentials (gcp_credentials)"
        } else {
            "no Vast.ai API key is stored; add one in Settings → APIs & Credentials (vast_api_key)"
        };
        Self::Credentials { provider, code: "missing", message: what.into() }
    }

    /// Credentials that the provider does not take, with its words.
    #[must_use]
    pub fn refused(error: &ProviderError) -> Self {
        let (name, field) = credential_of(error.provider);
        let message = format!(
            "{name} refused the credentials: {}; replace them in Settings → APIs & Credentials ({field})",
            error.message
        );
        Self::Credentials { provider: error.provider, code: "refused", message }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unauthorized | Self::WrongPassword | Self::CodeNeeded | Self::WrongCode => 401,
            Self::Forbidden { .. } => 403,
            Self::NotFound(_) => 404,
            Self::UnknownHost => 421,
            Self::Conflict { .. } => 409,
            Self::Invalid(_) => 422,
            Self::Credentials { .. } => 424,
            Self::TooMany { .. } | Self::Unknown { .. } => 429,
            Self::Provider(error) => provider_status(&error.class),
            Self::Store(error) => store_status(error),
            Self::Status(status) => status.as_u16(),
            Self::Internal(_) => 500,
        }
    }

    /// Stable key of the text.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Unauthorized => "unauthorized",
            Self::WrongPassword => "wrong_password",
            Self::CodeNeeded => "code_needed",
            Self::WrongCode => "wrong_code",
            Self::Forbidden { code, .. } | Self::Conflict { code, .. } => code,
            Self::NotFound(_) => "not_found",
            Self::UnknownHost => "unknown_host",
            Self::Invalid(_) => "invalid",
            Self::Credentials { provider: Provider::Gcp, code: "missing", .. } => {
                "gcp_credentials_missing"
            }
            Self::Credentials { provider: Provider::Gcp, .. } => "gcp_credentials_refused",
            Self::Credentials { code: "missing", .. } => "vast_api_key_missing",
            Self::Credentials { .. } => "vast_api_key_refused",
            Self::TooMany { .. } => "too_many",
            Self::Unknown { .. } => "not_known_yet",
            Self::Provider(error) => provider_code(&error.class),
            Self::Store(error) => store_code(error),
            Self::Status(status) => status_code(*status),
            Self::Internal(_) => "internal",
        }
    }

    /// How long to wait before trying again, seconds.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { after_s } | Self::Unknown { after_s } => Some(*after_s),
            Self::Provider(ProviderError {
                class: ErrorClass::RateLimited { after_ms }, ..
            }) => Some(u64::try_from(*after_ms).unwrap_or(0).div_ceil(1000).max(1)),
            _ => None,
        }
    }

    /// The problem document of this fault in one request.
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Problem {
        let detail = self.detail();
        Problem {
            kind: format!("/problems/{}", self.code().replace('_', "-")),
            title: self.title().to_owned(),
            status: self.status(),
            error: detail.clone(),
            detail,
            code: self.code().to_owned(),
            request_id: request_id.to_owned(),
            errors: self.fields(),
        }
    }

    fn fields(&self) -> Option<Vec<FieldProblem>> {
        match self {
            Self::Invalid(fields) => Some(fields.clone()),
            Self::Credentials { provider, code, message } => {
                let field = credential_of(*provider).1.to_owned();
                Some(vec![FieldProblem {
                    field,
                    code: (*code).to_owned(),
                    message: message.clone(),
                }])
            }
            _ => None,
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Store(error) => match &**error {
                StoreError::NotFound(what) => format!("{what} not found"),
                StoreError::Conflict(what) => (*what).to_owned(),
                StoreError::Stale { .. } => "it was changed meanwhile; load it again".to_owned(),
                StoreError::Unavailable(_) => "the database does not answer; whether it was done is not known, look before you repeat it".to_owned(),
                _ => "the database could not be used; the log of the server says why".to_owned(),
            },
            Self::Internal(_) => "something went wrong in Dumont itself; the log of the server has it under this request id".to_owned(),
            Self::Status(status) => status_words(*status).to_owned(),
            other => other.to_string(),
        }
    }

    fn title(&self) -> &'static str {
        match self.status() {
            400 => "The request can't be read",
            401 => "Not logged in",
            403 => "Not allowed",
            404 => "Not found",
            405 => "Wrong method",
            409 => "Not possible now",
            413 => "Too large",
            415 => "Wrong content type",
            421 => "Not this install's name",
            422 => "Not acceptable as it is",
            424 => "Provider credentials needed",
            429 => "Too often",
            502 => "A provider failed",
            503 => "Not available now",
            _ => "Not done",
        }
    }
}

fn credential_of(provider: Provider) -> (&'static str, &'static str) {
    match provider {
        Provider::Gcp => ("Google Cloud", "gcp_credentials"),
        Provider::Vast | Provider::Ssh => ("Vast.ai", "vast_api_key"),
    }
}

const fn provider_status(class: &ErrorClass) -> u16 {
    match class {
        ErrorClass::NotFound => 404,
        ErrorClass::Conflict | ErrorClass::Capacity | ErrorClass::Credit => 409,
        ErrorClass::Invalid => 422,
        ErrorClass::Auth | ErrorClass::Setup => 424,
        ErrorClass::RateLimited { .. } => 429,
        ErrorClass::Transient | ErrorClass::Unexpected => 502,
    }
}

const fn provider_code(class: &ErrorClass) -> &'static str {
    match class {
        ErrorClass::NotFound => "provider_not_found",
        ErrorClass::Conflict => "provider_conflict",
        ErrorClass::Capacity => "no_capacity",
        ErrorClass::Credit => "no_credit",
        ErrorClass::Invalid => "provider_invalid",
        ErrorClass::Auth => "provider_refused",
        ErrorClass::Setup => "provider_not_set_up",
        ErrorClass::RateLimited { .. } => "provider_rate_limited",
        ErrorClass::Transient => "provider_down",
        ErrorClass::Unexpected => "provider_unexpected",
    }
}

const fn store_status(error: &StoreError) -> u16 {
    match error {
        StoreError::NotFound(_) => 404,
        StoreError::Conflict(_) | StoreError::Stale { .. } => 409,
        StoreError::Unavailable(_) => 503,
        _ => 500,
    }
}

const fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotFound(_) => "not_found",
        StoreError::Conflict(_) => "conflict",
        StoreError::Stale { .. } => "stale",
        StoreError::Unavailable(_) => "database_down",
        _ => "internal",
    }
}

fn status_code(status: axum::http::StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "no_such_address",
        405 => "wrong_method",
        408 => "too_slow",
        413 => "too_large",
        415 => "wrong_content_type",
        400..=499 => "malformed",
        _ => "internal",
    }
}

fn status_words(status: axum::http::StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "there is nothing at this address; the API is described at /docs",
        405 => "this address does not take this method; the API is described at /docs",
        408 => "the request took too long to arrive",
        413 => "the request's body is too large",
        415 => "send JSON with Content-Type: application/json",
        400..=499 => "the request can't be read",
        _ => {
            "something went wrong in Dumont itself; the log of the server has it under this request id"
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<ProviderError> for Fault {
    fn from(error: ProviderError) -> Self {
        if error.class == ErrorClass::Auth && error.provider != Provider::Ssh {
            return Self::refused(&error);
        }
        Self::Provider(error)
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::NotFound(what) => Self::NotFound(what),
            EngineError::Conflict { code, message } => Self::Conflict { code, message },
            EngineError::Invalid(fields) => fields.into(),
            EngineError::Credentials { provider, code: "missing", .. } => Self::missing(provider),
            EngineError::Credentials { provider, code, message } => {
                Self::Credentials { provider, code, message }
            }
            EngineError::Provider(error) => error.into(),
            EngineError::Store(error) => error.into(),
        }
    }
}

impl From<Vec<FieldError>> for Fault {
    fn from(fields: Vec<FieldError>) -> Self {
        Self::Invalid(fields.into_iter().map(FieldProblem::from).collect())
    }
}

/// Only the status: the layer that knows the request's id writes the document.
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = axum::http::StatusCode::from_u16(self.status())
            .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(class: ErrorClass) -> Fault {
        ProviderError {
            provider: Provider::Vast,
            operation: "list instances".into(),
            class,
            message: "no".into(),
            http_status: None,
            created: None,
        }
        .into()
    }

    #[test]
    fn each_class_of_a_provider_has_its_status() {
        let table = [
            (ErrorClass::Transient, 502),
            (ErrorClass::Unexpected, 502),
            (ErrorClass::RateLimited { after_ms: 1_200 }, 429),
            (ErrorClass::Auth, 424),
            (ErrorClass::Setup, 424),
            (ErrorClass::Credit, 409),
            (ErrorClass::Capacity, 409),
            (ErrorClass::NotFound, 404),
            (ErrorClass::Invalid, 422),
        ];
        for (class, status) in table {
            assert_eq!(provider(class.clone()).status(), status, "{class:?}");
        }
        assert_eq!(provider(ErrorClass::RateLimited { after_ms: 1_200 }).retry_after(), Some(2));
    }

    #[test]
    fn a_missing_credential_is_named_with_its_field() {
        let problem = Fault::missing(Provider::Gcp).problem("r");
        assert_eq!((problem.status, problem.code.as_str()), (424, "gcp_credentials_missing"));
        assert_eq!(problem.errors.expect("a field")[0].field, "gcp_credentials");
        assert!(problem.detail.contains("Settings"), "{}", problem.detail);
        assert_eq!(problem.error, problem.detail);
    }

    #[test]
    fn our_own_mistakes_say_nothing_of_their_inside() {
        let problem = Fault::Internal("index 7 out of bounds in secret.rs".into()).problem("r");
        assert!(!problem.detail.contains("index"), "{}", problem.detail);
        assert_eq!(problem.status, 500);
    }
}
