//! The search for offers in its three spellings, and the GPU names.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::{Query as UrlQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::catalogue;
use super::gate::{Anyone, Caller, Visitor};
use super::offer::{Kind, Shown, Slot};
use super::query::Query;
use super::reply::Refusal;
use crate::fault::Fault;
use crate::profile::Latency;
use crate::world::World;

/// `POST /bundles/`.
pub(crate) async fn post(
    Visitor(caller): Visitor,
    State(world): State<World>,
    body: String,
) -> Result<Response, Refusal> {
    search(caller, &world, parse(&body)?).await
}

/// `GET /bundles/?q=…`.
pub(crate) async fn get(
    Visitor(caller): Visitor,
    State(world): State<World>,
    UrlQuery(params): UrlQuery<HashMap<String, String>>,
) -> Result<Response, Refusal> {
    let body = params.get("q").map_or(Ok(json!({})), |text| parse(text))?;
    search(caller, &world, body).await
}

/// `PUT /search/asks/` with `{"select_cols":[…],"q":{…}}`.
pub(crate) async fn put(
    Visitor(caller): Visitor,
    State(world): State<World>,
    body: String,
) -> Result<Response, Refusal> {
    let mut body = parse(&body)?;
    let query = body.get_mut("q").map_or_else(|| json!({}), Value::take);
    search(caller, &world, query).await
}

/// `GET /gpu_names/unique/`, which needs no key.
pub(crate) async fn gpu_names(_anyone: Anyone) -> Response {
    Json(json!({"gpu_names": catalogue::gpu_names()})).into_response()
}

fn parse(body: &str) -> Result<Value, Refusal> {
    if body.trim().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_str(body)
        .map_err(|_| Refusal::json(400, "invalid_request", "Invalid json body"))
}

/// The price level in per cent; the fault's factor is 2 unless it says another.
pub(crate) fn price_pct(world: &World) -> i64 {
    let params = world.faults().on(Fault::PriceJump, None);
    let factor =
        params.map_or(1.0, |params| params.get("factor").and_then(Value::as_f64).unwrap_or(2.0));
    (factor.clamp(0.01, 1_000.0) * 100.0).round() as i64
}

async fn search(caller: Option<Caller>, world: &World, body: Value) -> Result<Response, Refusal> {
    world.pause(world.profile().delay(Latency::VastSearch)).await;
    let offers = found(caller.map(|caller| caller.account.id), world, &body)?;
    Ok(Json(json!({"success": true, "offers": offers})).into_response())
}

/// The offers that a search body finds now, for an account or a stranger.
pub(crate) fn found(
    account: Option<u64>,
    world: &World,
    body: &Value,
) -> Result<Vec<Map<String, Value>>, Refusal> {
    let now_ms = world.now_ms();
    let price_pct = price_pct(world);
    let plain = Shown { kind: Kind::OnDemand, storage_gb: 5.0, price_pct, rented: false, now_ms };
    let vast = world.vast();
    let columns = vast.slots.first().map(|slot| slot.row(&plain)).unwrap_or_default();
    let query = Query::parse(body, &columns)
        .map_err(|error| Refusal::json(400, "invalid_request", error.to_string()))?;
    let sold_twice = world.faults().armed(now_ms);
    let sold_twice = |ask: u64| {
        sold_twice.iter().any(|fault| {
            fault.name == Fault::OfferSoldTwice
                && fault.target.as_ref().is_none_or(|target| *target == ask.to_string())
        })
    };
    let (taken, mine) = vast.with(|inner| {
        let all = inner.book.instances.values();
        let rented = all.clone().map(|instance| instance.ask_id);
        let mut taken: HashSet<u64> = rented.filter(|ask| !sold_twice(*ask)).collect();
        taken.extend(
            inner.book.gone.iter().filter(|(_, until)| now_ms < **until).map(|(ask, _)| *ask),
        );
        let mine: HashSet<u64> = all
            .filter(|instance| Some(instance.account) == account)
            .map(|instance| instance.ask_id)
            .collect();
        (taken, mine)
    });
    let machines: HashSet<u64> = vast
        .slots
        .iter()
        .filter(|slot| mine.contains(&slot.ask_id))
        .map(|slot| slot.machine_id)
        .collect();
    let row = |slot: &Slot| -> Map<String, Value> {
        let rented = machines.contains(&slot.machine_id);
        slot.row(&Shown {
            kind: query.kind,
            storage_gb: query.storage_gb,
            price_pct,
            rented,
            now_ms,
        })
    };
    let free = vast.slots.iter().filter(|slot| !taken.contains(&slot.ask_id)).map(row);
    Ok(query.answer(free))
}
