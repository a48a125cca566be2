//! Zone operations: the record of every change, and where its outcome is found.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    store::new_id,
    vm::{Key, Vm},
};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A VM is made and started.
    Insert,
    /// A VM is removed.
    Delete,
    /// A stopped VM is started.
    Start,
    /// A running VM is stopped.
    Stop,
    /// The labels were replaced.
    SetLabels,
    /// The metadata were replaced.
    SetMetadata,
    /// The network tags were replaced.
    SetTags,
    /// A stopped VM got another machine type.
    SetMachineType,
    /// Whether it may be deleted was set.
    SetDeletionProtection,
    /// A running VM was reset, like a machine by its button.
    Reset,
    /// Many VMs are made and started.
    BulkInsert,
    /// Google took a Spot VM back.
    Preempted,
    /// Someone asked for a maintenance event, which takes a Spot VM back.
    Maintenance,
    /// The machine under the VM broke.
    HostError,
    /// Google started a VM again after its machine broke.
    AutomaticRestart,
}

impl Kind {
    /// `operationType` on the wire.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Delete => "delete",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::SetLabels => "setLabels",
            Self::SetMetadata => "setMetadata",
            Self::SetTags => "setTags",
            Self::SetMachineType => "setMachineType",
            Self::SetDeletionProtection => "setDeletionProtection",
            Self::Reset => "reset",
            Self::BulkInsert => "bulkInsert",
            Self::Preempted => "compute.instances.preempted",
            Self::Maintenance => "compute.instances.simulateMaintenanceEvent",
            Self::HostError => "compute.instances.hostError",
            Self::AutomaticRestart => "compute.instances.automaticRestart",
        }
    }

    /// `statusMessage` on the wire.
    pub(super) fn message(self) -> Option<&'static str> {
        match self {
            Self::Preempted => Some("Instance was preempted."),
            Self::HostError => Some("Instance terminated by Compute Engine."),
            Self::AutomaticRestart => Some("Instance automatically restarted by Compute Engine."),
            _ => None,
        }
    }

    /// Whether it begins at Google and not with a caller.
    pub(super) fn by_system(self) -> bool {
        matches!(self, Self::Preempted | Self::HostError | Self::AutomaticRestart)
    }
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// Such as `ZONE_RESOURCE_POOL_EXHAUSTED`.
    pub(super) code: String,
    /// For people.
    pub(super) message: String,
    /// `httpErrorStatusCode`.
    pub(super) http_status: u16,
    /// `httpErrorMessage`.
    pub(super) http_message: String,
    /// `errorDetails`.
    pub(super) details: Vec<Value>,
}

impl Failure {
    /// The zone has no room. `with_details` gives the newer of the two codes seen in the wild.
    pub(super) fn exhausted(key: &Key, with_details: bool, machine_type: &str) -> Self {
        let base = format!(
            "The zone 'projects/{}/zones/{}' does not have enough resources available to fulfill \
             the request.  Try a different zone, or try again later.",
            key.project, key.zone
        );
        let (code, message) = if with_details {
            (
                "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS",
                format!("{} '(resource type:compute)'.", base.trim_end_matches('.')),
            )
        } else {
            ("ZONE_RESOURCE_POOL_EXHAUSTED", base)
        };
        Self {
            code: code.into(),
            details: vec![
                json!({"help": {"links": [{
                    "description": "Troubleshooting documentation",
                    "url": "https://cloud.google.com/compute/docs/resource-error",
                }]}}),
                json!({"localizedMessage": {"locale": "en-US", "message": message}}),
                json!({"errorInfo": {
                    "reason": "resource_availability",
                    "domain": "compute.googleapis.com",
                    "metadatas": {
                        "zone": key.zone, "vmType": machine_type, "attachment": "",
                        "zonesAvailable": "",
                    },
                }}),
            ],
            message,
            http_status: 503,
            http_message: "SERVICE UNAVAILABLE".into(),
        }
    }

    /// A quota of the project is used up: of one region, or of all where `region` is none.
    pub(super) fn quota(metric: &str, limit: f64, region: Option<&str>) -> Self {
        let place = region.map_or("globally".to_owned(), |region| format!("in region {region}"));
        Self {
            code: "QUOTA_EXCEEDED".into(),
            message: format!("Quota '{metric}' exceeded.  Limit: {limit:.1} {place}."),
            http_status: 403,
            http_message: "FORBIDDEN".into(),
            details: Vec::new(),
        }
    }

