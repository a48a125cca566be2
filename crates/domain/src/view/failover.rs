//! One failover as the API and its page tell it. All of it is computed from the journal by
//! [`crate::report`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use super::gaps::Gaps;
use crate::failover::{FailoverState, HookResult, Kind, Options, Outcome, Phase, Role, StepName};
use crate::id::{AssociationId, FailoverId, GpuId};
use crate::launch::LaunchPart;
use crate::notification::Wait;
use crate::provider::Provider;
use crate::verdict::Cause;

crate::text_enum! {
    /// What became of an instance that a failover touched.
    pub enum Fate ("fate") {
        /// It is there, and meant to be.
        Kept = "kept",
        /// A complete list of the provider no longer has it.
        Destroyed = "destroyed",
        /// Not settled yet: being tried, or being removed.
        Pending = "pending",
        /// The provider did not say whether it exists; it is looked for.
        Unknown = "unknown",
    }
}

crate::text_enum! {
    /// How a failover ended. Only `on_gpu` and a drill's `passed` are successes.
    pub enum Ending ("ending") {
        /// The work runs on a GPU again.
        OnGpu = "on_gpu",
        /// The work runs on the CPU standby, by choice or because no GPU could be had.
        OnStandby = "on_standby",
        /// The machine is on a GPU that answered nobody once it was the machine's.
        Unanswered = "unanswered",
        /// A drill reached its end.
        Passed = "passed",
        /// Neither.
        Failed = "failed",
        /// A person stopped it.
        Cancelled = "cancelled",
    }
}

impl Ending {
    /// Whether it counts as a success.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::OnGpu | Self::Passed)
    }
}

/// A place that the work ran on, as far as it was recorded.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Station {
    /// The instance.
    pub gpu_instance_id: Option<GpuId>,
    /// Model.
    pub gpu_name: Option<String>,
    /// How many GPUs.
    pub num_gpus: Option<i64>,
    /// `California, US`.
    pub geolocation: Option<String>,
    /// USD per hour.
    pub usd_per_hour: Option<f64>,
    /// Where it answers SSH.
    pub ssh_host: Option<String>,
    /// Port of that.
    pub ssh_port: Option<u16>,
}

/// An instance's id: Vast's number, or the name of a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum InstanceId {
    /// Vast's number.
    Number(i64),
    /// Name of a VM, or the label of a purchase whose number is not known.
    Name(String),
}

impl std::fmt::Display for InstanceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Files of a GPU that was left, which the copy did not have: kept on the standby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LateWrites {
    /// Files and links.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Folder on the standby.
    pub path: String,
    /// When they were fetched last.
    pub at: Time,
    /// Whether nothing was written there after that, as was seen right before it went. Where this is not so,
    /// it may have written more.
    #[serde(default)]
    pub settled: bool,
}

/// An instance that a failover touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TouchedInstance {
    /// Where.
    pub provider: Provider,
    /// Which.
    pub id: InstanceId,
    /// The part that it played.
    pub role: Role,
    /// What became of it.
    pub fate: Fate,
    /// When a complete list first no longer had it.
    pub verified_gone_at: Option<Time>,
    /// Until when it is kept, and bills, for what it may hold beyond the recovery point.
    #[serde(default)]
    pub kept_until: Option<Time>,
    /// What it held beyond that and was fetched before it went.
    #[serde(default)]
    pub late_writes: Option<LateWrites>,
    /// Its rate, USD per hour, where this failover bought it.
    pub usd_per_hour: Option<f64>,
    /// What it cost within this failover, USD, where this failover bought it.
    pub cost_usd: Option<f64>,
}

/// A phase on the time axis, over all rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhaseWindow {
    /// Which.
    pub name: Phase,
    /// Its first step's start.
    pub started_at: Time,
    /// Its last step's end; `null` while it goes on.
    pub ended_at: Option<Time>,
    /// Time until providers had answered, over its attempts, ms.
    pub provider_ms: i64,
    /// Pauses before another attempt: for credit, for an offer, or because a provider asked for one, ms.
    #[serde(default)]
    pub waiting_ms: i64,
    /// What is left of its attempts, ms. Time of other phases between two rounds is in none of the three.
    #[serde(default)]
    pub own_ms: i64,
}

