//! Standbys and associations.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::view::Done;
use domain::view::configure::{ConfigureStandby, Configured};
use domain::view::points::{DifferenceQuery, GoBack, PointDifference, RecoveryPoints};
use domain::view::pricing::{Pricing, PricingQuery};
use domain::view::standby::{
    AcceptDeletions, Association, Associations, DiscardMachine, HeldDeletions, ProvisionQuery,
    ProvisionStandby, RestoreDeletions, StandbyStatus,
};

use crate::http::extract::{Body, Gpu, Machine, MachinePoint, OptionalBody, Params};
use crate::http::identity::{Caller, Owner};
use crate::service::whose::{Shown as _, Whose};
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

/// Saves the CPU Failover settings; needs working Google Cloud credentials while it is enabled. Where
/// the account has a second factor, a login (not an API token) that lets more be spent than before needs a
/// confirmation of the last ten minutes.
#[utoipa::path(post, path = "/standby/configure", tag = "standby", request_body = ConfigureStandby, responses((status = 200, body = Configured)))]
pub async fn configure(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    Body(asked): Body<ConfigureStandby>,
) -> Result<Json<Configured>, Fault> {
    Ok(Json(standby::configure(&dumont, &who, &asked).await?))
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
    whose: Whose,
    Machine(machine): Machine,
) -> Result<Json<Association>, Fault> {
    Ok(Json(
        standby::association(&dumont, &whose.owner, &whose.machine(machine)).await?.shown(&whose),
    ))
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
    whose: Whose,
    Machine(machine): Machine,
) -> Result<Json<Done>, Fault> {
    let id = machines::find(&dumont, &whose.owner, &whose.machine(machine)).await?.gpu;
    standby::set_sync(&dumont, &whose.owner, id, true).await?;
    Ok(Json(Done::new("the standby follows")))
}

/// The deletions that a frozen copy holds back, by name; none where it is not frozen.
#[utoipa::path(get, path = "/standby/associations/{machine_id}/deletions", tag = "standby", params(("machine_id" = String, Path)), responses((status = 200, body = HeldDeletions)))]
pub async fn deletions(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
) -> Result<Json<HeldDeletions>, Fault> {
    let held = standby::deletions(&dumont, &whose.owner, &whose.machine(machine)).await?;
    Ok(Json(held.shown(&whose)))
}

/// Gives the GPU again what it deleted, from the standby's copy: exactly what was shown. What is there on
/// the GPU is not touched. Then the copy follows again; 409 when it is not frozen, or other deletions are
/// held back.
#[utoipa::path(post, path = "/standby/associations/{machine_id}/restore-deletions", tag = "standby", params(("machine_id" = String, Path)), request_body = RestoreDeletions, responses((status = 202, body = Done)))]
pub async fn restore_deletions(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
    Body(asked): Body<RestoreDeletions>,
) -> Result<(StatusCode, Json<Done>), Fault> {
    let id = machines::find(&dumont, &whose.owner, &whose.machine(machine)).await?.gpu;
    standby::restore_deletions(&dumont, &whose.owner, id, asked).await?;
    let told = "the files are being brought back to the GPU; then the standby follows again";
    Ok((StatusCode::ACCEPTED, Json(Done::new(told))))
}

/// Lets a frozen copy follow again and delete exactly what was shown; 409 when it is not frozen, or other
/// deletions are held back. Where the next sync would delete others, it makes none and freezes again.
#[utoipa::path(post, path = "/standby/associations/{machine_id}/accept-deletions", tag = "standby", params(("machine_id" = String, Path)), request_body = AcceptDeletions, responses((status = 200, body = Done)))]
pub async fn accept_deletions(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
    Body(asked): Body<AcceptDeletions>,
) -> Result<Json<Done>, Fault> {
    let id = machines::find(&dumont, &whose.owner, &whose.machine(machine)).await?.gpu;
    standby::accept_deletions(&dumont, &whose.owner, id, asked).await?;
    Ok(Json(Done::new("the standby follows again; it deletes exactly what was accepted")))
}

/// The recovery points of a machine's copy, the newest first, and the newest way back that was asked for.
/// Where the copy follows by rsync there are none, and it is said why; 409 when the standby can't be asked
/// now.
#[utoipa::path(get, path = "/standby/associations/{machine_id}/points", tag = "standby", params(("machine_id" = String, Path)), responses((status = 200, body = RecoveryPoints)))]
pub async fn points(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
) -> Result<Json<RecoveryPoints>, Fault> {
    let machine = whose.machine(machine);
    Ok(Json(standby::points(&dumont, &whose.owner, &machine).await?.shown(&whose)))
}

/// What going back to a recovery point would change now, whole or at a path and below.
#[utoipa::path(get, path = "/standby/associations/{machine_id}/points/{point_id}", tag = "standby", params(("machine_id" = String, Path), ("point_id" = i64, Path), DifferenceQuery), responses((status = 200, body = PointDifference)))]
pub async fn point_difference(
    State(dumont): State<Dumont>,
    whose: Whose,
    MachinePoint(machine, point): MachinePoint,
    Params(query): Params<DifferenceQuery>,
) -> Result<Json<PointDifference>, Fault> {
    let machine = whose.machine(machine);
    let path = query.path.unwrap_or_default();
    let found = standby::point_difference(&dumont, &whose.owner, &machine, point, &path).await?;
    Ok(Json(found))
}

/// Puts a machine's files back to a recovery point, whole or at a path and below: those on the GPU where it
/// runs there, else those on the standby. What is there now becomes a point first. `accept_changes` agrees
/// that files are changed under whatever runs there. Asked for again while it goes on, it is the same; how it
/// ended stands with the points.
#[utoipa::path(post, path = "/standby/associations/{machine_id}/points/{point_id}/go-back", tag = "standby", params(("machine_id" = String, Path), ("point_id" = i64, Path)), request_body = GoBack, responses((status = 202, body = Done)))]
pub async fn go_back(
    State(dumont): State<Dumont>,
    whose: Whose,
    MachinePoint(machine, point): MachinePoint,
    Body(asked): Body<GoBack>,
) -> Result<(StatusCode, Json<Done>), Fault> {
    let machine = whose.machine(machine);
    standby::go_back(&dumont, &whose.owner, &machine, point, asked).await?;
    Ok((StatusCode::ACCEPTED, Json(Done::new("the files are being put back"))))
}

/// Gives a machine up: what is under way for it is stopped, its GPU and its standby are destroyed with
/// all data on them. It is named in the body, so that no other is meant; done when the association is
/// gone.
#[utoipa::path(post, path = "/standby/associations/{machine_id}/discard", tag = "standby", params(("machine_id" = String, Path)), request_body = DiscardMachine, responses((status = 202, body = Done)))]
pub async fn discard(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Machine(machine): Machine,
    Body(asked): Body<DiscardMachine>,
) -> Result<(StatusCode, Json<Done>), Fault> {
    let id = machines::find(&dumont, &user, &machine).await?.gpu;
    standby::discard(&dumont, &user, id, asked).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(Done::new("the machine is being removed; it is gone when the association is")),
    ))
}

/// Stops following; 409 when it is stopped already.
#[utoipa::path(post, path = "/standby/associations/{machine_id}/stop-sync", tag = "standby", params(("machine_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn stop_sync(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
) -> Result<Json<Done>, Fault> {
    let id = machines::find(&dumont, &whose.owner, &whose.machine(machine)).await?.gpu;
    standby::set_sync(&dumont, &whose.owner, id, false).await?;
    Ok(Json(Done::new("the standby no longer follows; the machine is not protected meanwhile")))
}
