//! What lets somebody in beside the password.

use axum::Json;
use axum::extract::State;
use domain::view::Done;
use domain::view::access::{
    Browsers, Code, NewSecondFactor, RecoveryCodes, RemoveSecondFactor, SecondFactor,
};

use crate::http::client::Client;
use crate::http::extract::{Body, Segments};
use crate::http::identity::{Caller, Owner};
use crate::service::{browsers, second_factor as factors};
use crate::{Dumont, Fault};

/// The browsers that have logged in before: they are never kept out by what strangers try.
#[utoipa::path(get, path = "/auth/browsers", tag = "auth", responses((status = 200, body = Browsers)))]
pub async fn browsers(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    client: Client,
) -> Result<Json<Browsers>, Fault> {
    Ok(Json(browsers::list(&dumont, &user, &client).await?))
}

/// Forgets a browser. Its login, where it has one, goes on.
#[utoipa::path(delete, path = "/auth/browsers/{browser_id}", tag = "auth", params(("browser_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn forget_browser(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Segments(id): Segments<String>,
) -> Result<Json<Done>, Fault> {
    browsers::forget(&dumont, &user, &id).await?;
    Ok(Json(Done::new("the browser is forgotten")))
}

/// Whether the account has a second factor.
#[utoipa::path(get, path = "/auth/second-factor", tag = "auth", responses((status = 200, body = SecondFactor)))]
pub async fn second_factor(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    client: Client,
) -> Result<Json<SecondFactor>, Fault> {
    Ok(Json(factors::state(&dumont, &user, &client).await?))
}

/// Begins to set one up. It is asked for once a code of it was sent. Needs a confirmation of the last
/// ten minutes.
#[utoipa::path(post, path = "/auth/second-factor", tag = "auth", responses((status = 200, body = NewSecondFactor)))]
pub async fn begin_second_factor(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
) -> Result<Json<NewSecondFactor>, Fault> {
    Ok(Json(factors::begin(&dumont, &who).await?))
}

/// Turns on the one that is being set up, with a code of it; only this answer ever holds its recovery
/// codes. Needs a confirmation of the last ten minutes.
#[utoipa::path(post, path = "/auth/second-factor/activate", tag = "auth", request_body = Code, responses((status = 200, body = RecoveryCodes)))]
pub async fn activate_second_factor(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    Body(asked): Body<Code>,
) -> Result<Json<RecoveryCodes>, Fault> {
    Ok(Json(factors::activate(&dumont, &who, &asked.code).await?))
}

/// Makes ten other recovery codes; those before open nothing any more. Needs a confirmation of the last
/// ten minutes.
#[utoipa::path(post, path = "/auth/second-factor/recovery-codes", tag = "auth", responses((status = 200, body = RecoveryCodes)))]
pub async fn make_recovery_codes(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
) -> Result<Json<RecoveryCodes>, Fault> {
    Ok(Json(factors::make_codes(&dumont, &who).await?))
}

/// Removes the app's codes, with the password and a code or a passkey. Passkeys and their recovery codes stay.
#[utoipa::path(post, path = "/auth/second-factor/remove", tag = "auth", request_body = RemoveSecondFactor, responses((status = 200, body = Done)))]
pub async fn remove_second_factor(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    client: Client,
    Body(asked): Body<RemoveSecondFactor>,
) -> Result<Json<Done>, Fault> {
    factors::remove(&dumont, &who, asked, &client).await?;
    Ok(Json(Done::new("the second factor is removed")))
}
