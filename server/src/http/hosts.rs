//! Under which names this install may be asked.
//!
//! A page of another site can have its own name lead to this machine (DNS rebinding) and is then, for
//! the browser, of the same site as our answers. The `Host` that it sends is still its own name.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::{Dumont, Fault};

/// Refuses what was asked for under a name that is not ours.
pub async fn guard(State(dumont): State<Dumont>, request: Request, next: Next) -> Response {
    let site = &dumont.site;
    let own = site.public_url.as_deref().and_then(host_of_url);
    let ours = |asked: &str| {
        let Some(host) = host_of(asked) else { return false };
        is_plain(&host)
            || own.as_deref() == Some(host.as_str())
            || site.hosts.iter().any(|name| host_of(name).as_deref() == Some(host.as_str()))
    };
    // A request line with a whole address counts as well as the header.
    let line = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let named = request.headers().get_all(header::HOST).iter();
    let named = named.map(|value| value.to_str().unwrap_or_default().to_owned());
    let all: Vec<String> = named.chain(line).collect();
    if !all.is_empty() && all.iter().all(|asked| ours(asked)) {
        return next.run(request).await;
    }
    Fault::UnknownHost.into_response()
}

/// `localhost`, or an address: no other site's page can have an address as its name.
fn is_plain(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || bare.parse::<IpAddr>().is_ok()
}

/// The host without its port, in small letters, without the root's dot.
pub(crate) fn host_of(asked: &str) -> Option<String> {
    let asked = asked.trim().to_ascii_lowercase();
    let host = match asked.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']')?;
            if !after.is_empty() && !is_port(after.strip_prefix(':')?) {
                return None;
            }
            format!("[{inside}]")
        }
        None => match asked.split_once(':') {
            Some((host, port)) if is_port(port) => host.to_owned(),
            Some(_) => return None,
            None => asked,
        },
    };
    let host = host.strip_suffix('.').unwrap_or(&host);
    (!host.is_empty() && !host.contains('@')).then(|| host.to_owned())
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn host_of_url(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    host_of(rest.split(['/', '?', '#']).next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_without_its_port_and_nothing_else_passes_for_one() {
        for (asked, host) in [
            ("Dumont.Example.org:8420", "dumont.example.org"),
            ("dumont.example.org.", "dumont.example.org"),
            ("127.0.0.1:8420", "127.0.0.1"),
            ("[::1]:8420", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(host_of(asked).as_deref(), Some(host), "{asked}");
        }
        for bad in
            ["", ":80", "localhost:80@evil.example", "localhost:x", "a@b", "[::1", "[::1]x", "::1"]
        {
            assert_eq!(host_of(bad), None, "{bad}");
        }
        assert_eq!(
            host_of_url("https://dumont.example.org/x").as_deref(),
            Some("dumont.example.org")
        );
    }

    #[test]
    fn addresses_and_localhost_are_plain_and_names_are_not() {
        for plain in ["localhost", "127.0.0.1", "10.0.0.7", "[::1]"] {
            assert!(is_plain(plain), "{plain}");
        }
        for name in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
