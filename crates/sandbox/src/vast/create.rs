//! Renting: `PUT /asks/{id}/`, the one call that spends money, with all the
//! ways in which it is known to go wrong.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::Inner;
use super::driver::advance;
use super::gate::Caller;
use super::instance::{Hidden, Instance};
use super::life::{Life, Stage, Stuck};
use super::offer::Slot;
use super::order::Order;
use super::reply::{Refusal, dropped};
use super::search::price_pct;
use crate::fault::Fault;
use crate::ledger::{self, Opening};
use crate::profile::Latency;
use crate::world::World;

/// How long an offer stays gone that someone else has taken, ms.
const GONE_MS: i64 = 60_000;
/// What the create comes to.
enum Made {
    /// A running instance.
    Runs,
    /// An instance that does not run because its bid is too low; the flag says
    /// whether the answer names it.
    Low(bool),
}

/// `PUT /asks/{id}/`.
pub(crate) async fn create(
    caller: Caller,
    State(world): State<World>,
    Path(ask_id): Path<u64>,
    body: String,
) -> Result<Response, Refusal> {
    match attempt(&caller, &world, ask_id, &body).await? {
        Some(answer) => Ok(Json(answer).into_response()),
        None => Ok(dropped()),
    }
}

/// Rents an offer as part of another call, which has an answer even where this has none.
pub(crate) async fn rent_one(
    caller: &Caller,
    world: &World,
    ask_id: u64,
    body: &str,
) -> Result<Value, Refusal> {
    let answer = attempt(caller, world, ask_id, body).await?;
    answer.ok_or(Refusal::Html(504))
}

/// What is answered; none when the connection is to end without an answer.
async fn attempt(
    caller: &Caller,
    world: &World,
    ask_id: u64,
    body: &str,
) -> Result<Option<Value>, Refusal> {
    caller.whole_account()?;
    let order = Order::parse(body)?;
    let delay = world.profile().delay(Latency::VastCreate);
    let faults = world.faults();
    let label = order.label.clone().unwrap_or_default();
    let ask = ask_id.to_string();
    // A fault may be aimed at the label or at the offer.
    let hit = |name| faults.hit(name, Some(&label)).or_else(|| faults.hit(name, Some(&ask)));

    if hit(Fault::NoCredit).is_some() || world.balance_micro(caller.account.id) <= 0 {
        return Err(Refusal::no_credit());
    }
    if let Some(params) = hit(Fault::OfferGone) {
        let until = world.now_ms() + GONE_MS;
        world.vast().with(|inner| inner.book.gone.insert(ask_id, until));
        return Err(Refusal::offer_gone(
            ask_id,
            params.get("status").and_then(Value::as_u64).unwrap_or(404),
        ));
    }
    let hang = hit(Fault::CreateTimesOut);
    let hang_s = |params: &Value| {
        params.get("hang_s").and_then(Value::as_f64).unwrap_or(120.0).clamp(0.0, 3_600.0)
    };
    let appears_s =
        hang.as_ref().map(|params| params.get("appears_after_s").and_then(Value::as_f64));
    if let (Some(params), Some(None)) = (&hang, appears_s) {
        // The request is lost on its way: nothing is made, nobody says so.
        world.pause(Duration::from_secs_f64(hang_s(params))).await;
        return Ok(None);
    }

    let mut hidden = Hidden::default();
    if let Some(after_s) = appears_s.flatten() {
        hidden.until_ms = Some(world.now_ms() + (after_s * 1_000.0) as i64);
    }
    if let Some(params) = hit(Fault::ListLag) {
        match params.get("seconds").and_then(Value::as_f64) {
            Some(seconds) => hidden.until_ms = Some(world.now_ms() + (seconds * 1_000.0) as i64),
            None => {
                hidden.reads = params
                    .get("reads")
                    .and_then(Value::as_u64)
                    .and_then(|reads| u32::try_from(reads).ok())
                    .unwrap_or(2)
            }
        }
    }
    let stuck = stuck(world, &label, &ask)
        .or_else(|| Some(unpullable(&order.image, &hit(Fault::ImageUnpullable)?)));
    let ssh_dead = counted(world, Fault::SshDead) && hit(Fault::SshDead).is_some();
    let low = order.bid_micro.is_some().then(|| hit(Fault::BidTooLow)).flatten();
    let twice = || hit(Fault::OfferSoldTwice).is_some();
    let made = rent(world, caller, ask_id, order, (low, twice), |instance| {
        instance.hidden = hidden;
        if stuck.is_some() {
            instance.life.stuck = stuck;
        }
        instance.ssh_dead = ssh_dead;
    })?;
    let failing = hit(Fault::Create500ButCreated);
    advance(world);
    world.changed();
    if let Some(params) = hang {
        world.pause(Duration::from_secs_f64(hang_s(&params))).await;
        return Ok(None);
    }
    world.pause(delay).await;
    if let Some(params) = failing {
        let status = params
            .get("status")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(500);
        return Err(if status == 500 {
            Refusal::json(500, "internal_error", "Internal Server Error")
        } else {
            Refusal::Html(status)
        });
    }
    Ok(Some(answer(&made)))
}

