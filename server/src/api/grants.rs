//! Machines that accounts share with one another.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use domain::id::GrantId;
use domain::view::Done;
use domain::view::grant::{GivenGrant, GivenGrants, NewGrant, Shared};

use crate::http::extract::{Body, Segments};
use crate::http::guard::Subject;
use crate::http::identity::{Caller, Owner};
use crate::service::grants;
use crate::{Dumont, Fault};

/// What this account lets others do with its machines.
#[utoipa::path(get, path = "/grants", tag = "sharing", responses((status = 200, body = GivenGrants)))]
pub async fn list(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<GivenGrants>, Fault> {
    Ok(Json(grants::given(&dumont, &user).await?))
}

/// Offers an account of this install to look at machines, or to operate them. It counts once that account
/// accepts; whether there is one of that name is not told. After a confirmation of the last ten minutes.
#[utoipa::path(post, path = "/grants", tag = "sharing", request_body = NewGrant, responses((status = 201, body = GivenGrant)))]
pub async fn give(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    Body(asked): Body<NewGrant>,
) -> Result<(StatusCode, Extension<Subject>, Json<GivenGrant>), Fault> {
    let made = grants::give(&dumont, &who, asked).await?;
    Ok((StatusCode::CREATED, Extension(Subject(made.id.clone())), Json(made)))
}

/// Takes a grant back. What was begun with it goes on; nothing is begun after, and streams tell no more.
#[utoipa::path(delete, path = "/grants/{grant_id}", tag = "sharing", params(("grant_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn revoke(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Segments(id): Segments<GrantId>,
) -> Result<Json<Done>, Fault> {
    grants::revoke(&dumont, &user, &id).await?;
    Ok(Json(Done::new("the grant is taken back")))
}

/// What other accounts offer this one and let it do, with the machines. Each is then read and operated at
/// the same addresses as one's own.
#[utoipa::path(get, path = "/shared", tag = "sharing", responses((status = 200, body = Shared)))]
pub async fn shared(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<Shared>, Fault> {
    Ok(Json(grants::all(&dumont, &user).await?))
}

/// Accepts what another account offers.
#[utoipa::path(post, path = "/shared/{grant_id}/accept", tag = "sharing", params(("grant_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn accept(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Segments(id): Segments<GrantId>,
) -> Result<Json<Done>, Fault> {
    grants::accept(&dumont, &user, &id).await?;
    Ok(Json(Done::new("the grant is accepted")))
}

/// Refuses what another account offers, or gives up what it lets one do.
#[utoipa::path(delete, path = "/shared/{grant_id}", tag = "sharing", params(("grant_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn decline(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Segments(id): Segments<GrantId>,
) -> Result<Json<Done>, Fault> {
    grants::decline(&dumont, &user, &id).await?;
    Ok(Json(Done::new("the grant is given up")))
}
