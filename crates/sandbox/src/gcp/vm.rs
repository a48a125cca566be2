//! One VM as the simulated Compute Engine remembers it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{link, price};

/// Where a zonal resource is: names are unique in a project's zone only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Key {
    /// The project's id.
    pub(super) project: String,
    /// Such as `europe-west1-b`.
    pub(super) zone: String,
    /// The VM's name.
    pub(super) name: String,
}

impl Key {
    /// `projects/P/zones/Z/instances/N`, as error messages have it.
    pub(super) fn path(&self) -> String {
        link::zonal_path(&self.project, &self.zone, "instances", &self.name)
    }

    /// The full link.
    pub(super) fn link(&self) -> String {
        link::link(&self.path())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.zone, self.name)
    }
}

/// Where a VM is in its life, in the words of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    /// Resources are being reserved.
    Provisioning,
    /// It is being prepared to run again.
    Staging,
    /// The machine runs; its SSH server may need longer.
    Running,
    /// It is shutting down.
    Stopping,
    /// Stopped or preempted: the disk is kept and billed.
    Terminated,
}

impl Status {
    /// The word on the wire.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Staging => "STAGING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Terminated => "TERMINATED",
        }
    }
}

/// What happens to a Spot VM that is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum TerminationAction {
    /// It is stopped and keeps its disk.
    Stop,
    /// It is deleted with its disk.
    Delete,
}

/// How the VM is bought and what maintenance does to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scheduling {
    /// `SPOT` in place of `STANDARD`.
    pub(super) spot_model: bool,
    /// Can be taken back at any time: every Spot VM, and the older preemptible ones.
    pub(super) preemptible: bool,
    /// Comes back by itself after a crash of its host.
    pub(super) automatic_restart: bool,
    /// Moved rather than stopped when its host is maintained.
    pub(super) migrate: bool,
    /// What a preemption does; only a Spot VM has one.
    pub(super) on_preemption: Option<TerminationAction>,
}

impl Scheduling {
    /// Whether it is sold at the Spot price.
    pub(super) fn spot(&self) -> bool {
        self.spot_model || self.preemptible
    }
}

/// One persistent disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Disk {
    /// Name of the disk resource.
    pub(super) name: String,
    /// What the guest sees it as.
    pub(super) device: String,
    /// Such as `pd-standard`.
    pub(super) kind: String,
    /// Size in GB.
    pub(super) size_gb: u32,
    /// Whether the VM boots from it.
    pub(super) boot: bool,
    /// What it was made from, as the request had it.
    pub(super) source_image: Option<String>,
}

/// The one network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Network {
    /// Such as `global/networks/default`, without project.
    pub(super) network: String,
    /// Address inside the project.
    pub(super) internal_ip: Ipv4Addr,
    /// Name of the access configuration; none means no external address.
    pub(super) external: Option<String>,
}

/// One pair of the metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    /// Such as `ssh-keys`.
    pub(super) key: String,
    /// Its text.
    #[serde(default)]
    pub(super) value: String,
}

/// One VM.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Vm {
    /// Where it is.
    pub(super) key: Key,
    /// The number that Compute gives it.
    pub(super) id: u64,
    /// What the admin API and the ledger call it: its name, or more where another VM has that.
    pub(super) handle: String,
    /// The account that pays.
    pub(super) account: u64,
    /// Free text of the customer.
    pub(super) description: Option<String>,
    /// Such as `e2-medium`.
    pub(super) machine_type: String,
    /// Where it is in its life.
    pub(super) status: Status,
    /// A delete was accepted.
    pub(super) deleting: bool,
    /// It is down because its machine broke.
    pub(super) crashed: bool,
    /// How often it was brought to `RUNNING`; tells a late boot from the current one.
    pub(super) boots: u64,
    /// Unix milliseconds.
    pub(super) created_ms: i64,
    /// Unix milliseconds of the last time it came up.
    pub(super) last_start_ms: Option<i64>,
    /// Unix milliseconds of the last time it went down.
    pub(super) last_stop_ms: Option<i64>,
    /// The customer's labels.
    pub(super) labels: BTreeMap<String, String>,
    /// The metadata, in the order given.
    pub(super) metadata: Vec<Item>,
    /// Network tags.
    pub(super) tags: Vec<String>,
    /// How it is bought.
    pub(super) scheduling: Scheduling,
    /// Its disks, boot disk first.
    pub(super) disks: Vec<Disk>,
    /// Its interface.
    pub(super) network: Network,
    /// The external address while it has one: the host's loopback address.
    pub(super) nat_ip: Option<Ipv4Addr>,
    /// Service accounts as the request had them.
    pub(super) service_accounts: Vec<serde_json::Value>,
    /// Nobody may delete it.
    #[serde(default)]
    pub(super) deletion_protection: bool,
}

impl Vm {
    /// The name of the host behind it, which no other VM ever has.
    pub(super) fn host(&self) -> String {
        format!("vm-{}", self.id)
    }

    /// What the ledger and the console call the machine.
    pub(super) fn machine(&self) -> String {
        let spot = if self.scheduling.spot() { " spot" } else { "" };
        format!("{}{spot}", self.machine_type)
    }