/// The fault that keeps a new instance from running: a counted one for this
/// instance for ever, a standing one until it is cleared.
fn stuck(world: &World, label: &str, ask: &str) -> Option<Stuck> {
    let standing = world.faults().armed(world.now_ms()).into_iter().find(|fault| {
        fault.name == Fault::StuckLoading
            && fault.count.is_none()
            && fault.target.as_deref().is_none_or(|target| target == label || target == ask)
    });
    let (params, until_cleared) = match standing {
        Some(fault) => (fault.params, Some(fault.id)),
        None => {
            let faults = world.faults();
            let hit = faults
                .hit(Fault::StuckLoading, Some(label))
                .or_else(|| faults.hit(Fault::StuckLoading, Some(ask)));
            (hit?, None)
        }
    };
    Some(stuck_by(&params, until_cleared))
}

/// An instance whose image can't be had, in the words that a container runtime has for it.
fn unpullable(image: &str, params: &Value) -> Stuck {
    let why = match params.get("reason").and_then(Value::as_str) {
        Some("denied") => format!(
            "pull access denied for {image}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"
        ),
        Some("rate") => "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit".to_owned(),
        _ => format!("manifest for {image} not found: manifest unknown: manifest unknown"),
    };
    let msg = Some(format!("Error response from daemon: {why}"));
    Stuck { stage: Stage::Loading, msg, until_cleared: None }
}

/// Reads the parameters of `stuck_loading`: the `status` that it stays in and
/// the `status_msg` that it repeats.
pub(crate) fn stuck_by(params: &Value, until_cleared: Option<u64>) -> Stuck {
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    let (stage, msg) = match text("status") {
        Some("null") => (Stage::Null, None),
        Some("created") => (
            Stage::Created,
            Some(
                "Error response from daemon: failed to create task for container: OCI runtime create failed: runc create failed",
            ),
        ),
        _ => (Stage::Loading, None),
    };
    Stuck { stage, msg: text("status_msg").or(msg).map(str::to_owned), until_cleared }
}

fn counted(world: &World, name: Fault) -> bool {
    world
        .faults()
        .armed(world.now_ms())
        .iter()
        .any(|fault| fault.name == name && fault.count.is_some())
}

fn answer((id, key, made): &(u64, String, Made)) -> Value {
    match made {
        Made::Runs => json!({"success": true, "new_contract": id, "instance_api_key": key}),
        Made::Low(named) => {
            let mut body = Map::new();
            body.insert("success".into(), false.into());
            body.insert("error".into(), "invalid_price".into());
            body.insert(
                "msg".into(),
                "Bid price is below the current minimum; the instance is created but stopped."
                    .into(),
            );
            if *named {
                body.insert("new_contract".into(), (*id).into());
            }
            Value::Object(body)
        }
    }
}

/// Takes the slot, makes the instance and opens its bill, all at once.
fn rent(
    world: &World,
    caller: &Caller,
    ask_id: u64,
    order: Order,
    (low, twice): (Option<Value>, impl FnOnce() -> bool),
    touch: impl FnOnce(&mut Instance),
) -> Result<(u64, String, Made), Refusal> {
    let gone = if order.cancel_unavail { 410 } else { 404 };
    let slot = world.vast().slot(ask_id).ok_or_else(|| Refusal::offer_gone(ask_id, gone))?;
    if order.disk_gb > slot.disk_gb {
        return Err(Refusal::invalid_args(format!(
            "disk {} exceeds the {} GB of this machine",
            order.disk_gb, slot.disk_gb
        )));
    }
    let pct = price_pct(world);
    let outbid = order.bid_micro.is_some_and(|bid| bid < slot.floor_micro(pct));
    if outbid && order.cancel_unavail && low.is_none() {
        return Err(Refusal::json(
            400,
            "invalid_price",
            "Bid price is below the current minimum bid.",
        ));
    }
    let made = if outbid || low.is_some() {
        let named =
            low.as_ref().and_then(|params| params.get("new_contract")).and_then(Value::as_bool);
        Made::Low(named.unwrap_or(true))
    } else {
        Made::Runs
    };
    let now_ms = world.now_ms();
    world.vast().with(|inner| {
        let Inner { book, .. } = inner;
        let taken = book.instances.values().any(|instance| instance.ask_id == ask_id);
        let waits = taken && twice();
        if (taken && !waits) || book.gone.get(&ask_id).is_some_and(|until| now_ms < *until) {
            return Err(Refusal::offer_gone(ask_id, gone));
        }
        let id = book.next_instance;
        book.next_instance += 1;
        let mut instance =
            order.instance(world, caller, slot, id, matches!(made, Made::Low(_)), pct);
        instance.keys =
            book.keys.iter().filter(|key| key.account == caller.account.id).cloned().collect();
        touch(&mut instance);
        if waits {
            instance.life = Life::begin_queued(now_ms);
            instance.note(now_ms, "the offer is rented already: waits for its GPUs");
        }
        let key = instance.api_key.clone();
        world.ledger().open(opening(&instance, slot), now_ms);
        book.instances.insert(id, instance);
        Ok((id, key, made))
    })
}

fn opening(instance: &Instance, slot: &Slot) -> Opening {
    Opening {
        provider: ledger::VAST,
        external_id: instance.id.to_string(),
        account: instance.account,
        label: instance.label.clone().unwrap_or_default(),
        kind: slot.machine(),
        micro_per_hour: instance.disk_micro,
    }
}
