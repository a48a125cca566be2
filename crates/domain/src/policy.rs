//! What a user has chosen: the CPU Failover settings, their defaults and their bounds.

use serde::{Deserialize, Serialize};

use crate::buying;
use crate::money::MicroUsd;
use crate::offer::ReplacementRule;
use crate::pricing;

crate::text_enum! {
    /// Which models may replace a lost GPU.
    pub enum GpuClass ("gpu class") {
        /// The same model only.
        Same = "same",
        /// Any model with at least as much memory.
        AtLeast = "at_least",
    }
}

/// The CPU Failover settings of one user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailoverSettings {
    /// Create a standby for each new GPU.
    pub auto_standby: bool,
    /// Where standbys run.
    pub gcp_zone: String,
    /// What they run on.
    pub gcp_machine_type: String,
    /// Standby disk, GB, 10 to 500.
    pub gcp_disk_gb: i64,
    /// Spot VM.
    pub gcp_spot: bool,
    /// Seconds between syncs at the latest, 1 to 300; changes start one earlier.
    pub sync_interval_s: i64,
    /// Move to the standby by itself when a GPU is lost.
    pub auto_failover: bool,
    /// Buy a new GPU by itself after a failover.
    pub auto_recovery: bool,
    /// Which replacement may be bought.
    pub gpu_class: GpuClass,
    /// Most per hour for a replacement; none: twice the lost machine's price.
    pub max_usd_per_hour: Option<MicroUsd>,
    /// Least reliability of a replacement's host, 0..1.
    pub min_reliability: f64,
    /// Two-letter countries for a replacement; empty: anywhere.
    pub countries: Vec<String>,
    /// Largest share of the files, in percent, that one sync may delete before it freezes.
    pub max_delete_percent: i64,
    /// How long a GPU must be silent, to us and to its standby, before that alone counts as a loss while
    /// the provider says that it runs. Seconds, 5 to 600.
    pub silence_s: i64,
    /// How long a GPU that was left is kept for what it may hold beyond the recovery point, from when it
    /// last answered. It bills meanwhile. Minutes, 0 to 1440.
    pub keep_lost_min: i64,
    /// The most that is bought without a person's word.
    pub limits: buying::Limits,
}

impl Default for FailoverSettings {
    fn default() -> Self {
        Self {
            auto_standby: false,
            gcp_zone: "europe-west1-b".into(),
            gcp_machine_type: "e2-medium".into(),
            gcp_disk_gb: 100,
            gcp_spot: true,
            sync_interval_s: 30,
            auto_failover: true,
            auto_recovery: true,
            gpu_class: GpuClass::AtLeast,
            max_usd_per_hour: None,
            min_reliability: 0.9,
            countries: Vec::new(),
            max_delete_percent: 30,
            silence_s: crate::verdict::SILENCE_S,
            keep_lost_min: 30,
            limits: buying::Limits::default(),
        }
    }
}

/// A setting that can't be saved: the field's name in the API and a stable code for its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Field name as the API spells it.
    pub field: &'static str,
    /// Key of the explanation, for example `out_of_range`.
    pub code: &'static str,
    /// The explanation in English.
    pub message: String,
}

impl FailoverSettings {
    /// Whether more may be spent by these without a person's word than by the former: standbys for all new
    /// GPUs, buying by itself, higher limits, another price cap upwards, a dearer standby.
    #[must_use]
    pub fn spends_more_than(&self, former: &Self) -> bool {
        let limits = (self.limits, former.limits);
        let cap = match (self.max_usd_per_hour, former.max_usd_per_hour) {
            (Some(now), Some(before)) => now > before,
            // Twice what was lost is no figure: it can be less, and can be more.
            (now, before) => now != before,
        };
        let standby = match (self.standby_cost(), former.standby_cost()) {
            (Some(now), Some(before)) => now > before,
            (now, before) => now != before,
        };
        (self.auto_standby && !former.auto_standby)
            || (self.auto_recovery && !former.auto_recovery)
            || limits.0.per_failover > limits.1.per_failover
            || limits.0.usd_per_failover > limits.1.usd_per_failover
            || limits.0.per_day > limits.1.per_day
            || limits.0.usd_per_day > limits.1.usd_per_day
            || cap
            || standby
    }

    /// What a standby costs a month, where the table knows it.
    fn standby_cost(&self) -> Option<f64> {
        let (zone, shape) = (&self.gcp_zone, &self.gcp_machine_type);
        Some(crate::pricing::estimate(zone, shape, self.gcp_disk_gb, self.gcp_spot)?.monthly())
    }

