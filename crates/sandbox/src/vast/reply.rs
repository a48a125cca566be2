//! What the API answers when it does not do what was asked, in the shapes
//! that the real service is known for: mostly JSON, sometimes plain text,
//! sometimes with status 200.

use axum::Json;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An answer that is not a plain success.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// `{"success":false,"error":…,"msg":…}` with a status.
    Json {
        /// HTTP status, possibly 200.
        status: u16,
        /// The code.
        error: &'static str,
        /// The text.
        msg: String,
        /// The offer, where the real service names it.
        ask_id: Option<u64>,
    },
    /// Any JSON body.
    Body(u16, Value),
    /// Plain text.
    Text(u16, String),
    /// A web server's own page.
    Html(u16),
}

impl Refusal {
    /// The usual shape.
    pub(crate) fn json(status: u16, error: &'static str, msg: impl Into<String>) -> Self {
        Self::Json { status, error, msg: msg.into(), ask_id: None }
    }

    /// A field of the request cannot be used.
    pub(crate) fn invalid_args(msg: impl std::fmt::Display) -> Self {
        Self::json(400, "invalid_args", format!("error 400/3467: Invalid args: {msg}"))
    }

    /// The same as one entry of an answer about several things.
    pub(crate) fn summary(&self) -> Value {
        match self {
            Self::Json { error, msg, .. } => json!({"success": false, "error": error, "msg": msg}),
            Self::Body(_, body) => body.clone(),
            Self::Text(_, text) => json!({"success": false, "msg": text}),
            Self::Html(status) => json!({"success": false, "msg": status.to_string()}),
        }
    }

    /// No such instance, or not the caller's.
    pub(crate) fn no_instance(id: u64) -> Self {
        Self::json(404, "no_such_instance", format!("Instance {id} not found."))
    }

    /// The account cannot pay.
    pub(crate) fn no_credit() -> Self {
        Self::json(400, "insufficient_credit", "Your account lacks credit; see the billing page.")
    }

    /// The offer is gone, in one of the three shapes that are in use.
    pub(crate) fn offer_gone(ask_id: u64, status: u64) -> Self {
        let (status, error, msg) = match status {
            410 => (
                410,
                "no_such_ask",
                format!(
                    "error 410/3907: no_such_ask Instance type {ask_id} is no longer available."
                ),
            ),
            400 => (
                400,
                "no_such_ask",
                format!(
                    "error 400/3603: no_such_ask Instance type by id {ask_id} is not available."
                ),
            ),
            _ => (
                404,
                "invalid_args",
                format!(
                    "error 404/3603: no_such_ask Instance type by id {ask_id} is not available."
                ),
            ),
        };
        Self::Json { status, error, msg, ask_id: Some(ask_id) }
    }

    /// A start that waits for GPUs: status 200 and no success.
    pub(crate) fn queued() -> Self {
        Self::json(
            200,
            "resources_unavailable",
            "Required resources are currently unavailable, state change queued.",
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Json { status, error, msg, ask_id } => {
                let mut body = json!({"success": false, "error": error, "msg": msg});
                if let (Some(ask_id), Some(fields)) = (ask_id, body.as_object_mut()) {
                    fields.insert("ask_id".into(), ask_id.into());
                }
                (code(status), Json(body)).into_response()
            }
            Self::Body(status, body) => (code(status), Json(body)).into_response(),
            Self::Text(status, text) => (code(status), text).into_response(),
            Self::Html(status) => {
                let code = code(status);
                let title = format!("{status} {}", code.canonical_reason().unwrap_or("Error"));
                let page = format!(
                    "<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>\r\n"
                );
                (code, [(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
        }
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// `{"success": true}`.
pub(crate) fn success() -> Response {
    Json(json!({"success": true})).into_response()
}

/// An answer whose body breaks off before its first byte: the client sees the
/// connection end without a reply.
pub(crate) fn dropped() -> Response {
    let lost = futures::stream::once(async {
        Err::<String, _>(std::io::Error::other("the reply is lost"))
    });
    Response::new(Body::from_stream(lost))
}
