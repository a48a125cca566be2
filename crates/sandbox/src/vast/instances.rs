//! Reading instances: the v1 list, the single read, and the retired v0 list.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::driver::{host_id, silence};
use super::gate::Caller;
use super::instance::Instance;
use super::listing::{self, Params};
use super::reply::Refusal;
use super::row::{self, Seen};
use super::search::price_pct;
use crate::fault::{Armed, Fault};
use crate::world::World;

/// What every row of one answer shares.
struct View<'a> {
    world: &'a World,
    armed: Vec<Armed>,
    price_pct: i64,
    now_ms: i64,
}

impl<'a> View<'a> {
    fn new(world: &'a World) -> Self {
        let now_ms = world.now_ms();
        Self { world, armed: world.faults().armed(now_ms), price_pct: price_pct(world), now_ms }
    }

    fn row(&self, instance: &Instance) -> Option<Map<String, Value>> {
        let slot = self.world.vast().slot(instance.ask_id)?;
        let seen = Seen {
            published: self.world.hosts().ports(&host_id(instance.id)),
            endpoint: self.world.hosts().endpoint(&host_id(instance.id)),
            silence: silence(instance, &self.armed),
            floor_micro: slot.floor_micro(self.price_pct),
            now_ms: self.now_ms,
        };
        Some(row::row(instance, slot, &seen))
    }
}

/// The instances that this read shows the caller; it counts as a read.
fn visible(caller: &Caller, world: &World) -> Vec<Instance> {
    let now_ms = world.now_ms();
    world.vast().with(|inner| {
        let own = inner.book.instances.values_mut().filter(|instance| caller.owns(instance));
        own.filter_map(|instance| (!instance.hidden.strikes(now_ms)).then(|| instance.clone()))
            .collect()
    })
}

/// `GET /api/v1/instances/`.
pub(crate) async fn list(
    caller: Caller,
    State(world): State<World>,
    Query(params): Query<Params>,
) -> Result<Response, Refusal> {
    if let Some(fault) =
        world.faults().hit(Fault::ListEmpty200, Some(&caller.account.id.to_string()))
    {
        return Ok(empty(&fault).into_response());
    }
    let view = View::new(&world);
    let missed = |instance: &Instance| {
        world.faults().hit(Fault::ListMissesRow, Some(&instance.id.to_string())).is_some()
    };
    let rows = visible(&caller, &world)
        .iter()
        .filter(|instance| !missed(instance))
        .filter_map(|instance| view.row(instance))
        .collect();
    let page = listing::page(rows, &params)
        .map_err(|error| Refusal::json(400, error.code(), error.to_string()))?;
    Ok(Json(page).into_response())
}

/// An answer with status 200 that hides everything; `shape` is `list` (the
/// default), `no_key`, `success_false` or `blank`.
fn empty(fault: &Value) -> Refusal {
    match fault.get("shape").and_then(Value::as_str) {
        Some("no_key") => Refusal::Body(200, json!({"success": true})),
        Some("success_false") => Refusal::json(
            200,
            "deprecated_endpoint",
            "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead.",
        ),
        Some("blank") => Refusal::Text(200, String::new()),
        _ => Refusal::Body(
            200,
            json!({"success": true, "instances_found": 0, "total_instances": 0, "label_counts": {}, "next_token": null, "instances": []}),
        ),
    }
}

/// `GET /api/v0/instances/`, which the real service has retired.
pub(crate) async fn retired(_caller: Caller) -> Refusal {
    Refusal::json(
        410,
        "deprecated_endpoint",
        "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead.",
    )
}

/// `GET /api/v0/instances/{id}/`: the row, or null for what is gone or not
/// the caller's.
pub(crate) async fn one(
    caller: Caller,
    State(world): State<World>,
    Path(id): Path<u64>,
) -> Response {
    let now_ms = world.now_ms();
    let found = world.vast().with(|inner| {
        let instance =
            inner.book.instances.get_mut(&id).filter(|instance| caller.owns(instance))?;
        (!instance.hidden.strikes(now_ms)).then(|| instance.clone())
    });
    let row = found.and_then(|instance| View::new(&world).row(&instance));
    Json(json!({"instances": row})).into_response()
}

/// `GET /api/v0/instances/filters/`: the combinations that occur.
pub(crate) async fn filters(caller: Caller, State(world): State<World>) -> Response {
    let view = View::new(&world);
    let mut combinations: Vec<Value> = Vec::new();
    for instance in visible(&caller, &world) {
        let Some(row) = view.row(&instance) else { continue };
        let column = |name: &str| row.get(name).cloned().unwrap_or(Value::Null);
        let combination = json!({
            "actual_status": column("actual_status"),
            "verification": column("verification"),
            "gpu_name": column("gpu_name"),
        });
        if !combinations.contains(&combination) {
            combinations.push(combination);
        }
    }
    Json(json!({"success": true, "filters": combinations})).into_response()
}
