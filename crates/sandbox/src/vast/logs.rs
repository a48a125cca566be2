//! Logs: a copy is made when it is asked for and read by a secret address, as
//! the real service does by way of an object store.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::change::with_own;
use super::driver::host_id;
use super::gate::{Anyone, Caller};
use super::instance::{Event, Instance};
use super::keys::random_hex;
use super::reply::Refusal;
use crate::world::World;

/// Copies that are kept; the oldest names go first when there are more.
const KEPT: usize = 256;

/// `PUT /instances/request_logs/{id}/` with `tail`, `filter`, `daemon_logs`.
pub(crate) async fn request(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let body: Value = if body.trim().is_empty() {
        json!({})
    } else {
        serde_json::from_str(&body).map_err(Refusal::invalid_args)?
    };
    let instance = with_own(&caller, &world, id, |instance| Ok(instance.clone()))?;
    let daemon = body
        .get("daemon_logs")
        .is_some_and(|flag| flag.as_bool() == Some(true) || flag.as_str() == Some("true"));
    let text = if daemon {
        journal(&instance)
    } else {
        world.hosts().console(&host_id(id)).await.unwrap_or_default()
    };
    let tail = body
        .get("tail")
        .and_then(|tail| tail.as_u64().or_else(|| tail.as_str()?.parse().ok()))
        .unwrap_or(1_000);
    let text = cut(
        &text,
        body.get("filter").and_then(Value::as_str),
        usize::try_from(tail).unwrap_or(usize::MAX),
    );
    let url = keep(&world, &headers, text);
    Ok(Json(json!({"success": true, "result_url": url, "msg": "Logs are being fetched."}))
        .into_response())
}

/// Keeps a text at a secret address, and gives that.
pub(crate) fn keep(world: &World, headers: &HeaderMap, text: String) -> String {
    let name = random_hex(20);
    world.vast().with(|inner| {
        if inner.logs.len() >= KEPT {
            inner.logs.clear();
        }
        inner.logs.insert(name.clone(), text);
    });
    let base = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .map_or_else(|| world.url().to_owned(), |host| format!("http://{host}"));
    format!("{base}/api/v0/instance_logs/{name}.log")
}

/// `GET /instance_logs/{name}.log`, without a key.
pub(crate) async fn read(
    _anyone: Anyone,
    State(world): State<World>,
    Path(name): Path<String>,
) -> Result<String, Refusal> {
    let name = name.trim_end_matches(".log");
    let text = world.vast().with(|inner| inner.logs.get(name).cloned());
    text.ok_or_else(|| Refusal::Text(403, "AccessDenied".into()))
}

/// The last lines, of those that contain the filter.
fn cut(text: &str, filter: Option<&str>, tail: usize) -> String {
    let lines: Vec<&str> =
        text.lines().filter(|line| filter.is_none_or(|filter| line.contains(filter))).collect();
    let start = lines.len().saturating_sub(tail);
    let mut cut = lines.get(start..).unwrap_or_default().join("\n");
    if !cut.is_empty() {
        cut.push('\n');
    }
    cut
}

fn journal(instance: &Instance) -> String {
    let line = |event: &Event| {
        let at = OffsetDateTime::from_unix_timestamp(event.at_ms / 1_000)
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok());
        format!("{} {}\n", at.unwrap_or_default(), event.text)
    };
    instance.journal.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn the_last_matching_lines_are_given() {
        let text = "a 1\nb 2\na 3\na 4\n";
        assert_eq!(cut(text, Some("a"), 2), "a 3\na 4\n");
        assert_eq!(cut(text, None, 10), text);
        assert_eq!(cut(text, Some("z"), 10), "");
    }
}
