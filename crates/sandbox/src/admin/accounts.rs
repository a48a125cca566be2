//! `/_sandbox/accounts`: more customers, and their credit.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Error;
use crate::account::FIRST_CREDIT_MICRO;
use crate::money::{micro, usd};
use crate::world::World;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    email: Option<String>,
    /// Dollars.
    credit: Option<f64>,
}

/// Makes an account; the answer has its secrets, in the shape of
/// `credentials.json`. They are not kept here.
pub(crate) async fn create(
    State(world): State<World>,
    body: axum::body::Bytes,
) -> Result<impl IntoResponse, Error> {
    let wanted = parse(&body)?;
    let credit = wanted.credit.map_or(FIRST_CREDIT_MICRO, micro);
    let copy = world.clone();
    let make = move || copy.accounts().create(wanted.email, credit, copy.url());
    let made = tokio::task::spawn_blocking(make).await;
    let failed = |error: &dyn std::error::Error| Error::Failed(error.to_string());
    let (_, credentials) = made.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    world.changed();
    Ok((StatusCode::CREATED, Json(credentials)))
}

/// Sets the credit that is left.
pub(crate) async fn change(
    State(world): State<World>,
    Path(id): Path<u64>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Error> {
    let wanted = parse(&body)?;
    let Some(credit) = wanted.credit else {
        return Err(Error::Invalid("credit, in dollars, is what can be changed".into()));
    };
    if !world.set_balance_micro(id, micro(credit)) {
        return Err(Error::NotFound(format!("there is no account {id}")));
    }
    Ok(Json(json!({"id": id, "credit_usd": usd(world.balance_micro(id))})))
}

fn parse(body: &[u8]) -> Result<Wanted, Error> {
    if body.is_empty() {
        return Ok(Wanted::default());
    }
    serde_json::from_slice(body).map_err(|error| Error::Invalid(error.to_string()))
}
