//! The routes of `diskTypes`, and of `acceleratorTypes`, of which none is sold.

use axum::{
    Json,
    extract::{Path, Query},
};
use serde_json::{Value, json};

use super::{
    caller::Caller,
    catalog,
    error::ApiError,
    instances::{by_zone, collection},
    link,
    page::{ListQuery, Page},
    price,
};

type Answer = Result<Json<Value>, ApiError>;

const KINDS: &[(&str, &str)] = &[
    ("pd-balanced", "Balanced Persistent Disk"),
    ("pd-ssd", "SSD Persistent Disk"),
    ("pd-standard", "Standard Persistent Disk"),
];

fn sold(zone: &str) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let region = link::region_of(zone).to_owned();
    KINDS.iter().filter(move |(name, _)| price::disk_nano_month(&region, name).is_some())
}

fn show(project: &str, zone: &str, (name, about): &(&str, &str)) -> Value {
    json!({
        "kind": "compute#diskType",
        "id": catalog::stable_id(name),
        "creationTimestamp": catalog::CREATED,
        "name": name,
        "description": about,
        "validDiskSize": "10GB-65536GB",
        "defaultDiskSizeGb": if *name == "pd-standard" { "500" } else { "100" },
        "zone": link::link(&link::zone_path(project, zone)),
        "selfLink": link::link(&link::zonal_path(project, zone, "diskTypes", name)),
    })
}

/// `GET /zones/{z}/diskTypes`
pub(super) async fn list(
    caller: Caller,
    Path((project, zone)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.diskTypes.list")?;
    let Page { items, next } = query.page(sold(&zone).map(|kind| show(&project, &zone, kind)))?;
    let path = format!("{}/diskTypes", link::zone_path(&project, &zone));
    Ok(Json(collection("compute#diskTypeList", &path, items.into(), next)))
}

/// `GET /zones/{z}/diskTypes/{t}`
pub(super) async fn get(
    caller: Caller,
    Path((project, zone, name)): Path<(String, String, String)>,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.diskTypes.get")?;
    let kind = sold(&zone).find(|(own, _)| *own == name);
    let missing = || ApiError::not_found(&link::zonal_path(&project, &zone, "diskTypes", &name));
    kind.map(|kind| Json(show(&project, &zone, kind))).ok_or_else(missing)
}

/// `GET /aggregated/diskTypes`
pub(super) async fn aggregated(
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit(&project, "compute.diskTypes.list", &link::project_path(&project))?;
    let zones = catalog::ZONES.iter().copied();
    let shown: Vec<Value> = zones
        .flat_map(|zone| sold(zone).map(|kind| show(&project, zone, kind)).collect::<Vec<_>>())
        .collect();
    let Page { items, next } = query.page(shown.into_iter())?;
    let path = format!("projects/{project}/aggregated/diskTypes");
    let scopes = by_zone("diskTypes", items);
    Ok(Json(collection("compute#diskTypeAggregatedList", &path, scopes, next)))
}

/// `GET /zones/{z}/acceleratorTypes`
pub(super) async fn accelerators(
    caller: Caller,
    Path((project, zone)): Path<(String, String)>,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.acceleratorTypes.list")?;
    let path = format!("{}/acceleratorTypes", link::zone_path(&project, &zone));
    Ok(Json(collection("compute#acceleratorTypeList", &path, json!([]), None)))
}

/// `GET /zones/{z}/acceleratorTypes/{t}`
pub(super) async fn accelerator(
    caller: Caller,
    Path((project, zone, name)): Path<(String, String, String)>,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.acceleratorTypes.get")?;
    Err(ApiError::not_found(&link::zonal_path(&project, &zone, "acceleratorTypes", &name)))
}