    /// Every field that is out of bounds; empty when all can be saved. `zones` are those that may be
    /// chosen; machine types are checked against what the price table knows.
    #[must_use]
    pub fn problems(&self, zones: &[String]) -> Vec<FieldError> {
        let mut found = Vec::new();
        let mut range = |field, value: i64, low, high| {
            if !(low..=high).contains(&value) {
                found.push(FieldError {
                    field,
                    code: "out_of_range",
                    message: format!("must be between {low} and {high}"),
                });
            }
        };
        range("gcp_disk_size", self.gcp_disk_gb, 10, 500);
        range("sync_interval", self.sync_interval_s, 1, 300);
        range("max_delete_percent", self.max_delete_percent, 1, 100);
        range("silence_seconds", self.silence_s, 5, 600);
        range("keep_lost_minutes", self.keep_lost_min, 0, 1_440);
        range("max_gpus_per_failover", self.limits.per_failover, 1, 100);
        range("max_gpus_per_day", self.limits.per_day, 1, 10_000);
        if !zones.contains(&self.gcp_zone) {
            found.push(FieldError {
                field: "gcp_zone",
                code: "unknown_zone",
                message: format!("unknown zone {:?}", self.gcp_zone),
            });
        }
        if pricing::machine_type(&self.gcp_machine_type).is_none() {
            let message = format!("unknown machine type {:?}", self.gcp_machine_type);
            found.push(FieldError {
                field: "gcp_machine_type",
                code: "unknown_machine_type",
                message,
            });
        }
        if !(0.0..=1.0).contains(&self.min_reliability) {
            found.push(FieldError {
                field: "min_reliability",
                code: "out_of_range",
                message: "must be between 0 and 1".into(),
            });
        }
        if self.max_usd_per_hour.is_some_and(|cap| cap.0 <= 0) {
            found.push(FieldError {
                field: "max_price",
                code: "out_of_range",
                message: "must be above 0".into(),
            });
        }
        for (field, most) in [
            ("max_usd_per_failover", self.limits.usd_per_failover),
            ("max_usd_per_day", self.limits.usd_per_day),
        ] {
            if most.0 <= 0 {
                found.push(FieldError {
                    field,
                    code: "out_of_range",
                    message: "must be above 0".into(),
                });
            }
        }
        if self
            .countries
            .iter()
            .any(|code| code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_alphabetic()))
        {
            found.push(FieldError {
                field: "countries",
                code: "not_a_country",
                message: "two-letter country codes only".into(),
            });
        }
        found
    }

    /// The part that choosing a replacement needs.
    #[must_use]
    pub fn replacement_rule(&self) -> ReplacementRule {
        ReplacementRule {
            class: self.gpu_class,
            max_usd_per_hour: self.max_usd_per_hour,
            min_reliability: self.min_reliability,
            countries: self.countries.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        pricing::ZONES.iter().map(|&zone| zone.to_owned()).collect()
    }

    #[test]
    fn the_defaults_can_be_saved_and_each_bound_is_named() {
        assert_eq!(FailoverSettings::default().problems(&known()), []);
        let bad = FailoverSettings {
            gcp_disk_gb: 9,
            sync_interval_s: 301,
            gcp_zone: "moon-1".into(),
            gcp_machine_type: "abacus".into(),
            min_reliability: 1.5,
            max_usd_per_hour: Some(MicroUsd(0)),
            countries: vec!["Brazil".into()],
            max_delete_percent: 0,
            silence_s: 4,
            keep_lost_min: 1_441,
            limits: buying::Limits {
                per_failover: 0,
                usd_per_failover: MicroUsd(0),
                per_day: 10_001,
                usd_per_day: MicroUsd(-1),
            },
            ..FailoverSettings::default()
        };
        let fields: Vec<&str> =
            bad.problems(&known()).iter().map(|problem| problem.field).collect();
        assert_eq!(
            fields,
            [
                "gcp_disk_size",
                "sync_interval",
                "max_delete_percent",
                "silence_seconds",
                "keep_lost_minutes",
                "max_gpus_per_failover",
                "max_gpus_per_day",
                "gcp_zone",
                "gcp_machine_type",
                "min_reliability",
                "max_price",
                "max_usd_per_failover",
                "max_usd_per_day",
                "countries"
            ]
        );
    }

    #[test]
    fn what_lets_more_be_spent_is_told_from_what_does_not() {
        let saved = FailoverSettings::default();
        let differs = |change: fn(&mut FailoverSettings)| {
            let mut chosen = saved.clone();
            change(&mut chosen);
            (chosen.spends_more_than(&saved), saved.spends_more_than(&chosen))
        };
        assert_eq!(differs(|_| {}), (false, false));
        assert_eq!(differs(|one| one.auto_standby = true), (true, false));
        assert_eq!(differs(|one| one.auto_recovery = false), (false, true));
        assert_eq!(differs(|one| one.limits.per_failover += 1), (true, false));
        assert_eq!(differs(|one| one.limits.usd_per_failover.0 += 1), (true, false));
        assert_eq!(differs(|one| one.limits.per_day -= 1), (false, true));
        assert_eq!(differs(|one| one.limits.usd_per_day.0 += 1), (true, false));
        assert_eq!(differs(|one| one.gcp_disk_gb += 1), (true, false));
        assert_eq!(differs(|one| one.gcp_spot = false), (true, false));
        // Twice what was lost and a figure can't be compared.
        assert_eq!(differs(|one| one.max_usd_per_hour = Some(MicroUsd(1))), (true, true));
        for change in [
            (|one| one.silence_s = 60) as fn(&mut FailoverSettings),
            |one| one.sync_interval_s = 60,
            |one| one.auto_failover = false,
            |one| one.countries = vec!["US".into()],
        ] {
            assert_eq!(differs(change), (false, false));
        }
    }
}
