//! What a standby VM is made as.

use google_cloud_compute_v1::model::access_config::Type;
use google_cloud_compute_v1::model::metadata::Items;
use google_cloud_compute_v1::model::scheduling::{
    InstanceTerminationAction, OnHostMaintenance, ProvisioningModel,
};
use google_cloud_compute_v1::model::{
    AccessConfig, AttachedDisk, AttachedDiskInitializeParams, Instance, Metadata, NetworkInterface,
    Scheduling, Tags,
};
use uuid::Uuid;

/// The newest image of Ubuntu 22.04, as Google keeps it.
const IMAGE: &str = "projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts";

/// A standby VM to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandbyRequest {
    /// Lower-case letters, digits and `-`, 63 at most, beginning with a letter; derived from the
    /// purchase, since it is what finds the VM again.
    pub name: String,
    /// Zone.
    pub zone: String,
    /// Machine type, for example `e2-medium`.
    pub machine_type: String,
    /// Boot disk (`pd-standard`), GB; deleted with the VM.
    pub disk_gb: i64,
    /// Spot VM: cheaper, and stopped by Google at will.
    pub spot: bool,
    /// OpenSSH public key line that may log in as root. The image refuses that until the startup
    /// script allows it.
    pub ssh_public_key: String,
    /// Script run as root at each boot; empty for none.
    pub startup_script: String,
    /// Labels of the VM and of its disk: lower-case letters, digits, `-`, `_`.
    pub labels: Vec<(String, String)>,
    /// Makes a repeated request the same request. Not nil.
    pub request_id: Uuid,
}

impl StandbyRequest {
    /// What Google would refuse, or would take in another sense than meant.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let word = |text: &str| {
            text.len() <= 63
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        };
        if !is_name(&self.name) {
            Err("the name must be lower-case letters, digits and hyphens, beginning with a letter")
        } else if !is_name(&self.zone) || !is_name(&self.machine_type) {
            Err("the zone or the machine type is not a name")
        } else if self.disk_gb < 10 {
            Err("the disk must have at least 10 GB")
        } else if self.ssh_public_key.trim().is_empty() || self.ssh_public_key.trim().contains('\n')
        {
            Err("the SSH key must be one line")
        } else if !self
            .labels
            .iter()
            .all(|(key, value)| !key.is_empty() && word(key) && word(value))
        {
            Err("labels must be lower-case letters, digits, - and _")
        } else if self.request_id.is_nil() {
            Err("the request id must not be nil")
        } else {
            Ok(())
        }
    }

    pub(super) fn body(&self) -> Instance {
        let zone = &self.zone;
        let disk = AttachedDiskInitializeParams::new()
            .set_source_image(IMAGE)
            .set_disk_type(format!("zones/{zone}/diskTypes/pd-standard"))
            .set_disk_size_gb(self.disk_gb)
            .set_labels(self.labels.clone());
        let address = AccessConfig::new().set_name("External NAT").set_type(Type::OneToOneNat);
        Instance::new()
            .set_name(&self.name)
            .set_machine_type(format!("zones/{zone}/machineTypes/{}", self.machine_type))
            .set_disks([AttachedDisk::new()
                .set_boot(true)
                .set_auto_delete(true)
                .set_initialize_params(disk)])
            .set_network_interfaces([NetworkInterface::new()
                .set_network("global/networks/default")
                .set_access_configs([address])])
            .set_metadata(Metadata::new().set_items(self.metadata()))
            .set_labels(self.labels.clone())
            .set_tags(Tags::new().set_items(["dumont-standby"]))
            .set_scheduling(self.scheduling())
    }

    fn metadata(&self) -> Vec<Items> {
        let key = self.ssh_public_key.trim();
        let mut items = vec![
            Items::new().set_key("ssh-keys").set_value(format!("root:{key}")),
            // With OS Login, which a project can demand, the key above would count for nothing.
            Items::new().set_key("enable-oslogin").set_value("FALSE"),
        ];
        if !self.startup_script.is_empty() {
            items.push(Items::new().set_key("startup-script").set_value(&self.startup_script));
        }
        items
    }

    /// A preempted standby is stopped with its disk, never deleted. Google refuses a Spot VM that
    /// would restart or migrate by itself.
    fn scheduling(&self) -> Scheduling {
        if self.spot {
            Scheduling::new()
                .set_provisioning_model(ProvisioningModel::Spot)
                .set_instance_termination_action(InstanceTerminationAction::Stop)
                .set_on_host_maintenance(OnHostMaintenance::Terminate)
                .set_automatic_restart(false)
        } else {
            Scheduling::new()
                .set_provisioning_model(ProvisioningModel::Standard)
                .set_on_host_maintenance(OnHostMaintenance::Migrate)
                .set_automatic_restart(true)
        }
    }
}

/// Whether a text is a resource name of Google's: it becomes part of an address.
pub(super) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(|b| *b != b'-')
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> StandbyRequest {
        StandbyRequest {
            name: "dumont-ab12-x".into(),
            zone: "europe-west1-b".into(),
            machine_type: "e2-medium".into(),
            disk_gb: 100,
            spot: true,
            ssh_public_key: "ssh-ed25519 AAAA dumont\n".into(),
            startup_script: "#!/bin/bash\ntrue\n".into(),
            labels: vec![("dumont-install".into(), "ab12".into())],
            request_id: Uuid::from_u128(7),
        }
    }

    #[test]
    fn a_spot_standby_is_stopped_not_deleted_and_keeps_its_key() {
        let body = serde_json::to_value(request().body()).expect("JSON");
        assert_eq!(
            body["scheduling"],
            serde_json::json!({"provisioningModel": "SPOT", "instanceTerminationAction": "STOP",
            "onHostMaintenance": "TERMINATE", "automaticRestart": false})
        );
        assert_eq!(body["machineType"], "zones/europe-west1-b/machineTypes/e2-medium");
        assert_eq!(body["disks"][0]["initializeParams"]["diskSizeGb"], "100");
        assert_eq!(body["disks"][0]["autoDelete"], true);
        assert_eq!(body["networkInterfaces"][0]["accessConfigs"][0]["type"], "ONE_TO_ONE_NAT");
        assert_eq!(body["metadata"]["items"][0]["value"], "root:ssh-ed25519 AAAA dumont");
        assert_eq!(body["labels"]["dumont-install"], "ab12");
    }

    #[test]
    fn a_standard_standby_migrates_and_restarts() {
        let body = serde_json::to_value(
            StandbyRequest { spot: false, startup_script: String::new(), ..request() }.body(),
        )
        .expect("JSON");
        assert_eq!(body["scheduling"]["automaticRestart"], true);
        assert_eq!(body["scheduling"]["onHostMaintenance"], "MIGRATE");
        assert_eq!(body["metadata"]["items"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn what_google_would_refuse_is_refused_here() {
        assert_eq!(request().check(), Ok(()));
        for bad in [
            StandbyRequest { name: "Dumont".into(), ..request() },
            StandbyRequest { name: "a-".into(), ..request() },
            StandbyRequest { name: "x".repeat(64), ..request() },
            StandbyRequest { zone: "../x".into(), ..request() },
            StandbyRequest { disk_gb: 9, ..request() },
            StandbyRequest { ssh_public_key: "a\nroot:b".into(), ..request() },
            StandbyRequest { labels: vec![("A".into(), "b".into())], ..request() },
            StandbyRequest { request_id: Uuid::nil(), ..request() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
