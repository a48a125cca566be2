//! The routes of `zoneOperations`.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde_json::Value;

use super::{
    caller::Caller,
    error::ApiError,
    instances::{by_zone, collection},
    link,
    page::{ListQuery, Page},
    view,
};
use crate::world::World;

/// The longest that a `wait` is held; the caller then asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

type Answer = Result<Json<Value>, ApiError>;
type OneOperation = Path<(String, String, String)>;

/// `GET /zones/{z}/operations`
pub(super) async fn list(
    State(world): State<World>,
    caller: Caller,
    Path((project, zone)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.zoneOperations.list")?;
    let Page { items, next } = query.page(shown(&world, &project, Some(&zone)).into_iter())?;
    let path = format!("{}/operations", link::zone_path(&project, &zone));
    Ok(Json(collection("compute#operationList", &path, items.into(), next)))
}

/// `GET /aggregated/operations`
pub(super) async fn aggregated(
    State(world): State<World>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    caller.permit(&project, "compute.zoneOperations.list", &link::project_path(&project))?;
    let Page { items, next } = query.page(shown(&world, &project, None).into_iter())?;
    let path = format!("projects/{project}/aggregated/operations");
    let scopes = by_zone("operations", items);
    Ok(Json(collection("compute#operationAggregatedList", &path, scopes, next)))
}

fn shown(world: &World, project: &str, zone: Option<&str>) -> Vec<Value> {
    world.gcp().read(|store| {
        let wanted = store.operations().iter().filter(|op| {
            op.target.project == project && zone.is_none_or(|zone| op.target.zone == zone)
        });
        wanted.map(view::operation).collect()
    })
}

fn find(world: &World, project: &str, zone: &str, name: &str) -> Result<Value, ApiError> {
    let op = world.gcp().read(|store| store.operation(project, zone, name).map(view::operation));
    op.ok_or_else(|| ApiError::not_found(&link::zonal_path(project, zone, "operations", name)))
}

/// `GET /zones/{z}/operations/{op}`
pub(super) async fn get(
    State(world): State<World>,
    caller: Caller,
    Path((project, zone, name)): OneOperation,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.zoneOperations.get")?;
    find(&world, &project, &zone, &name).map(Json)
}

/// `DELETE /zones/{z}/operations/{op}`
pub(super) async fn delete(
    State(world): State<World>,
    caller: Caller,
    Path((project, zone, name)): OneOperation,
) -> Result<StatusCode, ApiError> {
    caller.permit_zone(&project, &zone, "compute.zoneOperations.delete")?;
    let path = link::zonal_path(&project, &zone, "operations", &name);
    find(&world, &project, &zone, &name)?;
    if world.gcp().change(&world, |store| store.forget(&project, &zone, &name)) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::not_ready(&path))
}

/// `POST /zones/{z}/operations/{op}/wait`: answers when it is over, or after two minutes.
pub(super) async fn wait(
    State(world): State<World>,
    caller: Caller,
    Path((project, zone, name)): OneOperation,
) -> Answer {
    caller.permit_zone(&project, &zone, "compute.zoneOperations.get")?;
    let mut news = world.gcp().news();
    let over = async {
        loop {
            news.mark_unchanged();
            let op = find(&world, &project, &zone, &name)?;
            if op.get("status").and_then(Value::as_str) == Some("DONE") {
                return Ok(op);
            }
            if news.changed().await.is_err() {
                return Ok(op);
            }
        }
    };
    let result: Result<Value, ApiError> = tokio::select! {
        result = over => result,
        () = tokio::time::sleep(LONGEST_WAIT) => find(&world, &project, &zone, &name),
        () = world.token().cancelled() => find(&world, &project, &zone, &name),
    };
    result.map(Json)
}
