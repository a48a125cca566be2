//! What callers send: only the fields that this sandbox understands, all of them optional, since a
//! missing one must be answered in Compute's words and not in those of a parser.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::{error::ApiError, vm::Item};

/// Reads a JSON body.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| ApiError::parse(&error.to_string()))
}

/// The body of `instances.insert`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Instance {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) machine_type: Option<String>,
    pub(super) disks: Vec<AttachedDisk>,
    pub(super) network_interfaces: Vec<NetworkInterface>,
    pub(super) metadata: Metadata,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) tags: Tags,
    pub(super) scheduling: Scheduling,
    pub(super) service_accounts: Vec<Value>,
    pub(super) deletion_protection: bool,
    pub(super) guest_accelerators: Vec<Accelerator>,
}

impl Instance {
    /// The properties of a bulk insert as those of an insert: there machine and disk types are names.
    pub(super) fn in_zone(mut self, zone: &str) -> Self {
        let whole = |name: &mut Option<String>, collection: &str| {
            if let Some(bare) = name.as_ref().filter(|name| !name.is_empty() && !name.contains('/'))
            {
                *name = Some(format!("zones/{zone}/{collection}/{bare}"));
            }
        };
        whole(&mut self.machine_type, "machineTypes");
        for disk in self.disks.iter_mut().filter_map(|disk| disk.initialize_params.as_mut()) {
            whole(&mut disk.disk_type, "diskTypes");
        }
        self
    }
}

/// A GPU that is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Accelerator {
    pub(super) accelerator_type: Option<String>,
}

/// The body of `setMachineType`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SetMachineType {
    pub(super) machine_type: Option<String>,
}

/// A disk of an insert.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AttachedDisk {
    pub(super) boot: bool,
    pub(super) auto_delete: bool,
    pub(super) device_name: Option<String>,
    pub(super) source: Option<String>,
    #[serde(deserialize_with = "size")]
    pub(super) disk_size_gb: Option<String>,
    pub(super) initialize_params: Option<InitializeParams>,
}

/// What a new disk is made from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct InitializeParams {
    pub(super) source_image: Option<String>,
    pub(super) source_snapshot: Option<String>,
    pub(super) disk_name: Option<String>,
    pub(super) disk_type: Option<String>,
    #[serde(deserialize_with = "size")]
    pub(super) disk_size_gb: Option<String>,
}

/// A network interface of an insert.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NetworkInterface {
    pub(super) network: Option<String>,
    pub(super) subnetwork: Option<String>,
    pub(super) access_configs: Vec<AccessConfig>,
}

/// Asks for an external address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct AccessConfig {
    pub(super) name: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(rename = "natIP")]
    pub(super) nat_ip: Option<String>,
}

/// Metadata of an insert, and the body of `setMetadata`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) fingerprint: Option<String>,
    pub(super) items: Vec<Item>,
}

/// Network tags of an insert, and the body of `setTags`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tags {
    pub(super) fingerprint: Option<String>,
    pub(super) items: Vec<String>,
}

/// How the VM is to be bought.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Scheduling {
    pub(super) provisioning_model: Option<String>,
    pub(super) instance_termination_action: Option<String>,
    pub(super) on_host_maintenance: Option<String>,
    pub(super) automatic_restart: Option<bool>,
    pub(super) preemptible: Option<bool>,
}

/// The body of `setLabels`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SetLabels {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) label_fingerprint: Option<String>,
}

/// A 64-bit number, which the wire allows as text and as a number.
pub(super) fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(u64),
    }
    Ok(Option::<Either>::deserialize(from)?.map(|either| match either {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    }))
}
