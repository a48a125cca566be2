//! Standbys, associations, and what a user has chosen for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Time, present};
use crate::association::{Association as Tie, AssociationState, Hooks, Serving};
use crate::id::{AssociationId, Epoch, FailoverId, GpuId};
use crate::money::MicroUsd;
use crate::policy::{FailoverSettings, GpuClass};
use crate::pricing;
use crate::standby::StandbyState;
use crate::time::Millis;

/// The CPU Failover settings as the API writes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StandbyConfig {
    /// Create a standby for each new GPU.
    pub enabled: bool,
    /// Where standbys run.
    pub gcp_zone: String,
    /// What they run on.
    pub gcp_machine_type: String,
    /// GB.
    pub gcp_disk_size: i64,
    /// Spot VM.
    pub gcp_spot: bool,
    /// Seconds between syncs at the latest.
    pub sync_interval: i64,
    /// Move to the standby by itself when a GPU is lost.
    pub auto_failover: bool,
    /// Buy a new GPU by itself after a failover.
    pub auto_recovery: bool,
    /// Which models may replace a lost GPU.
    pub gpu_class: GpuClass,
    /// Most for a replacement, USD per hour; `null`: twice the lost machine's price.
    pub max_price: Option<f64>,
    /// Least reliability of a replacement's host, 0..1.
    pub min_reliability: f64,
    /// Two-letter countries for a replacement; empty: anywhere.
    pub countries: Vec<String>,
    /// Largest share of the files, percent, that one sync may delete before it freezes.
    pub max_delete_percent: i64,
    /// What one standby with these settings costs, USD per month; `null` when the table does not know.
    pub estimated_cost_monthly_usd: Option<f64>,
}

impl From<&FailoverSettings> for StandbyConfig {
    fn from(chosen: &FailoverSettings) -> Self {
        let estimate = pricing::estimate(
            &chosen.gcp_zone,
            &chosen.gcp_machine_type,
            chosen.gcp_disk_gb,
            chosen.gcp_spot,
        );
        Self {
            enabled: chosen.auto_standby,
            gcp_zone: chosen.gcp_zone.clone(),
            gcp_machine_type: chosen.gcp_machine_type.clone(),
            gcp_disk_size: chosen.gcp_disk_gb,
            gcp_spot: chosen.gcp_spot,
            sync_interval: chosen.sync_interval_s,
            auto_failover: chosen.auto_failover,
            auto_recovery: chosen.auto_recovery,
            gpu_class: chosen.gpu_class,
            max_price: chosen.max_usd_per_hour.map(MicroUsd::usd),
            min_reliability: chosen.min_reliability,
            countries: chosen.countries.clone(),
            max_delete_percent: chosen.max_delete_percent,
            estimated_cost_monthly_usd: estimate.map(|cost| cents(cost.monthly())),
        }
    }
}

/// `POST /standby/configure`. The first eight fields have the contract's defaults when absent; the
/// others stay as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigureStandby {
    /// Create a standby for each new GPU; `true`.
    pub enabled: bool,
    /// `europe-west1-b`.
    pub gcp_zone: String,
    /// `e2-medium`.
    pub gcp_machine_type: String,
    /// GB, 10 to 500; 100.
    pub gcp_disk_size: i64,
    /// `true`.
    pub gcp_spot: bool,
    /// Seconds, 1 to 300; 30.
    pub sync_interval: i64,
    /// `true`.
    pub auto_failover: bool,
    /// `true`.
    pub auto_recovery: bool,
    /// Which models may replace a lost GPU.
    pub gpu_class: Option<GpuClass>,
    /// USD per hour; `null`: twice the lost machine's price.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>))]
    pub max_price: Option<Option<f64>>,
    /// 0..1.
    pub min_reliability: Option<f64>,
    /// Two-letter countries.
    pub countries: Option<Vec<String>>,
    /// Percent, 1 to 100.
    pub max_delete_percent: Option<i64>,
}

