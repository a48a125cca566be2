//! The routes of what is simply there: the project, its zones and their machine types.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{Method, Uri},
};
use serde_json::{Value, json};

use super::{
    caller::Caller,
    catalog,
    error::ApiError,
    instances::{by_zone, collection},
    link,
    page::{ListQuery, Page},
    view, vm,
};
use crate::world::World;

type Answer = Result<Json<Value>, ApiError>;

/// `GET /compute/v1/projects/{p}`
pub(super) async fn project(
    State(world): State<World>,
    caller: Caller,
    Path(project): Path<String>,
) -> Answer {
    let path = link::project_path(&project);
    caller.permit(&project, "compute.projects.get", &path)?;
    let used =
        world.gcp().read(|store| store.vms().iter().filter(|vm| vm.key.project == project).count());
    Ok(Json(json!({
        "kind": "compute#project",
        "id": caller.project_number(),
        "creationTimestamp": view::timestamp(0),
        "name": project,
        "commonInstanceMetadata": {
            "kind": "compute#metadata",
            "fingerprint": vm::fingerprint("metadata", std::iter::empty()),
        },
        "quotas": [
            {"metric": "CPUS_ALL_REGIONS", "limit": 10_000.0, "usage": used},
        ],
        "defaultServiceAccount": caller.account.sa_email,
        "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
        "defaultNetworkTier": "PREMIUM",
        "selfLink": link::link(&path),
    })))
}

/// `GET /zones`
pub(super) async fn zones(
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit(&project, "compute.zones.list", &link::project_path(&project))?;
    let all = catalog::ZONES.iter().map(|zone| catalog::zone_json(&project, zone));
    let Page { items, next } = query.page(all)?;
    let path = format!("projects/{project}/zones");
    Ok(Json(collection("compute#zoneList", &path, items.into(), next)))
}

/// `GET /zones/{z}`
pub(super) async fn zone(caller: Caller, Path((project, zone)): Path<(String, String)>) -> Answer {
    let path = link::zone_path(&project, &zone);
    caller.permit(&project, "compute.zones.get", &path)?;
    if catalog::has_zone(&zone) {
        return Ok(Json(catalog::zone_json(&project, &zone)));
    }
    Err(ApiError::not_found(&path))
}

/// `GET /zones/{z}/machineTypes`
pub(super) async fn machine_types(
    caller: Caller,
    Path((project, zone)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.machineTypes.list")?;
    let all =
        catalog::machine_types(&zone).map(|kind| catalog::machine_type_json(&project, &zone, kind));
    let Page { items, next } = query.page(all)?;
    let path = format!("{}/machineTypes", link::zone_path(&project, &zone));
    Ok(Json(collection("compute#machineTypeList", &path, items.into(), next)))
}

/// `GET /zones/{z}/machineTypes/{t}`
pub(super) async fn machine_type(
    caller: Caller,
    Path((project, zone, name)): Path<(String, String, String)>,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.machineTypes.get")?;
    let kind = catalog::machine_type(&zone, &name).ok_or_else(|| {
        ApiError::not_found(&link::zonal_path(&project, &zone, "machineTypes", &name))
    })?;
    Ok(Json(catalog::machine_type_json(&project, &zone, kind)))
}

/// `GET /aggregated/machineTypes`
pub(super) async fn aggregated_machine_types(
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit(&project, "compute.machineTypes.list", &link::project_path(&project))?;
    let in_zone = |zone: &'static str| {
        let project = project.clone();
        catalog::machine_types(zone)
            .map(move |kind| catalog::machine_type_json(&project, zone, kind))
    };
    let Page { items, next } = query.page(catalog::ZONES.iter().copied().flat_map(in_zone))?;
    let path = format!("projects/{project}/aggregated/machineTypes");
    let scopes = by_zone("machineTypes", items);
    Ok(Json(collection("compute#machineTypeAggregatedList", &path, scopes, next)))
}

/// Everything of the real API that this sandbox does not have.
pub(super) async fn not_played(method: Method, uri: Uri) -> ApiError {
    ApiError::not_played(method.as_str(), uri.path())
}
