//! Counts calls to providers. Labels are names of operations and classes of failures: words of ours.

use std::time::Instant;

use domain::provider::{ErrorClass, Provider, ProviderError};
use metrics::{counter, histogram};

/// Waits for one try of a call, counts it, and how long it took to be answered.
pub(crate) async fn measured<T>(
    provider: Provider,
    operation: &'static str,
    call: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let began = Instant::now();
    let result = call.await;
    let labels = [
        ("provider", provider.as_str()),
        ("operation", operation),
        ("outcome", outcome(result.as_ref().err().map(|error| &error.class))),
    ];
    counter!("dumont_provider_requests_total", &labels).increment(1);
    histogram!("dumont_provider_request_seconds", "provider" => provider.as_str(), "operation" => operation)
        .record(began.elapsed());
    result
}

const fn outcome(class: Option<&ErrorClass>) -> &'static str {
    match class {
        None => "ok",
        Some(ErrorClass::Transient) => "transient",
        Some(ErrorClass::RateLimited { .. }) => "rate_limited",
        Some(ErrorClass::NotFound) => "not_found",
        Some(ErrorClass::Conflict) => "conflict",
        Some(ErrorClass::Capacity) => "capacity",
        Some(ErrorClass::Auth) => "auth",
        Some(ErrorClass::Setup) => "setup",
        Some(ErrorClass::Credit) => "credit",
        Some(ErrorClass::Invalid) => "invalid",
        Some(ErrorClass::Unexpected) => "unexpected",
    }
}
