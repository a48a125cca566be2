//! The whole application, from the table of routes outwards.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Json, Router};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::guard::{self, Guard};
use super::ready::Probe;
use super::{body, csrf, describe, docs, headers, hosts, idempotency, identity, problem, session};
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
    let probe = Arc::new(Probe::default());
    let ready = move |State(dumont): State<Dumont>| {
        let probe = Arc::clone(&probe);
        async move { probe.answer(&dumont).await }
    };
    dynamic
        .merge(web::files::routes(site))
        .layer(from_fn(body::in_time))
        .layer(from_fn_with_state(dumont.clone(), hosts::guard))
        // Asked under whatever name by what watches the process; they tell nothing of anybody's.
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
            Access::Read | Access::Operate | Access::Admin | Access::Install => {
                own = own.routes(route.served)
            }
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
