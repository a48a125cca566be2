//! `Idempotency-Key`: a request that buys is done once, however often it is sent.
//!
//! The key belongs to the account. With it go the method, the address and the body: the same request
//! gets the same answer again, another one under the same key is refused. Of two at the same time one
//! is done. The claim is stored before anything is done and the answer after it, so that a process
//! that dies between the two leaves a key without an answer: such a request is never done again, and
//! whoever asks is told to look at what exists. A request that was refused before anything was done
//! gives its key back.
//!
//! What buys goes on when its client hangs up, with or without a key.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::id::UserId;
use domain::time::DAY_MS;
use sha2::{Digest as _, Sha256};
use store::Claim;

use super::identity::Identity;
use super::problem::RequestId;
use super::router::BODY_BYTES;
use crate::{Dumont, Fault};

/// Header that a client puts its key into.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Header of an answer that is given again.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long a key is known, ms.
pub const KEPT_MS: i64 = DAY_MS;
/// Most that an answer may hold that is kept.
const ANSWER_BYTES: usize = 256 * 1024;

/// The operations that buy or make what is billed.
pub const BUYS: &[(&str, &str)] = &[
    ("POST", "/instances"),
    ("POST", "/instances/{gpu_id}/resume"),
    ("POST", "/standby/provision/{gpu_id}"),
    ("POST", "/standby/failover/simulate/{machine_id}"),
    ("POST", "/standby/failover/start/{machine_id}"),
    ("POST", "/standby/failover/{failover_id}/failback"),
    ("POST", "/standby/associations/{machine_id}/back-to-gpu"),
    ("POST", "/standby/failover/{failover_id}/retry"),
    ("POST", "/failover/test/{machine_id}"),
];

/// Whether an operation buys.
#[must_use]
pub fn buys(method: &str, path: &str) -> bool {
    BUYS.contains(&(method, path))
}

/// Does a request that buys to its end, and once for each key.
pub async fn once(State(dumont): State<Dumont>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = path.unwrap_or_default();
    let path = path.strip_prefix("/api/v1").or_else(|| path.strip_prefix("/api")).unwrap_or(&path);
    if !buys(request.method().as_str(), path) {
        return next.run(request).await;
    }
    match guarded(dumont, request, next).await {
        Ok(response) => response,
        Err(fault) => fault.into_response(),
    }
}

async fn guarded(dumont: Dumont, request: Request, next: Next) -> Result<Response, Fault> {
    let user = request.extensions().get::<Identity>().map(|one| one.user.clone());
    let user = user.ok_or(Fault::Unauthorized)?;
    let Some(key) = key(request.headers())? else { return to_its_end(next.run(request)).await };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES)
        .await
        .map_err(|_| Fault::Status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let digest = digest(parts.method.as_str(), &parts.uri.to_string(), &body);
    let now = dumont.now();
    let keys = dumont.store.idempotency_keys();
    match keys.claim(&user, &key, &digest, now.plus(-KEPT_MS), now).await? {
        Claim::New => {}
        Claim::Answered { status, answer } => return Ok(replay(status, answer)),
        Claim::Other => {
            let message = "was used for another request; take a new key for a new request";
            return Err(Fault::field(KEY.as_str(), "key_reused", message));
        }
        Claim::Open => {
            let message = "the first request with this key goes on, or was broken off; it is not \
                           made again: look at what exists, and take a new key only for a new purchase";
            return Err(Fault::conflict("request_open", message));
        }
        Claim::TooMany => return Err(Fault::TooMany { after_s: 3_600 }),
    }
    let id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let request = Request::from_parts(parts, Body::from(body));
    to_its_end(async move {
        let response = next.run(request).await;
        settle(&dumont, (&user, &key), &id, response).await
    })
    .await
}

/// Runs a request in a task of its own: one that buys is not cut where its client hangs up.
async fn to_its_end(
    work: impl Future<Output = Response> + Send + 'static,
) -> Result<Response, Fault> {
    use tracing::Instrument as _;
    let span = tracing::Span::current();
    tokio::spawn(work.instrument(span))
        .await
        .map_err(|error| Fault::Internal(format!("a request that buys: {error}")))
}

