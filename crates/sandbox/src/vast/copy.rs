//! Copies between two instances: they begin with the answer, and the receiving one's log says how they
//! went.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::change::with_own;
use super::driver::host_id;
use super::gate::Caller;
use super::reply::{Refusal, success};
use crate::world::World;

/// Longest path, characters.
const MOST: usize = 4_096;

fn parse(body: &str) -> Result<Value, Refusal> {
    serde_json::from_str(body)
        .map_err(|_| Refusal::json(400, "invalid_request", "Invalid json body"))
}

/// An instance's number, which comes as one or as text, with or without the `C.` of a container.
fn instance(body: &Value, name: &str) -> Result<u64, Refusal> {
    let id = match body.get(name) {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) if text != "local" => {
            let number = text.strip_prefix("C.").unwrap_or(text).parse();
            return number.map_err(|_| Refusal::invalid_args(format!("{name} is no instance")));
        }
        // The other end would be a machine of the customer's, by an rsync daemon of the seller's.
        _ => {
            return Err(Refusal::json(
                501,
                "not_implemented",
                "This sandbox copies between instances only.",
            ));
        }
    };
    id.ok_or_else(|| Refusal::invalid_args(format!("{name} is no instance")))
}

fn path(body: &Value, name: &str) -> Result<String, Refusal> {
    let path = body.get(name).and_then(Value::as_str).unwrap_or_default();
    if path.starts_with('/') && path.len() <= MOST && !path.contains('\0') {
        return Ok(path.to_owned());
    }
    Err(Refusal::invalid_args(format!("{name} must be an absolute path")))
}

/// `PUT /commands/copy_direct/` with `src_id`, `src_path`, `dst_id`, `dst_path`.
pub(crate) async fn start(
    caller: Caller,
    State(world): State<World>,
    body: String,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let body = parse(&body)?;
    let (from, to) = (instance(&body, "src_id")?, instance(&body, "dst_id")?);
    let (path, into) = (path(&body, "src_path")?, path(&body, "dst_path")?);
    if from == to {
        return Err(Refusal::invalid_args("src_id and dst_id are the same"));
    }
    for id in [from, to] {
        with_own(&caller, &world, id, |_| Ok(()))?;
    }
    let ended = world.token().child_token();
    world.vast().with(|inner| {
        let copies = inner.copies.entry(to).or_default();
        copies.retain(|copy| !copy.is_cancelled());
        copies.push(ended.clone());
    });
    world.spawn(carry(world.clone(), from, path, to, into, ended));
    Ok(Json(json!({
        "success": true,
        "msg": "Remote to Remote copy initiated - check instance status bar for progress updates (~30 seconds delayed).",
    }))
    .into_response())
}

async fn carry(
    world: World,
    from: u64,
    path: String,
    to: u64,
    into: String,
    ended: CancellationToken,
) {
    let (source, target) = (host_id(from), host_id(to));
    let copied = tokio::select! {
        copied = world.hosts().copy(&source, &path, &target, &into) => copied,
        () = ended.cancelled() => return,
    };
    ended.cancel();
    let how = match copied {
        Ok(()) => format!("copied {path} of {from} to {into}"),
        Err(error) => {
            use std::error::Error as _;
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            format!("copy of {path} of {from} to {into} failed: {error}: {why}")
        }
    };
    let now_ms = world.now_ms();
    world.vast().with(|inner| {
        if let Some(instance) = inner.book.instances.get_mut(&to) {
            instance.note(now_ms, how);
        }
    });
    world.changed();
}

/// `DELETE /commands/copy_direct/` with `dst_id`: ends what is being copied into it.
pub(crate) async fn cancel(
    caller: Caller,
    State(world): State<World>,
    body: String,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let to = instance(&parse(&body)?, "dst_id")?;
    with_own(&caller, &world, to, |_| Ok(()))?;
    let copies = world.vast().with(|inner| inner.copies.remove(&to)).unwrap_or_default();
    for copy in copies {
        copy.cancel();
    }
    Ok(success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_named_by_number_or_by_text() {
        let read = |id: Value| instance(&json!({"src_id": id}), "src_id").ok();
        for id in [json!(7), json!("7"), json!("C.7")] {
            assert_eq!(read(id.clone()), Some(7), "{id}");
        }
        for id in [json!("local"), json!(null), json!("V.7"), json!("x"), json!(-1)] {
            assert_eq!(read(id.clone()), None, "{id}");
        }
    }

    #[test]
    fn paths_are_absolute() {
        assert!(path(&json!({"p": "/workspace/"}), "p").is_ok());
        for bad in [json!({"p": "workspace"}), json!({"p": ""}), json!({}), json!({"p": "/a\0"})] {
            assert!(path(&bad, "p").is_err(), "{bad}");
        }
    }
}
