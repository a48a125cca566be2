//! A standby VM as Google tells it.

use domain::time::Millis;
use google_cloud_compute_v1::model::Instance;
use google_cloud_compute_v1::model::scheduling::ProvisioningModel;

use super::client::last_part;

/// Where Google says that a VM is in its life, in Google's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VmStatus {
    /// Waits for its resources.
    Pending,
    /// Gets its resources.
    Provisioning,
    /// Is being set up to boot.
    Staging,
    /// Runs; its SSH may answer a little later.
    Running,
    /// Will stop.
    PendingStop,
    /// On its way down, by someone or by preemption.
    Stopping,
    /// Down with its disk kept. The usual word is `Terminated`.
    Stopped,
    /// Down with its disk kept, by someone or by preemption. Not gone.
    Terminated,
    /// Its memory is being saved.
    Suspending,
    /// Down with its memory and disk kept.
    Suspended,
    /// Google repairs the machine below it.
    Repairing,
    /// On its way out.
    Deprovisioning,
    /// A word that we do not know, or none.
    Unknown,
}

impl VmStatus {
    fn of(word: &str) -> Self {
        match word {
            "PENDING" => Self::Pending,
            "PROVISIONING" => Self::Provisioning,
            "STAGING" => Self::Staging,
            "RUNNING" => Self::Running,
            "PENDING_STOP" => Self::PendingStop,
            "STOPPING" => Self::Stopping,
            "STOPPED" => Self::Stopped,
            "TERMINATED" => Self::Terminated,
            "SUSPENDING" => Self::Suspending,
            "SUSPENDED" => Self::Suspended,
            "REPAIRING" => Self::Repairing,
            "DEPROVISIONING" => Self::Deprovisioning,
            _ => Self::Unknown,
        }
    }

    /// Down, with the disk kept, so that it can be started again.
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Stopped | Self::Terminated | Self::Suspended)
    }
}

/// One VM. Names are short (`europe-west1-b`), not Google's addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandbyVm {
    /// Name.
    pub name: String,
    /// Zone.
    pub zone: String,
    /// Where it is in its life.
    pub status: VmStatus,
    /// Google's explanation, where it gives one.
    pub status_message: Option<String>,
    /// Public address; none while stopped, another after each start.
    pub nat_ip: Option<String>,
    /// Address inside the network.
    pub network_ip: Option<String>,
    /// Labels, by name.
    pub labels: Vec<(String, String)>,
    /// Spot VM.
    pub spot: bool,
    /// Machine type.
    pub machine_type: Option<String>,
    /// Boot disk, GB.
    pub disk_gb: Option<i64>,
    /// When it was last started.
    pub last_start: Option<Millis>,
    /// When it was made.
    pub created: Option<Millis>,
}

impl StandbyVm {
    /// The label's value.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Reads a VM; `None` without a name or a zone.
    pub(super) fn read(vm: Instance) -> Option<Self> {
        let nic = vm.network_interfaces.first();
        let boot =
            vm.disks.iter().find(|disk| disk.boot == Some(true)).or_else(|| vm.disks.first());
        let spot = vm.scheduling.as_ref().is_some_and(|plan| {
            plan.provisioning_model == Some(ProvisioningModel::Spot)
                || plan.preemptible == Some(true)
        });
        let time = |text: &Option<String>| text.as_deref().and_then(Millis::parse_rfc3339);
        let mut labels: Vec<(String, String)> = vm.labels.into_iter().collect();
        labels.sort();
        Some(Self {
            zone: vm.zone.as_deref().map(last_part).filter(|zone| !zone.is_empty())?.to_owned(),
            status: vm
                .status
                .as_ref()
                .and_then(|status| status.name())
                .map_or(VmStatus::Unknown, VmStatus::of),
            status_message: vm
                .status_message
                .as_deref()
                .map(crate::message::tidy)
                .filter(|text| !text.is_empty()),
            nat_ip: nic
                .and_then(|nic| {
                    nic.access_configs.iter().find_map(|address| address.nat_ip.clone())
                })
                .filter(|ip| !ip.is_empty()),
            network_ip: nic.and_then(|nic| nic.network_ip.clone()),
            labels,
            spot,
            machine_type: vm.machine_type.as_deref().map(last_part).map(str::to_owned),
            disk_gb: boot.and_then(|disk| disk.disk_size_gb),
            last_start: time(&vm.last_start_timestamp),
            created: time(&vm.creation_timestamp),
            name: vm.name.filter(|name| !name.is_empty())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Option<StandbyVm> {
        StandbyVm::read(serde_json::from_value(value).expect("an instance"))
    }

    #[test]
    fn addresses_become_names_and_times_become_milliseconds() {
        let vm = read(json!({
            "name": "vm1", "zone": "https://www.googleapis.com/compute/v1/projects/P/zones/europe-west1-b",
            "machineType": "https://www.googleapis.com/compute/v1/projects/P/zones/europe-west1-b/machineTypes/e2-medium",
            "status": "RUNNING", "creationTimestamp": "2024-10-14T13:45:09.545-07:00", "lastStartTimestamp": "2024-10-14T13:45:20.000-07:00",
            "networkInterfaces": [{"networkIP": "10.0.0.2", "accessConfigs": [{"natIP": "203.0.113.5"}]}],
            "disks": [{"boot": false, "diskSizeGb": "5"}, {"boot": true, "diskSizeGb": "100"}],
            "labels": {"dumont-install": "ab"}, "scheduling": {"provisioningModel": "SPOT"}
        }))
        .expect("a VM");
        assert_eq!(
            (vm.zone.as_str(), vm.machine_type.as_deref()),
            ("europe-west1-b", Some("e2-medium"))
        );
        assert_eq!((vm.status, vm.spot, vm.disk_gb), (VmStatus::Running, true, Some(100)));
        assert_eq!(vm.nat_ip.as_deref(), Some("203.0.113.5"));
        assert_eq!(vm.created.map(Millis::rfc3339).as_deref(), Some("2024-10-14T20:45:09.545Z"));
        assert_eq!(vm.label("dumont-install"), Some("ab"));
    }

    #[test]
    fn a_stopped_vm_has_no_address_and_a_new_word_is_unknown() {
        let vm = |status: &str| {
            read(json!({"name": "a", "zone": "zones/z", "status": status})).expect("a VM")
        };
        assert_eq!(vm("TERMINATED").status, VmStatus::Terminated);
        assert!(vm("TERMINATED").status.is_down() && !vm("STOPPING").status.is_down());
        assert_eq!(vm("TERMINATED").nat_ip, None);
        assert_eq!(vm("DREAMING").status, VmStatus::Unknown);
        assert_eq!(read(json!({"name": "a"})), None);
        assert_eq!(read(json!({"zone": "z"})), None);
    }
}
