//! Standbys and associations.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::view::Done;
use domain::view::configure::{ConfigureStandby, Configured};
use domain::view::pricing::{Pricing, PricingQuery};
use domain::view::standby::{
    AcceptDeletions, Association, Associations, ProvisionQuery, ProvisionStandby, StandbyStatus,
};

use crate::http::extract::{Body, Gpu, Machine, OptionalBody, Params};
use crate::http::identity::Owner;
use crate::service::{machines, standby};
use crate::{Dumont, Fault};

/// What is chosen and which machines have a standby.
#[utoipa::path(get, path = "/standby/status", tag = "standby", responses((status = 200, body = StandbyStatus)))]
pub async fn status(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<StandbyStatus>, Fault> {
    Ok(Json(standby::status(&dumont, &user).await?))
}

/// Saves the CPU Failover settings; needs working Google Cloud credentials while it is enabled.
#[utoipa::path(post, path = "/standby/configure", tag = "standby", request_body = ConfigureStandby, responses((status = 200, body = Configured)))]
pub async fn configure(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Body(asked): Body<ConfigureStandby>,
) -> Result<Json<Configured>, Fault> {
    Ok(Json(standby::configure(&dumont, &user, &asked).await?))
}

/// What a standby would cost.
#[utoipa::path(get, path = "/standby/pricing", tag = "standby", params(PricingQuery), responses((status = 200, body = Pricing)))]
pub async fn pricing(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Params(query): Params<PricingQuery>,
) -> Result<Json<Pricing>, Fault> {
    Ok(Json(standby::price(&dumont, &user, &query).await?))
}

/// Every machine that has a standby.
#[utoipa::path(get, path = "/standby/associations", tag = "standby", responses((status = 200, body = Associations)))]
pub async fn associations(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<Associations>, Fault> {
    Ok(Json(standby::associations(&dumont, &user).await?))
}

/// The association of a machine, named by its own id or by any GPU that it has or had.
#[utoipa::path(get, path = "/standby/associations/{machine_id}", tag = "standby", params(("machine_id" = String, Path)), responses((status = 200, body = Association)))]
pub async fn association(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Machine(machine): Machine,
) -> Result<Json<Association>, Fault> {
    Ok(Json(standby::association(&dumont, &user, &machine).await?))
}

/// Removes a machine's standby with its VM; done when the association is gone.
#[utoipa::path(delete, path = "/standby/associations/{machine_id}", tag = "standby", params(("machine_id" = String, Path)), responses((status = 202, body = Done)))]
pub async fn remove(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Machine(machine): Machine,
) -> Result<(StatusCode, Json<Done>), Fault> {
    let id = machines::find(&dumont, &user, &machine).await?.gpu;
    standby::remove(&dumont, &user, id).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(Done::new("the standby is being removed; it is gone when the association is")),
    ))
}

/// Gives a GPU a standby; progress is read from the association.
#[utoipa::path(post, path = "/standby/provision/{gpu_id}", tag = "standby", params(("gpu_id" = i64, Path), ProvisionQuery), request_body = ProvisionStandby, responses((status = 202, body = Association)))]
pub async fn provision(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Gpu(id): Gpu,
    Params(query): Params<ProvisionQuery>,
    OptionalBody(asked): OptionalBody<ProvisionStandby>,
) -> Result<(StatusCode, Json<Association>), Fault> {
    let made = standby::provision(&dumont, &user, id, query.label, asked).await?;
    Ok((StatusCode::ACCEPTED, Json(made)))
}

/// Has the standby follow; 409 when it does already.
#[utoipa::path(post, path = "/standby/associations/{machine_id}/start-sync", tag = "standby", params(("machine_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn start_sync(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Machine(machine): Machine,
) -> Result<Json<Done>, Fault> {
    let id = machines::find(&dumont, &user, &machine).await?.gpu;
    standby::set_sync(&dumont, &user, id, true).await?;
    Ok(Json(Done::new("the standby follows")))
}

/// Lets a frozen copy follow again and delete as many files as were shown; 409 when it is not frozen,
/// or would delete more. Where more are gone by then, it freezes again.
#[utoipa::path(post, path = "/standby/associations/{machine_id}/accept-deletions", tag = "standby", params(("machine_id" = String, Path)), request_body = AcceptDeletions, responses((status = 200, body = Done)))]
pub async fn accept_deletions(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Machine(machine): Machine,
    Body(asked): Body<AcceptDeletions>,
) -> Result<Json<Done>, Fault> {
    let id = machines::find(&dumont, &user, &machine).await?.gpu;
    standby::accept_deletions(&dumont, &user, id, asked).await?;
    Ok(Json(Done::new("the standby follows again; it deletes no more than was accepted")))
}

/// Stops following; 409 when it is stopped already.
#[utoipa::path(post, path = "/standby/associations/{machine_id}/stop-sync", tag = "standby", params(("machine_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn stop_sync(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Machine(machine): Machine,
) -> Result<Json<Done>, Fault> {
    let id = machines::find(&dumont, &user, &machine).await?.gpu;
    standby::set_sync(&dumont, &user, id, false).await?;
    Ok(Json(Done::new("the standby no longer follows; the machine is not protected meanwhile")))
}
