//! The API under `/_sandbox` by which tests and people look behind the scenes
//! and break things. It never imitates a provider.
//!
//! It has no login: the sandbox listens on loopback and guards nothing but
//! play money. It does refuse changes that a browser makes for another site.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde_json::json;

use crate::fault::UnknownFault;
use crate::host::HostError;
use crate::world::World;

mod accounts;
pub(crate) mod act;
pub(crate) mod bills;
pub(crate) mod faults;
mod hosts;
pub(crate) mod state;

/// The routes, without the prefix.
pub fn router() -> Router<World> {
    Router::new()
        .route("/state", get(state::show))
        .route("/ledger", get(bills::show))
        .route("/faults", get(faults::list).post(faults::arm).delete(faults::clear_all))
        .route("/faults/{name}", axum::routing::delete(faults::clear))
        .route("/hosts/{id}/{action}", post(hosts::act))
        .route("/hosts/{id}/console", get(hosts::console))
        .route("/accounts", post(accounts::create))
        .route("/accounts/{id}", patch(accounts::change))
        .fallback(|| async { Error::NotFound("there is no such page in the admin API".into()) })
        .layer(middleware::from_fn(guard))
}

/// Why the admin API refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 404.
    #[error("{0}")]
    NotFound(String),
    /// 409: not in the state that it is in.
    #[error("{0}")]
    Conflict(String),
    /// 422: the request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// 403: a browser asked for another site.
    #[error("{0}")]
    Forbidden(String),
    /// 500.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({"error": self.to_string()}))).into_response()
    }
}

impl From<UnknownFault> for Error {
    fn from(error: UnknownFault) -> Self {
        Self::Invalid(format!("{error}; GET /_sandbox/faults has the names"))
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Unknown(_) => Self::NotFound(error.to_string()),
            HostError::NotRunning(_) | HostError::StillRunning(_) | HostError::SharedDisk(_) => {
                Self::Conflict(error.to_string())
            }
            other => {
                tracing::error!(error = ?other, "a host can't be changed");
                Self::Failed(other.to_string())
            }
        }
    }
}

/// Lets through what is read, what no browser sent, and what our own console
/// sent.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    if is_ours(request.method(), request.headers()) {
        next.run(request).await
    } else {
        Error::Forbidden("the sandbox takes no orders from another site".into()).into_response()
    }
}

fn is_ours(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = match headers.get(header::ORIGIN) {
        None => return true,
        Some(_) => text(header::ORIGIN).and_then(|origin| origin.strip_prefix("http://")),
    };
    let reads = matches!(*method, Method::GET | Method::HEAD);
    reads || origin.is_some_and(|origin| text(header::HOST) == Some(origin) && is_local(origin))
}

/// A name that nobody else can point at this machine.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn an_address_is_ours_and_a_name_is_not() {
        assert!(is_local("127.0.0.1:8700") && is_local("localhost:1") && is_local("[::1]:8700"));
        assert!(!is_local("evil.example:8700"));
    }

    #[test]
    fn another_site_may_change_nothing() {
        let ours = |method, origin: Option<&'static str>, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            is_ours(&method, &headers)
        };
        let here = "127.0.0.1:8700";
        assert!(ours(Method::POST, None, here));
        assert!(ours(Method::POST, Some("http://127.0.0.1:8700"), here));
        assert!(!ours(Method::POST, Some("http://127.0.0.1:9999"), here));
        assert!(!ours(Method::DELETE, Some("null"), here));
        assert!(!ours(Method::POST, Some("http://evil.example"), "evil.example"));
        assert!(ours(Method::GET, Some("http://evil.example"), here));
    }
}
