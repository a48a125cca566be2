//! GPU offers, and which of them may replace a lost machine.

mod near;

use serde::{Deserialize, Serialize};

pub use self::near::{NearMiss, Rule, nearest_misses};

use crate::gpu::GpuInstance;
use crate::money::MicroUsd;
use crate::policy::GpuClass;

/// One offer of the market, as far as choosing and showing need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The number to buy by (`ask_contract_id`).
    pub id: i64,
    /// Physical machine; several offers can be slots of one.
    pub machine_id: Option<i64>,
    /// Model with spaces.
    pub gpu_name: String,
    /// How many GPUs.
    pub num_gpus: i64,
    /// Per GPU, MB.
    pub gpu_ram_mb: i64,
    /// Cores.
    pub cpu_cores: f64,
    /// MB.
    pub cpu_ram_mb: i64,
    /// GB that can be had.
    pub disk_gb: f64,
    /// Mb/s.
    pub inet_down: f64,
    /// Mb/s.
    pub inet_up: f64,
    /// On-demand price per hour with the storage searched for.
    pub usd_per_hour: MicroUsd,
    /// Floor of an interruptible bid per hour, where known.
    pub min_bid: Option<MicroUsd>,
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
    /// We already hold GPUs there.
    pub rented: bool,
}

/// What a search asks for. `None` leaves a bound open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OfferFilter {
    /// Exact model with spaces.
    pub gpu_name: Option<String>,
    /// What someone typed of the model's name; see [`fits_name`].
    pub name_part: Option<String>,
    /// Exact count of GPUs.
    pub num_gpus: Option<i64>,
    /// Per GPU, MB.
    pub min_gpu_ram_mb: Option<i64>,
    /// GB.
    pub min_disk_gb: Option<f64>,
    /// Mb/s.
    pub min_inet_down: Option<f64>,
    /// Dollars per hour.
    pub max_usd_per_hour: Option<MicroUsd>,
    /// 0..1.
    pub min_reliability: Option<f64>,
    /// Two-letter country codes, any of them.
    pub countries: Vec<String>,
    /// Only machines checked by the provider.
    pub verified_only: bool,
    /// At most this many; the provider gives no more than 64 at a time.
    pub limit: Option<usize>,
}

/// Whether a model's name has all words of what someone typed: `4090` fits `RTX 4090`.
#[must_use]
pub fn fits_name(typed: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    words_of(typed).iter().all(|word| name.contains(word.as_str()))
}

/// Of these names the one that was typed, else all that it fits: who types `RTX 3090` does not mean
/// `RTX 3090 Ti`.
#[must_use]
pub fn names_like<'n>(typed: &str, names: impl Iterator<Item = &'n str> + Clone) -> Vec<&'n str> {
    let typed_words = words_of(typed);
    let exact: Vec<&str> = names.clone().filter(|name| words_of(name) == typed_words).collect();
    if exact.is_empty() { names.filter(|name| fits_name(typed, name)).collect() } else { exact }
}

/// In small letters; some write `RTX_4090`.
fn words_of(name: &str) -> Vec<String> {
    name.replace('_', " ").to_lowercase().split_whitespace().map(str::to_owned).collect()
}

impl OfferFilter {
    /// Whether an offer meets every bound. The provider does not always apply all filters, so each
    /// answer is checked again.
    #[must_use]
    pub fn admits(&self, offer: &Offer) -> bool {
        let country =
            offer.geolocation.as_deref().and_then(|place| place.rsplit(',').next()).map(str::trim);
        self.gpu_name.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&offer.gpu_name))
            && self.name_part.as_ref().is_none_or(|part| fits_name(part, &offer.gpu_name))
            && self.num_gpus.is_none_or(|count| count == offer.num_gpus)
            && self.min_gpu_ram_mb.is_none_or(|ram| offer.gpu_ram_mb >= ram)
            && self.min_disk_gb.is_none_or(|disk| offer.disk_gb >= disk)
            && self.min_inet_down.is_none_or(|rate| offer.inet_down >= rate)
            && self.max_usd_per_hour.is_none_or(|cap| offer.usd_per_hour <= cap)
            && self.min_reliability.is_none_or(|floor| offer.reliability >= floor)
            && (!self.verified_only || offer.verified)
            && (self.countries.is_empty()
                || country.is_some_and(|code| {
                    self.countries.iter().any(|want| want.eq_ignore_ascii_case(code))
                }))
    }
}

