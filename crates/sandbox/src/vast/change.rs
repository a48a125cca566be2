//! Changing an instance: start, stop, label, reboot, and the bid.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::driver::{advance, contested, pace};
use super::gate::Caller;
use super::instance::Instance;
use super::life::{Contract, Outbid};
use super::reply::{Refusal, success};
use super::search::price_pct;
use crate::ledger;
use crate::money::micro;
use crate::profile::Latency;
use crate::world::World;

/// Longest label that a change may set, characters.
const LABEL_MAX: usize = 1_024;
/// The longest that a call waits for a host's processes to be gone.
pub(crate) const HOST_DEADLINE: Duration = Duration::from_secs(15);

/// Runs `act` on the caller's instance, then lets the driver look.
pub(crate) fn with_own<R>(
    caller: &Caller,
    world: &World,
    id: u64,
    act: impl FnOnce(&mut Instance) -> Result<R, Refusal>,
) -> Result<R, Refusal> {
    let done = world.vast().with(|inner| {
        let instance = inner.book.instances.get_mut(&id).filter(|instance| caller.owns(instance));
        act(instance.ok_or_else(|| Refusal::no_instance(id))?)
    });
    advance(world);
    world.vast().wake();
    world.changed();
    done
}

fn parse(body: &str) -> Result<Value, Refusal> {
    if body.trim().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_str(body)
        .map_err(|_| Refusal::json(400, "invalid_request", "Invalid json body"))
}

/// `PUT /instances/{id}/` with `state`, `label`, or both.
pub(crate) async fn one(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
    body: String,
) -> Result<Response, Refusal> {
    let body = parse(&body)?;
    if let Some(label) = body.get("label") {
        relabel(&caller, &world, id, label)?;
    }
    match body.get("state").and_then(Value::as_str) {
        Some(state) => change_state(&caller, &world, id, state).await?,
        None if body.get("label").is_some() => {}
        None => return Err(Refusal::invalid_args("state or label is required")),
    }
    Ok(success())
}

/// `PUT /instances/` with `state` and `ids`.
pub(crate) async fn many(
    caller: Caller,
    State(world): State<World>,
    body: String,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let body = parse(&body)?;
    let state = body
        .get("state")
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::invalid_args("state is required"))?;
    let ids: Vec<u64> = body
        .get("ids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .collect();
    for id in ids {
        change_state(&caller, &world, id, state).await?;
    }
    Ok(success())
}

fn relabel(caller: &Caller, world: &World, id: u64, label: &Value) -> Result<(), Refusal> {
    let label = label.as_str().unwrap_or_default().to_owned();
    if label.chars().count() > LABEL_MAX {
        return Err(Refusal::json(
            400,
            "label_too_long",
            format!("label is longer than {LABEL_MAX} characters"),
        ));
    }
    world.ledger().relabel(ledger::VAST, &own_id(caller, world, id)?, &label);
    with_own(caller, world, id, |instance| {
        instance.label = Some(label).filter(|label| !label.is_empty());
        Ok(())
    })
}

fn own_id(caller: &Caller, world: &World, id: u64) -> Result<String, Refusal> {
    with_own(caller, world, id, |instance| Ok(instance.id.to_string()))
}

async fn change_state(caller: &Caller, world: &World, id: u64, state: &str) -> Result<(), Refusal> {
    let pace = pace(world);
    let now_ms = world.now_ms();
    match state {
        "running" => {
            own_id(caller, world, id)?;
            if world.balance_micro(caller.account.id) <= 0 {
                return Err(Refusal::no_credit());
            }
            let contested = world.vast().with(|inner| contested(&inner.book));
            with_own(caller, world, id, |instance| {
                let free = !contested.contains(&id);
                let started = instance.life.start(now_ms, &pace, free);
                instance.note(now_ms, if started { "started" } else { "start queued" });
                if started { Ok(()) } else { Err(Refusal::queued()) }
            })
        }
        "stopped" => {
            with_own(caller, world, id, |instance| {
                instance.life.stop(now_ms, &pace);
                instance.note(now_ms, "stopped by the customer");
                Ok(())
            })?;
            world.pause(world.profile().delay(Latency::VastStop)).await;
            advance(world);
            world.vast().settle(id, HOST_DEADLINE).await;
            Ok(())
        }
        other => {
            Err(Refusal::invalid_args(format!("state {other} is neither running nor stopped")))
        }
    }
}

/// `PUT /instances/recycle/{id}/`: the container is made anew from its image, so what it wrote is
/// lost. The GPUs stay.
pub(crate) async fn recycle(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
) -> Result<Response, Refusal> {
    let now_ms = world.now_ms();
    with_own(&caller, &world, id, |instance| {
        instance.renew = true;
        instance.life.reboot(now_ms);
        instance.note(now_ms, "recycled by the customer");
        Ok(())
    })?;
    Ok(success())
}

/// `PUT /instances/reboot/{id}/`.
pub(crate) async fn reboot(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
) -> Result<Response, Refusal> {
    let now_ms = world.now_ms();
    with_own(&caller, &world, id, |instance| {
        instance.life.reboot(now_ms);
        instance.note(now_ms, "rebooted by the customer");
        Ok(())
    })?;
    Ok(success())
}

/// `PUT /instances/bid_price/{id}/`.
pub(crate) async fn bid(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
    body: String,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let body = parse(&body)?;
    let price = body
        .get("price")
        .and_then(|price| price.as_f64().or_else(|| price.as_str()?.parse().ok()))
        .map_or(0, micro);
    if price < 1_000 {
        return Err(Refusal::json(400, "invalid_price", "Please set a bid price >= 0.001."));
    }
    let pace = pace(&world);
    let now_ms = world.now_ms();
    let pct = price_pct(&world);
    with_own(&caller, &world, id, |instance| {
        let Some(before) = instance.bid_micro else {
            return Err(Refusal::invalid_args("this instance is not interruptible"));
        };
        let floor = world.vast().slot(instance.ask_id).map_or(0, |slot| slot.floor_micro(pct));
        instance.bid_micro = Some(price);
        instance.note(now_ms, format!("bid changed to {price} micro-dollars per hour"));
        if price < floor && instance.life.cur == Contract::Running {
            instance.life.evict(
                now_ms,
                &pace,
                Some(Outbid { resume_at_ms: None, until_cleared: None }),
            );
        } else if price >= floor && price > before && instance.life.outbid.is_some() {
            instance.life.resume(now_ms, &pace);
        }
        Ok(())
    })?;
    Ok(Json(json!({"success": true})).into_response())
}
