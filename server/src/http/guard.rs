//! Which credential may use which route: the one place, for every route that is not open to anyone.
//!
//! The rules are the table's own. A request for a route without a rule is refused, so that a route
//! that is added elsewhere is open to nobody.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::access::Scope;

use super::identity::Identity;
use crate::Fault;
use crate::api::table::Route;

/// What each route of the table needs, by method and path below the mount point.
#[derive(Debug, Clone)]
pub struct Rules(Arc<HashMap<(Method, String), Scope>>);

impl Rules {
    /// Of a table.
    #[must_use]
    pub fn of(table: &[Route]) -> Self {
        let rules = table
            .iter()
            .filter_map(|route| Some((route.method_and_path()?, route.access.scope()?)));
        Self(Arc::new(rules.collect()))
    }

    fn scope(&self, method: &Method, matched: &str) -> Option<Scope> {
        let path = matched.strip_prefix("/api/v1").or_else(|| matched.strip_prefix("/api"))?;
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.get(&(method, path.to_owned())).copied()
    }
}

/// Lets a request through whose credential reaches as far as the route needs.
pub async fn guard(State(rules): State<Rules>, request: Request, next: Next) -> Response {
    let Some(identity) = request.extensions().get::<Identity>() else {
        return Fault::Unauthorized.into_response();
    };
    let matched = request.extensions().get::<MatchedPath>();
    let needed = matched.and_then(|path| rules.scope(request.method(), path.as_str()));
    let Some(needed) = needed else {
        // No route of the table: a known path with a method that it does not have.
        return Fault::Status(StatusCode::METHOD_NOT_ALLOWED).into_response();
    };
    match allow(identity, needed) {
        Ok(()) => next.run(request).await,
        Err(fault) => fault.into_response(),
    }
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
