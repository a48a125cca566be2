//! The audit log.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::audit::{Action, Area, Credential, Outcome};

/// Something that somebody did, or tried to do, in this account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Rises with time.
    pub id: String,
    /// When it was over.
    pub at: Time,
    /// What.
    pub action: Action,
    /// What it is about.
    pub area: Area,
    /// What it was done to: an id or a name; never a secret.
    pub object: Option<String>,
    /// With what credential.
    pub credential: Credential,
    /// The credential's name: a token's, or what the program calls itself.
    pub credential_name: Option<String>,
    /// The name of the other account that acted; none where it was this account's own.
    pub actor: Option<String>,
    /// From which address; none on the command line.
    pub ip: Option<String>,
    /// The browser or program, as it calls itself.
    pub user_agent: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was refused: the code of the problem.
    pub code: Option<String>,
}

/// `GET /audit`: newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditLog {
    /// Those asked for.
    pub entries: Vec<AuditEntry>,
    /// Ask with this `before` for older ones; `null` when there are none.
    pub next_before: Option<String>,
}

/// The query of `GET /audit`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct AuditQuery {
    /// Only those about this: `access`, `settings`, `machines`, `failovers` or `notifications`.
    #[cfg_attr(feature = "openapi", param(max_length = 64))]
    pub area: Option<String>,
    /// Only those older than this one.
    #[cfg_attr(feature = "openapi", param(max_length = 64))]
    pub before: Option<String>,
    /// At most so many, 1 to 200; 50. An export has all.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200))]
    pub limit: Option<i64>,
    /// `json` or `csv`; `csv` is the export.
    #[cfg_attr(feature = "openapi", param(max_length = 4))]
    pub format: Option<String>,
}
