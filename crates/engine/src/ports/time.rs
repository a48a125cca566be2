//! Waiting, and the monotonic clock that waiting goes by. The time of day comes from
//! [`domain::time::Clock`].
//!
//! Everything waits here, so that there is one place to see that it does: a world under simulated time
//! goes on only when all wait.

use std::time::Duration;

pub use tokio::time::Instant;
use tokio::time::error::Elapsed;

/// The present moment.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Waits so long.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub async fn sleep(pause: Duration) {
    tokio::time::sleep(pause).await;
}

/// Waits until then.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub async fn sleep_until(at: Instant) {
    tokio::time::sleep_until(at).await;
}

/// Waits for something, so long at most.
///
/// # Errors
/// When it took longer; it was dropped then.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub async fn timeout<F: Future>(longest: Duration, work: F) -> Result<F::Output, Elapsed> {
    tokio::time::timeout(longest, work).await
}

/// Waits for something until then.
///
/// # Errors
/// When it took longer; it was dropped then.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub async fn timeout_at<F: Future>(at: Instant, work: F) -> Result<F::Output, Elapsed> {
    tokio::time::timeout_at(at, work).await
}
