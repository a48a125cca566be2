//! The machines themselves: the way to them. What is asked of one is a fixed script by name, with
//! arguments; what it answers is read in [`crate::data`].

use std::time::Duration;

use async_trait::async_trait;
use domain::gpu::Endpoint;
use providers::ssh::{Dialer, HostKey, Shell, SshError};

/// Opens shells to hosts with one user's key.
#[async_trait]
pub trait Hosts: Send + Sync + std::fmt::Debug {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`SshError`], each as it says. [`SshError::TimedOut`] after `deadline`, for the whole of it.
    async fn connect(
        &self,
        endpoint: &Endpoint,
        user: &str,
        host_key: HostKey,
        deadline: Duration,
    ) -> Result<Shell, SshError>;
}

#[async_trait]
impl Hosts for Dialer {
    async fn connect(
        &self,
        endpoint: &Endpoint,
        user: &str,
        host_key: HostKey,
        deadline: Duration,
    ) -> Result<Shell, SshError> {
        Self::connect(self, endpoint, user, host_key, deadline).await
    }
}
