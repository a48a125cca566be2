//! SSH keys of the account, installed on instances made afterwards, and of a
//! single instance, effective from its next login on.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::change::with_own;
use super::gate::Caller;
use super::instance::Key;
use super::reply::{Refusal, success};
use crate::world::World;

/// Random bytes in hexadecimal.
pub(crate) fn random_hex(bytes: usize) -> String {
    (0..bytes).map(|_| format!("{:02x}", rand::random::<u8>())).collect()
}

fn shown(key: &Key) -> Value {
    let created = OffsetDateTime::from_unix_timestamp(key.created_ms / 1_000)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok());
    json!({
        "id": key.id,
        "user_id": key.account,
        "public_key": key.public_key,
        "created_at": created,
        "deleted_at": null,
    })
}

/// The key line of a body, if it is one.
fn key_line(body: &str) -> Result<String, Refusal> {
    let refused = || Refusal::json(400, "invalid_args", "Invalid ssh key format");
    let body: Value = serde_json::from_str(body)
        .map_err(|_| Refusal::json(400, "invalid_request", "Invalid json body"))?;
    let line = body.get("ssh_key").and_then(Value::as_str).ok_or_else(refused)?.trim();
    let mut words = line.split_whitespace();
    let known = words.next().is_some_and(|kind| {
        kind.starts_with("ssh-") || kind.starts_with("ecdsa-") || kind.starts_with("sk-")
    });
    let encoded =
        words.next().is_some_and(|blob| STANDARD.decode(blob).is_ok_and(|bytes| bytes.len() > 16));
    if known && encoded && !line.contains('\n') { Ok(line.to_owned()) } else { Err(refused()) }
}

fn new_key(caller: &Caller, world: &World, public_key: String) -> Key {
    let id = world.vast().with(|inner| {
        let id = inner.book.next_key;
        inner.book.next_key += 1;
        id
    });
    Key { id, account: caller.account.id, public_key, created_ms: world.now_ms() }
}

/// `GET /ssh/`: the account's keys; 404 when there is none.
pub(crate) async fn of_account(
    caller: Caller,
    State(world): State<World>,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let keys: Vec<Value> = world.vast().with(|inner| {
        let own = inner.book.keys.iter().filter(|key| key.account == caller.account.id);
        own.map(shown).collect()
    });
    if keys.is_empty() {
        return Err(Refusal::json(404, "not_found", "No ssh keys found"));
    }
    Ok(Json(keys).into_response())
}

/// `POST /ssh/`.
pub(crate) async fn add(
    caller: Caller,
    State(world): State<World>,
    body: String,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let key = new_key(&caller, &world, key_line(&body)?);
    let answer = json!({"success": true, "key": shown(&key)});
    world.vast().with(|inner| inner.book.keys.push(key));
    world.changed();
    Ok((StatusCode::OK, Json(answer)).into_response())
}

/// `PUT /ssh/{id}/`.
pub(crate) async fn replace(
    caller: Caller,
    State(world): State<World>,
    Path(key): Path<u64>,
    body: String,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let line = key_line(&body)?;
    let answer = world.vast().with(|inner| {
        let mut own = inner.book.keys.iter_mut().filter(|found| found.account == caller.account.id);
        let found = own.find(|found| found.id == key)?;
        found.public_key = line;
        Some(json!({"success": true, "key": shown(found)}))
    });
    world.changed();
    answer.map(|answer| Json(answer).into_response()).ok_or_else(no_key)
}

/// `DELETE /ssh/{id}/`.
pub(crate) async fn remove(
    caller: Caller,
    State(world): State<World>,
    Path(key): Path<u64>,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let removed = world.vast().with(|inner| {
        let before = inner.book.keys.len();
        inner.book.keys.retain(|found| found.id != key || found.account != caller.account.id);
        before != inner.book.keys.len()
    });
    world.changed();
    if removed { Ok(success()) } else { Err(no_key()) }
}

fn no_key() -> Refusal {
    Refusal::json(404, "not_found", "SSH key not found")
}

/// `GET /instances/{id}/ssh/`: the keys as JSON inside a string.
pub(crate) async fn of_instance(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
) -> Result<Response, Refusal> {
    let keys = with_own(&caller, &world, id, |instance| {
        Ok(instance.keys.iter().map(shown).collect::<Vec<_>>())
    })?;
    Ok(Json(json!({"success": true, "ssh_keys": Value::Array(keys).to_string()})).into_response())
}

/// `POST /instances/{id}/ssh/`.
pub(crate) async fn attach(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
    body: String,
) -> Result<Response, Refusal> {
    let key = new_key(&caller, &world, key_line(&body)?);
    with_own(&caller, &world, id, |instance| {
        instance.keys.retain(|known| known.public_key != key.public_key);
        instance.keys.push(key);
        instance.keys_version += 1;
        Ok(())
    })?;
    world.vast().settle(id, super::change::HOST_DEADLINE).await;
    Ok(Json(json!({"success": true, "msg": "SSH key attached successfully"})).into_response())
}

/// `DELETE /instances/{id}/ssh/{key}/`.
pub(crate) async fn detach(
    caller: Caller,
    State(world): State<World>,
    Path((id, key)): Path<(u64, u64)>,
) -> Result<Response, Refusal> {
    with_own(&caller, &world, id, |instance| {
        let before = instance.keys.len();
        instance.keys.retain(|known| known.id != key);
        if before == instance.keys.len() {
            return Err(no_key());
        }
        instance.keys_version += 1;
        Ok(())
    })?;
    world.vast().settle(id, super::change::HOST_DEADLINE).await;
    Ok(success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_key_lines_are_taken() {
        let good = r#"{"ssh_key":" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGm0Yq3l8p0Hq1JmQf7qz6uQ2Vw3xkY1oZr9kq0uV1aB me@here\n"}"#;
        assert!(
            key_line(good)
                .is_ok_and(|line| line.starts_with("ssh-ed25519 ") && line.ends_with("here"))
        );
        for bad in [
            "{}",
            "x",
            r#"{"ssh_key":"ssh-ed25519"}"#,
            r#"{"ssh_key":"hello AAAAC3NzaC1lZDI1NTE5AAAAIGm0Yq3l8p0H"}"#,
        ] {
            assert!(key_line(bad).is_err(), "{bad}");
        }
    }
}
