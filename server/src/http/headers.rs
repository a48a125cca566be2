//! Headers that every answer carries.
//!
//! The content policy of pages needs a nonce that only the page's renderer knows; it sets its own,
//! and this layer never overwrites one.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::Dumont;

/// The policy of answers that are not pages: nothing may be loaded or framed.
const NOTHING: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The policy of a page whose scripts and styles carry `nonce`.
#[must_use]
pub fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
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