/// The machine that a replacement has to stand in for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct GpuSpec {
    /// Model with spaces.
    pub gpu_name: Option<String>,
    /// How many GPUs.
    pub num_gpus: Option<i64>,
    /// Per GPU, MB.
    pub gpu_ram_mb: Option<i64>,
    /// GB.
    pub disk_gb: Option<f64>,
    /// What it cost per hour.
    pub usd_per_hour: Option<MicroUsd>,
    /// Physical machine.
    pub machine_id: Option<i64>,
    /// `California, US`.
    pub geolocation: Option<String>,
}

impl From<&GpuInstance> for GpuSpec {
    fn from(instance: &GpuInstance) -> Self {
        Self {
            gpu_name: instance.gpu_name.clone(),
            num_gpus: instance.num_gpus,
            gpu_ram_mb: instance.gpu_ram_mb,
            disk_gb: instance.disk_gb,
            usd_per_hour: instance.usd_per_hour,
            machine_id: instance.machine_id,
            geolocation: instance.geolocation.clone(),
        }
    }
}

/// What the user allows a replacement to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplacementRule {
    /// Same model, or anything at least as large.
    pub class: GpuClass,
    /// Most dollars per hour; `None`: twice what the lost machine cost, or no bound where that is unknown.
    pub max_usd_per_hour: Option<MicroUsd>,
    /// 0..1.
    pub min_reliability: f64,
    /// Two-letter country codes; empty: anywhere.
    pub countries: Vec<String>,
}

/// The search that fits a lost machine under a rule.
#[must_use]
pub fn replacement_filter(lost: &GpuSpec, rule: &ReplacementRule) -> OfferFilter {
    let cap = rule
        .max_usd_per_hour
        .or_else(|| lost.usd_per_hour.map(|rate| MicroUsd(rate.0.saturating_mul(2))));
    OfferFilter {
        gpu_name: if rule.class == GpuClass::Same { lost.gpu_name.clone() } else { None },
        name_part: None,
        num_gpus: lost.num_gpus,
        // Vendors' sizes for one class differ by a few MB between hosts.
        min_gpu_ram_mb: lost.gpu_ram_mb.map(|ram| ram - ram / 50),
        min_disk_gb: lost.disk_gb,
        min_inet_down: None,
        max_usd_per_hour: cap,
        min_reliability: Some(rule.min_reliability),
        countries: rule.countries.clone(),
        verified_only: false,
        limit: Some(64),
    }
}

