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
    caller::Caller,
    catalog,
    draft::Draft,
    error::ApiError,
    link,
    operation::Kind,
    page::{ListQuery, Page},
    preempt, rule, view,
    vm::{Key, same_fingerprint},
};
use crate::world::World;

type Answer = Result<Json<Value>, ApiError>;
type InZone = Path<(String, String)>;
type OneVm = Path<(String, String, String)>;

/// What a changing call may say beside its body.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ChangeQuery {
    request_id: Option<String>,
}

impl ChangeQuery {
    fn request(self) -> Result<Option<String>, ApiError> {
        let Some(text) = self.request_id.filter(|text| !text.is_empty()) else { return Ok(None) };
        match uuid::Uuid::parse_str(&text) {
            Ok(id) if !id.is_nil() => Ok(Some(id.to_string())),
            _ => Err(ApiError::field("requestId", &text, "Must be a valid, non-zero UUID.")),
        }
    }
}

/// A call about one VM that passed the checks which all of them share.
struct Call {
    key: Key,
    caller: Caller,
    world: World,
}

impl Call {
    fn new(
        world: World,
        caller: Caller,
        Path((project, zone, name)): OneVm,
        permission: &str,
    ) -> Result<Self, ApiError> {
        let key = Key { project, zone, name };
        caller.permit(&key.project, permission, &key.path())?;
        if !catalog::has_zone(&key.zone) {
            return Err(ApiError::field("zone", &key.zone, "Unknown zone."));
        }
        if !rule::is_name(&key.name) && key.name.parse::<u64>().is_err() {
            return Err(ApiError::field("instance", &key.name, "Not a name or an id."));
        }
        let mut call = Self { key, caller, world };
        call.resolve();
        Ok(call)
    }

    /// A VM may also be called by its number.
    fn resolve(&mut self) {
        let Ok(id) = self.key.name.parse::<u64>() else { return };
        let name = self.world.gcp().read(|store| {
            let same = |key: &Key| key.project == self.key.project && key.zone == self.key.zone;
            store.vms().iter().find(|vm| vm.id == id && same(&vm.key)).map(|vm| vm.key.name.clone())
        });
        if let Some(name) = name {
            self.key.name = name;
        }
    }

    fn ask(&self, query: ChangeQuery) -> Result<Ask<'_>, ApiError> {
        Ok(Ask { world: &self.world, account: &self.caller.account, request: query.request()? })
    }
}

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
    let scopes = by_scope("instances", items);
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

/// Groups zonal resources for an aggregated list; every zone without one carries a warning.
pub(super) fn by_scope(collection: &str, items: Vec<Value>) -> Value {
    let mut zones: BTreeMap<&str, Vec<Value>> =
        catalog::ZONES.iter().map(|zone| (*zone, Vec::new())).collect();
    for item in items {
        let zone = item.get("zone").and_then(Value::as_str).unwrap_or_default();
        let zone = zone.rsplit('/').next().unwrap_or_default();
        if let Some(found) = zones.get_mut(zone) {
            found.push(item);
        }
    }
    let scope = |(zone, items): (&str, Vec<Value>)| {
        let name = format!("zones/{zone}");
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
    Value::Object(zones.into_iter().map(scope).collect())
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