/// How far the transfer of a running step is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransferProgress {
    /// Which step: `restore`, `delta`, `final_sync` or `verify`.
    pub step: StepName,
    /// Files moved, or compared, so far.
    pub files: i64,
    /// Of how many; `null` where that is not known beforehand.
    pub files_total: Option<i64>,
    /// Bytes moved so far; `null` where they are not counted.
    pub bytes: Option<i64>,
    /// Of how many; `null` where that is not known beforehand.
    pub bytes_total: Option<i64>,
    /// Measured rate, bytes per second; `null` before enough was measured.
    pub bytes_per_second: Option<i64>,
    /// Measured rate, files per second; `null` before enough was measured.
    pub files_per_second: Option<f64>,
    /// How long the rest will take at that rate, ms; `null` where it can't be told.
    pub left_ms: Option<i64>,
    /// When it was measured last.
    pub as_of: Time,
}

/// `GET /standby/failover/status/{failover_id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailoverStatus {
    /// Identity.
    pub failover_id: FailoverId,
    /// The machine.
    pub association_id: AssociationId,
    /// The machine's name then.
    pub machine_name: String,
    /// The GPU that it started from.
    pub gpu_instance_id: GpuId,
    /// Which report it belongs to.
    pub kind: Kind,
    /// The caller's words, else the cause.
    pub reason: String,
    /// Why.
    pub cause: Cause,
    /// Where it stands.
    pub state: FailoverState,
    /// Where it is, as people read it.
    pub phase: Phase,
    /// The last proof of life, or when it was asked for.
    pub started_at: Time,
    /// When it reached an end.
    pub completed_at: Option<Time>,
    /// Whether it ended on a GPU again, or as a drill passed; `null` while it goes on.
    pub success: Option<bool>,
    /// How it ended; `null` while it goes on.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// The GPU that serves after it.
    pub new_gpu_id: Option<GpuId>,
    /// What the new GPU was asked for without, of how the lost machine was launched: the provider refused it,
    /// or it could not be had.
    #[serde(default)]
    pub left_out: Vec<LaunchPart>,
    /// Whether the data was restored and proved; `null` while it goes on or where it was not asked for.
    pub data_restored: Option<bool>,
    /// Length of each phase that has ended, ms.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, i64>))]
    pub phase_timings_ms: BTreeMap<Phase, i64>,
    /// Each phase that has begun.
    pub phases: Vec<PhaseWindow>,
    /// The providers' time, all phases together, ms. Phases overlap: the three can exceed the whole.
    #[serde(default)]
    pub provider_ms: i64,
    /// Time waited for others, all phases together, ms.
    #[serde(default)]
    pub waiting_ms: i64,
    /// Our own time, all phases together, ms.
    #[serde(default)]
    pub own_ms: i64,
    /// What it left; `null` where that was not recorded.
    #[serde(default)]
    pub before: Option<Station>,
    /// What the work runs on after it; `null` where it reached no GPU.
    #[serde(default)]
    pub after: Option<Station>,
    /// From the start to the user's being on the standby, ms (in a drill: to its rehearsal's end).
    pub time_to_cpu_ms: Option<i64>,
    /// From the start to the user's being on a GPU, ms (in a drill: to the proof's end).
    pub total_time_ms: Option<i64>,
    /// At most the writes of how many milliseconds, until the GPU was known to be lost, were not on the
    /// standby; `null`: not known.
    pub rpo_ms: Option<i64>,
    /// Everything written before this time was on the standby.
    pub recovery_point_at: Option<Time>,
    /// Files found equal by content on both sides.
    pub files_verified: Option<i64>,
    /// Their bytes.
    pub bytes_verified: Option<i64>,
    /// Paths seen to be written after the recovery point; `null` when it is not known which. Empty only
    /// where a last sync after the stop of the job says that none was.
    pub files_lost: Option<Vec<String>>,
    /// Whether more were lost than are named.
    pub files_lost_more: bool,
    /// What of the workspace was not in the recovery point as it was on the GPU; `null` where that is not
    /// known, as it never is by rsync.
    #[serde(default)]
    pub gaps: Option<Gaps>,
    /// How long writes were frozen before the switch, ms.
    pub freeze_ms: Option<i64>,
    /// What the instances bought by it cost until it was over, or until they were gone, USD.
    pub cost_usd: f64,
    /// Every instance that it touched.
    pub instances: Vec<TouchedInstance>,
    /// What it was asked to do.
    pub options: RequestedOptions,
    /// How many candidates were given up.
    pub rounds: i64,
    /// Why it waits or failed.
    pub error: Option<String>,
    /// How far the running transfer is; `null` while nothing is moved.
    #[serde(default)]
    pub progress: Option<TransferProgress>,
    /// Whether the providers were a sandbox; never mixed with real ones in a report.
    pub sandbox: bool,
}