/// The admissible offers, best first: same model before others, then the price weighed against the
/// chance of losing the machine again. Machines in `avoid` (the lost one, and those that failed in
/// this failover) and machines where we already rent are left out.
#[must_use]
pub fn rank(offers: &[Offer], filter: &OfferFilter, lost: &GpuSpec, avoid: &[i64]) -> Vec<Offer> {
    let mut fit: Vec<Offer> = offers
        .iter()
        .filter(|offer| filter.admits(offer) && !offer.rented)
        .filter(|offer| offer.machine_id.is_none_or(|machine| !avoid.contains(&machine)))
        .cloned()
        .collect();
    let same = |offer: &Offer| {
        lost.gpu_name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&offer.gpu_name))
    };
    let weight = |offer: &Offer| {
        offer.usd_per_hour.usd() * (1.0 + 4.0 * (1.0 - offer.reliability.clamp(0.0, 1.0)))
    };
    fit.sort_by(|a, b| {
        same(b).cmp(&same(a)).then(weight(a).total_cmp(&weight(b))).then(a.id.cmp(&b.id))
    });
    fit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(id: i64, name: &str, usd: f64, reliability: f64) -> Offer {
        Offer {
            id,
            machine_id: Some(id * 10),
            gpu_name: name.into(),
            num_gpus: 1,
            gpu_ram_mb: 24_564,
            cpu_cores: 8.0,
            cpu_ram_mb: 32_000,
            disk_gb: 200.0,
            inet_down: 500.0,
            inet_up: 500.0,
            usd_per_hour: MicroUsd::from_usd(usd).expect("in range"),
            min_bid: None,
            geolocation: Some("Sao Paulo, BR".into()),
            reliability,
            cuda_version: Some(12.4),
            verified: true,
            static_ip: false,
            rented: false,
        }
    }

    fn lost() -> GpuSpec {
        GpuSpec {
            gpu_name: Some("RTX 4090".into()),
            num_gpus: Some(1),
            gpu_ram_mb: Some(24_564),
            disk_gb: Some(40.0),
            usd_per_hour: MicroUsd::from_usd(0.4),
            ..GpuSpec::default()
        }
    }

    fn rule(class: GpuClass) -> ReplacementRule {
        ReplacementRule { class, max_usd_per_hour: None, min_reliability: 0.9, countries: vec![] }
    }

    #[test]
    fn a_part_of_a_name_finds_models_and_a_whole_one_only_itself() {
        let names = ["RTX 4090", "RTX 3090", "RTX 3090 Ti", "A100 SXM4"];
        let like = |typed| names_like(typed, names.iter().copied());
        assert_eq!(like("4090"), ["RTX 4090"]);
        assert_eq!(like("rtx 3090"), ["RTX 3090"]);
        assert_eq!(like("RTX_3090"), ["RTX 3090"]);
        assert_eq!(like("3090"), ["RTX 3090", "RTX 3090 Ti"]);
        assert_eq!(like("sxm a100"), ["A100 SXM4"]);
        assert!(like("H100").is_empty());
        assert!(fits_name("", "RTX 4090") && !fits_name("5090", "RTX 4090"));
    }

    #[test]
    fn cheap_but_flaky_loses_to_steady_and_the_lost_machine_is_avoided() {
        let offers = [
            offer(1, "RTX 4090", 0.36, 0.91),
            offer(2, "RTX 4090", 0.38, 0.999),
            offer(3, "RTX 4090", 0.30, 0.99),
        ];
        let filter = replacement_filter(&lost(), &rule(GpuClass::Same));
        let ids: Vec<i64> =
            rank(&offers, &filter, &lost(), &[30]).iter().map(|offer| offer.id).collect();
        assert_eq!(ids, [2, 1]);
    }

    #[test]
    fn another_model_only_where_the_rule_allows_and_after_the_same() {
        let offers = [
            offer(1, "RTX 5090", 0.2, 0.99),
            offer(2, "RTX 4090", 0.5, 0.99),
            offer(3, "RTX 4090", 0.9, 0.99),
        ];
        let same = replacement_filter(&lost(), &rule(GpuClass::Same));
        assert_eq!(
            rank(&offers, &same, &lost(), &[]).iter().map(|o| o.id).collect::<Vec<_>>(),
            [2]
        );
        let any = replacement_filter(&lost(), &rule(GpuClass::AtLeast));
        assert_eq!(
            rank(&offers, &any, &lost(), &[]).iter().map(|o| o.id).collect::<Vec<_>>(),
            [2, 1]
        );
    }

    #[test]
    fn countries_are_read_from_the_end_of_the_place() {
        let filter = OfferFilter { countries: vec!["br".into()], ..OfferFilter::default() };
        assert!(filter.admits(&offer(1, "RTX 4090", 0.3, 0.9)));
        let filter = OfferFilter { countries: vec!["US".into()], ..OfferFilter::default() };
        assert!(!filter.admits(&offer(1, "RTX 4090", 0.3, 0.9)));
    }
}
