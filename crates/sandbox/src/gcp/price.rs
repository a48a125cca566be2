//! What an instance costs per hour: machine, disks and external address.
//!
//! A dated copy of Google's list prices (2026-07-30; the Spot address price 2026-10-16), in integer
//! nano-dollars so that sums are exact; only the total is rounded, to micro-dollars. A month has 730
//! hours. E2 prices are computed from their vCPU and GB unit prices, as Google's own table is.

use super::{
    catalog::MachineType,
    link,
    vm::{Disk, Vm},
};

const HOURS_PER_MONTH: i64 = 730;

/// A price on demand and the same as Spot, in nano-dollars per hour.
type Pair = (i64, i64);

/// E2: nano-dollars per vCPU-hour and per GB-hour.
fn e2_units(region: &str) -> Option<(Pair, Pair)> {
    Some(match region {
        "us-central1" | "us-east1" => ((21_811_590, 13_090_000), (2_923_530, 1_754_000)),
        "europe-west1" => ((23_993_370, 11_620_000), (3_216_090, 1_558_000)),
        "europe-west4" => ((24_013_380, 11_480_000), (3_218_160, 1_538_000)),
        "southamerica-east1" => ((34_624_200, 6_330_000), (4_640_250, 848_000)),
        _ => return None,
    })
}

/// Whole-machine prices of the other families.
fn whole(region: &str, name: &str) -> Option<Pair> {
    let column = match region {
        "us-central1" | "us-east1" => 0,
        "europe-west1" => 1,
        "southamerica-east1" => 2,
        _ => return None,
    };
    let row: [Pair; 3] = match name {
        "n2-standard-2" => {
            [(97_118_000, 46_060_000), (106_834_000, 23_444_000), (154_160_000, 31_272_000)]
        }
        "n2-standard-4" => {
            [(194_236_000, 92_120_000), (213_668_000, 46_888_000), (308_320_000, 62_544_000)]
        }
        "n2d-standard-2" => {
            [(84_492_000, 24_456_000), (92_946_000, 40_340_000), (134_122_000, 28_880_000)]
        }
        "t2d-standard-1" => {
            [(42_246_000, 15_760_000), (46_473_000, 13_902_000), (67_061_000, 21_072_000)]
        }
        "n1-standard-1" => {
            [(47_499_800, 16_752_500), (52_251_800, 21_790_000), (75_398_800, 15_790_000)]
        }
        _ => return None,
    };
    row.get(column).copied()
}

/// Billed quarter-vCPUs of an E2 type: the shared-core ones are billed for a part of their two.
fn e2_quarter_cpus(kind: &MachineType) -> i64 {
    match kind.name {
        "e2-micro" => 1,
        "e2-small" => 2,
        "e2-medium" => 4,
        _ => i64::from(kind.guest_cpus) * 4,
    }
}

/// Nano-dollars per hour of a running machine without disk and address; `None` if not sold there.
pub(super) fn machine_nano(region: &str, kind: &MachineType, spot: bool) -> Option<i64> {
    let pick = |(demand, cheap): Pair| if spot { cheap } else { demand };
    if kind.name.starts_with("e2-") {
        let (cpu, gb) = e2_units(region)?;
        let cpu = pick(cpu) * e2_quarter_cpus(kind) / 4;
        let memory = pick(gb) * i64::from(kind.memory_mb) / 1024;
        return Some(cpu + memory);
    }
    whole(region, kind.name).map(pick)
}

/// Nano-dollars per GB and month of a disk type in a region; `None` if not sold there.
pub(super) fn disk_nano_month(region: &str, kind: &str) -> Option<i64> {
    let column = match region {
        "us-central1" | "us-east1" | "europe-west1" => 0,
        "europe-west4" => 1,
        "southamerica-east1" => 2,
        _ => return None,
    };
    let row: [i64; 3] = match kind {
        "pd-standard" => [40_000_000, 44_000_000, 60_000_000],
        "pd-balanced" => [100_000_000, 110_000_000, 150_000_000],
        "pd-ssd" => [170_000_000, 187_000_000, 255_000_000],
        _ => return None,
    };
    row.get(column).copied()
}

/// Nano-dollars per hour of an external IPv4 address in use.
fn address_nano(spot: bool) -> i64 {
    if spot { 2_500_000 } else { 5_000_000 }
}

fn disks_nano(region: &str, disks: &[Disk]) -> i64 {
    let month: i64 = disks
        .iter()
        .map(|d| disk_nano_month(region, &d.kind).unwrap_or(0) * i64::from(d.size_gb))
        .sum();
    month / HOURS_PER_MONTH
}

fn micro(nano: i64) -> i64 {
    (nano + 500) / 1000
}

/// Micro-dollars per hour of an instance while its machine runs.
pub(super) fn running_micro(vm: &Vm) -> i64 {
    let region = link::region_of(&vm.key.zone);
    let spot = vm.scheduling.spot();
    let machine = super::catalog::machine_type(&vm.key.zone, &vm.machine_type)
        .and_then(|kind| machine_nano(region, kind, spot))
        .unwrap_or(0);
    let address = if vm.network.external.is_some() { address_nano(spot) } else { 0 };
    micro(machine + address + disks_nano(region, &vm.disks))
}

/// Micro-dollars per hour of an instance that is stopped: its disks are still there.
pub(super) fn stopped_micro(vm: &Vm) -> i64 {
    micro(disks_nano(link::region_of(&vm.key.zone), &vm.disks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gcp::catalog::machine_type;

    fn nano(zone: &str, name: &str, spot: bool) -> i64 {
        machine_nano(link::region_of(zone), machine_type(zone, name).unwrap(), spot).unwrap()
    }

    #[test]
    fn e2_sums_reproduce_the_published_table() {
        let to_1e7 = |n: i64| (n + 50) / 100;
        assert_eq!(to_1e7(nano("us-central1-a", "e2-medium", false)), 335_057);
        assert_eq!(to_1e7(nano("us-central1-a", "e2-medium", true)), 201_060);
        assert_eq!(to_1e7(nano("europe-west1-b", "e2-medium", true)), 178_520);
        assert_eq!(to_1e7(nano("southamerica-east1-a", "e2-micro", true)), 24_305);
        assert_eq!(to_1e7(nano("europe-west1-b", "e2-standard-4", false)), 1_474_309);
        assert_eq!(to_1e7(nano("europe-west4-a", "e2-medium", true)), 176_320);
    }

    #[test]
    fn a_disk_is_a_month_over_730_hours() {
        let disk = Disk { kind: "pd-standard".into(), size_gb: 100, ..Disk::default() };
        assert_eq!(micro(disks_nano("europe-west1", &[disk])), 5479);
    }
}
