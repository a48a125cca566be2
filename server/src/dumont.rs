//! Everything that a request may reach.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use domain::time::{Clock, Millis};
use engine::Engine;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::http::limit::LoginLimiter;
use crate::http::link_limit::LinkLimiter;
use crate::kept::Kept;
use crate::service::password::Passwords;
use crate::service::readiness::Recent;
use crate::service::setup::SetupToken;

/// How this install looks from outside.
#[derive(Debug, Clone)]
pub struct Site {
    /// `https://dumont.example.org`, where it was told; else what each request names as its host.
    pub public_url: Option<String>,
    /// Cookies only over TLS.
    pub secure: bool,
    /// A provider is not the real one.
    pub sandbox: bool,
    /// What makes the first account.
    pub setup: SetupToken,
    /// Further names under which it may be asked.
    pub hosts: Vec<String>,
    /// Believe the last address in `X-Forwarded-For`.
    pub trust_proxy: bool,
}

impl Site {
    /// The address of this install as whoever asks reaches it, without a slash at its end.
    #[must_use]
    pub fn address(&self, headers: &HeaderMap) -> String {
        let told = self.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        told.or_else(|| host.map(|host| format!("http://{host}"))).unwrap_or_default()
    }
}

/// One control plane; cheap to clone.
#[derive(Clone)]
pub struct Dumont(Arc<Parts>);

/// The parts; reached through [`Dumont`].
pub struct Parts {
    /// The database: the truth.
    pub store: Store,
    /// What acts.
    pub engine: Engine,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// How this install looks from outside.
    pub site: Site,
    /// How often one may try to log in.
    pub limiter: LoginLimiter,
    /// How often one may try to open a link.
    pub link_limiter: LinkLimiter,
    /// Hashing and checking passwords.
    pub passwords: Passwords,
    /// The newest answers on readiness.
    pub recent: Recent,
    /// What was worked out for earlier requests and still holds.
    pub kept: Kept,
    /// Ends long answers (SSE) when the server is asked to stop.
    pub soft: CancellationToken,
}

impl std::ops::Deref for Dumont {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl std::fmt::Debug for Dumont {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dumont").field("site", &self.site).finish_non_exhaustive()
    }
}

impl Dumont {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Tells everyone who watches a user's pages that something changed. Failing to tell is logged
    /// and never fails the change itself.
    pub async fn doorbell(&self, user: &domain::id::UserId, kind: &str, id: &str) {
        if let Err(error) = self.store.events().append(user, kind, id, self.now()).await {
            tracing::warn!(%error, kind, id, "event not recorded");
        }
    }
}
