//! Long-running operations: noted by name, so that another process can go on waiting for them.

use std::time::Duration;

use domain::provider::{ErrorClass, ProviderError};
use google_cloud_compute_v1::model::Operation;
use google_cloud_compute_v1::model::operation::Status;
use google_cloud_gax::options::RequestOptionsBuilder;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;

use super::client::GcpClient;
use super::error::{failure, of_call, of_operation};

const OPERATION: &str = "wait for operation";
/// Longest single wait at Google's side.
const ROUND: Duration = Duration::from_secs(30);
/// Pause between rounds, first and longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// An operation that Google has begun. Worth storing: it can be waited for after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OperationRef {
    /// Zone that it runs in.
    pub zone: String,
    /// Google's name of it.
    pub name: String,
}

impl OperationRef {
    /// Reads what a changing call answered. An operation that failed at once is an error at once.
    pub(super) fn begun(
        operation: &'static str,
        zone: &str,
        begun: Operation,
    ) -> Result<Self, ProviderError> {
        let name = begun.name.clone().filter(|name| !name.is_empty());
        if begun.status == Some(Status::Done) {
            of_operation(operation, begun)?;
        }
        match name {
            Some(name) => Ok(Self { zone: zone.to_owned(), name }),
            None => Err(failure(operation, ErrorClass::Unexpected, "the reply names no operation")),
        }
    }
}

impl GcpClient {
    /// Waits until an operation is done and tells what it came to. Goes on through passing failures
    /// of the asking itself.
    ///
    /// # Errors
    /// What the operation came to: `Capacity` for a zone without resources and for a quota.
    /// `Transient` when it still runs after `longest`, or failed for a passing reason of Google's
    /// own. Where Google refuses to tell, the error is `Unexpected`, never a clear no.
    pub async fn wait(
        &self,
        operation: &OperationRef,
        longest: Duration,
    ) -> Result<(), ProviderError> {
        let span = tracing::info_span!(
            "provider_call",
            provider = "gcp",
            operation = OPERATION,
            name = operation.name
        );
        self.wait_until(operation, Instant::now() + longest, longest).instrument(span).await
    }

    async fn wait_until(
        &self,
        operation: &OperationRef,
        deadline: Instant,
        longest: Duration,
    ) -> Result<(), ProviderError> {
        let mut pause = PAUSE.0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text = format!("the operation still runs after {} s", longest.as_secs());
                return Err(failure(OPERATION, ErrorClass::Transient, text));
            }
            let round = left.min(ROUND);
            let asked = self
                .operations()
                .wait()
                .set_project(self.project())
                .set_zone(&operation.zone)
                .set_operation(&operation.name)
                .with_attempt_timeout(round)
                .send();
            match timeout(round, asked).await {
                Ok(Ok(seen)) if seen.status == Some(Status::Done) => {
                    return of_operation(OPERATION, seen);
                }
                Ok(Err(error)) => {
                    let error = of_call(OPERATION, &error);
                    match error.class {
                        ErrorClass::Transient => {}
                        ErrorClass::RateLimited { .. } => pause = PAUSE.1,
                        _ => return Err(in_doubt(error)),
                    }
                }
                Ok(Ok(_)) | Err(_) => {}
            }
            sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }
}

/// A refusal to tell about an operation says nothing about the operation itself.
fn in_doubt(mut error: ProviderError) -> ProviderError {
    if error.class.is_clear_no() {
        error.class = ErrorClass::Unexpected;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_look_at_an_operation_is_no_word_about_it() {
        for class in
            [ErrorClass::Auth, ErrorClass::NotFound, ErrorClass::Invalid, ErrorClass::Transient]
        {
            assert!(!in_doubt(failure("x", class, "no")).class.is_clear_no());
        }
    }

    #[test]
    fn an_operation_that_failed_at_once_is_an_error_at_once() {
        let running = Operation::new().set_name("op").set_status(Status::Running);
        let noted = OperationRef::begun("x", "z", running.clone()).expect("begun");
        assert_eq!((noted.zone.as_str(), noted.name.as_str()), ("z", "op"));
        let mut failed = running.set_status(Status::Done);
        failed.http_error_status_code = Some(503);
        assert!(OperationRef::begun("x", "z", failed).is_err());
        assert!(OperationRef::begun("x", "z", Operation::new()).is_err());
    }
}
