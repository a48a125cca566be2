//! Decides whether an insert is acceptable, and what VM it describes. Pure: it makes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    body, catalog,
    error::ApiError,
    images, link, networks, price, rule,
    vm::{Disk, Item, Scheduling, TerminationAction},
};

/// The image that a boot disk is made from needs this much, in GB.
const SMALLEST_BOOT_GB: u32 = 10;
/// No persistent disk is larger, in GB.
const LARGEST_GB: u32 = 65_536;

/// A VM that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) machine_type: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) metadata: Vec<Item>,
    pub(super) tags: Vec<String>,
    pub(super) scheduling: Scheduling,
    pub(super) disks: Vec<Disk>,
    pub(super) network: String,
    pub(super) external: Option<String>,
    pub(super) service_accounts: Vec<Value>,
    pub(super) deletion_protection: bool,
}

impl Draft {
    /// Checks a body against the rules of its project and zone.
    pub(super) fn new(body: body::Instance, project: &str, zone: &str) -> Result<Self, ApiError> {
        let name = body.name.unwrap_or_default();
        rule::name("resource.name", &name)?;
        rule::labels(&body.labels)?;
        rule::tags(&body.tags.items)?;
        rule::metadata(body.metadata.items.iter().map(|i| (i.key.as_str(), i.value.as_str())))?;
        let machine_type =
            machine_type("resource.machineType", body.machine_type.as_deref(), project, zone)?;
        no_accelerators(&body.guest_accelerators, project, zone)?;
        let scheduling = scheduling(&body.scheduling)?;
        let disks = disks(&body.disks, &name, project, zone)?;
        let (network, external) = network(&body.network_interfaces, project, zone)?;
        Ok(Self {
            name,
            description: body.description,
            machine_type,
            labels: body.labels,
            metadata: body.metadata.items,
            tags: body.tags.items,
            scheduling,
            disks,
            network,
            external,
            service_accounts: body.service_accounts,
            deletion_protection: body.deletion_protection,
        })
    }
}

/// The name of a machine type that the zone sells.
pub(super) fn machine_type(
    field: &str,
    value: Option<&str>,
    project: &str,
    zone: &str,
) -> Result<String, ApiError> {
    let value = value.unwrap_or_default();
    let name = link::zonal_name(value, project, zone, "machineTypes")
        .map_err(|bad| ApiError::field(field, value, bad.why()))?;
    if catalog::machine_type(zone, name).is_none() {
        let why = format!("Machine type with name '{name}' does not exist in zone '{zone}'.");
        return Err(ApiError::field(field, value, &why));
    }
    Ok(name.to_owned())
}

/// No accelerator is sold here, as in many of Compute's own zones, and the answer is theirs.
fn no_accelerators(asked: &[body::Accelerator], project: &str, zone: &str) -> Result<(), ApiError> {
    let Some(first) = asked.first() else { return Ok(()) };
    let value = first.accelerator_type.as_deref().unwrap_or_default();
    let name = link::zonal_name(value, project, zone, "acceleratorTypes").map_err(|bad| {
        ApiError::field("resource.guestAccelerators[0].acceleratorType", value, bad.why())
    })?;
    Err(ApiError::not_found(&link::zonal_path(project, zone, "acceleratorTypes", name)))
}

