//! What lets somebody in beside the password.

use axum::Json;
use axum::extract::State;
use domain::view::Done;
use domain::view::access::Browsers;

use crate::http::client::Client;
use crate::http::extract::Segments;
use crate::http::identity::Owner;
use crate::service::browsers;
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
