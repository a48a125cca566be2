//! The cookie by which a browser that has logged in before is known again. It opens nothing: it only
//! says that whoever tries a password is no stranger.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::Fault;

/// Name of the cookie.
pub const COOKIE: &str = "dumont_browser";

/// How long a browser is known after its last login, days.
pub const DAYS: i64 = 365;

/// Longest value that any such cookie has.
const LONGEST: usize = 64;

/// The value that a browser sends.
#[must_use]
pub fn read(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        sent.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
    (!value.is_empty() && value.len() <= LONGEST).then(|| value.to_owned())
}

/// The header that has a browser keep a value.
///
/// # Errors
/// The value does not fit into a header.
pub fn set(value: &str, secure: bool) -> Result<HeaderValue, Fault> {
    let secure = if secure { "; Secure" } else { "" };
    let age = DAYS.saturating_mul(86_400);
    let cookie = format!("{COOKIE}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={age}{secure}");
    HeaderValue::from_str(&cookie)
        .map_err(|_| Fault::Internal("a browser's cookie does not fit into a header".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_among_others_and_only_of_a_length_that_it_can_have() {
        let with = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, text.parse().expect("a value"));
            read(&headers)
        };
        assert_eq!(with("a=b; dumont_browser=x; c=d").as_deref(), Some("x"));
        assert_eq!(with("not_dumont_browser=x"), None);
        assert_eq!(with("dumont_browser="), None);
        assert_eq!(with(&format!("dumont_browser={}", "x".repeat(65))), None);
    }
}
