//! Google Cloud prices for the cost estimate: a dated table, not a live quote.
//!
//! E2 machines are billed by vCPU and GB; the unit prices below reproduce the list price of every
//! shape exactly. Source: Google's public billing catalogue as of [`AS_OF`].

use serde::{Deserialize, Serialize};

/// The day the table was read.
pub const AS_OF: &str = "2026-07-30";
/// Where it came from, for display.
pub const SOURCE: &str = "Google Cloud list prices";
/// Hours in a billing month.
pub const MONTH_HOURS: f64 = 730.0;

/// Zones that a standby can be put in, where an account's own are not known.
pub const ZONES: &[&str] = &[
    "us-central1-a",
    "us-central1-b",
    "us-central1-c",
    "us-central1-f",
    "us-east1-b",
    "us-east1-c",
    "us-east1-d",
    "europe-west1-b",
    "europe-west1-c",
    "europe-west1-d",
    "europe-west4-a",
    "europe-west4-b",
    "europe-west4-c",
    "southamerica-east1-a",
    "southamerica-east1-b",
    "southamerica-east1-c",
];

/// A machine type that can carry a standby.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MachineType {
    /// Google's name.
    pub name: &'static str,
    /// vCPUs as seen in the VM.
    pub vcpus: u32,
    /// Memory, GB.
    pub memory_gb: f64,
    /// vCPUs as billed (shared-core types are billed a fraction).
    pub billed_vcpus: f64,
}

/// Every machine type on offer, smallest first.
pub const MACHINE_TYPES: &[MachineType] = &[
    MachineType { name: "e2-micro", vcpus: 2, memory_gb: 1.0, billed_vcpus: 0.25 },
    MachineType { name: "e2-small", vcpus: 2, memory_gb: 2.0, billed_vcpus: 0.5 },
    MachineType { name: "e2-medium", vcpus: 2, memory_gb: 4.0, billed_vcpus: 1.0 },
    MachineType { name: "e2-standard-2", vcpus: 2, memory_gb: 8.0, billed_vcpus: 2.0 },
    MachineType { name: "e2-standard-4", vcpus: 4, memory_gb: 16.0, billed_vcpus: 4.0 },
];

/// The machine type of this name.
#[must_use]
pub fn machine_type(name: &str) -> Option<&'static MachineType> {
    MACHINE_TYPES.iter().find(|known| known.name == name)
}

struct Region {
    name: &'static str,
    /// $/vCPU-hour and $/GB-hour.
    on_demand: (f64, f64),
    spot: (f64, f64),
    /// $/GB-month of `pd-standard`.
    disk: f64,
}

const REGIONS: &[Region] = &[
    Region {
        name: "us-central1",
        on_demand: (0.021_811_59, 0.002_923_53),
        spot: (0.013_09, 0.001_754),
        disk: 0.04,
    },
    Region {
        name: "us-east1",
        on_demand: (0.021_811_59, 0.002_923_53),
        spot: (0.013_09, 0.001_754),
        disk: 0.04,
    },
    Region {
        name: "europe-west1",
        on_demand: (0.023_993_37, 0.003_216_09),
        spot: (0.011_62, 0.001_558),
        disk: 0.04,
    },
    Region {
        name: "europe-west4",
        on_demand: (0.024_013_38, 0.003_218_16),
        spot: (0.011_48, 0.001_538),
        disk: 0.044,
    },
    Region {
        name: "southamerica-east1",
        on_demand: (0.034_624_2, 0.004_640_25),
        spot: (0.006_33, 0.000_848),
        disk: 0.06,
    },
];

/// External IPv4 in use, $/hour: on a standard VM and on a Spot VM.
const ADDRESS: (f64, f64) = (0.005, 0.0025);

/// What a standby would cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The VM, $/month.
    pub vm_monthly: f64,
    /// Its disk, $/month.
    pub disk_monthly: f64,
    /// Its external address, $/month.
    pub ip_monthly: f64,
    /// All of it, $/hour.
    pub hourly: f64,
}

impl Estimate {
    /// All of it, $/month.
    #[must_use]
    pub fn monthly(&self) -> f64 {
        self.vm_monthly + self.disk_monthly + self.ip_monthly
    }
}

/// Whether the table knows what is billed in a zone.
#[must_use]
pub fn knows(zone: &str) -> bool {
    region(zone).is_some()
}

fn region(zone: &str) -> Option<&'static Region> {
    let name = zone.rsplit_once('-')?.0;
    REGIONS.iter().find(|known| known.name == name)
}

/// The estimate for a machine type with a `pd-standard` disk in a zone; `None` when the table does
/// not know the zone's region or the type.
#[must_use]
pub fn estimate(zone: &str, type_name: &str, disk_gb: i64, spot: bool) -> Option<Estimate> {
    let region = region(zone)?;
    let shape = machine_type(type_name)?;
    let (cpu, memory) = if spot { region.spot } else { region.on_demand };
    let vm_monthly = (shape.billed_vcpus * cpu + shape.memory_gb * memory) * MONTH_HOURS;
    #[expect(clippy::cast_precision_loss, reason = "disk sizes are at most a few hundred")]
    let disk_monthly = disk_gb as f64 * region.disk;
    let ip_monthly = if spot { ADDRESS.1 } else { ADDRESS.0 } * MONTH_HOURS;
    let hourly = (vm_monthly + disk_monthly + ip_monthly) / MONTH_HOURS;
    Some(Estimate { vm_monthly, disk_monthly, ip_monthly, hourly })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_standby_costs_what_the_price_list_says() {
        let spot = estimate("europe-west1-b", "e2-medium", 100, true).expect("known");
        assert_eq!(
            format!("{:.2} {:.2} {:.3}", spot.vm_monthly, spot.disk_monthly, spot.ip_monthly),
            "13.03 4.00 1.825"
        );
        let standard = estimate("europe-west1-b", "e2-medium", 100, false).expect("known");
        assert_eq!(format!("{:.2}", standard.vm_monthly + standard.disk_monthly), "30.91");
        assert_eq!(estimate("mars-north1-a", "e2-medium", 100, true), None);
    }

    #[test]
    fn every_listed_zone_and_type_has_a_price() {
        for zone in ZONES {
            for shape in MACHINE_TYPES {
                assert!(estimate(zone, shape.name, 10, true).is_some(), "{zone} {}", shape.name);
            }
        }
    }
}
