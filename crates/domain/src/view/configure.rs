//! What a user has chosen for standbys and failovers.

use serde::{Deserialize, Serialize};

use super::pricing::cents;
use super::{given, present};
use crate::buying::Limits;
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
    /// How long a GPU must be silent before that alone counts as a loss, seconds.
    pub silence_seconds: i64,
    /// How long a GPU that was left is kept for what it may still hold, minutes.
    pub keep_lost_minutes: i64,
    /// GPUs that one failover buys before it waits for a person.
    pub max_gpus_per_failover: i64,
    /// What those GPUs may cost together, USD per hour.
    pub max_usd_per_failover: f64,
    /// GPUs that all failovers of the account buy within a day before they wait for a person.
    pub max_gpus_per_day: i64,
    /// What those GPUs may cost together, USD per hour.
    pub max_usd_per_day: f64,
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
            silence_seconds: chosen.silence_s,
            keep_lost_minutes: chosen.keep_lost_min,
            max_gpus_per_failover: chosen.limits.per_failover,
            max_usd_per_failover: chosen.limits.usd_per_failover.usd(),
            max_gpus_per_day: chosen.limits.per_day,
            max_usd_per_day: chosen.limits.usd_per_day.usd(),
            estimated_cost_monthly_usd: estimate.map(|cost| cents(cost.monthly())),
        }
    }
}

/// `POST /standby/configure`. `enabled` is always needed; any other field that is absent stays as it
/// is, which at the first save is the default that is named here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigureStandby {
    /// Create a standby for each new GPU.
    pub enabled: bool,
    /// At first `europe-west1-b`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false, min_length = 1, max_length = 63))]
    pub gcp_zone: Option<String>,
    /// At first `e2-medium`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false, min_length = 1, max_length = 63))]
    pub gcp_machine_type: Option<String>,
    /// GB; at first 100.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, minimum = 10, maximum = 500))]
    pub gcp_disk_size: Option<i64>,
    /// At first `true`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = bool, required = false))]
    pub gcp_spot: Option<bool>,
    /// Seconds; at first 30.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, minimum = 1, maximum = 300))]
    pub sync_interval: Option<i64>,
    /// At first `true`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = bool, required = false))]
    pub auto_failover: Option<bool>,
    /// At first `true`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = bool, required = false))]
    pub auto_recovery: Option<bool>,
    /// Which models may replace a lost GPU; at first `at_least`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = GpuClass, required = false))]
    pub gpu_class: Option<GpuClass>,
    /// USD per hour; `null`: twice the lost machine's price, as it is at first.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, required = false, exclusive_minimum = 0))]
    pub max_price: Option<Option<f64>>,
    /// Least reliability of a replacement's host; at first 0.9.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = f64, required = false, minimum = 0, maximum = 1))]
    pub min_reliability: Option<f64>,
    /// Two-letter countries; at first none, which is anywhere.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, required = false, max_items = 250))]
    pub countries: Option<Vec<String>>,
    /// Percent; at first 30.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, minimum = 1, maximum = 100))]
    pub max_delete_percent: Option<i64>,
    /// How long a GPU must be silent, to us and to its standby, before that alone counts as a loss while
    /// the provider says that it runs. Seconds; at first 30.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, minimum = 5, maximum = 600))]
    pub silence_seconds: Option<i64>,
    /// How long a GPU that was left is kept for what it may hold beyond the recovery point, counted from
    /// when it last answered; it bills meanwhile. Minutes; at first 30.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, minimum = 0, maximum = 1440))]
    pub keep_lost_minutes: Option<i64>,
    /// GPUs that one failover buys before it waits for a person; a purchase with no clear answer counts. At
    /// first 5.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, minimum = 1, maximum = 100))]
    pub max_gpus_per_failover: Option<i64>,
    /// What those GPUs may cost together, USD per hour; at first 50.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = f64, required = false, exclusive_minimum = 0))]
    pub max_usd_per_failover: Option<f64>,
    /// GPUs that all failovers of the account buy within 24 hours before they wait for a person. At first 100.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, minimum = 1, maximum = 10000))]
    pub max_gpus_per_day: Option<i64>,
    /// What those GPUs may cost together, USD per hour; at first 300.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = f64, required = false, exclusive_minimum = 0))]
    pub max_usd_per_day: Option<f64>,
}

