//! Where a request came from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::browser;
use crate::Dumont;

/// The address and the name of the program that asks.
#[derive(Clone)]
pub struct Client {
    /// Its address; unknown where the server was not told by the listener.
    pub address: Option<IpAddr>,
    /// What it calls itself, at most 200 characters.
    pub agent: Option<String>,
    /// The cookie by which it may be known to an account.
    pub browser: Option<String>,
    /// What it calls this server.
    pub host: Option<String>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address)
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}

impl FromRequestParts<Dumont> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, dumont: &Dumont) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let told = if dumont.site.trust_proxy { forwarded(&parts.headers) } else { None };
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        Ok(Self {
            address: told.or(peer),
            agent: agent.map(|name| name.chars().take(200).collect()),
            browser: browser::read(&parts.headers),
            host: host.map(str::to_owned),
        })
    }
}

/// The address that the nearest proxy saw: the last one, since a client can write the others itself.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_forwarded_address_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded(&headers), None);
        headers.append("x-forwarded-for", "10.0.0.1, 192.0.2.7".parse().expect("a value"));
        assert_eq!(forwarded(&headers), Some(IpAddr::from([192, 0, 2, 7])));
        headers.append("x-forwarded-for", "not an address".parse().expect("a value"));
        assert_eq!(forwarded(&headers), None);
    }
}
