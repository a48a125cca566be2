//! The CPU standby of a machine.

use serde::{Deserialize, Serialize};

use crate::gpu::Endpoint;
use crate::id::IntentId;
use crate::money::MicroUsd;
use crate::time::Millis;

/// What Dumont does at Google Compute, and so what the service account must be allowed to in its
/// project: names of Google's IAM permissions.
pub const PERMISSIONS: &[&str] = &[
    "compute.instances.create",
    "compute.instances.delete",
    "compute.instances.get",
    "compute.instances.list",
    "compute.instances.setLabels",
    "compute.instances.setMetadata",
    "compute.instances.setTags",
    "compute.instances.start",
    "compute.disks.create",
    "compute.disks.setLabels",
    "compute.subnetworks.use",
    "compute.subnetworks.useExternalIp",
    "compute.zones.list",
    "compute.zoneOperations.get",
    "compute.zoneOperations.list",
];

crate::text_enum! {
    /// Where a standby VM is in its life.
    pub enum StandbyState ("standby state") {
        /// Asked for at the provider.
        Creating = "creating",
        /// Runs, but does not answer SSH yet or is being prepared.
        Booting = "booting",
        /// Answers and can take over.
        Ready = "ready",
        /// Stopped by the provider (Spot); its disk is kept; being started again.
        Preempted = "preempted",
        /// Stopped by someone.
        Stopped = "stopped",
        /// Did not come up, or is gone; the reason says why.
        Failed = "failed",
        /// Being removed.
        Deleting = "deleting",
    }
}

/// A standby VM. Its shape is fixed at creation; the rest follows the provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standby {
    /// The purchase that made it; its name at the provider derives from it.
    pub intent: IntentId,
    /// Name at the provider.
    pub name: String,
    /// Project that pays for it.
    pub project: String,
    /// Zone.
    pub zone: String,
    /// Machine type.
    pub machine_type: String,
    /// GB.
    pub disk_gb: i64,
    /// Spot VM.
    pub spot: bool,
    /// Estimated rate while it runs, all parts.
    pub usd_per_hour: MicroUsd,
    /// State.
    pub state: StandbyState,
    /// Why it is not ready, in the provider's or our words.
    pub reason: Option<String>,
    /// Where it answers SSH.
    pub endpoint: Option<Endpoint>,
    /// Pinned host key, `ssh-ed25519 AAAA…`.
    pub host_key: Option<String>,
    /// Public key with which this standby reaches the GPU, made on the standby.
    pub public_key: Option<String>,
    /// When it was asked for.
    pub created_at: Millis,
}
