//! The constrained remote command: `ls`, `rm` and `du` in an instance, running or not.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::change::with_own;
use super::driver::host_id;
use super::gate::Caller;
use super::logs;
use super::reply::Refusal;
use crate::world::World;

/// Longest command, characters.
const MOST: usize = 512;
const PROGRAMS: &[&str] = &["ls", "rm", "du"];

/// `PUT /instances/command/{id}/` with `command`.
pub(crate) async fn run(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let body: Value = serde_json::from_str(&body)
        .map_err(|_| Refusal::json(400, "invalid_request", "Invalid json body"))?;
    let words = words(body.get("command").and_then(Value::as_str).unwrap_or_default())?;
    with_own(&caller, &world, id, |_| Ok(()))?;
    let printed = world.hosts().run(&host_id(id), words).await;
    let text = printed.map_err(|error| Refusal::json(400, "invalid_args", error.to_string()))?;
    let url = logs::keep(&world, &headers, text);
    Ok(Json(json!({
        "success": true, "result_url": url, "writeable_path": "", "msg": "Command is being run.",
    }))
    .into_response())
}

/// The words of an allowed command: plain ones, since no shell reads them, and no path that climbs.
fn words(command: &str) -> Result<Vec<String>, Refusal> {
    let refused = || {
        Refusal::invalid_args(format!(
            "the command must be one of {} with plain arguments, at most {MOST} characters",
            PROGRAMS.join(", ")
        ))
    };
    let plain = |c: char| c.is_alphanumeric() || c == ' ' || "-_./*?+=,:@".contains(c);
    if command.chars().count() > MOST || !command.chars().all(plain) || command.contains("..") {
        return Err(refused());
    }
    let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    match words.first() {
        Some(program) if PROGRAMS.contains(&program.as_str()) => Ok(words),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn only_the_three_programs_with_plain_words_pass() {
        assert_eq!(words("ls  -l /root").map(|words| words.len()).ok(), Some(3));
        for bad in ["", "cat /x", "ls;id", "ls $(id)", "rm ../x", "ls `id`", "ls 'x'", "ls\n/"] {
            assert!(words(bad).is_err(), "{bad}");
        }
        assert!(words(&format!("ls {}", "x".repeat(600))).is_err());
    }
}