fn scheduling(asked: &body::Scheduling) -> Result<Scheduling, ApiError> {
    const FIELD: &str = "resource.scheduling";
    let spot_model = match asked.provisioning_model.as_deref() {
        None | Some("" | "STANDARD") => false,
        Some("SPOT") => true,
        Some(other) => {
            let why = "This provisioning model is not available.";
            return Err(ApiError::field(&format!("{FIELD}.provisioningModel"), other, why));
        }
    };
    if spot_model && asked.preemptible == Some(false) {
        let why = "Scheduling must have preemptible be true when the provisioning model is SPOT.";
        return Err(ApiError::field(&format!("{FIELD}.preemptible"), "false", why));
    }
    let preemptible = spot_model || asked.preemptible == Some(true);
    let not_preemptible = |when: &str| {
        let why = format!("Scheduling must have preemptible be false when {when}.");
        ApiError::field(&format!("{FIELD}.preemptible"), "true", &why)
    };
    if preemptible && asked.automatic_restart == Some(true) {
        return Err(not_preemptible("AutomaticRestart is true"));
    }
    let migrate = match asked.on_host_maintenance.as_deref() {
        None | Some("") => !preemptible,
        Some("MIGRATE") if preemptible => {
            return Err(not_preemptible("OnHostMaintenance is MIGRATE"));
        }
        Some("MIGRATE") => true,
        Some("TERMINATE") => false,
        Some(other) => {
            let field = format!("{FIELD}.onHostMaintenance");
            return Err(ApiError::field(&field, other, "Unknown value."));
        }
    };
    let on_preemption = match asked.instance_termination_action.as_deref() {
        None | Some("") => spot_model.then_some(TerminationAction::Stop),
        Some(other) if !spot_model => {
            let why = "An instance termination action needs the provisioning model SPOT.";
            return Err(ApiError::field(&format!("{FIELD}.instanceTerminationAction"), other, why));
        }
        Some("STOP") => Some(TerminationAction::Stop),
        Some("DELETE") => Some(TerminationAction::Delete),
        Some(other) => {
            let field = format!("{FIELD}.instanceTerminationAction");
            return Err(ApiError::field(&field, other, "Unknown value."));
        }
    };
    Ok(Scheduling {
        spot_model,
        preemptible,
        automatic_restart: asked.automatic_restart.unwrap_or(!preemptible),
        migrate,
        on_preemption,
    })
}

fn disks(
    asked: &[body::AttachedDisk],
    vm: &str,
    project: &str,
    zone: &str,
) -> Result<Vec<Disk>, ApiError> {
    if asked.is_empty() {
        return Err(ApiError::field("resource.disks", "", "At least one disk is required."));
    }
    let mut names = BTreeSet::new();
    let mut made = Vec::new();
    for (at, disk) in asked.iter().enumerate() {
        let disk = one_disk(disk, at, vm, project, zone)?;
        if !names.insert(disk.name.clone()) {
            let path = link::zonal_path(project, zone, "disks", &disk.name);
            return Err(ApiError::exists(&path));
        }
        made.push(disk);
    }
    let boots = made.iter().filter(|disk| disk.boot).count();
    if boots != 1 || !made.first().is_some_and(|disk| disk.boot) {
        let why = "The first disk, and no other, must be the boot disk.";
        return Err(ApiError::field("resource.disks", "", why));
    }
    Ok(made)
}