impl Default for ConfigureStandby {
    fn default() -> Self {
        let usual = FailoverSettings::default();
        Self {
            enabled: true,
            gcp_zone: usual.gcp_zone,
            gcp_machine_type: usual.gcp_machine_type,
            gcp_disk_size: usual.gcp_disk_gb,
            gcp_spot: usual.gcp_spot,
            sync_interval: usual.sync_interval_s,
            auto_failover: usual.auto_failover,
            auto_recovery: usual.auto_recovery,
            gpu_class: None,
            max_price: None,
            min_reliability: None,
            countries: None,
            max_delete_percent: None,
        }
    }
}

impl ConfigureStandby {
    /// The settings that this asks for, on top of those saved before.
    #[must_use]
    pub fn onto(&self, saved: &FailoverSettings) -> FailoverSettings {
        FailoverSettings {
            auto_standby: self.enabled,
            gcp_zone: self.gcp_zone.trim().to_owned(),
            gcp_machine_type: self.gcp_machine_type.trim().to_owned(),
            gcp_disk_gb: self.gcp_disk_size,
            gcp_spot: self.gcp_spot,
            sync_interval_s: self.sync_interval,
            auto_failover: self.auto_failover,
            auto_recovery: self.auto_recovery,
            gpu_class: self.gpu_class.unwrap_or(saved.gpu_class),
            // A price that is no amount becomes zero, which the bounds refuse by name.
            max_usd_per_hour: match self.max_price {
                None => saved.max_usd_per_hour,
                Some(None) => None,
                Some(Some(usd)) => Some(MicroUsd::from_usd(usd).unwrap_or(MicroUsd::ZERO)),
            },
            min_reliability: self.min_reliability.unwrap_or(saved.min_reliability),
            countries: self.countries.as_ref().map_or_else(
                || saved.countries.clone(),
                |codes| codes.iter().map(|code| code.trim().to_ascii_uppercase()).collect(),
            ),
            max_delete_percent: self.max_delete_percent.unwrap_or(saved.max_delete_percent),
        }
    }
}

/// The answer to `POST /standby/configure`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Configured {
    /// Always true; a refusal is a problem document.
    pub success: bool,
    /// What was saved, in English.
    pub message: String,
    /// What is saved now.
    pub config: StandbyConfig,
}

/// `GET /standby/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StandbyStatus {
    /// Whether standbys can be made: both credentials are there and were not refused.
    pub configured: bool,
    /// Whether each new GPU gets one.
    pub auto_standby_enabled: bool,
    /// How many machines have one.
    pub active_associations: usize,
    /// By the GPU's number.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Association>))]
    pub associations: BTreeMap<i64, Association>,
    /// What is saved.
    pub config: StandbyConfig,
}

/// `GET /standby/pricing?…`. Absent parts are as saved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct PricingQuery {
    /// Machine type.
    pub machine_type: Option<String>,
    /// GB.
    pub disk_gb: Option<i64>,
    /// Spot VM.
    pub spot: Option<bool>,
    /// Zone.
    pub zone: Option<String>,
}

/// What a standby would cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pricing {
    /// Machine type.
    pub machine_type: String,
    /// GB.
    pub disk_gb: i64,
    /// Spot VM.
    pub spot: bool,
    /// Zone.
    pub zone: String,
    /// All parts, USD.
    pub estimated_hourly_usd: f64,
    /// All parts over 730 hours, USD.
    pub estimated_monthly_usd: f64,
    /// The parts.
    pub breakdown: PricingParts,
    /// Where the prices come from.
    pub source: String,
    /// The day they were read, `YYYY-MM-DD`.
    pub as_of: String,
    /// What the figure leaves out.
    pub note: String,
}

/// The parts of an estimate, USD per month.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PricingParts {
    /// The VM.
    pub vm_monthly: f64,
    /// Its disk.
    pub disk_monthly: f64,
    /// Its external address.
    pub ip_monthly: f64,
}

