//! The error bodies of the Compute API, in the shapes that real clients have been seen to receive.
//!
//! Most Compute errors carry no `status` word, only `code` and `errors[].reason`; a client that
//! decides on `status` alone must therefore fail here as it would against the real service.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// One refusal of the API: an HTTP status, a reason word and a message for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    code: u16,
    reason: &'static str,
    domain: &'static str,
    status: Option<&'static str>,
    location: Option<(&'static str, &'static str)>,
    details: Vec<Value>,
    message: String,
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            domain: "global",
            status: None,
            location: None,
            details: Vec::new(),
            message: message.into(),
        }
    }

    /// 400 `invalid`: a field holds a value that can never be accepted.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid", message)
    }

    /// 400 `invalid` in the usual words for one field of the request.
    pub(super) fn field(field: &str, value: &str, why: &str) -> Self {
        Self::invalid(format!("Invalid value for field '{field}': '{value}'. {why}"))
    }

    /// 400 `parseError`: the body is not the JSON that the method takes.
    pub(super) fn parse(message: &str) -> Self {
        Self::new(400, "parseError", format!("Invalid JSON payload received. {message}"))
    }

    /// 400 `resourceNotReady`: the resource is in the middle of another change.
    pub(super) fn not_ready(resource: &str) -> Self {
        Self::new(400, "resourceNotReady", format!("The resource '{resource}' is not ready"))
    }

    /// 400 `invalidResourceUsage`: the resource's state or setting does not allow it.
    pub(super) fn usage(why: &str) -> Self {
        Self::new(400, "invalidResourceUsage", format!("Invalid resource usage: '{why}'."))
    }

    /// 401 without any usable `Authorization` header.
    pub(super) fn no_credentials() -> Self {
        let mut error = Self::new(
            401,
            "required",
            "Request is missing required authentication credential. \
             Expected OAuth 2 access token, login cookie or other valid authentication credential.",
        );
        error.status = Some("UNAUTHENTICATED");
        error.location = Some(("Authorization", "header"));
        error
    }

    /// 401 for a bearer that does not check out. The reason is not told to the caller, as in the
    /// real service.
    pub(super) fn bad_credentials() -> Self {
        let mut error = Self::new(
            401,
            "authError",
            "Request had invalid authentication credentials. \
             Expected OAuth 2 access token, login cookie or other valid authentication credential.",
        );
        error.status = Some("UNAUTHENTICATED");
        error.location = Some(("Authorization", "header"));
        error
    }

    /// 403 `forbidden`: the account lacks an IAM permission on a resource (path form).
    pub(super) fn forbidden(permission: &str, resource: &str) -> Self {
        Self::new(403, "forbidden", format!("Required '{permission}' permission for '{resource}'"))
    }

    /// 403 `rateLimitExceeded`, with the name of the exhausted per-minute group.
    pub(super) fn rate_limited(group: &str, project: &str) -> Self {
        let mut error = Self::new(
            403,
            "rateLimitExceeded",
            format!(
                "Quota exceeded for quota group '{group}' and limit 'Queries per minute' \
                 of service 'compute.googleapis.com' for consumer 'project:{project}'."
            ),
        );
        error.domain = "usageLimits";
        error
    }

    /// 403 `accessNotConfigured`: the project has not enabled the API. `number` is the project's.
    pub(super) fn not_enabled(number: &str) -> Self {
        let page = format!(
            "https://console.developers.google.com/apis/api/compute.googleapis.com/overview?project={number}"
        );
        let mut error = Self::new(
            403,
            "accessNotConfigured",
            format!(
                "Compute Engine API has not been used in project {number} before or it is disabled. \
                 Enable it by visiting {page} then retry. If you enabled this API recently, wait a few \
                 minutes for the action to propagate to our systems and retry."
            ),
        );
        error.domain = "usageLimits";
        error.status = Some("PERMISSION_DENIED");
        error.details = vec![
            json!({
                "@type": "type.googleapis.com/google.rpc.Help",
                "links": [{"description": "Google developers console API activation", "url": page}],
            }),
            json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "SERVICE_DISABLED",
                "domain": "googleapis.com",
                "metadata": {
                    "service": "compute.googleapis.com", "consumer": format!("projects/{number}"),
                },
            }),
        ];
        error
    }

    /// 403 `quotaExceeded`: what Compute answers at once where it does not fail the operation.
    pub(super) fn quota(message: &str) -> Self {
        let mut error = Self::new(403, "quotaExceeded", message);
        error.domain = "usageLimits";
        error
    }

    /// 412 `conditionNotMet`: a policy of the organisation forbids it.
    pub(super) fn policy(message: &str) -> Self {
        Self::new(412, "conditionNotMet", message)
    }

    /// 404 `notFound`, with the resource in path form.
    pub(super) fn not_found(resource: &str) -> Self {
        Self::new(404, "notFound", format!("The resource '{resource}' was not found"))
    }

    /// 409 `alreadyExists`, with the resource in path form.
    pub(super) fn exists(resource: &str) -> Self {
        Self::new(409, "alreadyExists", format!("The resource '{resource}' already exists"))
    }

    /// 412 `conditionNotMet`: the fingerprint sent is not the current one.
    pub(super) fn condition(message: &str) -> Self {
        let mut error = Self::new(412, "conditionNotMet", message);
        error.location = Some(("If-Match", "header"));
        error
    }

    /// 501: a call that this sandbox does not play. The real API may know it, so that nothing may be
    /// read into the answer.
    pub(super) fn not_played(method: &str, path: &str) -> Self {
        let mut error = Self::new(
            501,
            "notImplemented",
            format!("This sandbox does not play {method} {path}."),
        );
        error.status = Some("UNIMPLEMENTED");
        error
    }

    /// 503: the API as a whole does not answer.
    pub(super) fn unavailable() -> Self {
        let mut error = Self::new(503, "backendError", "The service is currently unavailable.");
        error.status = Some("UNAVAILABLE");
        error
    }

    /// The HTTP status.
    #[cfg(test)]
    pub(super) fn code(&self) -> u16 {
        self.code
    }

    /// The text for people.
    #[cfg(test)]
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    fn body(&self) -> Value {
        let mut item = json!({
            "message": self.message, "domain": self.domain, "reason": self.reason,
        });
        if let (Some((location, kind)), Some(map)) = (self.location, item.as_object_mut()) {
            map.insert("location".into(), location.into());
            map.insert("locationType".into(), kind.into());
        }
        let mut error = json!({"code": self.code, "message": self.message, "errors": [item]});
        if let (Some(status), Some(map)) = (self.status, error.as_object_mut()) {
            map.insert("status".into(), status.into());
        }
        if let (false, Some(map)) = (self.details.is_empty(), error.as_object_mut()) {
            map.insert("details".into(), self.details.clone().into());
        }
        json!({ "error": error })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.body())).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_resource_reads_as_compute_writes_it() {
        let body = ApiError::not_found("projects/p/zones/z/instances/x").body();
        assert_eq!(
            body,
            json!({"error": {
                "code": 404,
                "message": "The resource 'projects/p/zones/z/instances/x' was not found",
                "errors": [{
                    "message": "The resource 'projects/p/zones/z/instances/x' was not found",
                    "domain": "global", "reason": "notFound"
                }]
            }})
        );
    }

    #[test]
    fn a_bad_token_carries_the_status_word() {
        let body = ApiError::bad_credentials().body();
        assert_eq!(body["error"]["status"], "UNAUTHENTICATED");
        assert_eq!(body["error"]["code"], 401);
    }
}