fn one_disk(
    asked: &body::AttachedDisk,
    at: usize,
    vm: &str,
    project: &str,
    zone: &str,
) -> Result<Disk, ApiError> {
    let field = |rest: &str| format!("resource.disks[{at}].{rest}");
    if let Some(source) = &asked.source {
        let why = "This sandbox has no disks of their own; use initializeParams.";
        return Err(ApiError::field(&field("source"), source, why));
    }
    if !asked.auto_delete {
        // A disk that outlives its VM would be billed for ever with no call here to remove it.
        let why = "This sandbox keeps no disk without its instance; set it to true.";
        return Err(ApiError::field(&field("autoDelete"), "false", why));
    }
    let params = asked.initialize_params.clone().unwrap_or_default();
    if let Some(snapshot) = params.source_snapshot.as_deref().filter(|link| !link.is_empty()) {
        let why = "The referenced snapshot resource cannot be found.";
        return Err(ApiError::field(&field("initializeParams.sourceSnapshot"), snapshot, why));
    }
    let image = params.source_image.filter(|link| !link.is_empty());
    if let Some(link) = image.as_deref().filter(|link| !images::exists(link, project)) {
        let why = "The referenced image resource cannot be found.";
        return Err(ApiError::field(&field("initializeParams.sourceImage"), link, why));
    }
    if asked.boot && image.is_none() {
        return Err(ApiError::field(
            &field("initializeParams.sourceImage"),
            "",
            "A boot disk needs an image.",
        ));
    }
    let kind = match params.disk_type.as_deref() {
        None | Some("") => "pd-standard",
        Some(value) => {
            let bad = |why: &str| ApiError::field(&field("initializeParams.diskType"), value, why);
            let kind = link::zonal_name(value, project, zone, "diskTypes")
                .map_err(|error| bad(error.why()))?;
            if price::disk_nano_month(link::region_of(zone), kind).is_none() {
                return Err(bad("The referenced disk type resource cannot be found."));
            }
            kind
        }
    };
    let size_field = field("initializeParams.diskSizeGb");
    let size_gb = match params.disk_size_gb.as_deref().or(asked.disk_size_gb.as_deref()) {
        None => SMALLEST_BOOT_GB,
        Some(text) => {
            text.parse::<u32>().ok().filter(|gb| (1..=LARGEST_GB).contains(gb)).ok_or_else(
                || ApiError::field(&size_field, text, "Not a size that a disk can have."),
            )?
        }
    };
    if asked.boot && size_gb < SMALLEST_BOOT_GB {
        let why = format!(
            "Requested disk size cannot be smaller than the image size ({SMALLEST_BOOT_GB} GB)"
        );
        return Err(ApiError::field(&size_field, &size_gb.to_string(), &why));
    }
    let default_name = if asked.boot { vm.to_owned() } else { format!("{vm}-{at}") };
    let name = params.disk_name.filter(|name| !name.is_empty()).unwrap_or(default_name);
    rule::name(&field("initializeParams.diskName"), &name)?;
    let device = asked.device_name.clone().filter(|name| !name.is_empty());
    Ok(Disk {
        name,
        device: device.unwrap_or_else(|| format!("persistent-disk-{at}")),
        kind: kind.to_owned(),
        size_gb,
        boot: asked.boot,
        source_image: image,
    })
}

/// The network (without project) and the name of the access configuration, if any.
fn network(
    asked: &[body::NetworkInterface],
    project: &str,
    zone: &str,
) -> Result<(String, Option<String>), ApiError> {
    const FIELD: &str = "resource.networkInterfaces";
    let [nic] = asked else {
        let why = "Exactly one network interface is required.";
        return Err(ApiError::field(FIELD, "", why));
    };
    let of = |link: &Option<String>| link.clone().unwrap_or_default();
    networks::check(
        &format!("{FIELD}[0]"),
        &of(&nic.network),
        &of(&nic.subnetwork),
        project,
        zone,
    )?;
    let external = match nic.access_configs.as_slice() {
        [] => None,
        [config] => Some(access(config)?),
        _ => {
            let why = "At most one access config is supported.";
            return Err(ApiError::field(&format!("{FIELD}[0].accessConfigs"), "", why));
        }
    };
    Ok(("global/networks/default".into(), external))
}

fn access(config: &body::AccessConfig) -> Result<String, ApiError> {
    const FIELD: &str = "resource.networkInterfaces[0].accessConfigs[0]";
    match config.kind.as_deref() {
        None | Some("" | "ONE_TO_ONE_NAT") => {}
        Some(other) => {
            return Err(ApiError::field(&format!("{FIELD}.type"), other, "Unknown value."));
        }
    }
    if let Some(ip) = config.nat_ip.as_deref().filter(|ip| !ip.is_empty()) {
        let why = "The specified external IP address is not reserved in this project.";
        return Err(ApiError::field(&format!("{FIELD}.natIP"), ip, why));
    }
    let name = config.name.clone().filter(|name| !name.is_empty());
    Ok(name.unwrap_or_else(|| "External NAT".into()))
}

#[cfg(test)]
mod tests;