/// What a failover was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestedOptions {
    /// Start from the standby (fail-back).
    pub from_standby: bool,
    /// Buy a GPU.
    pub new_gpu: bool,
    /// Restore and verify.
    pub restore: bool,
    /// Leave the GPU though not all of its workspace is on the standby.
    #[serde(default)]
    pub accept_gaps: bool,
}

impl From<&Options> for RequestedOptions {
    fn from(asked: &Options) -> Self {
        Self {
            from_standby: asked.from_standby,
            new_gpu: asked.new_gpu,
            restore: asked.restore,
            accept_gaps: asked.accept_gaps,
        }
    }
}

/// `GET /standby/failover/active`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActiveFailovers {
    /// How many.
    pub active_count: usize,
    /// Oldest first.
    pub failovers: Vec<FailoverStatus>,
}

/// `POST /standby/failover/simulate/{gpu_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulateFailover {
    /// Why, in the caller's words; `drill`.
    #[cfg_attr(feature = "openapi", schema(max_length = 500, required = false))]
    pub reason: String,
    /// Restore and verify on the new GPU; `true`.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub simulate_restore: bool,
    /// Buy a new GPU; `true`. Without it nothing can be restored either.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub simulate_new_gpu: bool,
}

impl Default for SimulateFailover {
    fn default() -> Self {
        Self { reason: "drill".into(), simulate_restore: true, simulate_new_gpu: true }
    }
}

/// `POST /standby/failover/start/{gpu_id}` and others that take a reason.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartFailover {
    /// Why, in the caller's words.
    #[cfg_attr(feature = "openapi", schema(max_length = 500, required = false))]
    pub reason: Option<String>,
    /// Leave the GPU though not all of its workspace is on the standby: what is not stays behind.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub accept_gaps: bool,
}

/// The answer at once; progress is read under the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailoverStarted {
    /// To follow it by.
    pub failover_id: FailoverId,
    /// The GPU that it starts from.
    pub gpu_instance_id: GpuId,
    /// What begins, in English.
    pub message: String,
    /// `detecting`.
    pub phase: Phase,
}

/// One attempt at a step, as the page of a failover lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JournalRow {
    /// Order of recording, from 1.
    pub seq: i64,
    /// Which step.
    pub step: StepName,
    /// Its phase; none for what happens after the user is back.
    pub phase: Option<Phase>,
    /// Which candidate, from 0.
    pub round: i64,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// Recorded before acting.
    pub started_at: Time,
    /// Recorded after; `null` while it runs.
    pub ended_at: Option<Time>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Not again before this time.
    pub retry_at: Option<Time>,
    /// Time spent waiting for a provider, ms.
    pub provider_ms: i64,
    /// What went wrong.
    pub error: Option<String>,
}

/// What one observer said when a machine was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Witness {
    /// `ssh`, `standby`, `provider` or `self`.
    pub observer: String,
    /// Whether it could see anything at all.
    pub able: bool,
    /// Last proof of life, or the time of its last word.
    pub last_ok: Option<Time>,
    /// Since when each try failed.
    pub failing_since: Option<Time>,
    /// Its last word.
    pub word: Option<String>,
}

/// How a user's command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HookRun {
    /// In which step.
    pub step: StepName,
    /// Exit status and the end of its output.
    pub result: HookResult,
}

/// The page of a failover: its figures, its evidence and its whole journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailoverPage {
    /// The figures.
    pub status: FailoverStatus,
    /// The verdict's evidence; empty when a person asked.
    pub evidence: Vec<Witness>,
    /// When it was first suspect.
    pub suspect_at: Option<Time>,
    /// When it was confirmed.
    pub confirmed_at: Option<Time>,
    /// Every attempt at every step, in order.
    pub journal: Vec<JournalRow>,
    /// The user's commands that ran.
    pub hooks: Vec<HookRun>,
    /// While it waits for what only others can give: for what.
    #[serde(default)]
    pub waits_for: Option<Wait>,
    /// Whose it is, where another account shares it.
    #[serde(default)]
    pub shared: Option<super::grant::SharedBy>,
    /// When this was computed.
    pub as_of: Time,
}
