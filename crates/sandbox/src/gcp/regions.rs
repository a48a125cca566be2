//! The routes of `regions`, and what a project may have in each.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde_json::{Value, json};

use super::{
    caller::Caller,
    catalog,
    error::ApiError,
    instances::collection,
    link,
    page::{ListQuery, Page},
    vm::Status,
};
use crate::world::World;

type Answer = Result<Json<Value>, ApiError>;

/// vCPUs that a project may have running in a region.
const CPUS: f64 = 2_400.0;

/// The regions of the zones, in the order of their names.
pub(super) fn all() -> BTreeSet<&'static str> {
    catalog::ZONES.iter().map(|zone| link::region_of(zone)).collect()
}

/// Refuses a region that is none.
pub(super) fn known(region: &str) -> Result<(), ApiError> {
    if all().contains(region) {
        return Ok(());
    }
    Err(ApiError::field("region", region, "Unknown region."))
}

/// `GET /regions`
pub(super) async fn list(
    State(world): State<World>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit(&project, "compute.regions.list", &link::project_path(&project))?;
    let shown = all().into_iter().map(|region| show(&world, &project, region));
    let Page { items, next } = query.page(shown)?;
    let path = format!("projects/{project}/regions");
    Ok(Json(collection("compute#regionList", &path, items.into(), next)))
}

/// `GET /regions/{r}`
pub(super) async fn get(
    State(world): State<World>,
    caller: Caller,
    Path((project, region)): Path<(String, String)>,
) -> Answer {
    let path = format!("projects/{project}/regions/{region}");
    caller.permit(&project, "compute.regions.get", &path)?;
    if all().contains(region.as_str()) {
        return Ok(Json(show(&world, &project, &region)));
    }
    Err(ApiError::not_found(&path))
}

fn show(world: &World, project: &str, region: &str) -> Value {
    let zones = catalog::ZONES.iter().filter(|zone| link::region_of(zone) == region);
    let zones: Vec<String> =
        zones.map(|zone| link::link(&link::zone_path(project, zone))).collect();
    let (vms, cpus) = used(world, project, region);
    json!({
        "kind": "compute#region",
        "id": catalog::stable_id(region),
        "creationTimestamp": catalog::CREATED,
        "name": region,
        "description": region,
        "status": "UP",
        "zones": zones,
        "quotas": [
            {"metric": "CPUS", "limit": CPUS, "usage": cpus},
            {"metric": "INSTANCES", "limit": 6_000.0, "usage": vms},
        ],
        "supportsPzs": false,
        "selfLink": link::link(&format!("projects/{project}/regions/{region}")),
    })
}

/// How many VMs a project has in a region, and the vCPUs of those that run.
fn used(world: &World, project: &str, region: &str) -> (u32, u32) {
    world.gcp().read(|store| {
        let here = store
            .vms()
            .iter()
            .filter(|vm| vm.key.project == project && link::region_of(&vm.key.zone) == region);
        here.fold((0, 0), |(vms, cpus), vm| {
            let kind = catalog::machine_type(&vm.key.zone, &vm.machine_type);
            let more = kind.filter(|_| vm.status != Status::Terminated).map_or(0, |t| t.guest_cpus);
            (vms + 1, cpus + more)
        })
    })
}
