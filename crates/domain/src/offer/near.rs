//! Offers that nearly fit, and what keeps each from it: for someone who may change the rules.

use serde::{Deserialize, Serialize};

use super::{GpuSpec, Offer, OfferFilter};
use crate::money::MicroUsd;

crate::text_enum! {
    /// What keeps an offer from being a replacement.
    pub enum Rule ("rule") {
        /// Above the price cap.
        Price = "price",
        /// Another model.
        Model = "model",
        /// Another count of GPUs.
        Count = "count",
        /// Less memory.
        Memory = "memory",
        /// Less disk.
        Disk = "disk",
        /// Less reliable.
        Reliability = "reliability",
        /// Outside the countries.
        Region = "region",
        /// The machine that was lost, one that failed in this failover, or one where a GPU is rented already.
        Machine = "machine",
    }
}

/// An offer that nearly fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NearMiss {
    /// Model.
    pub gpu_name: String,
    /// How many GPUs.
    pub num_gpus: i64,
    /// `California, US`.
    pub geolocation: Option<String>,
    /// USD per hour.
    pub usd_per_hour: f64,
    /// 0..1.
    pub reliability: f64,
    /// What keeps it from being a replacement; never empty.
    pub breaks: Vec<Rule>,
}

impl OfferFilter {
    /// The same search without what its user may change: price, model, reliability and countries.
    #[must_use]
    pub fn widened(&self) -> Self {
        Self {
            gpu_name: None,
            max_usd_per_hour: None,
            min_reliability: None,
            countries: Vec::new(),
            ..self.clone()
        }
    }

    /// Each bound that an offer does not meet.
    fn breaks(&self, offer: &Offer) -> Vec<Rule> {
        let open = |one: Self| !one.admits(offer);
        let none = Self::default;
        let tests = [
            (Rule::Price, Self { max_usd_per_hour: self.max_usd_per_hour, ..none() }),
            (Rule::Model, Self { gpu_name: self.gpu_name.clone(), ..none() }),
            (Rule::Count, Self { num_gpus: self.num_gpus, ..none() }),
            (Rule::Memory, Self { min_gpu_ram_mb: self.min_gpu_ram_mb, ..none() }),
            (Rule::Disk, Self { min_disk_gb: self.min_disk_gb, ..none() }),
            (Rule::Reliability, Self { min_reliability: self.min_reliability, ..none() }),
            (Rule::Region, Self { countries: self.countries.clone(), ..none() }),
        ];
        tests.into_iter().filter(|(_, one)| open(one.clone())).map(|(rule, _)| rule).collect()
    }
}

/// The offers that come nearest to a replacement without being one, nearest first: those that break the
/// fewest rules, the cheapest of them first. Slots of one machine count once.
#[must_use]
pub fn nearest_misses(
    offers: &[Offer],
    filter: &OfferFilter,
    lost: &GpuSpec,
    avoid: &[i64],
    most: usize,
) -> Vec<NearMiss> {
    let mut seen = Vec::new();
    let mut near: Vec<(usize, MicroUsd, i64, NearMiss)> = offers
        .iter()
        .filter_map(|offer| {
            let mut breaks = filter.breaks(offer);
            let shunned = offer.machine_id.is_some_and(|machine| {
                avoid.contains(&machine) || lost.machine_id == Some(machine)
            });
            if offer.rented || shunned {
                breaks.push(Rule::Machine);
            }
            (!breaks.is_empty()).then(|| {
                let miss = NearMiss {
                    gpu_name: offer.gpu_name.clone(),
                    num_gpus: offer.num_gpus,
                    geolocation: offer.geolocation.clone(),
                    usd_per_hour: offer.usd_per_hour.usd(),
                    reliability: offer.reliability,
                    breaks,
                };
                (miss.breaks.len(), offer.usd_per_hour, offer.machine_id.unwrap_or(offer.id), miss)
            })
        })
        .collect();
    near.sort_by_key(|(broken, price, machine, _)| (*broken, *price, *machine));
    near.into_iter()
        .filter(|(_, _, machine, _)| {
            let new = !seen.contains(machine);
            seen.push(*machine);
            new
        })
        .take(most)
        .map(|(_, _, _, miss)| miss)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(id: i64, name: &str, usd: f64, place: &str) -> Offer {
        Offer {
            id,
            machine_id: Some(id / 10),
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
            geolocation: Some(place.into()),
            reliability: 0.99,
            cuda_version: Some(12.4),
            verified: true,
            static_ip: false,
            rented: false,
        }
    }

    fn filter() -> OfferFilter {
        OfferFilter {
            gpu_name: Some("RTX 4090".into()),
            num_gpus: Some(1),
            max_usd_per_hour: MicroUsd::from_usd(0.8),
            min_reliability: Some(0.9),
            countries: vec!["US".into()],
            ..OfferFilter::default()
        }
    }

    #[test]
    fn the_fewest_broken_rules_come_first_and_each_is_named() {
        let flaky = Offer { reliability: 0.5, ..offer(40, "RTX 4090", 0.7, "Texas, US") };
        let offers = [
            offer(10, "RTX 3090", 0.9, "Rio, BR"),
            offer(20, "RTX 4090", 1.2, "Texas, US"),
            offer(21, "RTX 4090", 1.3, "Texas, US"),
            offer(30, "RTX 4090", 0.9, "Texas, US"),
            flaky,
            offer(50, "RTX 4090", 0.5, "Texas, US"),
        ];
        let near = nearest_misses(&offers, &filter(), &GpuSpec::default(), &[], 3);
        let told: Vec<(f64, &[Rule])> =
            near.iter().map(|one| (one.usd_per_hour, one.breaks.as_slice())).collect();
        let wanted: [(f64, &[Rule]); 3] =
            [(0.7, &[Rule::Reliability]), (0.9, &[Rule::Price]), (1.2, &[Rule::Price])];
        assert_eq!(told, wanted, "one that fits is no miss, and a machine counts once");
        let all = nearest_misses(&offers, &filter(), &GpuSpec::default(), &[5], 9);
        assert_eq!(all.last().expect("some").breaks, [Rule::Price, Rule::Model, Rule::Region]);
        assert_eq!(
            all.first().expect("some").breaks,
            [Rule::Machine],
            "it would fit, and is avoided"
        );
    }

    #[test]
    fn what_misses_breaks_a_rule_of_the_search_and_the_wide_search_admits_it() {
        let filter = filter();
        for offer in [offer(1, "X", 9.0, "Rio, BR"), offer(2, "RTX 4090", 0.5, "Ohio, US")] {
            assert_eq!(filter.breaks(&offer).is_empty(), filter.admits(&offer));
            assert!(filter.widened().admits(&offer));
        }
    }
}
