//! The zones and machine types that this sandbox sells.
//!
//! It sells nothing that [`super::price`] can't price: the ledger is the ground truth of every cost
//! claim, so a machine type without a known price does not exist here.

use serde_json::{Value, json};

use super::{link, price};

/// One machine type, the same in every zone where it is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MachineType {
    /// Such as `e2-medium`.
    pub(super) name: &'static str,
    /// vCPUs that the guest sees.
    pub(super) guest_cpus: u32,
    /// Memory in MiB.
    pub(super) memory_mb: u32,
    /// Whether it gets only a share of its CPUs' time.
    pub(super) shared: bool,
    /// The CPU platform that its instances report.
    pub(super) platform: &'static str,
}

const fn shared(name: &'static str, memory_mb: u32) -> MachineType {
    MachineType { name, guest_cpus: 2, memory_mb, shared: true, platform: "Intel Broadwell" }
}

const fn full(
    name: &'static str,
    guest_cpus: u32,
    memory_mb: u32,
    platform: &'static str,
) -> MachineType {
    MachineType { name, guest_cpus, memory_mb, shared: false, platform }
}

const MACHINE_TYPES: &[MachineType] = &[
    full("e2-highcpu-2", 2, 2048, "Intel Broadwell"),
    full("e2-highcpu-4", 4, 4096, "Intel Broadwell"),
    full("e2-highcpu-8", 8, 8192, "Intel Broadwell"),
    full("e2-highmem-2", 2, 16_384, "Intel Broadwell"),
    full("e2-highmem-4", 4, 32_768, "Intel Broadwell"),
    full("e2-highmem-8", 8, 65_536, "Intel Broadwell"),
    shared("e2-medium", 4096),
    shared("e2-micro", 1024),
    shared("e2-small", 2048),
    full("e2-standard-16", 16, 65_536, "Intel Broadwell"),
    full("e2-standard-2", 2, 8192, "Intel Broadwell"),
    full("e2-standard-4", 4, 16_384, "Intel Broadwell"),
    full("e2-standard-8", 8, 32_768, "Intel Broadwell"),
    full("n1-standard-1", 1, 3840, "Intel Haswell"),
    full("n2-standard-2", 2, 8192, "Intel Cascade Lake"),
    full("n2-standard-4", 4, 16_384, "Intel Cascade Lake"),
    full("n2d-standard-2", 2, 8192, "AMD Rome"),
    full("t2d-standard-1", 1, 4096, "AMD Milan"),
];

/// The zones, in the order of their names.
pub(super) const ZONES: &[&str] = &[
    "europe-west1-b",
    "europe-west1-c",
    "europe-west1-d",
    "europe-west4-a",
    "europe-west4-b",
    "europe-west4-c",
    "southamerica-east1-a",
    "southamerica-east1-b",
    "southamerica-east1-c",
    "us-central1-a",
    "us-central1-b",
    "us-central1-c",
    "us-central1-f",
    "us-east1-b",
    "us-east1-c",
    "us-east1-d",
];

/// When everything that is simply there was made.
pub(super) const CREATED: &str = "1969-12-31T16:00:00.000-08:00";

/// Whether the zone exists.
pub(super) fn has_zone(zone: &str) -> bool {
    ZONES.contains(&zone)
}

/// The machine types sold in a zone.
pub(super) fn machine_types(zone: &str) -> impl Iterator<Item = &'static MachineType> {
    let region = link::region_of(zone).to_owned();
    MACHINE_TYPES.iter().filter(move |t| price::machine_nano(&region, t, false).is_some())
}

/// One machine type, if the zone sells it.
pub(super) fn machine_type(zone: &str, name: &str) -> Option<&'static MachineType> {
    machine_types(zone).find(|t| t.name == name)
}

/// A number for a catalogue entry that stays the same over restarts (64-bit FNV-1a of its path).
pub(super) fn stable_id(path: &str) -> String {
    let hash = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 1).to_string()
}

/// A zone as the API shows it.
pub(super) fn zone_json(project: &str, zone: &str) -> Value {
    let path = link::zone_path(project, zone);
    let region = link::region_of(zone);
    json!({
        "kind": "compute#zone",
        "id": stable_id(zone),
        "creationTimestamp": CREATED,
        "name": zone,
        "description": zone,
        "status": "UP",
        "region": link::link(&format!("projects/{project}/regions/{region}")),
        "availableCpuPlatforms":
            ["Intel Broadwell", "Intel Cascade Lake", "Intel Haswell", "AMD Milan", "AMD Rome"],
        "supportsPzs": false,
        "selfLink": link::link(&path),
    })
}

/// A machine type as the API shows it in a zone.
pub(super) fn machine_type_json(project: &str, zone: &str, kind: &MachineType) -> Value {
    let cpus = if kind.guest_cpus == 1 { "vCPU" } else { "vCPUs" };
    let memory = f64::from(kind.memory_mb) / 1024.0;
    json!({
        "kind": "compute#machineType",
        "id": stable_id(kind.name),
        "creationTimestamp": CREATED,
        "name": kind.name,
        "description": format!("{} {cpus}, {memory} GB RAM", kind.guest_cpus),
        "guestCpus": kind.guest_cpus,
        "memoryMb": kind.memory_mb,
        "imageSpaceGb": 0,
        "maximumPersistentDisks": if kind.shared { 16 } else { 128 },
        "maximumPersistentDisksSizeGb": if kind.shared { "3072" } else { "263168" },
        "isSharedCpu": kind.shared,
        "architecture": "X86_64",
        "zone": zone,
        "selfLink": link::link(&link::zonal_path(project, zone, "machineTypes", kind.name)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_the_order_of_names() {
        assert!(ZONES.is_sorted());
        assert!(MACHINE_TYPES.is_sorted_by_key(|t| t.name));
    }

    #[test]
    fn only_priced_types_are_sold() {
        assert!(machine_type("us-central1-a", "n2-standard-2").is_some());
        assert!(machine_type("europe-west4-a", "n2-standard-2").is_none());
        assert!(machine_type("europe-west4-a", "e2-medium").is_some());
        assert!(machine_type("us-central1-a", "e2-huge").is_none());
        for zone in ZONES {
            assert!(machine_types(zone).count() >= 13, "{zone}");
        }
    }
}
