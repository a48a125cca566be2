//! The real outside: Vast.ai, Google Cloud and SSH.

use std::sync::Arc;

use async_trait::async_trait;
use domain::provider::ProviderError;
use providers::gcp::GcpClient;
use providers::ssh::{Dialer, KeyPair, SshError};
use providers::vast::{Limits, Vast};
use secrecy::SecretString;

use crate::config::EngineConfig;
use crate::ports::{Gpus, Hosts, Outside, Vms};

/// The providers at the addresses that this installation is told.
#[derive(Debug)]
pub(crate) struct Providers {
    market: Result<Vast, ProviderError>,
    gcp_endpoint: Option<String>,
}

impl Providers {
    /// Nothing is sent yet.
    #[must_use]
    pub(crate) fn new(config: &EngineConfig) -> Self {
        let limits = if config.published_limits { Limits::published() } else { Limits::none() };
        Self {
            market: Vast::new(&config.vast_url, limits),
            gcp_endpoint: config.gcp_endpoint.clone(),
        }
    }
}

#[async_trait]
impl Outside for Providers {
    fn gpus(&self, key: &SecretString) -> Result<Arc<dyn Gpus>, ProviderError> {
        let market = self.market.as_ref().map_err(Clone::clone)?;
        Ok(Arc::new(market.account(key.clone())))
    }

    async fn vms(&self, json: &SecretString) -> Result<Arc<dyn Vms>, ProviderError> {
        Ok(Arc::new(GcpClient::new(self.gcp_endpoint.as_deref(), json).await?))
    }

    fn hosts(&self, key: &SecretString) -> Result<(Arc<dyn Hosts>, String), SshError> {
        let pair = KeyPair::from_openssh(key)?;
        let public = pair.public_line();
        Ok((Arc::new(Dialer::new(pair)), public))
    }

    fn new_key(&self) -> Result<SecretString, SshError> {
        KeyPair::generate()?.to_openssh()
    }
}
