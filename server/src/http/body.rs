//! How long a request's body may take to arrive.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

/// Longest time for the whole of a body, which has 256 KiB at most.
const ARRIVAL: Duration = Duration::from_secs(30);

/// Ends a body that comes too slowly; whoever reads it gets an error.
pub async fn in_time(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    next.run(request.map(|body| until(body, Instant::now() + ARRIVAL))).await
}

fn until(body: Body, deadline: Instant) -> Body {
    let parts = stream::unfold(Some(body.into_data_stream()), move |rest| async move {
        let mut rest = rest?;
        match timeout_at(deadline, rest.next()).await {
            Ok(part) => part.map(|part| (part, Some(rest))),
            Err(_) => Some((
                Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))),
                None,
            )),
        }
    });
    Body::from_stream(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_ended_and_one_in_time_is_whole() {
        let drip = stream::unfold(0_u32, |n| async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            (n < 20).then(|| (Ok::<_, std::io::Error>("x"), n + 1))
        });
        let began = Instant::now();
        let slow = until(Body::from_stream(drip), began + ARRIVAL);
        axum::body::to_bytes(slow, 1_000).await.expect_err("too slow");
        assert_eq!(began.elapsed(), ARRIVAL);
        let quick = until(Body::from("all of it"), Instant::now() + ARRIVAL);
        assert_eq!(axum::body::to_bytes(quick, 1_000).await.expect("whole"), "all of it");
    }
}
