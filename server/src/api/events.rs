//! The stream of events.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};

use crate::http::events::{last_seen, stream};
use crate::http::identity::Caller;
use crate::{Dumont, Fault};

/// Doorbells over SSE: `{seq, kind, id}` for each change. `Last-Event-ID` brings what was missed.
#[utoipa::path(get, path = "/events", tag = "events", responses((status = 200, content_type = "text/event-stream", body = domain::view::event::Event)))]
pub async fn events(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let mut response = stream(&dumont, &who, last_seen(&headers)).await?.into_response();
    // A proxy that gathers answers would hold the bells back.
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}
