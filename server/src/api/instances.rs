//! GPU instances.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use domain::view::Done;
use domain::view::instance::{
    CreateInstance, CreatedInstance, DestroyQuery, Instance, InstanceQuery, Instances,
};
use domain::view::offer::{OfferQuery, Offers};

use crate::http::extract::{Body, Gpu, Params};
use crate::http::guard::Subject;
use crate::http::identity::{Caller, Owner};
use crate::service::instances;
use crate::service::whose::{Shown as _, Whose};
use crate::{Dumont, Fault};

/// The account's GPU instances, each with its standby.
#[utoipa::path(get, path = "/instances", tag = "instances", params(InstanceQuery), responses((status = 200, body = Instances)))]
pub async fn list(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Params(query): Params<InstanceQuery>,
) -> Result<Json<Instances>, Fault> {
    Ok(Json(instances::list(&dumont, &user, &query).await?))
}

/// Offers of the market.
#[utoipa::path(get, path = "/instances/offers", tag = "instances", params(OfferQuery), responses((status = 200, body = Offers)))]
pub async fn offers(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Params(query): Params<OfferQuery>,
) -> Result<Json<Offers>, Fault> {
    Ok(Json(instances::offers(&dumont, &user, &query).await?))
}

/// Rents an offer. It bills from then on. Where the account has a second factor a login (not an API
/// token) needs a confirmation of the last ten minutes.
#[utoipa::path(post, path = "/instances", tag = "instances", request_body = CreateInstance, responses((status = 201, body = CreatedInstance)))]
pub async fn create(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    Body(asked): Body<CreateInstance>,
) -> Result<(StatusCode, Extension<Subject>, Json<CreatedInstance>), Fault> {
    let made = instances::rent(&dumont, &who, asked).await?;
    Ok((StatusCode::CREATED, Extension(Subject(made.id.to_string())), Json(made)))
}

/// One GPU instance.
#[utoipa::path(get, path = "/instances/{gpu_id}", tag = "instances", params(("gpu_id" = i64, Path)), responses((status = 200, body = Instance)))]
pub async fn get(
    State(dumont): State<Dumont>,
    whose: Whose,
    Gpu(id): Gpu,
) -> Result<Json<Instance>, Fault> {
    Ok(Json(instances::get(&dumont, &whose.owner, whose.exactly(id)?).await?.shown(&whose)))
}

/// Destroys a GPU instance with its data, and its standby where asked.
#[utoipa::path(delete, path = "/instances/{gpu_id}", tag = "instances", params(("gpu_id" = i64, Path), DestroyQuery), responses((status = 200, body = Done)))]
pub async fn destroy(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Gpu(id): Gpu,
    Params(query): Params<DestroyQuery>,
) -> Result<Json<Done>, Fault> {
    instances::destroy(&dumont, &user, id, query.destroy_standby.unwrap_or(false)).await?;
    Ok(Json(Done::new(
        "the instance is being destroyed; it is gone when the list no longer has it",
    )))
}

/// Stops a GPU instance; never taken for a loss.
#[utoipa::path(post, path = "/instances/{gpu_id}/pause", tag = "instances", params(("gpu_id" = i64, Path)), responses((status = 200, body = Done)))]
pub async fn pause(
    State(dumont): State<Dumont>,
    whose: Whose,
    Gpu(id): Gpu,
) -> Result<Json<Done>, Fault> {
    instances::pause(&dumont, &whose.owner, whose.exactly(id)?).await?;
    Ok(Json(Done::new("the instance is being stopped; its disk is kept and billed")))
}

/// Starts a paused GPU instance.
#[utoipa::path(post, path = "/instances/{gpu_id}/resume", tag = "instances", params(("gpu_id" = i64, Path)), responses((status = 200, body = Done)))]
pub async fn resume(
    State(dumont): State<Dumont>,
    whose: Whose,
    Gpu(id): Gpu,
) -> Result<Json<Done>, Fault> {
    instances::resume(&dumont, &whose.owner, whose.exactly(id)?).await?;
    Ok(Json(Done::new("the instance is being started")))
}
