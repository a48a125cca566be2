//! Offers of the GPU market.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::money::MicroUsd;
use crate::offer::{Offer as Found, OfferFilter};
use crate::policy::FieldError;

/// `GET /instances/offers?…`. An absent bound is open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct OfferQuery {
    /// Model, for example `RTX 4090`; a part finds all that have it (`4090`), a whole name only itself.
    #[cfg_attr(feature = "openapi", param(max_length = 64))]
    pub gpu_name: Option<String>,
    /// Exact count of GPUs.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 64))]
    pub num_gpus: Option<i64>,
    /// Memory of each GPU, GB; hosts of one class differ by up to 2 %, which is allowed for.
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 1000000))]
    pub min_gpu_ram: Option<f64>,
    /// GB. Also the storage that prices are asked for.
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 1000000))]
    pub min_disk: Option<f64>,
    /// Mb/s.
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 1000000))]
    pub min_inet_down: Option<f64>,
    /// USD per hour.
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 1000000))]
    pub max_price: Option<f64>,
    /// 0..1.
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 1))]
    pub min_reliability: Option<f64>,
    /// Two-letter countries, separated by commas.
    #[cfg_attr(
        feature = "openapi",
        param(max_length = 1000, pattern = "^([A-Za-z]{2}(,[A-Za-z]{2})*)?$")
    )]
    pub region: Option<String>,
    /// Only machines that the provider has checked.
    pub verified_only: Option<bool>,
    /// `dph_total` (the default), `reliability`, `gpu_ram` or `inet_down`; the last three largest first.
    #[cfg_attr(
        feature = "openapi",
        param(pattern = "^(dph_total|reliability|gpu_ram|inet_down)$")
    )]
    pub order_by: Option<String>,
    /// At most this many, 1 to 64; 20 when absent.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 64))]
    pub limit: Option<i64>,
}

/// The orders that offers can be asked in.
pub const ORDERS: &[&str] = &["dph_total", "reliability", "gpu_ram", "inet_down"];

impl OfferQuery {
    /// The filter that this asks for.
    ///
    /// # Errors
    /// Each field that makes no sense.
    pub fn filter(&self) -> Result<OfferFilter, Vec<FieldError>> {
        let mut found = Vec::new();
        let mut wrong = |field, message: &str| {
            found.push(FieldError { field, code: "out_of_range", message: message.to_owned() });
        };
        let amount =
            |value: Option<f64>| value.is_none_or(|number| (0.0..=1_000_000.0).contains(&number));
        for (field, value) in [
            ("min_gpu_ram", self.min_gpu_ram),
            ("min_disk", self.min_disk),
            ("min_inet_down", self.min_inet_down),
            ("max_price", self.max_price),
        ] {
            if !amount(value) {
                wrong(field, "must be between 0 and 1000000");
            }
        }
        if self.min_reliability.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            wrong("min_reliability", "must be between 0 and 1");
        }
        if self.num_gpus.is_some_and(|count| !(1..=64).contains(&count)) {
            wrong("num_gpus", "must be between 1 and 64");
        }
        if self.limit.is_some_and(|count| !(1..=64).contains(&count)) {
            wrong("limit", "must be between 1 and 64");
        }
        if self.order_by.as_deref().is_some_and(|order| !ORDERS.contains(&order)) {
            wrong("order_by", "must be dph_total, reliability, gpu_ram or inet_down");
        }
        let countries: Vec<String> = self
            .region
            .iter()
            .flat_map(|text| text.split(','))
            .map(|code| code.trim().to_ascii_uppercase())
            .filter(|code| !code.is_empty())
            .collect();
        if countries
            .iter()
            .any(|code| code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_alphabetic()))
        {
            wrong("region", "two-letter country codes, separated by commas");
        }
        if !found.is_empty() {
            return Err(found);
        }
        Ok(OfferFilter {
            gpu_name: None,
            name_part: self.gpu_name.clone().filter(|name| !name.trim().is_empty()),
            num_gpus: self.num_gpus,
            min_gpu_ram_mb: self.min_gpu_ram.map(ram_floor_mb),
            min_disk_gb: self.min_disk,
            min_inet_down: self.min_inet_down,
            max_usd_per_hour: self.max_price.and_then(MicroUsd::from_usd),
            min_reliability: self.min_reliability,
            countries,
            verified_only: self.verified_only.unwrap_or(false),
            limit: Some(64),
        })
    }

    /// Orders and cuts what was found.
    #[must_use]
    pub fn arrange(&self, mut offers: Vec<Found>) -> Vec<Found> {
        match self.order_by.as_deref() {
            Some("reliability") => offers.sort_by(|a, b| b.reliability.total_cmp(&a.reliability)),
            Some("gpu_ram") => offers.sort_by_key(|offer| std::cmp::Reverse(offer.gpu_ram_mb)),
            Some("inet_down") => offers.sort_by(|a, b| b.inet_down.total_cmp(&a.inet_down)),
            _ => offers.sort_by_key(|offer| (offer.usd_per_hour, offer.id)),
        }
        offers.truncate(usize::try_from(self.limit.unwrap_or(20)).unwrap_or(20));
        offers
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
fn ram_floor_mb(gb: f64) -> i64 {
    (gb * 1024.0 * 0.98).floor() as i64
}

/// MB as GB with one decimal.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "memory sizes stay far below 2^53")]
pub fn gb(mb: i64) -> f64 {
    (mb as f64 / 1024.0 * 10.0).round() / 10.0
}

/// One offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Offer {
    /// The number to buy by.
    pub id: i64,
    /// Model with spaces.
    pub gpu_name: String,
    /// How many GPUs.
    pub num_gpus: i64,
    /// Of each GPU, GB.
    pub gpu_ram: f64,
    /// Cores.
    pub cpu_cores: f64,
    /// GB.
    pub cpu_ram: f64,
    /// GB that can be had.
    pub disk_space: f64,
    /// Mb/s.
    pub inet_down: f64,
    /// Mb/s.
    pub inet_up: f64,
    /// USD per hour, on demand, with the storage asked for.
    pub dph_total: f64,
    /// `California, US`.
    pub geolocation: Option<String>,
    /// 0..1.
    pub reliability: f64,
    /// Highest CUDA version.
    pub cuda_version: Option<f64>,
    /// Checked by the provider.
    pub verified: bool,
    /// Keeps its address.
    pub static_ip: bool,
    /// Physical machine.
    pub machine_id: Option<i64>,
    /// Floor of an interruptible bid, USD per hour.
    pub min_bid: Option<f64>,
}

