//! The page at `/` for people: hosts, faults, ledger, and a plug to pull.
//!
//! Rendered here as plain HTML; a small script fetches the live part again
//! every second. Everything works without the script. Nothing is shown that
//! the admin API does not say too.

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;

use crate::admin::act::{self, Action};
use crate::admin::{self, bills, faults, state};
use crate::world::World;

mod fault_form;
mod host_table;
mod ledger_table;
mod page;
mod text;

use fault_form::Filled;

/// The page, its style sheet and script, and what its buttons send.
pub fn router() -> Router<World> {
    let orders = Router::new()
        .route("/console/hosts/{id}/{action}", post(act_on_host))
        .route("/console/faults", post(arm))
        .route("/console/faults/clear", post(clear))
        .layer(middleware::from_fn(admin::guard));
    Router::new()
        .route("/", get(index))
        .route("/console/live", get(live))
        .route("/console/style.css", get(|| asset("text/css", include_str!("style.css"))))
        .route("/console/script.js", get(|| asset("text/javascript", include_str!("script.js"))))
        .merge(orders)
}

#[derive(Debug, Deserialize)]
struct Said {
    /// What went wrong with the last order.
    error: Option<String>,
}

async fn index(State(world): State<World>, Query(said): Query<Said>) -> Response {
    let live = live_part(&world).await;
    let form = fault_form::form(&state::rows(&world));
    let page = page::whole(&world, said.error.as_deref(), &live, &form);
    let policy = "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

async fn live(State(world): State<World>) -> Html<String> {
    Html(live_part(&world).await)
}

async fn live_part(world: &World) -> String {
    let everything = state::everything(world, false).await;
    let bills = bills::bills(world);
    let armed = world.faults().armed(world.now_ms());
    let sentence = page::sentence(&everything.hosts, &bills);
    let hosts = host_table::table(&everything.hosts);
    let faults = fault_form::armed(&armed, world.now_ms());
    let ledger = ledger_table::table(&bills, world.now_ms());
    format!("{sentence}{hosts}{faults}{ledger}")
}

async fn act_on_host(
    State(world): State<World>,
    Path((id, action)): Path<(String, String)>,
) -> Result<Redirect, Refused> {
    let action = action.parse::<Action>()?;
    act::act(&world, &id, action).await?;
    Ok(Redirect::to("/"))
}

async fn arm(State(world): State<World>, Form(filled): Form<Filled>) -> Result<Redirect, Refused> {
    faults::armed(&world, filled.order()?).await?;
    Ok(Redirect::to("/"))
}

#[derive(Debug, Deserialize)]
struct Clear {
    id: u64,
}

async fn clear(State(world): State<World>, Form(wanted): Form<Clear>) -> Redirect {
    world.faults().clear_one(wanted.id);
    world.changed();
    Redirect::to("/")
}

async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8"))], text)
}

/// An order that was refused: back to the page, which says why.
struct Refused(admin::Error);

impl From<admin::Error> for Refused {
    fn from(error: admin::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let why = text::in_url(&self.0.to_string());
        (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/?error={why}"))]).into_response()
    }
}
