//! Whether this process can do its work, asked of the database at most once a second: whoever asks
//! more often, and anyone may, gets the same answer and costs nothing.

use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Dumont;

/// How long an answer is good.
const GOOD: Duration = Duration::from_secs(1);
/// Longest wait for the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// The newest answer. Held while the database is asked, so that one asks for all.
#[derive(Debug, Default)]
pub struct Probe(Mutex<Option<(Instant, Seen)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    database: bool,
    leases: Option<usize>,
}

impl Probe {
    /// The answer to `/readyz`.
    pub async fn answer(&self, dumont: &Dumont) -> Response {
        let seen = self.newest(|| look(dumont)).await;
        let well = seen.database && seen.leases.is_some();
        let body = json!({
            "ready": well,
            "database": if seen.database { "ok" } else { "down" },
            "leases": seen.leases,
        });
        let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }

    async fn newest<F: Future<Output = Seen>>(&self, look: impl FnOnce() -> F) -> Seen {
        let mut kept = self.0.lock().await;
        if let Some((at, seen)) = *kept
            && at.elapsed() < GOOD
        {
            return seen;
        }
        let seen = tokio::time::timeout(PATIENCE, look())
            .await
            .unwrap_or(Seen { database: false, leases: None });
        *kept = Some((Instant::now(), seen));
        seen
    }
}

async fn look(dumont: &Dumont) -> Seen {
    let now = dumont.now();
    let database = dumont.store.ping().await.is_ok();
    let leases = dumont.store.leases().list().await;
    let leases = leases.map(|all| all.iter().filter(|one| one.expires_at > now).count()).ok();
    Seen { database, leases }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_ask_the_database_once_a_second() {
        let probe = Probe::default();
        let asked = AtomicUsize::new(0);
        let ask = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(10)).await;
            Seen { database: true, leases: Some(1) }
        };
        futures::future::join_all((0..200).map(|_| probe.newest(ask))).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::advance(GOOD).await;
        probe.newest(ask).await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_never_answers_is_down() {
        let probe = Probe::default();
        assert!(!probe.newest(std::future::pending).await.database);
    }
}
