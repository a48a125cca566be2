//! The outermost layer: names each request, logs it once, and makes every failure a problem
//! document, also those of the framework and of a panic.

use std::any::Any;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::view::problem::MEDIA_TYPE;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::Fault;

/// Header with the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as in its answer and in the log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Frames a request.
pub async fn frame(mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().simple().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = word(request.method());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let span = tracing::info_span!(
        "request", request_id = %id, method, route = %route, user = tracing::field::Empty
    );
    let started = Instant::now();
    let answer = next.run(request).instrument(span.clone()).await;
    let response = span.in_scope(|| finish(answer, &id));
    let status = response.status();
    let elapsed = started.elapsed();
    span.in_scope(|| {
        tracing::debug!(status = status.as_u16(), ms = elapsed.as_millis(), "answered")
    });
    let labels =
        [("method", method.to_owned()), ("route", route), ("status", status.as_u16().to_string())];
    metrics::counter!("dumont_http_requests_total", &labels).increment(1);
    metrics::histogram!("dumont_http_request_seconds", &labels).record(elapsed.as_secs_f64());
    response
}

/// A method as a label: a stranger may send any word, and each would be counted by itself for ever.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The answer to a panic, told like every other failure. The panic's own text goes to the log.
#[must_use]
pub fn after_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Fault::Internal(format!("panic: {}", text.unwrap_or_default())).into_response()
}

fn finish(mut response: Response, id: &str) -> Response {
    let fault = response.extensions_mut().remove::<Fault>().or_else(|| framework(&response));
    if let Some(fault) = fault {
        log(&fault);
        response = document(&fault, id, response);
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A failure that the framework answered by itself: anything that is neither a page nor a document.
fn framework(response: &Response) -> Option<Fault> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let written = kind.is_some_and(|kind| kind.starts_with("text/html") || kind.contains("json"));
    (!written).then_some(Fault::Status(status))
}

fn document(fault: &Fault, id: &str, original: Response) -> Response {
    let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (parts, _) = original.into_parts();
    let mut response = (status, Json(fault.problem(id))).into_response();
    // Cookies and `Allow` of the first answer stay.
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            response.headers_mut().append(name, value.clone());
        }
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Some(seconds) = fault.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Writes a failure to the log, once, at the level that it deserves.
pub(crate) fn log(fault: &Fault) {
    match fault {
        Fault::Internal(what) => tracing::error!(what, "internal error"),
        Fault::Store(error) if fault.status() >= 500 => {
            let source = std::error::Error::source(&**error).map(ToString::to_string);
            tracing::error!(%error, source, "database");
        }
        Fault::Provider(error) => tracing::warn!(%error, "provider"),
        other => tracing::debug!(code = other.code(), "refused"),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use domain::view::problem::Problem;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[test]
    fn a_method_is_one_of_a_few_words() {
        let sent = |name: &str| word(&Method::from_bytes(name.as_bytes()).expect("a method"));
        assert_eq!((sent("GET"), sent("DELETE")), ("GET", "DELETE"));
        for strange in ["get", "BREW", "X0", "TRACE"] {
            assert_eq!(sent(strange), "other");
        }
    }

    async fn broken() -> &'static str {
        panic!("the inside of a secret")
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_says_nothing_of_the_inside() {
        let router = Router::new()
            .route("/", get(broken))
            .layer(CatchPanicLayer::custom(after_panic))
            .layer(from_fn(frame));
        let request = Request::get("/").body(axum::body::Body::empty()).expect("a request");
        let answer = router.oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let id = answer.headers()[REQUEST_ID].to_str().expect("text").to_owned();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body");
        let told: Problem = serde_json::from_slice(&body).expect("a problem");
        assert_eq!((told.request_id, told.code.as_str()), (id, "internal"));
        assert!(!told.detail.contains("secret"), "{}", told.detail);
    }
}
