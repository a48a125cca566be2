//! What a user has chosen for standbys and failovers.

use serde::{Deserialize, Serialize};

use super::present;
use super::pricing::cents;
use crate::money::MicroUsd;
use crate::policy::{FailoverSettings, GpuClass};
use crate::pricing;

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
        assert_eq!(wild.onto(&saved).problems(std::slice::from_ref(&saved.gcp_zone)).len(), 1);
    }
}
