//! The routes of `instances`.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    accept::Ask,
    body,
    call::{Call, ChangeQuery, OneVm},
    caller::Caller,
    catalog,
    draft::Draft,
    error::ApiError,
    link,
    operation::Kind,
    page::{ListQuery, Page},
    preempt, rule, view,
    vm::same_fingerprint,
};
use crate::world::World;

type Answer = Result<Json<Value>, ApiError>;
type InZone = Path<(String, String)>;

/// `GET /zones/{z}/instances`
pub(super) async fn list(
    State(world): State<World>,
    caller: Caller,
    Path((project, zone)): InZone,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.instances.list")?;
    let all: Vec<Value> = world.gcp().read(|store| {
        let here = store.vms().iter().filter(|vm| vm.key.project == project && vm.key.zone == zone);
        here.map(view::instance).collect()
    });
    let Page { items, next } = query.page(all.into_iter())?;
    let path = format!("{}/instances", link::zone_path(&project, &zone));
    Ok(Json(collection("compute#instanceList", &path, items.into(), next)))
}

/// `GET /aggregated/instances`
pub(super) async fn aggregated(
    State(world): State<World>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit(&project, "compute.instances.list", &link::project_path(&project))?;
    let all: Vec<Value> = world.gcp().read(|store| {
        let mine = store.vms().iter().filter(|vm| vm.key.project == project);
        mine.map(view::instance).collect()
    });
    let Page { items, next } = query.page(all.into_iter())?;
    let path = format!("projects/{project}/aggregated/instances");
    let scopes = by_zone("instances", items);
    Ok(Json(collection("compute#instanceAggregatedList", &path, scopes, next)))
}

/// The envelope of every list.
pub(super) fn collection(kind: &str, path: &str, items: Value, next: Option<String>) -> Value {
    let mut list = json!({
        "kind": kind, "id": path, "items": items, "selfLink": link::link(path),
    });
    if let (Some(next), Some(map)) = (next, list.as_object_mut()) {
        map.insert("nextPageToken".into(), next.into());
    }
    // An empty list has no `items` at all, and clients must cope with that.
    if list.get("items").and_then(Value::as_array).is_some_and(Vec::is_empty)
        && let Some(map) = list.as_object_mut()
    {
        map.remove("items");
    }
    list
}

/// Groups resources by zone or region for an aggregated list; every scope without one carries a
/// warning.
pub(super) fn by_scope<'a>(
    collection: &str,
    field: &str,
    scopes: impl IntoIterator<Item = &'a str>,
    items: Vec<Value>,
) -> Value {
    let mut groups: BTreeMap<&str, Vec<Value>> =
        scopes.into_iter().map(|name| (name, Vec::new())).collect();
    for item in items {
        let place = item.get(field).and_then(Value::as_str).unwrap_or_default();
        let place = place.rsplit('/').next().unwrap_or_default();
        if let Some(found) = groups.get_mut(place) {
            found.push(item);
        }
    }
    let scope = |(place, items): (&str, Vec<Value>)| {
        let name = format!("{field}s/{place}");
        let value = if items.is_empty() {
            json!({"warning": {
                "code": "NO_RESULTS_ON_PAGE",
                "message": format!("There are no results for scope '{name}' on this page."),
                "data": [{"key": "scope", "value": name}],
            }})
        } else {
            json!({ collection: items })
        };
        (name, value)
    };
    Value::Object(groups.into_iter().map(scope).collect())
}

/// The same by zone.
pub(super) fn by_zone(collection: &str, items: Vec<Value>) -> Value {
    by_scope(collection, "zone", catalog::ZONES.iter().copied(), items)
}

/// `POST /zones/{z}/instances`
pub(super) async fn insert(
    State(world): State<World>,
    caller: Caller,
    Path((project, zone)): InZone,
    Query(query): Query<ChangeQuery>,
    bytes: Bytes,
) -> Answer {
    let body: body::Instance = body::read(&bytes)?;
    let name = body.name.as_deref().unwrap_or_default();
    let resource = link::zonal_path(&project, &zone, "instances", name);
    caller.permit(&project, "compute.instances.create", &resource)?;
    if !catalog::has_zone(&zone) {
        return Err(ApiError::field("zone", &zone, "Unknown zone."));
    }
    let draft = Draft::new(body, &project, &zone)?;
    caller.policy(&draft, &zone)?;
    let ask = Ask { world: &world, account: &caller.account, request: query.request()? };
    ask.insert(&zone, draft).map(Json)
}