    /// What it costs now, micro-dollars per hour.
    pub(super) fn rate_micro(&self) -> i64 {
        match self.status {
            Status::Running | Status::Stopping => price::running_micro(self),
            Status::Terminated => price::stopped_micro(self),
            Status::Provisioning | Status::Staging => 0,
        }
    }

    /// The value of a metadata key.
    pub(super) fn metadata_value(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|item| item.key == key).map(|item| item.value.as_str())
    }

    /// The public keys that may log in, from the metadata's `user:key` lines. Any user name reaches
    /// the same account on the host.
    pub(super) fn ssh_keys(&self) -> Vec<String> {
        let lines = self.metadata_value("ssh-keys").unwrap_or_default().lines();
        lines
            .filter_map(|line| line.trim().split_once(':'))
            .map(|(_, key)| key.trim().to_owned())
            .filter(|key| !key.is_empty())
            .collect()
    }

    /// The image that its boot disk was made from.
    pub(super) fn image(&self) -> String {
        let boot = self.disks.iter().find(|disk| disk.boot);
        boot.and_then(|disk| disk.source_image.clone()).unwrap_or_default()
    }

    /// The size of its boot disk, GB.
    pub(super) fn disk_gb(&self) -> f64 {
        self.disks.iter().find(|disk| disk.boot).map_or(0.0, |disk| f64::from(disk.size_gb))
    }

    /// What runs at each boot.
    pub(super) fn boot_script(&self) -> Option<String> {
        self.metadata_value("startup-script").filter(|s| !s.is_empty()).map(str::to_owned)
    }

    /// Fingerprint of the labels.
    pub(super) fn label_fingerprint(&self) -> String {
        let parts = self.labels.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
        fingerprint("labels", parts)
    }

    /// Fingerprint of the metadata.
    pub(super) fn metadata_fingerprint(&self) -> String {
        let parts = self.metadata.iter().flat_map(|i| [i.key.as_str(), i.value.as_str()]);
        fingerprint("metadata", parts)
    }

    /// Fingerprint of the tags.
    pub(super) fn tag_fingerprint(&self) -> String {
        fingerprint("tags", self.tags.iter().map(String::as_str))
    }
}

/// Eight bytes that change with the content, in URL-safe Base64: Google's client libraries refuse
/// the other alphabet.
pub(super) fn fingerprint<'a>(what: &str, parts: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    hash.update(what.as_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    URL_SAFE.encode(digest.get(..8).unwrap_or_default())
}

/// Whether a fingerprint from a request is the current one; alphabet and padding don't matter.
pub(super) fn same_fingerprint(sent: &str, current: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    plain(sent) == plain(current)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::gcp) fn sample(name: &str) -> Vm {
        Vm {
            key: Key { project: "p".into(), zone: "europe-west1-b".into(), name: name.into() },
            id: 42,
            handle: name.into(),
            account: 1,
            description: None,
            machine_type: "e2-medium".into(),
            status: Status::Running,
            deleting: false,
            crashed: false,
            boots: 1,
            created_ms: 1_000,
            last_start_ms: Some(2_000),
            last_stop_ms: None,
            labels: BTreeMap::from([("managed-by".into(), "dumont".into())]),
            metadata: vec![Item {
                key: "ssh-keys".into(),
                value: "root:ssh-ed25519 AAAA one\n\nubuntu:ssh-rsa BBBB two words\nbroken\n"
                    .into(),
            }],
            tags: vec!["standby".into()],
            scheduling: Scheduling {
                spot_model: true,
                preemptible: true,
                automatic_restart: false,
                migrate: false,
                on_preemption: Some(TerminationAction::Stop),
            },
            disks: vec![Disk {
                name: name.into(),
                device: "persistent-disk-0".into(),
                kind: "pd-standard".into(),
                size_gb: 100,
                boot: true,
                source_image: None,
            }],
            network: Network {
                network: "global/networks/default".into(),
                internal_ip: Ipv4Addr::new(10, 128, 0, 2),
                external: Some("External NAT".into()),
            },
            nat_ip: Some(Ipv4Addr::new(127, 77, 0, 2)),
            service_accounts: Vec::new(),
            deletion_protection: false,
        }
    }

    #[test]
    fn keys_lose_their_user_and_keep_their_comment() {
        assert_eq!(sample("a").ssh_keys(), ["ssh-ed25519 AAAA one", "ssh-rsa BBBB two words"]);
    }

    #[test]
    fn a_spot_medium_with_100_gb_costs_what_the_wire_notes_say() {
        let vm = sample("a");
        // 14.68 + 4.00 a month there is us-central1; europe-west1 is 13.03 + 4.00, + 1.83 for IPv4.
        assert_eq!(super::super::price::running_micro(&vm), 17_852 + 5_479 + 2_500);
        assert_eq!(super::super::price::stopped_micro(&vm), 5_479);
    }

    #[test]
    fn fingerprints_change_with_the_content_and_stay_url_safe() {
        let mut vm = sample("a");
        let before = vm.label_fingerprint();
        for n in 0..200 {
            vm.labels.insert("n".into(), n.to_string());
            let now = vm.label_fingerprint();
            assert_ne!(now, before);
            assert!(!now.contains('+') && !now.contains('/'), "{now}");
        }
        assert!(same_fingerprint("a-b_cd8", "a+b/cd8="));
        assert!(!same_fingerprint("", "a-b_cd8="));
    }
}
