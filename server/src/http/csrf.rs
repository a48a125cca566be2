//! Requests that change something and ride on a cookie must come from our own pages.
//!
//! A browser says where a request comes from (`Sec-Fetch-Site`, older ones `Origin`). What says
//! neither is no browser of the last years and carries no cookie that another site could use.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::{Dumont, Fault};

/// Lets a request through unless another site made a browser send it.
pub async fn guard(State(dumont): State<Dumont>, request: Request, next: Next) -> Response {
    if allowed(request.method(), request.headers(), dumont.site.public_url.as_deref()) {
        return next.run(request).await;
    }
    let message = "the request comes from another site; open Dumont itself, or use an API token";
    Fault::Forbidden { code: "cross_site", message }.into_response()
}

fn allowed(method: &Method, headers: &HeaderMap, public_url: Option<&str>) -> bool {
    if method.is_safe() || headers.contains_key(header::AUTHORIZATION) {
        // A token is never sent by a browser on its own.
        return true;
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    if public_url.is_some_and(|own| own.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    let host = text("host").unwrap_or_default();
    let named = origin.split_once("://").map(|(_, rest)| rest);
    named.is_some_and(|named| !host.is_empty() && named.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (header::HeaderName::from_static(name), value.parse().expect("a value"))
            })
            .collect()
    }

    #[test]
    fn only_our_own_pages_and_programs_may_change_things() {
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("authorization", "Bearer x")], true),
            (&[("origin", "http://dumont.local:8420"), ("host", "dumont.local:8420")], true),
            (&[("origin", "http://evil.example"), ("host", "dumont.local:8420")], false),
            (&[("origin", "null"), ("host", "dumont.local:8420")], false),
            (&[("origin", "https://public.example"), ("host", "10.0.0.3:8420")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://public.example")], false),
            (&[("host", "dumont.local:8420")], true),
        ];
        for (pairs, expected) in table {
            let got = allowed(&Method::POST, &headers(pairs), Some("https://public.example/"));
            assert_eq!(got, *expected, "{pairs:?}");
        }
        assert!(allowed(&Method::GET, &headers(&[("sec-fetch-site", "cross-site")]), None));
    }
}
