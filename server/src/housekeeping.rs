//! Small regular work of the server: forgetting what has expired, and hearing the doorbells that
//! other processes on the same database ring: other servers, and the command line.

use std::time::Duration;

use domain::time::DAY_MS;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::idempotency;
use crate::{Dumont, service};

const TIDY: Duration = Duration::from_secs(60);
/// Several servers on one database hear each other this often.
const LISTEN: Duration = Duration::from_millis(200);
/// A server alone hears the command line this often.
const LISTEN_ALONE: Duration = Duration::from_secs(1);
/// How often a service account that Google refused is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// How long links that open nothing any more, and grants that are over, are listed.
const LINKS_MS: i64 = 90 * DAY_MS;
/// How long doorbells are kept for pages that were away.
const BELLS_MS: i64 = 2 * DAY_MS;
/// How long each sync is remembered by itself.
const CYCLES_MS: i64 = 2 * DAY_MS;
/// How long it is remembered when processes ran: longer than a page looks back.
const RUNS_MS: i64 = 30 * DAY_MS;
/// How long changes of verdict are remembered beside the newest; a failover keeps its own evidence.
const VERDICTS_MS: i64 = 90 * DAY_MS;
/// How long users are reminded of what happened.
const NOTIFICATIONS_MS: i64 = 90 * DAY_MS;

/// How often the audit log is shortened.
const SHORTEN: Duration = Duration::from_secs(3_600);
/// How long the audit log goes back.
const AUDIT_MS: i64 = 400 * DAY_MS;
/// How many refused logins an account's log keeps (anybody can cause them), and how many rows of each
/// action of each other account.
const AUDIT_REFUSED: i64 = 2_000;
/// How many other rows an account's log keeps.
const AUDIT_ROWS: i64 = 100_000;

/// Begins it; ends on the token.
pub fn start(dumont: &Dumont, tracker: &TaskTracker, token: &CancellationToken) {
    tracker.spawn(run(dumont.clone(), token.clone()));
    tracker.spawn(tidy(dumont.clone(), token.clone()));
    tracker.spawn(listen(dumont.clone(), token.clone()));
    tracker.spawn(credentials(dumont.clone(), token.clone()));
    tracker.spawn(shorten(dumont.clone(), token.clone()));
    tracker.spawn(try_again(dumont.clone(), token.clone()));
}

/// Notes that this process runs: what machines do while none does is seen by nobody.
async fn run(dumont: Dumont, token: CancellationToken) {
    let id = uuid::Uuid::now_v7().to_string();
    loop {
        if let Err(error) = dumont.store.runs().note(&id, dumont.now()).await {
            tracing::debug!(%error, "it is not noted that this process runs");
        }
        if !wait(TIDY, &token).await {
            return;
        }
    }
}

async fn tidy(dumont: Dumont, token: CancellationToken) {
    while wait(TIDY, &token).await {
        let now = dumont.now();
        dumont.limiter.tidy(now);
        if let Err(error) = dumont.store.attempts().prune(now).await {
            tracing::debug!(%error, "old counts of tries not removed");
        }
        if let Err(error) = dumont.store.browsers().delete_expired(now).await {
            tracing::debug!(%error, "browsers of long ago not forgotten");
        }
        dumont.link_limiter.tidy();
        if let Err(error) = dumont.store.passkeys().prune(now).await {
            tracing::debug!(%error, "old challenges not removed");
        }
        if let Err(error) = dumont.store.sessions().delete_expired(now).await {
            tracing::debug!(%error, "expired sessions not removed");
        }
        if let Err(error) = dumont.store.access_links().prune(now.plus(-LINKS_MS)).await {
            tracing::debug!(%error, "old links not removed");
        }
        if let Err(error) = dumont.store.grants().prune(now.plus(-LINKS_MS)).await {
            tracing::debug!(%error, "old grants not removed");
        }
        let keys = dumont.store.idempotency_keys();
        if let Err(error) = keys.prune(now.plus(-idempotency::KEPT_MS)).await {
            tracing::debug!(%error, "old idempotency keys not removed");
        }
        if let Err(error) = dumont.store.events().prune(now.plus(-BELLS_MS)).await {
            tracing::debug!(%error, "old events not removed");
        }
        if let Err(error) = dumont.store.sync_cycles().prune(now.plus(-CYCLES_MS)).await {
            tracing::debug!(%error, "old syncs not removed");
        }
        if let Err(error) = dumont.store.runs().prune(now.plus(-RUNS_MS)).await {
            tracing::debug!(%error, "runs of long ago not forgotten");
        }
        if let Err(error) = dumont.store.verdicts().prune(now.plus(-VERDICTS_MS)).await {
            tracing::debug!(%error, "old verdicts not removed");
        }
        if let Err(error) = dumont.store.notifications().prune(now.plus(-NOTIFICATIONS_MS)).await {
            tracing::debug!(%error, "old notifications not removed");
        }
    }
}

async fn listen(dumont: Dumont, token: CancellationToken) {
    let pause = if dumont.store.is_shared() { LISTEN } else { LISTEN_ALONE };
    while wait(pause, &token).await {
        if let Err(error) = dumont.store.events().catch_up().await {
            tracing::debug!(%error, "events of other processes not read");
        }
    }
}

/// Makes new clients where another process has stored or removed credentials.
async fn credentials(dumont: Dumont, token: CancellationToken) {
    let mut bells = dumont.store.doorbells();
    loop {
        let bell = tokio::select! {
            () = token.cancelled() => return,
            bell = bells.recv() => bell,
        };
        match bell {
            Ok(bell) if bell.kind == "settings" && bell.id == "credentials" => {
                dumont.engine.credentials_changed(&bell.user);
            }
            Ok(_) => {}
            // What was missed is not known: read everybody's anew.
            Err(RecvError::Lagged(_)) => dumont.engine.all_credentials_changed(),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Keeps the audit log within its bounds.
async fn shorten(dumont: Dumont, token: CancellationToken) {
    while wait(SHORTEN, &token).await {
        let before = dumont.now().plus(-AUDIT_MS);
        if let Err(error) = dumont.store.audit().prune(before, AUDIT_REFUSED, AUDIT_ROWS).await {
            tracing::debug!(%error, "old rows of the audit log not removed");
        }
    }
}

/// Tries what was refused, so that credentials whose permissions were mended count again.
async fn try_again(dumont: Dumont, token: CancellationToken) {
    while wait(TRY_AGAIN, &token).await {
        if let Err(error) = service::credentials::try_refused(&dumont).await {
            tracing::debug!(%error, "refused credentials not tried again");
        }
    }
}

/// Waits; false when it is time to end.
async fn wait(span: Duration, token: &CancellationToken) -> bool {
    tokio::select! {
        () = token.cancelled() => false,
        () = tokio::time::sleep(span) => true,
    }
}