/// Keeps the answer, or gives the key back where nothing was done.
async fn settle(
    dumont: &Dumont,
    (user, key): (&UserId, &str),
    request_id: &str,
    mut response: Response,
) -> Response {
    let keys = dumont.store.idempotency_keys();
    let status = response.status();
    let fault = response.extensions_mut().remove::<Fault>();
    let kept = if nothing_was_done(status) {
        keys.release(user, key).await
    } else if let Some(fault) = &fault {
        let told = serde_json::to_string(&fault.problem(request_id)).unwrap_or_default();
        keys.answer(user, key, status.as_u16(), &told).await
    } else {
        let (parts, body) = response.into_parts();
        let Ok(body) = to_bytes(body, ANSWER_BYTES).await else {
            return Fault::Internal("an answer that can't be kept".into()).into_response();
        };
        let text = String::from_utf8_lossy(&body).into_owned();
        response = Response::from_parts(parts, Body::from(body));
        keys.answer(user, key, status.as_u16(), &text).await
    };
    if let Err(error) = kept {
        // The claim stays without an answer: what was done is not done again.
        tracing::warn!(%error, "the answer to a request was not kept under its key");
    }
    if let Some(fault) = fault {
        response.extensions_mut().insert(fault);
    }
    response
}

/// Whether a status says that the request was refused before anything was done for it.
fn nothing_was_done(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 401 | 403 | 404 | 405 | 413 | 415 | 422 | 424 | 429)
}

fn replay(status: u16, answer: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind =
        if status.is_success() { "application/json" } else { domain::view::problem::MEDIA_TYPE };
    let mut response = (status, answer).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let mut all = headers.get_all(&KEY).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let text = first.to_str().unwrap_or_default().trim();
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits || all.next().is_some() {
        let message = "must be one key of 1 to 128 visible ASCII characters";
        return Err(Fault::field(KEY.as_str(), "not_a_key", message));
    }
    Ok(Some(text.to_owned()))
}

fn digest(method: &str, address: &str, body: &Bytes) -> String {
    let mut digest = Sha256::new();
    for part in [method.as_bytes(), address.as_bytes()] {
        digest.update(part);
        digest.update([0]);
    }
    digest.update(body);
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_buys_is_in_the_table() {
        let known: Vec<(String, String)> = crate::api::table::table()
            .iter()
            .filter_map(crate::api::table::Route::method_and_path)
            .map(|(method, path)| (method.to_string(), path))
            .collect();
        for (method, path) in BUYS {
            assert!(known.contains(&((*method).into(), (*path).into())), "{method} {path}");
        }
    }

    /// What is new has to be put into one of the two.
    #[test]
    fn every_other_change_spends_nothing() {
        const SPENDS_NOTHING: &[&str] = &[
            "/accounts/{account_id}/reset-link",
            "/auth/confirm",
            "/auth/join",
            "/auth/login",
            "/auth/login/passkey",
            "/auth/logout",
            "/auth/passkeys",
            "/auth/passkeys/begin",
            "/auth/passkeys/challenge",
            "/auth/passkeys/{passkey_id}",
            "/auth/passkeys/{passkey_id}/remove",
            "/auth/password",
            "/auth/reset",
            "/auth/second-factor",
            "/auth/second-factor/activate",
            "/auth/second-factor/recovery-codes",
            "/auth/second-factor/remove",
            "/auth/tokens",
            "/grants",
            "/instances/{gpu_id}/pause",
            "/invitations",
            "/notifications/read-all",
            "/notifications/{notification_id}/read",
            "/settings",
            "/shared/{grant_id}/accept",
            "/standby/associations/{machine_id}/accept-deletions",
            "/standby/associations/{machine_id}/discard",
            "/standby/associations/{machine_id}/points/{point_id}/go-back",
            "/standby/associations/{machine_id}/restore-deletions",
            "/standby/associations/{machine_id}/start-sync",
            "/standby/associations/{machine_id}/stop-sync",
            "/standby/configure",
            "/standby/failover/{failover_id}/cancel",
        ];
        let table = crate::api::table::table();
        let changes = table.iter().filter_map(crate::api::table::Route::method_and_path);
        for (method, path) in changes.filter(|(method, _)| method == "POST" || method == "PUT") {
            let free = SPENDS_NOTHING.contains(&path.as_str());
            assert!(buys(method.as_str(), &path) != free, "{method} {path}");
        }
    }

    #[test]
    fn a_key_is_one_word_of_bounded_length() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(KEY, HeaderValue::from_str(value).expect("a value"));
            }
            key(&headers)
        };
        assert!(matches!(of(&[]), Ok(None)));
        assert!(matches!(of(&["8f14-a"]), Ok(Some(key)) if key == "8f14-a"));
        for bad in [&[""][..], &["a b"], &["a", "b"], &[&"x".repeat(129)]] {
            assert!(of(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_tells_requests_apart() {
        let of = |method, address, body: &'static str| {
            digest(method, address, &Bytes::from_static(body.as_bytes()))
        };
        let one = of("POST", "/a", "{}");
        assert_eq!(one, of("POST", "/a", "{}"));
        for other in [of("PUT", "/a", "{}"), of("POST", "/b", "{}"), of("POST", "/a", "{ }")] {
            assert_ne!(one, other);
        }
    }
}
