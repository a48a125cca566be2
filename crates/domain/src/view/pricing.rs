//! What a standby would cost.

use serde::{Deserialize, Serialize};

use crate::pricing;

/// `GET /standby/pricing?…`. Absent parts are as saved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct PricingQuery {
    /// Machine type.
    #[cfg_attr(feature = "openapi", param(max_length = 63))]
    pub machine_type: Option<String>,
    /// GB.
    #[cfg_attr(feature = "openapi", param(minimum = 10, maximum = 500))]
    pub disk_gb: Option<i64>,
    /// Spot VM.
    pub spot: Option<bool>,
    /// Zone.
    #[cfg_attr(feature = "openapi", param(max_length = 63))]
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
pub(super) fn cents(usd: f64) -> f64 {
    // A hair is added so that 1.825, which a float can't hold, rounds up as people do.
    (usd * 100.0 + 1e-9).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

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