impl Pricing {
    /// The estimate for a shape; `None` when the price table does not know the zone or the type.
    #[must_use]
    pub fn of(zone: &str, machine_type: &str, disk_gb: i64, spot: bool) -> Option<Self> {
        let cost = pricing::estimate(zone, machine_type, disk_gb, spot)?;
        Some(Self {
            machine_type: machine_type.to_owned(),
            disk_gb,
            spot,
            zone: zone.to_owned(),
            estimated_hourly_usd: (cost.hourly * 1e6).round() / 1e6,
            estimated_monthly_usd: cents(cost.monthly()),
            breakdown: PricingParts {
                vm_monthly: cents(cost.vm_monthly),
                disk_monthly: cents(cost.disk_monthly),
                ip_monthly: cents(cost.ip_monthly),
            },
            source: pricing::SOURCE.to_owned(),
            as_of: pricing::AS_OF.to_owned(),
            note: "List prices before taxes and discounts; network traffic is not included."
                .to_owned(),
        })
    }
}

/// Dollars rounded to the cent, halves up.
fn cents(usd: f64) -> f64 {
    // A hair is added so that 1.825, which a float can't hold, rounds up as people do.
    (usd * 100.0 + 1e-9).round() / 100.0
}

/// An association as the API writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Association {
    /// Identity across failovers.
    pub association_id: AssociationId,
    /// The GPU that it runs on, or ran on last.
    pub gpu_instance_id: GpuId,
    /// What people call the machine.
    pub name: String,
    /// The standby's VM; `null` before it is asked for and after it is gone.
    pub cpu_standby: Option<AssociatedStandby>,
    /// Whether the standby shall follow.
    pub sync_enabled: bool,
    /// What it is doing.
    pub state: AssociationState,
    /// Why, where the state needs a reason.
    pub reason: Option<String>,
    /// Where the user's work runs.
    pub serving: Serving,
    /// Completed syncs.
    pub sync_count: i64,
    /// End of the newest completed sync.
    pub last_sync_at: Option<Time>,
    /// Everything written before this time is on the standby.
    pub recovery_point_at: Option<Time>,
    /// How far behind the standby is, seconds; `null` before the first copy and while it does not follow.
    pub lag_seconds: Option<f64>,
    /// Files that are not on the standby yet.
    pub pending_files: Option<i64>,
    /// Their bytes.
    pub pending_bytes: Option<i64>,
    /// Files in the workspace at the last scan.
    pub files: Option<i64>,
    /// Bytes in the workspace at the last scan.
    pub bytes: Option<i64>,
    /// Why sync does not run or failed last.
    pub sync_problem: Option<String>,
    /// Fencing number.
    pub epoch: Epoch,
    /// Whether its GPU is lost and not replaced yet.
    pub gpu_failed: bool,
    /// Why, where it is.
    pub failure_reason: Option<String>,
    /// The failover under way.
    pub active_failover: Option<FailoverId>,
    /// Absolute path of the workspace.
    pub workspace: String,
    /// The user's commands.
    pub hooks: Hooks,
    /// When it was made.
    pub created_at: Time,
}

/// The VM of an association.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssociatedStandby {
    /// Name at the provider.
    pub name: String,
    /// Zone.
    pub zone: String,
    /// Where it answers SSH.
    pub ip: Option<String>,
    /// SSH port.
    pub ssh_port: Option<u16>,
    /// Machine type.
    pub machine_type: String,
    /// GB.
    pub disk_gb: i64,
    /// Spot VM.
    pub spot: bool,
    /// Where it is in its life.
    pub status: StandbyState,
    /// Why it is not ready.
    pub reason: Option<String>,
    /// Estimated rate while it runs, USD per hour.
    pub dph_total: f64,
    /// When it was asked for.
    pub created_at: Time,
}

impl Association {
    /// The association as it is at `now`.
    #[must_use]
    pub fn new(tie: &Tie, now: Millis) -> Self {
        let lost = tie.serving != Serving::Gpu
            && matches!(tie.state, AssociationState::FailingOver | AssociationState::OnStandby);
        Self {
            association_id: tie.id.clone(),
            gpu_instance_id: tie.gpu,
            name: tie.name.clone(),
            cpu_standby: tie.standby.as_ref().map(AssociatedStandby::from),
            sync_enabled: tie.sync_enabled,
            state: tie.state,
            reason: tie.reason.clone(),
            serving: tie.serving,
            sync_count: tie.sync.count,
            last_sync_at: tie.sync.last_sync_at.map(Time),
            recovery_point_at: tie.sync.complete_to.map(Time),
            lag_seconds: lag_ms(tie, now).map(seconds),
            pending_files: tie.sync.pending_files,
            pending_bytes: tie.sync.pending_bytes,
            files: tie.sync.files,
            bytes: tie.sync.bytes,
            sync_problem: tie.sync.problem.clone(),
            epoch: tie.epoch,
            gpu_failed: lost,
            failure_reason: if lost { tie.reason.clone() } else { None },
            active_failover: tie.active_failover.clone(),
            workspace: tie.workspace.clone(),
            hooks: tie.hooks.clone(),
            created_at: tie.created_at.into(),
        }
    }
}

