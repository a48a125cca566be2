//! The registry of hosts.

use super::{Endpoint, HostError, HostRecord, HostSpec, Life, Net, Usage};

/// All hosts of one sandbox; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Hosts {}

impl Hosts {
    /// Makes a host's files and address; it is not running yet.
    pub async fn create(&self, spec: HostSpec) -> Result<Endpoint, HostError> {
        Err(HostError::Unable(spec.id))
    }

    /// Starts a host if it is not running, and waits until its SSH server answers. Runs the boot script.
    pub async fn boot(&self, id: &str) -> Result<Endpoint, HostError> {
        Err(HostError::Unable(id.into()))
    }

    /// Shuts a host down in order: the tree is killed, files are kept, its port refuses. Idempotent.
    pub async fn halt(&self, id: &str) -> Result<(), HostError> {
        Err(HostError::Unable(id.into()))
    }

    /// Kills a host as a power cut does: first its network is a black hole, then the tree is gone.
    pub async fn kill(&self, id: &str) -> Result<(), HostError> {
        Err(HostError::Unable(id.into()))
    }

    /// Kills a host and erases its files; fine when there is none.
    pub async fn destroy(&self, id: &str) -> Result<(), HostError> {
        Err(HostError::Unable(id.into()))
    }

    /// Replaces the keys that may log in, from the next login on.
    pub async fn set_keys(&self, id: &str, keys: Vec<String>) -> Result<(), HostError> {
        let _ = keys;
        Err(HostError::Unable(id.into()))
    }

    /// Replaces the script that runs at every boot.
    pub async fn set_boot_script(&self, id: &str, script: Option<String>) -> Result<(), HostError> {
        let _ = script;
        Err(HostError::Unable(id.into()))
    }

    /// Where the host is, or was last, reached.
    #[must_use]
    pub fn endpoint(&self, _id: &str) -> Option<Endpoint> {
        None
    }

    /// How its processes are.
    #[must_use]
    pub fn life(&self, _id: &str) -> Option<Life> {
        None
    }

    /// How its network is.
    #[must_use]
    pub fn net_of(&self, _id: &str) -> Option<Net> {
        None
    }

    /// Sets what the network lets through.
    pub async fn net(&self, id: &str, net: Net) -> Result<(), HostError> {
        let _ = net;
        Err(HostError::Unable(id.into()))
    }

    /// Stops every process where it is.
    pub async fn freeze(&self, id: &str) -> Result<(), HostError> {
        Err(HostError::Unable(id.into()))
    }

    /// Lets a frozen host go on.
    pub async fn thaw(&self, id: &str) -> Result<(), HostError> {
        Err(HostError::Unable(id.into()))
    }

    /// Gives a host a new port (GPU) or address (standby) from its next boot on, as the providers do at a start.
    pub async fn remap(&self, id: &str) -> Result<(), HostError> {
        Err(HostError::Unable(id.into()))
    }

    /// What it uses now.
    pub async fn usage(&self, _id: &str) -> Option<Usage> {
        None
    }

    /// The end of what it printed: console and boot script, oldest first.
    pub async fn console(&self, _id: &str) -> Option<String> {
        None
    }

    pub(crate) fn save(&self) -> Vec<HostRecord> {
        Vec::new()
    }

    pub(crate) fn load(&self, _records: Vec<HostRecord>) {}
}
