//! Errors as the API tells them: RFC 9457 problem documents.

use serde::{Deserialize, Serialize};

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not done. Nothing was changed, lost or bought unless `detail` says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// What kind of problem, as a stable address below `/problems/`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time and what to do next, in English.
    pub detail: String,
    /// The same as `detail`, for older clients.
    pub error: String,
    /// Stable key of the text, for pages in other languages.
    pub code: String,
    /// The request, as in the header `x-request-id` and in the log.
    pub request_id: String,
    /// The fields that can't be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldProblem>>,
}

/// One field that can't be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// Its name as in the request.
    pub field: String,
    /// Stable key of the text.
    pub code: String,
    /// What is wrong, in English.
    pub message: String,
}

impl From<crate::policy::FieldError> for FieldProblem {
    fn from(found: crate::policy::FieldError) -> Self {
        Self { field: found.field.to_owned(), code: found.code.to_owned(), message: found.message }
    }
}
