//! The audit log.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use domain::view::audit::{AuditLog, AuditQuery};

use crate::http::extract::Params;
use crate::http::identity::Owner;
use crate::service::audit;
use crate::{Dumont, Fault};

/// Who did what in this account, with what, from where, and what came of it; newest first. With
/// `format=csv` all of it, as a file.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery), responses((status = 200, content((AuditLog = "application/json"), (String = "text/csv")))))]
pub async fn list(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Params(query): Params<AuditQuery>,
) -> Result<Response, Fault> {
    match query.format.as_deref().unwrap_or("json") {
        "json" | "" => Ok(Json(audit::page(&dumont, &user, &query).await?).into_response()),
        "csv" => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""),
            ];
            Ok((headers, audit::csv(&dumont, &user, &query).await?).into_response())
        }
        _ => Err(Fault::field("format", "unknown", "must be json or csv")),
    }
}
