//! Accounts of the install, invitations, reset links.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use domain::audit::Credential;
use domain::id::UserId;
use domain::view::Done;
use domain::view::people::{
    Accounts, Invitations, JoinRequest, Joined, MadeLink, NewInvitation, ResetRequest,
};

use crate::http::client::Client;
use crate::http::extract::{Body, OptionalBody, Segments};
use crate::http::guard::Subject;
use crate::http::identity::{Caller, Owner};
use crate::service::{account, people};
use crate::{Dumont, Fault};

/// The accounts of this install. For its administrator.
#[utoipa::path(get, path = "/accounts", tag = "people", responses((status = 200, body = Accounts)))]
pub async fn accounts(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<Accounts>, Fault> {
    Ok(Json(people::accounts(&dumont, &user).await?))
}

/// Makes a link by which an account whose password is lost gets another one; only this answer ever
/// holds it. It opens once, for an hour, and ends those that were made before. For the administrator,
/// after a confirmation of the last ten minutes.
#[utoipa::path(post, path = "/accounts/{account_id}/reset-link", tag = "people", params(("account_id" = String, Path)), responses((status = 201, body = MadeLink)))]
pub async fn reset_link(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    client: Client,
    Segments(account): Segments<UserId>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<MadeLink>), Fault> {
    let site = dumont.site.address(&headers);
    let made = people::reset_link(&dumont, &who, &account, &site, &client).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// The invitations of this install. For its administrator.
#[utoipa::path(get, path = "/invitations", tag = "people", responses((status = 200, body = Invitations)))]
pub async fn invitations(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<Invitations>, Fault> {
    Ok(Json(people::invitations(&dumont, &user).await?))
}

/// Makes a link by which somebody makes an account; only this answer ever holds it. It opens once.
/// For the administrator, after a confirmation of the last ten minutes.
#[utoipa::path(post, path = "/invitations", tag = "people", request_body = NewInvitation, responses((status = 201, body = MadeLink)))]
pub async fn invite(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    headers: HeaderMap,
    OptionalBody(asked): OptionalBody<NewInvitation>,
) -> Result<(StatusCode, Extension<Subject>, Json<MadeLink>), Fault> {
    let site = dumont.site.address(&headers);
    let made = people::invite(&dumont, &who, asked, &site).await?;
    Ok((StatusCode::CREATED, Extension(Subject(made.id.clone())), Json(made)))
}

/// Takes an invitation back. For the administrator.
#[utoipa::path(delete, path = "/invitations/{invitation_id}", tag = "people", params(("invitation_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn revoke(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Segments(id): Segments<String>,
) -> Result<Json<Done>, Fault> {
    people::revoke(&dumont, &user, &id).await?;
    Ok(Json(Done::new("the invitation is taken back")))
}

/// Makes the account that an invitation is for. It then logs in as every other.
#[utoipa::path(post, path = "/auth/join", tag = "people", request_body = JoinRequest, responses((status = 201, body = Joined)))]
pub async fn join(
    State(dumont): State<Dumont>,
    client: Client,
    Body(asked): Body<JoinRequest>,
) -> Result<(StatusCode, Json<Joined>), Fault> {
    let user = people::join(&dumont, asked, &client, Credential::Login).await?;
    Ok((StatusCode::CREATED, Json(Joined { success: true, user: account::view(&user) })))
}

/// Replaces a lost password by a reset link, and ends every login of the account and the API tokens
/// that they made. Nobody is logged in by it.
#[utoipa::path(post, path = "/auth/reset", tag = "people", request_body = ResetRequest, responses((status = 200, body = Done)))]
pub async fn reset(
    State(dumont): State<Dumont>,
    client: Client,
    Body(asked): Body<ResetRequest>,
) -> Result<Json<Done>, Fault> {
    people::reset(&dumont, asked, &client, Credential::Login).await?;
    Ok(Json(Done::new("the password is replaced; every login of the account is ended")))
}