impl From<&Found> for Offer {
    fn from(found: &Found) -> Self {
        Self {
            id: found.id,
            gpu_name: found.gpu_name.clone(),
            num_gpus: found.num_gpus,
            gpu_ram: gb(found.gpu_ram_mb),
            cpu_cores: found.cpu_cores,
            cpu_ram: gb(found.cpu_ram_mb),
            disk_space: found.disk_gb,
            inet_down: found.inet_down,
            inet_up: found.inet_up,
            dph_total: found.usd_per_hour.usd(),
            geolocation: found.geolocation.clone(),
            reliability: found.reliability,
            cuda_version: found.cuda_version,
            verified: found.verified,
            static_ip: found.static_ip,
            machine_id: found.machine_id,
            min_bid: found.min_bid.map(MicroUsd::usd),
        }
    }
}

/// `GET /instances/offers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Offers {
    /// In the order asked for.
    pub offers: Vec<Offer>,
    /// How many.
    pub count: usize,
    /// When the market was asked; older than a moment where it can't be asked again yet.
    pub as_of: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_each_field_that_makes_no_sense() {
        let query = OfferQuery {
            min_disk: Some(f64::NAN),
            max_price: Some(-1.0),
            min_reliability: Some(2.0),
            region: Some("Brazil".into()),
            order_by: Some("luck".into()),
            limit: Some(0),
            ..OfferQuery::default()
        };
        let fields: Vec<&str> = query.filter().expect_err("bad").iter().map(|e| e.field).collect();
        assert_eq!(
            fields,
            ["min_disk", "max_price", "min_reliability", "limit", "order_by", "region"]
        );
    }

    #[test]
    fn a_card_of_24_gb_meets_a_wish_for_24_gb() {
        let query = OfferQuery {
            min_gpu_ram: Some(24.0),
            region: Some("br, us".into()),
            ..OfferQuery::default()
        };
        let filter = query.filter().expect("fine");
        assert!(filter.min_gpu_ram_mb.expect("set") <= 24_564);
        assert_eq!(filter.countries, ["BR", "US"]);
    }
}
