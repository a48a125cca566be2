//! `POST /token`: trades a token that a service account signed for an access token (RFC 7523).

use axum::{
    Form, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{bearer, caller, store::Minted};
use crate::world::World;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Seconds that an access token is said to be valid.
const VALID_S: i64 = 3599;

/// What a token from the past or the future is told.
const NOT_NOW: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.";

/// The form that is posted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Grant {
    grant_type: String,
    assertion: String,
}

/// Answers the exchange.
pub(super) async fn exchange(State(world): State<World>, Form(grant): Form<Grant>) -> Response {
    if grant.grant_type != GRANT {
        return refuse("unsupported_grant_type", "Invalid grant_type");
    }
    let now_ms = world.now_ms();
    let find = |issuer: &str| world.accounts().by_sa_email(issuer);
    let account = match bearer::check(&grant.assertion, bearer::seen_at(&world, now_ms), find) {
        Ok(account) => account,
        Err(bearer::Refused::UnknownIssuer) => {
            return refuse("invalid_grant", "Invalid grant: account not found");
        }
        Err(bearer::Refused::NotNow) => {
            return refuse("invalid_grant", NOT_NOW);
        }
        Err(_) => return refuse("invalid_grant", "Invalid JWT Signature."),
    };
    if caller::refused(&account, &world) {
        return refuse("invalid_grant", "Invalid JWT Signature.");
    }
    let token =
        format!("ya29.c.{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let minted = Minted { token, account: account.id, until_ms: now_ms + VALID_S * 1000 };
    let answer = json!({
        "access_token": minted.token, "expires_in": VALID_S, "token_type": "Bearer",
    });
    world.gcp().change(&world, |store| store.mint(minted, now_ms));
    Json(answer).into_response()
}

fn refuse(error: &str, description: &str) -> Response {
    let body = json!({"error": error, "error_description": description});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
