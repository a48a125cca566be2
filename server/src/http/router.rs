//! The whole application, from the table of routes outwards.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::guard::{self, Guard};
use super::{csrf, describe, docs, headers, idempotency, identity, problem, session};
use crate::api::table::{Access, table};
use crate::{Dumont, web};

/// Most that a request's body may hold; a service-account file has about 2.5 kB.
pub const BODY_BYTES: usize = 256 * 1024;

/// Everything that is served on the public listener.
pub fn application(dumont: &Dumont, site: &web::Site) -> Router {
    let (api, openapi) = api(dumont);
    let openapi = Arc::new(openapi);
    let described = Arc::clone(&openapi);
    let dynamic = Router::new()
        .nest("/api/v1", api.clone())
        .nest("/api", api)
        .route("/api/v1/openapi.json", get(move || async move { Json((*described).clone()) }))
        .merge(docs::routes(&openapi))
        .merge(web::pages(site))
        .layer(from_fn_with_state(dumont.clone(), csrf::guard))
        .layer(from_fn_with_state(dumont.clone(), identity::identify))
        .layer(session::layer(dumont))
        .layer(DefaultBodyLimit::max(BODY_BYTES));
    dynamic
        .merge(web::files::routes(site))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .layer(CatchPanicLayer::custom(problem::after_panic))
        .layer(from_fn_with_state(dumont.clone(), headers::secure))
        .layer(from_fn(problem::frame))
        .with_state(dumont.clone())
}

/// The API's routes below their mount point, and their description.
fn api(dumont: &Dumont) -> (Router<Dumont>, OpenApi) {
    let mut open = OpenApiRouter::new();
    let mut own = OpenApiRouter::new();
    let table = table();
    let guard = Guard::of(dumont, &table);
    for route in table {
        match route.access {
            Access::Public => open = open.routes(route.served),
            Access::Read | Access::Operate | Access::Admin => own = own.routes(route.served),
        }
    }
    let own = own
        .route_layer(from_fn_with_state(dumont.clone(), idempotency::once))
        .route_layer(from_fn_with_state(guard, guard::guard));
    let (router, described) = open.merge(own).split_for_parts();
    // A report of thousands of rows is a megabyte; a stream of events is never held back for this.
    let small = CompressionLayer::new().quality(CompressionLevel::Fastest);
    (router.layer(small), describe::complete(described))
}

/// Whether this process can do its work: the database answers for reading and writing.
async fn ready(State(dumont): State<Dumont>) -> Response {
    let now = dumont.now();
    let database = dumont.store.ping().await;
    let leases = dumont
        .store
        .leases()
        .list()
        .await
        .map(|all| all.iter().filter(|one| one.expires_at > now).count());
    let well = database.is_ok() && leases.is_ok();
    let body = json!({
        "ready": well,
        "database": if database.is_ok() { "ok" } else { "down" },
        "leases": leases.ok(),
    });
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
