//! All ports of one engine, and how a user's are made of their credentials.

use std::sync::Arc;

use async_trait::async_trait;
use domain::provider::ProviderError;
use domain::time::Clock;
use providers::ssh::SshError;
use secrecy::SecretString;

use super::{Chance, Gpus, Hosts, Vms};

/// Makes what reaches the outside in a user's name.
#[async_trait]
pub trait Outside: Send + Sync + std::fmt::Debug {
    /// GPUs, with this key.
    ///
    /// # Errors
    /// The configured address is unusable.
    fn gpus(&self, key: &SecretString) -> Result<Arc<dyn Gpus>, ProviderError>;

    /// VMs, with this service account.
    ///
    /// # Errors
    /// The JSON is not a usable service-account key.
    async fn vms(&self, json: &SecretString) -> Result<Arc<dyn Vms>, ProviderError>;

    /// The way to hosts with this private key, and its public half as a line.
    ///
    /// # Errors
    /// It is not a usable key.
    fn hosts(&self, key: &SecretString) -> Result<(Arc<dyn Hosts>, String), SshError>;

    /// A new private key.
    ///
    /// # Errors
    /// When none can be made.
    fn new_key(&self) -> Result<SecretString, SshError>;
}

/// What an engine is given.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// New ids and random numbers.
    pub chance: Arc<dyn Chance>,
    /// The providers and hosts.
    pub outside: Arc<dyn Outside>,
}
