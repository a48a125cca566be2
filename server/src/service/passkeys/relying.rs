//! Under which name passkeys are made and used. A passkey belongs to a name, and a browser makes one only on a
//! page that came safely: the public address where it was told and is a name, else `localhost`.

use std::net::IpAddr;

use crate::dumont::Site;
use crate::http::client::Client;
use crate::http::hosts::host_of;

/// `localhost` counts as safe without TLS.
const LOCALHOST: &str = "localhost";

/// The name, and the address of the pages under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// `dumont.example.org`.
    pub id: String,
    /// `https://dumont.example.org`, as browsers write it.
    pub origin: String,
}

/// The one of this install for whoever asks, if there is one.
#[must_use]
pub fn relying_party(site: &Site, client: &Client) -> Option<RelyingParty> {
    match &site.public_url {
        // A proxy may call us what it likes; the browser is at this address.
        Some(url) => of_url(url),
        None => of_url(&format!("http://{}", client.host.as_deref()?)),
    }
}

fn of_url(url: &str) -> Option<RelyingParty> {
    let url = url.trim().to_ascii_lowercase();
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let id = host_of(authority)?;
    let usual = match scheme {
        "https" => "443",
        "http" if id == LOCALHOST => "80",
        _ => return None,
    };
    if id.starts_with('[') || id.parse::<IpAddr>().is_ok() {
        return None;
    }
    let port = authority.split_once(':').map(|(_, port)| port);
    let port = port.filter(|port| !port.is_empty() && *port != usual);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Some(RelyingParty { origin: format!("{scheme}://{id}{port}"), id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_is_reached_safely_has_passkeys() {
        for (url, id, origin) in [
            ("https://Dumont.example.org/", "dumont.example.org", "https://dumont.example.org"),
            ("https://gpu.example:8443/x", "gpu.example", "https://gpu.example:8443"),
            ("https://gpu.example:443", "gpu.example", "https://gpu.example"),
            ("http://localhost:8420", "localhost", "http://localhost:8420"),
            ("http://localhost:80/", "localhost", "http://localhost"),
        ] {
            let found = of_url(url).expect(url);
            assert_eq!((found.id.as_str(), found.origin.as_str()), (id, origin), "{url}");
        }
        for none in [
            "http://dumont.example.org",
            "https://192.0.2.1",
            "https://[2001:db8::1]:8420",
            "http://127.0.0.1:8420",
            "http://localhost.evil.example",
            "ftp://localhost",
            "localhost",
            "https://",
        ] {
            assert_eq!(of_url(none), None, "{none}");
        }
    }
}
