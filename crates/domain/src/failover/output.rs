//! What each step leaves behind in the journal.

use serde::{Deserialize, Serialize};

use crate::gaps::Gaps;
use crate::gpu::Endpoint;
use crate::id::{Epoch, GpuId, IntentId};
use crate::launch::LaunchPart;
use crate::money::MicroUsd;
use crate::time::Millis;

/// Output of [`super::StepName::Detect`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectOutput {
    /// What each observer said.
    pub evidence: Option<crate::verdict::Observations>,
    /// When it was first suspect.
    pub suspect_at: Option<Millis>,
    /// When it was confirmed.
    pub confirmed_at: Option<Millis>,
    /// Paths that were seen to change after the newest recovery point; `None`: not known.
    pub unsynced_paths: Option<Vec<String>>,
    /// Whether more paths changed than are named.
    pub unsynced_more: bool,
    /// The GPU that is left, as it was then.
    pub before: Option<Left>,
}

/// A GPU that a failover leaves.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Left {
    /// Its class, price and place.
    pub spec: crate::offer::GpuSpec,
    /// Where it answered SSH.
    pub endpoint: Option<Endpoint>,
    /// The host key that it showed there.
    pub host_key: Option<String>,
}

/// Set in the output of a step that failed because the standby that the work ran on is gone.
pub const STANDBY_GONE: &str = "standby_gone";

/// Output of [`super::StepName::Fence`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FenceOutput {
    /// The new epoch; unchanged in a drill.
    pub epoch: Option<Epoch>,
    /// What the provider said of the old instance.
    pub provider_word: Option<String>,
    /// What a planned move's last sync moved, where the one before was too old to be the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synced: Option<TakeoverOutput>,
}

/// Output of [`super::StepName::Takeover`], [`StepName::Rehearse`] and [`StepName::FinalSync`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TakeoverOutput {
    /// Everything written before this time is in the recovery point.
    pub recovery_point: Option<Millis>,
    /// Folder on the standby that the restore reads from.
    pub source: Option<String>,
    /// Files there.
    pub files: Option<i64>,
    /// Bytes there.
    pub bytes: Option<i64>,
    /// How the user's command ended, where there is one.
    pub hook: Option<HookResult>,
    /// The recovery point, where the standby keeps points.
    pub point: Option<i64>,
    /// What of the workspace is not in it; not known where the standby keeps no points.
    pub gaps: Option<Gaps>,
}

/// How a user's command ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HookResult {
    /// Exit status; `None` when it was cut off.
    pub status: Option<i64>,
    /// The end of what it printed, at most 4,000 characters.
    pub output: String,
}

/// Output of [`super::StepName::Search`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchOutput {
    /// How many offers the provider gave.
    pub seen: i64,
    /// The admissible ones, best first, at most ten.
    pub offers: Vec<crate::offer::Offer>,
}

/// Output of [`super::StepName::Buy`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BuyOutput {
    /// The intent that was bound.
    pub intent: Option<IntentId>,
    /// The instance.
    pub gpu: Option<GpuId>,
    /// The offer.
    pub offer: Option<i64>,
    /// Physical machine.
    pub machine_id: Option<i64>,
    /// Rate per hour.
    pub usd_per_hour: MicroUsd,
    /// What it was asked for without, of how the lost machine was launched.
    pub left_out: Vec<LaunchPart>,
}

/// Output of [`super::StepName::Boot`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BootOutput {
    /// Where the new GPU answers.
    pub endpoint: Option<Endpoint>,
    /// Its pinned host key.
    pub host_key: Option<String>,
    /// Its class, as the provider tells it.
    pub spec: crate::offer::GpuSpec,
}

/// Why a candidate was given back before it could receive anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum CandidateFault {
    /// It did not come to run.
    NotRunning {
        /// The provider's word.
        word: String,
    },
    /// Its image can't be had.
    NoImage {
        /// The provider's word.
        word: String,
    },
    /// It runs and does not answer SSH.
    NoSsh {
        /// What connecting said.
        word: String,
    },
    /// It answers and can't be prepared to receive.
    Unprepared {
        /// What preparing it said.
        word: String,
    },
}

/// Output of [`super::StepName::Restore`] and [`StepName::Delta`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreOutput {
    /// Files sent.
    pub files: i64,
    /// Bytes sent.
    pub bytes: i64,
    /// How long writes were frozen, ms (delta only; ends at the switch).
    pub frozen_at: Option<Millis>,
    /// The recovery point that it was brought to, where the standby keeps points.
    pub point: Option<i64>,
}

/// Output of [`super::StepName::Verify`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VerifyOutput {
    /// Files (links too) found equal on both sides.
    pub verified: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Paths that differ or are missing on the new GPU, at most 1,000.
    pub mismatched: Vec<String>,
    /// How many differ in all.
    pub mismatched_count: i64,
}

impl VerifyOutput {
    /// How many differ, and some of them by name. The names are a host's: short and without control
    /// characters here.
    #[must_use]
    pub fn words(&self) -> String {
        let named: Vec<String> = self
            .mismatched
            .iter()
            .take(3)
            .map(|name| name.chars().filter(|c| !c.is_control()).take(120).collect())
            .collect();
        format!(
            "{} of {} files differ, for example {}",
            self.mismatched_count,
            self.verified.saturating_add(self.mismatched_count),
            named.join(", ")
        )
    }
}

/// Output of [`super::StepName::Switch`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SwitchOutput {
    /// How the user's command ended, where there is one.
    pub hook: Option<HookResult>,
    /// How long writes were frozen before the new GPU served, ms.
    pub freeze_ms: Option<i64>,
    /// The new GPU did not answer any more, or nothing could be started on it, once it was the machine's.
    pub unanswered: bool,
}
