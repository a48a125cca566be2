//! Headers that every answer carries.
//!
//! Pages set a content policy of their own; this layer never overwrites one.

use std::sync::LazyLock;

use axum::extract::{Request, State};
use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::{Dumont, Fault};

/// The policy of answers that are not pages: nothing may be loaded or framed.
const NOTHING: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The policy of a page: scripts and styles of our own files, and the one script that stands in each
/// page, known by its digest. Nothing else in a page runs, whatever gets into it.
static PAGE: LazyLock<Result<HeaderValue, InvalidHeaderValue>> = LazyLock::new(|| {
    let start = STANDARD.encode(Sha256::digest(app::site::SCRIPT));
    HeaderValue::try_from(format!(
        "default-src 'none'; script-src 'self' 'sha256-{start}' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ))
});

/// The policy of a page.
///
/// # Errors
/// Never: base64 fits into a header.
pub fn page_policy() -> Result<HeaderValue, Fault> {
    PAGE.as_ref().cloned().map_err(|error| Fault::Internal(error.to_string()))
}

/// Adds them.
pub async fn secure(State(dumont): State<Dumont>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    fill(headers, header::CONTENT_SECURITY_POLICY, NOTHING);
    fill(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    fill(headers, header::X_FRAME_OPTIONS, "DENY");
    fill(headers, header::REFERRER_POLICY, "same-origin");
    fill(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    fill(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    fill(
        headers,
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    );
    // What one account sees is kept by nobody on the way.
    fill(headers, header::CACHE_CONTROL, "no-store");
    if dumont.site.secure {
        fill(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

fn fill(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
