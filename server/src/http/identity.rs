//! Who asks: from a token or a session, and from nothing else.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::access::Scope;
use domain::id::{TokenId, UserId};
use domain::time::Millis;
use store::{SESSION_CONFIRMED, SESSION_USER, TokenKind, session_handle};
use tower_sessions::Session;

use crate::service::whose::Whose;
use crate::{Dumont, Fault};

/// How the one who asks was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A browser's session, by its handle.
    Session(String),
    /// A token.
    Token(TokenId, TokenKind),
}

impl Via {
    /// What the credential is called in the database: the session's handle or the token's id.
    #[must_use]
    pub fn handle(&self) -> &str {
        match self {
            Self::Session(handle) => handle,
            Self::Token(id, _) => id.as_str(),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub user: UserId,
    /// How it was recognised.
    pub via: Via,
    /// What it may do.
    pub scope: Scope,
    /// What the credential is called, where it has a name.
    pub name: Option<String>,
    /// When it last proved to know the password.
    pub confirmed_at: Option<Millis>,
}

impl Identity {
    /// Whether the credential still opens anything; for answers that take long.
    ///
    /// # Errors
    /// The database.
    pub async fn stands(&self, dumont: &Dumont) -> Result<bool, Fault> {
        let now = dumont.now();
        Ok(match &self.via {
            Via::Session(handle) => dumont.store.sessions().stands(&self.user, handle, now).await?,
            Via::Token(id, _) => dumont.store.tokens().stands(&self.user, id, now).await?,
        })
    }
}

/// The account that asks. The only source of an owner in a handler.
#[derive(Debug, Clone)]
pub struct Owner(pub UserId);

/// The account that asks, and how it was recognised.
#[derive(Debug, Clone)]
pub struct Caller(pub Identity);

impl<S: Send + Sync> FromRequestParts<S> for Whose {
    type Rejection = Fault;

    /// As the guard has found out, for routes of things that can be shared.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Fault::Internal("nobody asked whose it is".into()))
    }
}

/// Finds out who asks and puts it beside the request. A token that is not good is nobody, even when
/// a session came with it.
pub async fn identify(State(dumont): State<Dumont>, mut request: Request, next: Next) -> Response {
    let session = request.extensions().get::<Session>().cloned();
    let headers = request.headers().clone();
    let user = match recognise(&dumont, &headers, session).await {
        Ok(Some(identity)) => {
            tracing::Span::current().record("user", identity.user.as_str());
            let user = identity.user.clone();
            request.extensions_mut().insert(identity);
            Some(user)
        }
        Ok(None) => None,
        Err(fault) => return fault.into_response(),
    };
    let changing = !request.method().is_safe();
    let response = next.run(request).await;
    if let Some(user) = user.filter(|_| changing) {
        // Before the answer is out: what they look at next is drawn anew, by any process.
        if let Err(error) = dumont.store.users().changed(&user).await {
            tracing::warn!(%error, "a change was not noted; pages show it a moment later");
        }
    }
    response
}

async fn recognise(
    dumont: &Dumont,
    headers: &HeaderMap,
    session: Option<Session>,
) -> Result<Option<Identity>, Fault> {
    if headers.contains_key(header::AUTHORIZATION) {
        let Some(plain) = bearer(headers) else { return Ok(None) };
        let found = dumont.store.tokens().find(plain, dumont.now()).await?;
        return Ok(found.map(|token| Identity {
            user: token.user,
            via: Via::Token(token.id, token.kind),
            scope: token.scope,
            name: Some(token.name),
            confirmed_at: token.confirmed_at,
        }));
    }
    let Some(session) = session else { return Ok(None) };
    let broken = |error| Fault::Internal(format!("session: {error}"));
    let user: Option<String> = session.get(SESSION_USER).await.map_err(broken)?;
    let confirmed: Option<i64> = session.get(SESSION_CONFIRMED).await.map_err(broken)?;
    let (Some(user), Some(id)) = (user.map(UserId), session.id()) else { return Ok(None) };
    let handle = session_handle(&id);
    if dumont.kept.noted.due(&handle, dumont.now()) {
        dumont.store.sessions().touch(&user, &handle, dumont.now()).await?;
    }
    Ok(Some(Identity {
        user,
        via: Via::Session(handle),
        scope: Scope::Admin,
        name: None,
        confirmed_at: confirmed.map(Millis),
    }))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        parts.extensions.get::<Identity>().cloned().map(Self).ok_or(Fault::Unauthorized)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Owner {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let Caller(identity) = Caller::from_request_parts(parts, state).await?;
        Ok(Self(identity.user))
    }
}
