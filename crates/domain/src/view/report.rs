//! The failover report of a period.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use super::failover::Ending;
use crate::failover::{FailoverState, Kind, Phase};
use crate::id::{AssociationId, FailoverId, GpuId};
use crate::verdict::Cause;

/// `GET /standby/failover/report?…`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct ReportQuery {
    /// Length of the period that ends now, 1 to 365; 30.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 365))]
    pub days: Option<i64>,
    /// `real` (the default), `drill` or `planned`; never mixed.
    #[cfg_attr(feature = "openapi", param(value_type = Option<Kind>))]
    pub kind: Option<String>,
    /// Association id, GPU number or machine name.
    #[cfg_attr(feature = "openapi", param(max_length = 128))]
    pub machine: Option<String>,
    /// Only failovers with this cause.
    #[cfg_attr(feature = "openapi", param(value_type = Option<Cause>))]
    pub cause: Option<String>,
    /// `json` (the default) or `csv`.
    #[cfg_attr(feature = "openapi", param(pattern = "^(json|csv)$"))]
    pub format: Option<String>,
}

/// Figures over the failovers of one kind in one period. All are of measured rows; what no row
/// tells is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailoverReport {
    /// Length of the period, which ends at `as_of`.
    pub period_days: i64,
    /// The only kind in it.
    pub kind: Kind,
    /// Whether its rows were made against a sandbox; real and sandbox rows are never mixed.
    pub sandbox: bool,
    /// When it was computed.
    pub as_of: Time,
    /// All that began in the period.
    pub total_failovers: usize,
    /// Those that ended on a GPU again; of drills, those that passed.
    pub successful_failovers: usize,
    /// Those that ended on the standby, by choice or because no GPU could be had.
    #[serde(default)]
    pub on_standby_failovers: usize,
    /// Those that ended with neither.
    pub failed_failovers: usize,
    /// Those that a person stopped; neither success nor failure.
    pub cancelled_failovers: usize,
    /// Those still going on.
    pub active_failovers: usize,
    /// Successes in percent of all that ended and were not cancelled, 0..100.
    pub success_rate: Option<f64>,
    /// Mean time to GPU over successes, ms.
    pub mttr_ms: Option<i64>,
    /// The same in seconds.
    pub mttr_seconds: Option<f64>,
    /// Median, ms.
    pub mttr_p50_ms: Option<i64>,
    /// 95th percentile (nearest rank), ms.
    pub mttr_p95_ms: Option<i64>,
    /// Median time to the standby over successes, ms.
    pub time_to_cpu_p50_ms: Option<i64>,
    /// Mean length of each phase over successes, ms; `null` where none ran it.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Option<i64>>))]
    pub latency_by_phase_ms: BTreeMap<Phase, Option<i64>>,
    /// Median length of each phase over successes, ms.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Option<i64>>))]
    pub latency_by_phase_p50_ms: BTreeMap<Phase, Option<i64>>,
    /// Of each phase, the time until providers had answered, mean, ms.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Option<i64>>))]
    pub provider_by_phase_ms: BTreeMap<Phase, Option<i64>>,
    /// Of each phase, the time waited for credit, offers or a pause that a provider asked for, mean, ms.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Option<i64>>))]
    pub waiting_by_phase_ms: BTreeMap<Phase, Option<i64>>,
    /// Of each phase, our own time, mean, ms.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Option<i64>>))]
    pub own_by_phase_ms: BTreeMap<Phase, Option<i64>>,
    /// Ended ones whose data was restored and proved.
    pub data_restored_count: usize,
    /// Out of so many ended ones that should.
    pub data_restored_of: usize,
    /// Ended ones that got a GPU.
    pub gpus_provisioned_count: usize,
    /// Out of so many ended ones that should.
    pub gpus_provisioned_of: usize,
    /// Time that machines worked on a standby between leaving a GPU and being on one again, ms, over successes.
    pub standby_time_ms: Option<i64>,
    /// What all of it cost, USD; `null` when there was nothing.
    pub cost_usd: Option<f64>,
    /// The most frequent cause; of equals, the latest.
    pub primary_cause: Option<Cause>,
    /// The period in equal parts, oldest first.
    pub trend: Vec<TrendPart>,
    /// Each failover of the period, newest first.
    pub history: Vec<HistoryRow>,
}

/// A part of the period: what began in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrendPart {
    /// Its first moment.
    pub from: Time,
    /// Its end.
    pub until: Time,
    /// Those that ended on a GPU again; of drills, those that passed.
    pub succeeded: usize,
    /// Those that ended on the standby.
    #[serde(default)]
    pub on_standby: usize,
    /// Those that ended with neither.
    pub failed: usize,
    /// Those that were cancelled or go on.
    pub others: usize,
    /// Median time to GPU over its successes, ms.
    pub mttr_p50_ms: Option<i64>,
}

/// A failover in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryRow {
    /// Identity.
    pub failover_id: FailoverId,
    /// The machine.
    pub association_id: AssociationId,
    /// Its name then.
    pub machine_name: String,
    /// The GPU that it started from.
    pub gpu_instance_id: GpuId,
    /// Which report it belongs to.
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Where it stands.
    pub state: FailoverState,
    /// Where it is, as people read it.
    pub phase: Phase,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub completed_at: Option<Time>,
    /// Whether it ended on a GPU again, or as a drill passed; `null` while it goes on.
    pub success: Option<bool>,
    /// How it ended; `null` while it goes on.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// The GPU after it.
    pub new_gpu_id: Option<GpuId>,
    /// Whether the data was restored and proved.
    pub data_restored: Option<bool>,
    /// To the standby, ms.
    pub time_to_cpu_ms: Option<i64>,
    /// To the GPU, ms.
    pub total_time_ms: Option<i64>,
    /// The providers' time, all phases together, ms.
    #[serde(default)]
    pub provider_ms: i64,
    /// Time waited for others, all phases together, ms.
    #[serde(default)]
    pub waiting_ms: i64,
    /// Our own time, all phases together, ms.
    #[serde(default)]
    pub own_ms: i64,
    /// Lost writes, at most, ms; `null`: not known.
    pub rpo_ms: Option<i64>,
    /// Proved files.
    pub files_verified: Option<i64>,
    /// USD.
    pub cost_usd: f64,
    /// Made against a sandbox.
    pub sandbox: bool,
    /// Why it failed.
    pub error: Option<String>,
}
