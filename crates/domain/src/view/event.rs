//! Doorbells: something changed, go and read it.

use serde::{Deserialize, Serialize};

/// One event of `GET /events`. It carries no data; the database is the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Grows with each event; the SSE id.
    pub seq: i64,
    /// What changed, for example `association`, `failover`, `balance`.
    pub kind: String,
    /// Which one, where it has an id.
    pub id: String,
}
