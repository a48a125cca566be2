//! The one method of Google's Resource Manager that a careful client asks for: which of some
//! permissions it has.

use axum::{
    Json,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;

/// What a caller wants to know of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    permissions: Vec<String>,
}

/// `POST /v1/projects/{p}:testIamPermissions`: those of the permissions that the caller has, without
/// the field where it has none, as Google's JSON leaves empty lists away.
pub(super) async fn test_permissions(
    caller: Caller,
    Path(target): Path<String>,
    Json(question): Json<Question>,
) -> Response {
    let Some(project) = target.strip_suffix(":testIamPermissions") else {
        return refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "Method not found.");
    };
    if project != caller.account.gcp_project {
        return refusal(
            StatusCode::FORBIDDEN,
            "PERMISSION_DENIED",
            "The caller does not have permission",
        );
    }
    let held: Vec<&String> = question.permissions.iter().filter(|&one| caller.holds(one)).collect();
    let body: Value = if held.is_empty() { json!({}) } else { json!({ "permissions": held }) };
    Json(body).into_response()
}

fn refusal(code: StatusCode, status: &str, message: &str) -> Response {
    let body = json!({"error": {"code": code.as_u16(), "message": message, "status": status}});
    (code, Json(body)).into_response()
}
