//! What a user is told of what happened while nobody looked.

use axum::Json;
use axum::extract::State;
use domain::id::NotificationId;
use domain::view::Done;
use domain::view::notification::{NotificationQuery, Notifications};

use crate::http::extract::{Params, Segments};
use crate::http::identity::Owner;
use crate::service::notifications;
use crate::{Dumont, Fault};

/// Notifications, newest first. They hold kinds and figures; words are for whoever shows them.
#[utoipa::path(get, path = "/notifications", tag = "notifications", params(NotificationQuery), responses((status = 200, body = Notifications)))]
pub async fn list(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Params(query): Params<NotificationQuery>,
) -> Result<Json<Notifications>, Fault> {
    Ok(Json(notifications::list(&dumont, &user, &query).await?))
}

/// Marks one as read.
#[utoipa::path(post, path = "/notifications/{notification_id}/read", tag = "notifications", params(("notification_id" = i64, Path)), responses((status = 200, body = Done)))]
pub async fn read(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Segments(id): Segments<NotificationId>,
) -> Result<Json<Done>, Fault> {
    notifications::read(&dumont, &user, id).await?;
    Ok(Json(Done::new("the notification is marked as read")))
}

/// Marks all as read.
#[utoipa::path(post, path = "/notifications/read-all", tag = "notifications", responses((status = 200, body = Done)))]
pub async fn read_all(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<Done>, Fault> {
    let count = notifications::read_all(&dumont, &user).await?;
    Ok(Json(Done::new(format!("{count} notifications were marked as read"))))
}