impl ConfigureStandby {
    /// Switches standbys for new GPUs on or off and changes nothing else.
    #[must_use]
    pub const fn only(enabled: bool) -> Self {
        Self {
            enabled,
            gcp_zone: None,
            gcp_machine_type: None,
            gcp_disk_size: None,
            gcp_spot: None,
            sync_interval: None,
            auto_failover: None,
            auto_recovery: None,
            gpu_class: None,
            max_price: None,
            min_reliability: None,
            countries: None,
            max_delete_percent: None,
            silence_seconds: None,
            keep_lost_minutes: None,
            max_gpus_per_failover: None,
            max_usd_per_failover: None,
            max_gpus_per_day: None,
            max_usd_per_day: None,
        }
    }

    /// The settings that this asks for, on top of those saved before (the defaults where none were).
    #[must_use]
    pub fn onto(&self, saved: &FailoverSettings) -> FailoverSettings {
        let word = |asked: &Option<String>, saved: &String| {
            asked.as_ref().map_or_else(|| saved.clone(), |word| word.trim().to_owned())
        };
        // An amount that is none becomes zero, which the bounds refuse by name.
        let usd = |asked: Option<f64>, saved| {
            asked.map_or(saved, |usd| MicroUsd::from_usd(usd).unwrap_or(MicroUsd::ZERO))
        };
        FailoverSettings {
            auto_standby: self.enabled,
            gcp_zone: word(&self.gcp_zone, &saved.gcp_zone),
            gcp_machine_type: word(&self.gcp_machine_type, &saved.gcp_machine_type),
            gcp_disk_gb: self.gcp_disk_size.unwrap_or(saved.gcp_disk_gb),
            gcp_spot: self.gcp_spot.unwrap_or(saved.gcp_spot),
            sync_interval_s: self.sync_interval.unwrap_or(saved.sync_interval_s),
            auto_failover: self.auto_failover.unwrap_or(saved.auto_failover),
            auto_recovery: self.auto_recovery.unwrap_or(saved.auto_recovery),
            gpu_class: self.gpu_class.unwrap_or(saved.gpu_class),
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
            silence_s: self.silence_seconds.unwrap_or(saved.silence_s),
            keep_lost_min: self.keep_lost_minutes.unwrap_or(saved.keep_lost_min),
            limits: Limits {
                per_failover: self.max_gpus_per_failover.unwrap_or(saved.limits.per_failover),
                usd_per_failover: usd(self.max_usd_per_failover, saved.limits.usd_per_failover),
                per_day: self.max_gpus_per_day.unwrap_or(saved.limits.per_day),
                usd_per_day: usd(self.max_usd_per_day, saved.limits.usd_per_day),
            },
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
    fn what_is_absent_stays_and_at_first_is_the_default() {
        let read = |text| serde_json::from_str::<ConfigureStandby>(text);
        let saved = FailoverSettings {
            gcp_zone: "us-central1-a".into(),
            gcp_spot: false,
            auto_failover: false,
            sync_interval_s: 7,
            max_usd_per_hour: Some(MicroUsd(500_000)),
            ..FailoverSettings::default()
        };
        let only = read(r#"{"enabled":false}"#).expect("a request");
        assert_eq!(only.onto(&saved), FailoverSettings { auto_standby: false, ..saved.clone() });
        assert_eq!(only, ConfigureStandby::only(false));
        let usual = FailoverSettings::default();
        assert_eq!(
            only.onto(&usual),
            FailoverSettings { auto_standby: false, ..FailoverSettings::default() }
        );
        let disk = read(r#"{"enabled":true,"gcp_disk_size":50}"#).expect("a request").onto(&saved);
        assert_eq!((disk.gcp_disk_gb, disk.sync_interval_s, disk.gcp_spot), (50, 7, false));
    }

    #[test]
    fn only_a_price_can_be_cleared_and_enabled_is_always_needed() {
        let read = |text| serde_json::from_str::<ConfigureStandby>(text);
        let saved = FailoverSettings {
            max_usd_per_hour: Some(MicroUsd(500_000)),
            ..FailoverSettings::default()
        };
        let cleared = read(r#"{"enabled":true,"max_price":null}"#).expect("a request");
        assert_eq!(cleared.onto(&saved).max_usd_per_hour, None);
        for bad in [
            "{}",
            r#"{"gcp_disk_size":50}"#,
            r#"{"enabled":null}"#,
            r#"{"enabled":true,"gcp_zone":null}"#,
            r#"{"enabled":true,"countries":null}"#,
            r#"{"enabled":true,"gcp_spot":null}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
