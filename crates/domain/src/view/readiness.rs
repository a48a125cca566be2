//! Whether a machine could be failed over now, and how it would be done.

use serde::{Deserialize, Serialize};

use super::Time;
use super::failover::Ending;
use crate::id::{AssociationId, FailoverId, GpuId};
use crate::launch::LaunchPart;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadinessCheck {
    /// Stable key of its text.
    pub key: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was found, in English.
    pub message: String,
}

/// The newest drill of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastDrill {
    /// Which.
    pub failover_id: FailoverId,
    /// When it began.
    pub started_at: Time,
    /// Whether it passed; `null` while it goes on.
    pub success: Option<bool>,
    /// To the proof's end, ms.
    pub total_time_ms: Option<i64>,
    /// How it ended; `null` while it goes on.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// Whether data was restored to a GPU and proved; `null` where it was to try no GPU.
    #[serde(default)]
    pub data_restored: Option<bool>,
}

/// `GET /failover/readiness/{machine_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Readiness {
    /// The machine's own id, the same through every failover.
    pub machine_id: AssociationId,
    /// The machine's GPU.
    pub gpu_instance_id: GpuId,
    /// All conditions hold.
    pub ready: bool,
    /// The same, for older clients.
    pub overall_ready: bool,
    /// What would be done when the GPU is lost: `cpu_standby`, or `none` while the standby is not
    /// ready or moving there by itself is off.
    pub effective_strategy: String,
    /// Whether the standby is there, answers and holds a copy.
    pub cpu_standby_ready: bool,
    /// When the conditions were looked at.
    pub as_of: Time,
    /// Each condition.
    pub checks: Vec<ReadinessCheck>,
    /// The keys of those that do not hold.
    pub blockers: Vec<String>,
    /// What the GPU was asked for without, of how the one before it was launched.
    #[serde(default)]
    pub left_out: Vec<LaunchPart>,
    /// The newest drill.
    pub last_drill: Option<LastDrill>,
}

/// A way to protect a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Strategy {
    /// Stable name.
    pub id: String,
    /// In English.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Whether this account could use it now.
    pub available: bool,
    /// What is missing, where not.
    pub missing: Vec<String>,
}

/// `GET /failover/strategies`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Strategies {
    /// Each.
    pub strategies: Vec<Strategy>,
    /// How many.
    pub count: usize,
}

/// `POST /failover/test/{machine_id}?dry_run=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct TestQuery {
    /// Only say what would happen (the default); `false` begins a drill.
    pub dry_run: Option<bool>,
}

/// The answer to a test: a dry run, or a drill that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TestAnswer {
    /// What would happen.
    DryRun(DryRun),
    /// A drill began.
    Started(super::failover::FailoverStarted),
}

/// What a failover would do now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DryRun {
    /// Always true.
    pub dry_run: bool,
    /// Whether nothing blocks it and an admissible offer is there.
    pub would_succeed: bool,
    /// The steps in order.
    pub steps: Vec<String>,
    /// What blocks it, in English.
    pub blockers: Vec<String>,
    /// The best admissible offer for an hour, USD; `null` when there is none.
    pub estimated_cost_usd: Option<f64>,
    /// How many admissible offers there are now; `null` when the market could not be asked.
    pub offers_available: Option<usize>,
}