/// `GET /zones/{z}/instances/{i}`
pub(super) async fn get(State(world): State<World>, caller: Caller, path: OneVm) -> Answer {
    let call = Call::new(world, caller, path, "compute.instances.get")?;
    let shown = call.world.gcp().read(|store| store.vm(&call.key).map(view::instance));
    shown.map(Json).ok_or_else(|| ApiError::not_found(&call.key.path()))
}

/// `DELETE /zones/{z}/instances/{i}`
pub(super) async fn delete(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ChangeQuery>,
) -> Answer {
    let call = Call::new(world, caller, path, "compute.instances.delete")?;
    call.ask(query)?.delete(&call.key).map(Json)
}

/// `POST /zones/{z}/instances/{i}/start`
pub(super) async fn start(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ChangeQuery>,
) -> Answer {
    let call = Call::new(world, caller, path, "compute.instances.start")?;
    call.ask(query)?.start(&call.key).map(Json)
}

/// `POST /zones/{z}/instances/{i}/stop`
pub(super) async fn stop(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ChangeQuery>,
) -> Answer {
    let call = Call::new(world, caller, path, "compute.instances.stop")?;
    call.ask(query)?.stop(&call.key).map(Json)
}

/// `POST /zones/{z}/instances/{i}/setLabels`
pub(super) async fn set_labels(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ChangeQuery>,
    bytes: Bytes,
) -> Answer {
    let body: body::SetLabels = body::read(&bytes)?;
    let call = Call::new(world, caller, path, "compute.instances.setLabels")?;
    rule::labels(&body.labels)?;
    let sent = body.label_fingerprint.unwrap_or_default();
    let change = |vm: &mut super::vm::Vm| {
        if !same_fingerprint(&sent, &vm.label_fingerprint()) {
            let why = "Labels fingerprint either invalid or resource labels have changed";
            return Err(ApiError::condition(why));
        }
        vm.labels = body.labels;
        Ok(())
    };
    call.ask(query)?.edit(&call.key, Kind::SetLabels, change).map(Json)
}

/// `POST /zones/{z}/instances/{i}/setMetadata`
pub(super) async fn set_metadata(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ChangeQuery>,
    bytes: Bytes,
) -> Answer {
    let body: body::Metadata = body::read(&bytes)?;
    let call = Call::new(world, caller, path, "compute.instances.setMetadata")?;
    rule::metadata(body.items.iter().map(|i| (i.key.as_str(), i.value.as_str())))?;
    let sent = body.fingerprint.unwrap_or_default();
    let change = |vm: &mut super::vm::Vm| {
        if !same_fingerprint(&sent, &vm.metadata_fingerprint()) {
            let why = "Supplied fingerprint does not match current metadata fingerprint.";
            return Err(ApiError::condition(why));
        }
        vm.metadata = body.items;
        Ok(())
    };
    call.ask(query)?.edit(&call.key, Kind::SetMetadata, change).map(Json)
}

/// `POST /zones/{z}/instances/{i}/simulateMaintenanceEvent`: takes a Spot VM back.
pub(super) async fn maintain(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<ChangeQuery>,
) -> Answer {
    let call = Call::new(world, caller, path, "compute.instances.simulateMaintenanceEvent")?;
    let shown = call.ask(query)?.edit(&call.key, Kind::Maintenance, |_| Ok(()))?;
    let vm = call.world.gcp().read(|store| store.vm(&call.key).cloned());
    if let Some(vm) = vm.filter(|vm| vm.scheduling.spot()) {
        preempt::preempt(&call.world, &vm, 0.0);
    }
    Ok(Json(shown))
}

/// Where to go on reading the serial port.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SerialQuery {
    start: Option<String>,
}

/// `GET /zones/{z}/instances/{i}/serialPort`: what the host printed while booting.
pub(super) async fn serial_port(
    State(world): State<World>,
    caller: Caller,
    path: OneVm,
    Query(query): Query<SerialQuery>,
) -> Answer {
    let call = Call::new(world, caller, path, "compute.instances.getSerialPortOutput")?;
    let vm = call.world.gcp().read(|store| store.vm(&call.key).cloned());
    let vm = vm.ok_or_else(|| ApiError::not_found(&call.key.path()))?;
    let all = call.world.hosts().console(&vm.host()).await.unwrap_or_default();
    let asked = query.start.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let start = asked.min(all.len());
    let contents = all.get(start..).unwrap_or(&all);
    Ok(Json(json!({
        "kind": "compute#serialPortOutput",
        "contents": contents,
        "start": start.to_string(),
        "next": all.len().to_string(),
        "selfLink": format!("{}/serialPort", call.key.link()),
    })))
}