impl From<&crate::standby::Standby> for AssociatedStandby {
    fn from(vm: &crate::standby::Standby) -> Self {
        Self {
            name: vm.name.clone(),
            zone: vm.zone.clone(),
            ip: vm.endpoint.as_ref().map(|at| at.host.clone()),
            ssh_port: vm.endpoint.as_ref().map(|at| at.port),
            machine_type: vm.machine_type.clone(),
            disk_gb: vm.disk_gb,
            spot: vm.spot,
            status: vm.state,
            reason: vm.reason.clone(),
            dph_total: vm.usd_per_hour.usd(),
            created_at: vm.created_at.into(),
        }
    }
}

/// Milliseconds that the standby is behind: zero while nothing is known to wait, else the age of the
/// newest recovery point. Unknown before the first copy and while the user works on the standby.
#[must_use]
pub fn lag_ms(tie: &Tie, now: Millis) -> Option<i64> {
    if tie.serving == Serving::Standby {
        return None;
    }
    let complete = tie.sync.complete_to?;
    if tie.sync.pending_files == Some(0) && tie.sync.problem.is_none() {
        return Some(0);
    }
    Some(now.since(complete).max(0))
}

#[expect(clippy::cast_precision_loss, reason = "a span in milliseconds stays far below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// `GET /standby/associations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Associations {
    /// By the GPU's number.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Association>))]
    pub associations: BTreeMap<i64, Association>,
    /// How many.
    pub count: usize,
}

/// `POST /standby/provision/{gpu_id}`. The query's `label` names the machine where the body does not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProvisionStandby {
    /// What people call the machine.
    pub name: Option<String>,
    /// Absolute path; `/workspace` when absent.
    pub workspace: Option<String>,
    /// The user's commands.
    pub hooks: Option<Hooks>,
}

/// `POST /standby/provision/{gpu_id}?label=`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct ProvisionQuery {
    /// What people call the machine.
    pub label: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_defaults_fill_what_is_absent_and_the_rest_stays() {
        let saved = FailoverSettings {
            min_reliability: 0.97,
            max_usd_per_hour: Some(MicroUsd(500_000)),
            ..FailoverSettings::default()
        };
        let asked: ConfigureStandby =
            serde_json::from_str(r#"{"gcp_disk_size":50}"#).expect("a request");
        let chosen = asked.onto(&saved);
        assert!(chosen.auto_standby && chosen.gcp_spot);
        assert_eq!((chosen.gcp_disk_gb, chosen.sync_interval_s), (50, 30));
        assert_eq!(
            (chosen.min_reliability, chosen.max_usd_per_hour),
            (0.97, Some(MicroUsd(500_000)))
        );
        let cleared: ConfigureStandby =
            serde_json::from_str(r#"{"max_price":null}"#).expect("a request");
        assert_eq!(cleared.onto(&saved).max_usd_per_hour, None);
        let wild: ConfigureStandby =
            serde_json::from_str(r#"{"max_price":1e300}"#).expect("a request");
        assert_eq!(wild.onto(&saved).problems().len(), 1);
    }

    #[test]
    fn the_default_standby_costs_eighteen_dollars_and_eighty_six_cents() {
        let price = Pricing::of("europe-west1-b", "e2-medium", 100, true).expect("known");
        assert_eq!(price.estimated_monthly_usd, 18.86);
        assert_eq!(
            (price.breakdown.vm_monthly, price.breakdown.disk_monthly, price.breakdown.ip_monthly),
            (13.03, 4.0, 1.83)
        );
        assert_eq!(Pricing::of("mars-1-a", "e2-medium", 100, true), None);
    }
}
