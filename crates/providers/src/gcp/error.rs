//! What a refusal of Compute Engine means: of a call, and of an operation that ran and failed.
//!
//! Compute seldom fills the status word that Google's newer services use, so the HTTP status and the
//! reason inside the body decide.

use domain::provider::{ErrorClass, Provider, ProviderError};
use google_cloud_compute_v1::model::Operation;
use google_cloud_gax::error::Error;
use google_cloud_gax::error::rpc::StatusDetails;

use crate::message;

/// Compute's limits are counted by the minute, and refill with the next one.
const RATE_PAUSE_MS: i64 = 60_000;

/// A failure without Google's words.
pub(super) fn failure(
    operation: &str,
    class: ErrorClass,
    message: impl Into<String>,
) -> ProviderError {
    ProviderError {
        provider: Provider::Gcp,
        operation: operation.to_owned(),
        class,
        message: message.into(),
        http_status: None,
        created: None,
    }
}

/// What a failed call means.
pub(super) fn of_call(operation: &str, error: &Error) -> ProviderError {
    let status = error.http_status_code();
    let said = error.status();
    let reason = said.into_iter().flat_map(|said| &said.details).find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => Some(info.reason.as_str()),
        _ => None,
    });
    let text = said.map(|said| said.message.clone()).filter(|text| !text.is_empty());
    let class = match status {
        Some(status) => of_status(
            status,
            reason.unwrap_or_default(),
            text.as_deref().unwrap_or_default(),
            said.is_some(),
        ),
        None => of_transport(error),
    };
    let message = match (text, error.http_payload()) {
        (Some(text), _) => message::tidy(&text),
        (None, Some(body)) if !body.is_empty() => message::tidy(&String::from_utf8_lossy(body)),
        _ => message::causes(error),
    };
    let (class, message) = mended_elsewhere(class, without_key(message));
    ProviderError { http_status: status, ..failure(operation, class, message) }
}

/// A refusal that no other key and no other request would mend, with what does.
fn mended_elsewhere(class: ErrorClass, message: String) -> (ErrorClass, String) {
    let says = |phrase: &str| message.to_lowercase().contains(phrase);
    let what = match class {
        ErrorClass::Conflict if says("constraint") => {
            "a policy of the organisation forbids it; have it changed, or use another project"
        }
        ErrorClass::Auth if says("has not been used in project") || says("api is disabled") => {
            "Compute Engine is not switched on in the project; enable it there"
        }
        ErrorClass::Auth if says("short-lived token") || says("iat and exp") => {
            "the clock of this server seems to be wrong; set it"
        }
        _ => return (class, message),
    };
    (ErrorClass::Setup, format!("{what}: {message}"))
}

/// `json` tells whether the body was Google's own; a proxy's page proves nothing.
fn of_status(status: u16, reason: &str, text: &str, json: bool) -> ErrorClass {
    let says = |phrase: &str| text.to_lowercase().contains(phrase);
    match (status, reason) {
        (429, _) | (403, "rateLimitExceeded" | "userRateLimitExceeded") => {
            ErrorClass::RateLimited { after_ms: RATE_PAUSE_MS }
        }
        (401, _) => ErrorClass::Auth,
        (403, "quotaExceeded") => ErrorClass::Capacity,
        (403, _) if says("quota") && says("exceeded") => ErrorClass::Capacity,
        (403, "billingNotEnabled") => ErrorClass::Credit,
        (403, _) if says("billing") => ErrorClass::Credit,
        (403, _) if json => ErrorClass::Auth,
        (404, _) if json => ErrorClass::NotFound,
        (409 | 412, _) | (400, "resourceNotReady" | "resourceInUseByAnotherResource") => {
            ErrorClass::Conflict
        }
        (400 | 422, _) if json => ErrorClass::Invalid,
        (408 | 500.., _) => ErrorClass::Transient,
        _ => ErrorClass::Unexpected,
    }
}

fn of_transport(error: &Error) -> ErrorClass {
    if error.is_authentication() {
        if error.is_transient_and_before_rpc() { ErrorClass::Transient } else { ErrorClass::Auth }
    } else if error.is_binding() || error.is_serialization() {
        ErrorClass::Invalid
    } else if error.is_deserialization() {
        ErrorClass::Unexpected
    } else {
        ErrorClass::Transient
    }
}

/// What a finished operation came to.
pub(super) fn of_operation(operation: &str, done: Operation) -> Result<(), ProviderError> {
    let status = done.http_error_status_code.and_then(|code| u16::try_from(code).ok());
    let told = done.http_error_message.clone();
    let first = done.error.as_ref().and_then(|error| error.errors.first()).map(|error| {
        (error.code.clone().unwrap_or_default(), error.message.clone().unwrap_or_default())
    });
    let Err(failed) = done.to_result() else { return Ok(()) };
    let (code, text) = first.unwrap_or_default();
    let class = of_code(&code).unwrap_or_else(|| match status {
        Some(status) if status != 200 => of_status(status, "", &text, true),
        _ => ErrorClass::Unexpected,
    });
    let text = [text, told.unwrap_or_default(), code.clone(), failed.to_string()]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    let message = if code.is_empty() || text == code { text } else { format!("{code}: {text}") };
    let (class, message) = mended_elsewhere(class, message::tidy(&message));
    Err(ProviderError { http_status: status, ..failure(operation, class, message) })
}

/// The codes of failed operations that mean something to us. Google adds suffixes to them.
fn of_code(code: &str) -> Option<ErrorClass> {
    let starts = |words: &[&str]| words.iter().any(|word| code.starts_with(word));
    if starts(&[
        "ZONE_RESOURCE_POOL_EXHAUSTED",
        "RESOURCE_POOL_EXHAUSTED",
        "QUOTA_EXCEEDED",
        "STOCKOUT",
        "VM_MIN_COUNT_NOT_REACHED",
    ]) {
        Some(ErrorClass::Capacity)
    } else if starts(&[
        "RATE_LIMIT_EXCEEDED",
        "OPERATION_RATE_EXCEEDED",
        "RESOURCE_OPERATION_RATE_EXCEEDED",
    ]) {
        Some(ErrorClass::RateLimited { after_ms: RATE_PAUSE_MS })
    } else if starts(&["RESOURCE_NOT_FOUND"]) {
        Some(ErrorClass::NotFound)
    } else if starts(&[
        "RESOURCE_ALREADY_EXISTS",
        "RESOURCE_IN_USE",
        "RESOURCE_NOT_READY",
        "CONDITION_NOT_MET",
    ]) {
        Some(ErrorClass::Conflict)
    } else if starts(&["PERMISSIONS_ERROR", "FORBIDDEN"]) {
        Some(ErrorClass::Auth)
    } else if starts(&["BILLING"]) {
        Some(ErrorClass::Credit)
    } else if starts(&["INVALID", "UNSUPPORTED_OPERATION", "BAD_REQUEST"]) {
        Some(ErrorClass::Invalid)
    } else if starts(&["INTERNAL_ERROR", "SERVICE_UNAVAILABLE"]) {
        Some(ErrorClass::Transient)
    } else {
        None
    }
}

fn without_key(message: String) -> String {
    if message.contains("PRIVATE KEY") {
        "the private key was not accepted".into()
    } else {
        message
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
