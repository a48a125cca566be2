//! The market: every slot that the sandbox's machines offer.
//!
//! Built from the model table by arithmetic with a fixed seed, so that each
//! run of the sandbox has the same machines under the same ids.

use super::gpu::{GPUS, Gpu, PLACES, Place};
use super::offer::Slot;

const FIRST_ASK: u64 = 7_100_011;
const FIRST_MACHINE: u64 = 21_400;
const FIRST_HOST: u64 = 61_200;

/// A small generator of reproducible numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = (high - low).max(0) as u64 + 1;
        low + (self.next() % span) as i64
    }
}

/// What the slots of one machine share.
struct Machine {
    index: u64,
    gpu: &'static Gpu,
    place: &'static Place,
}

/// Makes the whole market.
pub(crate) fn build() -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut index = 0;
    for gpu in GPUS {
        for shape in gpu.machines {
            let place_at = (index as usize * 5 + 1) % PLACES.len();
            let Some(place) = PLACES.get(place_at) else { continue };
            let machine = Machine { index, gpu, place };
            slots.extend(machine.slots(shape.slots, shape.gpus, slots.len() as u64));
            index += 1;
        }
    }
    slots
}

impl Machine {
    fn slots(&self, count: u32, gpus: u32, asks_before: u64) -> Vec<Slot> {
        let mut dice = Dice(0xd0_0d + self.index);
        let datacenter =
            gpus >= 4 || self.gpu.usd_micro_per_hour > 550_000 || dice.between(0, 3) == 0;
        // One machine in nine is not verified: a search has to filter it out.
        let verified = self.index % 9 != 7;
        let reliability = match self.index % 7 {
            3 => dice.between(8_700, 9_200),
            5 => dice.between(9_300, 9_700),
            _ => dice.between(9_850, 9_995),
        } as f64
            / 10_000.0;
        let level = dice.between(86, 131) * self.place.price_pct / 100;
        let floor_pct = dice.between(42, 66);
        let down = if datacenter { dice.between(1_900, 9_400) } else { dice.between(180, 980) };
        let up = down * dice.between(35, 95) / 100;
        let driver = [570, dice.between(86, 195) as u32, dice.between(3, 26) as u32];
        let storage_cents = dice.between(6, 28);
        let cores = dice.between(6, 16) as u32 * gpus;
        let ram_mb = dice.between(20, 64) * 1024 * i64::from(gpus);
        let disk_gb = dice.between(180, 1_400) as f64;
        let days_left = dice.between(4, 210);
        let ports = dice.between(12, 240) as u32;
        (0..count)
            .map(|slot| {
                let gpu_micro = self.gpu.usd_micro_per_hour * i64::from(gpus) * level / 100;
                Slot {
                    ask_id: FIRST_ASK + (asks_before + u64::from(slot)) * 37,
                    machine_id: FIRST_MACHINE + self.index * 13,
                    host_id: FIRST_HOST + self.index / 2,
                    gpu: self.gpu,
                    num_gpus: gpus,
                    machine_gpus: gpus * count,
                    first_gpu: slot * gpus,
                    place: self.place,
                    datacenter,
                    verified,
                    reliability,
                    gpu_micro,
                    min_bid_micro: gpu_micro * floor_pct / 100,
                    storage_cost: storage_cents as f64 / 100.0,
                    disk_gb,
                    inet_up: up as f64,
                    inet_down: down as f64,
                    cpu_cores: cores,
                    cpu_ram_mb: ram_mb,
                    ports,
                    static_ip: datacenter,
                    driver,
                    cuda: if self.index.is_multiple_of(3) { 12.8 } else { 12.9 },
                    days_left,
                }
            })
            .collect()
    }
}

/// Names of the models, in the table's order.
pub(crate) fn gpu_names() -> Vec<&'static str> {
    GPUS.iter().map(|gpu| gpu.name).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::build;

    #[test]
    fn the_market_is_wide() {
        let slots = build();
        let models: BTreeSet<_> = slots.iter().map(|slot| slot.gpu.name).collect();
        let countries: BTreeSet<_> = slots.iter().map(|slot| slot.place.country).collect();
        assert!(slots.len() >= 120, "{} offers", slots.len());
        assert!(models.len() >= 12);
        assert!(countries.len() >= 8);
        for wanted in [
            "RTX 3060",
            "RTX 3090",
            "RTX 4090",
            "RTX 5090",
            "RTX A4000",
            "RTX A5000",
            "RTX A6000",
            "L40S",
            "A100 SXM4",
            "H100 SXM",
        ] {
            assert!(models.contains(wanted), "{wanted} is missing");
        }
    }

    #[test]
    fn ids_are_unique_and_stable_and_machines_have_several_slots() {
        let slots = build();
        let ids: BTreeSet<_> = slots.iter().map(|slot| slot.ask_id).collect();
        assert_eq!(ids.len(), slots.len());
        let again: Vec<_> = build().iter().map(|slot| (slot.ask_id, slot.gpu_micro)).collect();
        assert_eq!(
            again,
            slots.iter().map(|slot| (slot.ask_id, slot.gpu_micro)).collect::<Vec<_>>()
        );
        let mut per_machine = BTreeMap::new();
        for slot in &slots {
            *per_machine.entry(slot.machine_id).or_insert(0) += 1;
        }
        assert!(per_machine.values().filter(|count| **count >= 2).count() > 20);
    }

    #[test]
    fn bids_undercut_on_demand_and_reliabilities_vary() {
        let slots = build();
        assert!(
            slots.iter().all(|slot| slot.min_bid_micro > 0 && slot.min_bid_micro < slot.gpu_micro)
        );
        assert!(slots.iter().any(|slot| slot.reliability < 0.95));
        assert!(slots.iter().any(|slot| slot.reliability > 0.99));
        assert!(slots.iter().any(|slot| !slot.verified));
    }
}