    /// Something went wrong on Google's side: here, the host could not be made.
    pub(super) fn internal(message: String) -> Self {
        Self {
            code: "INTERNAL_ERROR".into(),
            message,
            http_status: 500,
            http_message: "INTERNAL SERVER ERROR".into(),
            details: Vec::new(),
        }
    }

    /// The value of the operation's `error`.
    pub(super) fn json(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let (false, Some(map)) = (self.details.is_empty(), error.as_object_mut()) {
            map.insert("errorDetails".into(), self.details.clone().into());
        }
        json!({ "errors": [error] })
    }
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Progress {
    /// Under way.
    Running,
    /// Over; without a failure it succeeded.
    Done {
        /// Unix milliseconds.
        end_ms: i64,
        /// Why it failed.
        failure: Option<Failure>,
    },
}

/// One zone operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Operation {
    /// The number that Compute gives it.
    pub(super) id: u64,
    /// The name that it is asked for by.
    pub(super) name: String,
    /// What it does.
    pub(super) kind: Kind,
    /// The VM that it is about.
    pub(super) target: Key,
    /// The VM's number; tells a VM from a later one of the same name.
    pub(super) target_id: u64,
    /// Who asked: the service account, or `system`.
    pub(super) user: String,
    /// Unix milliseconds.
    pub(super) insert_ms: i64,
    /// How far it is.
    pub(super) progress: Progress,
    /// It was decided at the start that it fails with this.
    pub(super) doom: Option<Failure>,
    /// It is told to have failed with this, and did all the same what it was for (or, for a delete,
    /// nothing).
    #[serde(default)]
    pub(super) untrue: Option<Failure>,
    /// What the operations of one bulk insert share.
    #[serde(default)]
    pub(super) group: Option<String>,
    /// Milliseconds that the guest of a preempted VM is left before it is halted.
    #[serde(default)]
    pub(super) notice_ms: u64,
}

impl Operation {
    /// A new one, under way.
    pub(super) fn new(kind: Kind, vm: &Vm, user: &str, now_ms: i64) -> Self {
        Self {
            id: new_id(),
            name: new_name(kind, now_ms),
            kind,
            target: vm.key.clone(),
            target_id: vm.id,
            user: user.to_owned(),
            insert_ms: now_ms,
            progress: Progress::Running,
            doom: None,
            untrue: None,
            group: None,
            notice_ms: 0,
        }
    }

    /// One for many new VMs of a project's zone, under way. Those have operations of their own, of
    /// the same group.
    pub(super) fn bulk(project: &str, zone: &str, user: &str, now_ms: i64) -> Self {
        let kind = Kind::BulkInsert;
        let target =
            Key { project: project.to_owned(), zone: zone.to_owned(), name: String::new() };
        Self {
            id: new_id(),
            name: new_name(kind, now_ms),
            kind,
            target,
            target_id: new_id(),
            user: user.to_owned(),
            insert_ms: now_ms,
            progress: Progress::Running,
            doom: None,
            untrue: None,
            group: Some(uuid::Uuid::new_v4().to_string()),
            notice_ms: 0,
        }
    }

    /// Whether it is over.
    pub(super) fn done(&self) -> bool {
        matches!(self.progress, Progress::Done { .. })
    }
}

/// A name in the form that Compute gives to operations.
fn new_name(kind: Kind, now_ms: i64) -> String {
    let prefix = if kind.by_system() { "systemevent" } else { "operation" };
    let noise: u64 = rand::random();
    format!(
        "{prefix}-{now_ms}-{:013x}-{:08x}-{:08x}",
        rand::random::<u64>() >> 12,
        noise >> 32,
        noise & 0xffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_stock_out_codes_begin_alike() {
        let key = Key { project: "p".into(), zone: "us-central1-a".into(), name: "v".into() };
        let plain = Failure::exhausted(&key, false, "e2-medium");
        let newer = Failure::exhausted(&key, true, "e2-medium");
        assert_eq!(plain.code, "ZONE_RESOURCE_POOL_EXHAUSTED");
        assert!(newer.code.starts_with(&plain.code));
        assert_eq!(
            plain.message,
            "The zone 'projects/p/zones/us-central1-a' does not have enough resources available to \
             fulfill the request.  Try a different zone, or try again later."
        );
        assert!(newer.message.ends_with("try again later '(resource type:compute)'."));
        assert_eq!(
            plain.json()["errors"][0]["errorDetails"][2]["errorInfo"]["reason"],
            "resource_availability"
        );
    }
}
