//! Which credential may use which route, and the note of what was done with it: the one place, for
//! every route that is not open to anyone.
//!
//! The rules are the table's own. A request for a route without a rule is refused, so that a route
//! that is added elsewhere is open to nobody. A request that may change something goes on to its end
//! and into the audit log even when whoever sent it does not wait for the answer.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{
    DefaultBodyLimit, FromRequest as _, FromRequestParts as _, MatchedPath, RawPathParams, Request,
    State,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::access::Scope;
use domain::audit::Action;
use domain::id::{FailoverId, is_id};
use futures::FutureExt as _;
use tracing::Instrument as _;

use super::client::Client;
use super::extract::machine_ref;
use super::identity::Identity;
use super::router::BODY_BYTES;
use crate::api::table::{Route, Shared};
use crate::service::audit::{self, Actor};
use crate::service::whose::{self, Whose};
use crate::{Dumont, Fault};

/// What a route needs, and what using it is called.
#[derive(Debug, Clone, Copy)]
struct Rule {
    scope: Scope,
    action: Option<Action>,
    shared: Option<Shared>,
}

/// The rule of each route of the table, by method and path below the mount point.
#[derive(Debug, Clone)]
pub struct Guard {
    dumont: Dumont,
    rules: Arc<HashMap<(Method, String), Rule>>,
}

/// What an act was done to, where its address does not say: a handler gives it with its answer.
#[derive(Debug, Clone)]
pub struct Subject(pub String);

impl Guard {
    /// Of a table.
    #[must_use]
    pub fn of(dumont: &Dumont, table: &[Route]) -> Self {
        let rules = table.iter().filter_map(|route| {
            let rule =
                Rule { scope: route.access.scope()?, action: route.action, shared: route.shared };
            Some((route.method_and_path()?, rule))
        });
        Self { dumont: dumont.clone(), rules: Arc::new(rules.collect()) }
    }

    fn rule(&self, method: &Method, matched: &str) -> Option<Rule> {
        let path = matched.strip_prefix("/api/v1").or_else(|| matched.strip_prefix("/api"))?;
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.rules.get(&(method, path.to_owned())).copied()
    }
}

/// Lets a request through whose credential reaches as far as the route needs, and notes what came of
/// one that may change something.
pub async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let Some(identity) = request.extensions().get::<Identity>().cloned() else {
        return Fault::Unauthorized.into_response();
    };
    let matched = request.extensions().get::<MatchedPath>();
    let rule = matched.and_then(|path| guard.rule(request.method(), path.as_str()));
    let Some(rule) = rule else {
        // No route of the table: a known path with a method that it does not have.
        return Fault::Status(StatusCode::METHOD_NOT_ALLOWED).into_response();
    };
    let mut allowed = allow(&identity, rule.scope);
    let (mut parts, body) = request.into_parts();
    // The whole body first: what may be done is asked when all of it is here, not when it begins to drip.
    let body = if rule.action.is_some() && allowed.is_ok() {
        let whole = all_of(body).await;
        allowed = stands(&guard.dumont, &identity).await;
        whole
    } else {
        Ok(body)
    };
    let named = RawPathParams::from_request_parts(&mut parts, &()).await;
    let named = named.ok().and_then(|all| all.iter().next().map(|(_, value)| value.to_owned()));
    let mut shared = None;
    if let (Ok(()), Some(kind)) = (&allowed, rule.shared) {
        match whose(&guard.dumont, &identity, kind, named.as_deref()).await {
            Ok(whose) => {
                allowed = whose.allows(rule.scope);
                shared = whose.through.clone().map(|through| (whose.owner.clone(), through));
                parts.extensions.insert(whose);
            }
            Err(fault) => allowed = Err(fault),
        }
    }
    let body = match (body, &allowed) {
        (Ok(body), _) => body,
        (Err(fault), Ok(())) => {
            allowed = Err(fault);
            Body::empty()
        }
        (Err(_), Err(_)) => Body::empty(),
    };
    let Some(action) = rule.action else {
        return match allowed {
            Ok(()) => next.run(Request::from_parts(parts, body)).await,
            Err(fault) => fault.into_response(),
        };
    };
    let client = match Client::from_request_parts(&mut parts, &guard.dumont).await {
        Ok(client) => client,
        Err(never) => match never {},
    };
    let actor = Actor::of(&identity, &client);
    let request = Request::from_parts(parts, body);
    let act = async move {
        let outcome = match allowed {
            Ok(()) => AssertUnwindSafe(next.run(request)).catch_unwind().await,
            Err(fault) => Ok(fault.into_response()),
        };
        let subject = outcome.as_ref().ok().and_then(|answer| answer.extensions().get::<Subject>());
        let subject = subject.map(|subject| subject.0.clone());
        let told = told(&outcome);
        let told = told.as_ref().map_or(Ok(()), |code| Err(code.as_str()));
        audit::note_shared(&guard.dumont, &actor, action, subject.or(named), told, shared).await;
        outcome
    };
    match tokio::spawn(act.in_current_span()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(error) => Fault::Internal(format!("an act was cut short: {error}")).into_response(),
    }
}

/// A body that has arrived.
async fn all_of(body: Body) -> Result<Body, Fault> {
    let mut request = Request::new(body);
    DefaultBodyLimit::max(BODY_BYTES).apply(&mut request);
    // Told as the handler would have told it.
    let bytes = Bytes::from_request(request, &()).await;
    bytes.map(Body::from).map_err(|error| Fault::Status(error.status()))
}

/// Whether who asks is still let in.
async fn stands(dumont: &Dumont, identity: &Identity) -> Result<(), Fault> {
    if identity.stands(dumont).await? { Ok(()) } else { Err(Fault::Unauthorized) }
}

/// Whose the thing is that the address names.
async fn whose(
    dumont: &Dumont,
    identity: &Identity,
    kind: Shared,
    named: Option<&str>,
) -> Result<Whose, Fault> {
    let named = named.unwrap_or_default();
    let subject = match kind {
        Shared::Machine => whose::Subject::Machine(machine_ref(named)?),
        // What is no id is told so by the handler, as everywhere.
        Shared::Failover if !is_id(named) => return Ok(Whose::own(identity.user.clone())),
        Shared::Failover => whose::Subject::Failover(FailoverId::new(named)),
    };
    whose::of(dumont, &identity.user, &subject).await
}

/// The code of a refusal; none where it was done.
fn told(outcome: &Result<Response, Box<dyn Any + Send>>) -> Option<String> {
    let Ok(answer) = outcome else { return Some("internal".to_owned()) };
    if let Some(fault) = answer.extensions().get::<Fault>() {
        return Some(fault.code().to_owned());
    }
    let status = answer.status();
    let refused = status.is_client_error() || status.is_server_error();
    refused.then(|| Fault::Status(status).code().to_owned())
}

/// Whether a credential reaches far enough.
///
/// # Errors
/// `Forbidden` with the scope that is needed.
pub fn allow(identity: &Identity, needed: Scope) -> Result<(), Fault> {
    if identity.scope.covers(needed) {
        return Ok(());
    }
    let message = match needed {
        Scope::Read => "this token may do nothing here",
        Scope::Operate => {
            "this token may only look; acting on machines needs the scope operate or admin"
        }
        Scope::Admin => "this needs a login, or a token of the scope admin",
    };
    Err(Fault::Forbidden { code: "scope_needed", message })
}
