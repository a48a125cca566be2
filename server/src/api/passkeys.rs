//! Passkeys: by browsers, which make and use them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use domain::view::Done;
use domain::view::access::RemoveSecondFactor;
use domain::view::passkey::{
    AddedPasskey, CreationOptions, NewPasskey, PasskeyChallenge, Passkeys, RenamePasskey,
    RequestOptions,
};
use tower_sessions::Session;

use crate::http::client::Client;
use crate::http::extract::{Body, Segments};
use crate::http::guard::Subject;
use crate::http::identity::{Caller, Owner};
use crate::service::passkeys::{self, Bearer, Purpose};
use crate::{Dumont, Fault};

/// The passkeys of the account, and whether this address can have any.
#[utoipa::path(get, path = "/auth/passkeys", tag = "auth", responses((status = 200, body = Passkeys)))]
pub async fn list(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    client: Client,
) -> Result<Json<Passkeys>, Fault> {
    Ok(Json(passkeys::list(&dumont, &user, &client).await?))
}

/// What a browser needs to make a passkey. Needs a session, and a confirmation of the last ten minutes.
#[utoipa::path(post, path = "/auth/passkeys/begin", tag = "auth", responses((status = 200, body = CreationOptions)))]
pub async fn begin_passkey(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    client: Client,
) -> Result<Json<CreationOptions>, Fault> {
    Ok(Json(passkeys::begin(&dumont, &who, &client).await?))
}

/// Adds a passkey that a browser has just made. Where it is the first second factor, only this answer ever holds
/// the recovery codes, and every other login ends. Needs a session, and a confirmation of the last ten minutes.
#[utoipa::path(post, path = "/auth/passkeys", tag = "auth", request_body = NewPasskey, responses((status = 201, body = AddedPasskey)))]
pub async fn add_passkey(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    client: Client,
    Body(asked): Body<NewPasskey>,
) -> Result<(StatusCode, Extension<Subject>, Json<AddedPasskey>), Fault> {
    let added = passkeys::add(&dumont, &who, asked, &client).await?;
    Ok((StatusCode::CREATED, Extension(Subject(added.id.clone())), Json(added)))
}

/// Gives a passkey another name. Needs a confirmation of the last ten minutes.
#[utoipa::path(put, path = "/auth/passkeys/{passkey_id}", tag = "auth", params(("passkey_id" = String, Path)), request_body = RenamePasskey, responses((status = 200, body = Done)))]
pub async fn rename_passkey(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    Segments(id): Segments<String>,
    Body(asked): Body<RenamePasskey>,
) -> Result<Json<Done>, Fault> {
    passkeys::rename(&dumont, &who, &id, asked).await?;
    Ok(Json(Done::new("the passkey is renamed")))
}

/// Removes a passkey, with the password and a code or a passkey.
#[utoipa::path(post, path = "/auth/passkeys/{passkey_id}/remove", tag = "auth", params(("passkey_id" = String, Path)), request_body = RemoveSecondFactor, responses((status = 200, body = Done)))]
pub async fn remove_passkey(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    client: Client,
    Segments(id): Segments<String>,
    Body(asked): Body<RemoveSecondFactor>,
) -> Result<Json<Done>, Fault> {
    passkeys::remove(&dumont, &who, &id, asked, &client).await?;
    Ok(Json(Done::new("the passkey is removed")))
}

/// What a browser needs to use a passkey, for one purpose. Needs a session.
#[utoipa::path(post, path = "/auth/passkeys/challenge", tag = "auth", request_body = PasskeyChallenge, responses((status = 200, body = RequestOptions)))]
pub async fn passkey_challenge(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    client: Client,
    Body(asked): Body<PasskeyChallenge>,
) -> Result<Json<RequestOptions>, Fault> {
    let bearer = Bearer::of(&who, Purpose::Use(asked.purpose))?;
    Ok(Json(passkeys::challenge(&dumont, &bearer, &client).await?))
}

/// The same for a login in this browser whose password was right and that waits for its second step.
#[utoipa::path(post, path = "/auth/login/passkey", tag = "auth", responses((status = 200, body = RequestOptions)))]
pub async fn login_challenge(
    State(dumont): State<Dumont>,
    browser: Session,
    client: Client,
) -> Result<Json<RequestOptions>, Fault> {
    Ok(Json(passkeys::challenge_of_login(&dumont, &browser, &client).await?))
}
