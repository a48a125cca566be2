//! A user's project at the provider of VMs.

use std::time::Duration;

use async_trait::async_trait;
use domain::provider::ProviderError;
use domain::time::Millis;
use providers::gcp::{Access, GcpClient, OperationRef, StandbyRequest, StandbyVm};
use uuid::Uuid;

/// Makes, looks at and removes VMs. A request with the same id makes nothing new.
#[async_trait]
pub trait Vms: Send + Sync + std::fmt::Debug {
    /// The project that pays.
    fn project(&self) -> &str;

    /// Tries the credentials on all that a standby needs.
    ///
    /// # Errors
    /// The provider's own words.
    async fn check(&self) -> Result<Access, ProviderError>;

    /// Asks for a VM and comes back as soon as that has begun.
    ///
    /// # Errors
    /// `Conflict` when there is one of that name.
    async fn create_standby(&self, request: &StandbyRequest)
    -> Result<OperationRef, ProviderError>;

    /// Waits until an operation is done and tells what it came to.
    ///
    /// # Errors
    /// What it came to; `Transient` when it still runs after `longest`.
    async fn wait(&self, operation: &OperationRef, longest: Duration) -> Result<(), ProviderError>;

    /// One VM; `None` when the provider says that it does not exist.
    ///
    /// # Errors
    /// Anything but a clear answer.
    async fn get(&self, zone: &str, name: &str) -> Result<Option<StandbyVm>, ProviderError>;

    /// Asks that a VM and its disk be deleted.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete(
        &self,
        zone: &str,
        name: &str,
        request_id: Uuid,
    ) -> Result<OperationRef, ProviderError>;

    /// Asks that a stopped or preempted VM run again.
    ///
    /// # Errors
    /// `NotFound`.
    async fn start(
        &self,
        zone: &str,
        name: &str,
        request_id: Uuid,
    ) -> Result<OperationRef, ProviderError>;

    /// Whether the provider took a Spot VM back after a point in time.
    ///
    /// # Errors
    /// As any call.
    async fn preempted_since(
        &self,
        zone: &str,
        name: &str,
        after: Millis,
    ) -> Result<bool, ProviderError>;
}

#[async_trait]
impl Vms for GcpClient {
    fn project(&self) -> &str {
        Self::project(self)
    }

    async fn check(&self) -> Result<Access, ProviderError> {
        Self::check(self).await
    }

    async fn create_standby(
        &self,
        request: &StandbyRequest,
    ) -> Result<OperationRef, ProviderError> {
        Self::create_standby(self, request).await
    }

    async fn wait(&self, operation: &OperationRef, longest: Duration) -> Result<(), ProviderError> {
        Self::wait(self, operation, longest).await
    }

    async fn get(&self, zone: &str, name: &str) -> Result<Option<StandbyVm>, ProviderError> {
        Self::get(self, zone, name).await
    }

    async fn delete(
        &self,
        zone: &str,
        name: &str,
        request_id: Uuid,
    ) -> Result<OperationRef, ProviderError> {
        Self::delete(self, zone, name, request_id).await
    }

    async fn start(
        &self,
        zone: &str,
        name: &str,
        request_id: Uuid,
    ) -> Result<OperationRef, ProviderError> {
        Self::start(self, zone, name, request_id).await
    }

    async fn preempted_since(
        &self,
        zone: &str,
        name: &str,
        after: Millis,
    ) -> Result<bool, ProviderError> {
        Self::preempted_since(self, zone, name, after).await
    }
}
