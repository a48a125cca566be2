//! The provider's credit.

use axum::Json;
use axum::extract::State;
use domain::view::balance::Balance;

use crate::http::identity::Owner;
use crate::service::balance;
use crate::{Dumont, Fault};

/// The credit at Vast.ai; a provider that never answered is an error, never zeros.
#[utoipa::path(get, path = "/balance", tag = "balance", responses((status = 200, body = Balance)))]
pub async fn balance(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<Balance>, Fault> {
    Ok(Json(balance::get(&dumont, &user).await?))
}

/// The same as `/balance`, for older clients.
#[utoipa::path(get, path = "/instances/balance", tag = "balance", responses((status = 200, body = Balance)))]
pub async fn instances_balance(state: State<Dumont>, owner: Owner) -> Result<Json<Balance>, Fault> {
    self::balance(state, owner).await
}
