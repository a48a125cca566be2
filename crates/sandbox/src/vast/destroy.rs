//! Destroying: `DELETE /instances/{id}/`. The answer comes when the host is
//! gone with its files, unless a fault makes it lie.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::change::{HOST_DEADLINE, with_own};
use super::driver::advance;
use super::gate::Caller;
use super::reply::{Refusal, success};
use crate::fault::Fault;
use crate::profile::Latency;
use crate::world::World;

/// `DELETE /instances/{id}/`.
pub(crate) async fn one(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
) -> Result<Response, Refusal> {
    destroy(&caller, &world, id).await?;
    Ok(success())
}

/// `DELETE /instances/` with `instance_ids`.
pub(crate) async fn many(
    caller: Caller,
    State(world): State<World>,
    body: String,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let body: Value = serde_json::from_str(&body)
        .map_err(|_| Refusal::json(400, "invalid_request", "Invalid json body"))?;
    let ids: Vec<u64> = body
        .get("instance_ids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .collect();
    if ids.is_empty() {
        return Err(Refusal::invalid_args("instance_ids is required"));
    }
    for id in &ids {
        destroy(&caller, &world, *id).await?;
    }
    Ok(Json(json!({"success": true})).into_response())
}

async fn destroy(caller: &Caller, world: &World, id: u64) -> Result<(), Refusal> {
    let delay = world.profile().delay(Latency::VastDestroy);
    let erase_ms = world.now_ms() + i64::try_from(delay.as_millis()).unwrap_or(0);
    // Look first: a fault must not be used up on what is not the caller's.
    with_own(caller, world, id, |_| Ok(()))?;
    if world.faults().hit(Fault::Destroy200StillRunning, Some(&id.to_string())).is_some() {
        return Ok(());
    }
    with_own(caller, world, id, |instance| {
        instance.life.unload(erase_ms);
        Ok(())
    })?;
    world.pause(delay).await;
    advance(world);
    world.vast().settle(id, HOST_DEADLINE).await;
    Ok(())
}
