//! The account and its balance.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::gate::Caller;
use super::reply::Refusal;
use crate::money::usd;
use crate::world::World;

/// `GET /users/current/`.
pub(crate) async fn current(
    caller: Caller,
    State(world): State<World>,
) -> Result<Response, Refusal> {
    caller.whole_account()?;
    let account = &caller.account;
    let credit = usd(world.balance_micro(account.id));
    let ssh_key = world.vast().with(|inner| {
        let own = inner.book.keys.iter().find(|key| key.account == account.id);
        own.map(|key| key.public_key.clone()).unwrap_or_default()
    });
    Ok(Json(json!({
        "id": account.id,
        "email": account.email,
        "username": account.email,
        "fullname": account.email,
        "user": account.email,
        "credit": credit,
        "balance": 0.0,
        "balance_threshold": 1.0,
        "balance_threshold_enabled": false,
        "billed_expected": 0.0,
        "billed_verified": 0.0,
        "can_pay": true,
        "has_billing": true,
        "has_payout": false,
        "got_signup_credit": 0,
        "email_verified": true,
        "ssh_key": ssh_key,
        "sid": "",
        "key_id": account.id,
        "host_agreement_accepted": false,
        "api_key": account.vast_api_key,
    }))
    .into_response())
}
