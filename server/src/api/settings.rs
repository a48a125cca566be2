//! Settings and credentials.

use axum::extract::State;
use axum::{Extension, Json};
use domain::view::settings::{Settings, SettingsUpdate};

use crate::http::extract::Body;
use crate::http::guard::Subject;
use crate::http::identity::{Caller, Owner};
use crate::service::settings;
use crate::{Dumont, Fault};

/// What is saved; secrets are described, never shown.
#[utoipa::path(get, path = "/settings", tag = "settings", responses((status = 200, body = Settings)))]
pub async fn get(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<Settings>, Fault> {
    Ok(Json(settings::get(&dumont, &user).await?))
}

/// Saves what is given; credentials are tried at their provider first. `null` removes one. To change
/// a credential needs a confirmation of the last ten minutes.
#[utoipa::path(put, path = "/settings", tag = "settings", request_body = SettingsUpdate, responses((status = 200, body = Settings)))]
pub async fn put(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    Body(asked): Body<SettingsUpdate>,
) -> Result<(Extension<Subject>, Json<Settings>), Fault> {
    let subject = settings::subject(&asked);
    Ok((Extension(Subject(subject)), Json(settings::change(&dumont, &who, asked).await?)))
}
