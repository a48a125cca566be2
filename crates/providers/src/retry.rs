//! Asking again, for calls that may safely be asked again. A purchase never comes through here.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use domain::provider::{ErrorClass, ProviderError};

/// Tries in all, the first one included.
const TRIES: usize = 3;

/// Runs an idempotent call, again with back-off and jitter while it fails for a passing reason.
///
/// # Errors
/// The last failure; one that is not transient ends it at once.
pub(crate) async fn idempotent<T, F, Fut>(call: F) -> Result<T, ProviderError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, ProviderError>>,
{
    call.retry(
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(150))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(TRIES - 1)
            .with_jitter(),
    )
    .when(|error| error.class == ErrorClass::Transient)
    .notify(|error, after| {
        tracing::debug!(provider = %error.provider, operation = error.operation, after_ms = after.as_millis(), message = error.message, "asking again");
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use domain::provider::Provider;

    use super::*;

    fn failure(class: ErrorClass) -> ProviderError {
        ProviderError {
            provider: Provider::Vast,
            operation: "get instance".into(),
            class,
            message: "no".into(),
            http_status: None,
            created: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_passing_failures_are_tried_again_and_not_for_ever() {
        for (class, tries) in [
            (ErrorClass::Transient, TRIES),
            (ErrorClass::RateLimited { after_ms: 1 }, 1),
            (ErrorClass::Unexpected, 1),
            (ErrorClass::Auth, 1),
        ] {
            let count = Cell::new(0);
            let got: Result<(), _> = idempotent(|| {
                count.set(count.get() + 1);
                let error = failure(class.clone());
                async { Err(error) }
            })
            .await;
            assert_eq!((got.map_err(|error| error.class), count.get()), (Err(class), tries));
        }
    }
}
