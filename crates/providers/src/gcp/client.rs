//! The connection to Compute Engine for one service account.

use std::sync::Arc;
use std::time::Duration;

use domain::provider::{ErrorClass, Provider, ProviderError};
use google_cloud_auth::credentials::service_account;
use google_cloud_compute_v1::client::{Instances, MachineTypes, ZoneOperations, Zones};
use google_cloud_gax::options::RequestOptionsBuilder;
use google_cloud_gax::retry_policy::NeverRetry;
use secrecy::SecretString;
use tokio::time::timeout;
use tracing::Instrument;
use uuid::Uuid;

use super::error::{failure, of_call};
use super::key::{KeyProblem, ServiceAccount};
use super::operation::OperationRef;
use super::permission::PermissionTest;
use super::request::StandbyRequest;
use super::vm::StandbyVm;
use crate::measured::measured;
use crate::retry;

/// Longest time for one try of a call.
const TRY: Duration = Duration::from_secs(10);
/// Longest time for all tries of a call.
const TOTAL: Duration = Duration::from_secs(20);

/// Compute Engine for one service account. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GcpClient(Arc<Parts>);

struct Parts {
    account: ServiceAccount,
    instances: Instances,
    operations: ZoneOperations,
    zones: Zones,
    machine_types: MachineTypes,
    permissions: PermissionTest,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GcpClient").field("account", &self.account).finish_non_exhaustive()
    }
}

impl GcpClient {
    /// Prepares the connection; nothing is sent. `endpoint` is a sandbox's address, or none for
    /// Google's. The program's TLS provider must be installed.
    ///
    /// # Errors
    /// `Invalid`, with a [`KeyProblem`] as text, when the key file can't be used.
    pub async fn new(
        endpoint: Option<&str>,
        service_account_json: &SecretString,
    ) -> Result<Self, ProviderError> {
        const OPERATION: &str = "connect";
        let refused =
            |problem: KeyProblem| failure(OPERATION, ErrorClass::Invalid, problem.to_string());
        let (account, value) = ServiceAccount::with_value(service_account_json).map_err(refused)?;
        let credentials = service_account::Builder::new(value)
            .build()
            .map_err(|_| refused(KeyProblem::PrivateKey))?;
        macro_rules! client {
            ($client:ident) => {{
                let mut builder = $client::builder()
                    .with_credentials(credentials.clone())
                    // Asking again is decided in one place for both providers.
                    .with_retry_policy(NeverRetry)
                    .with_attempt_timeout(TRY);
                if let Some(endpoint) = endpoint {
                    builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
                }
                builder.build().await.map_err(|error| {
                    failure(OPERATION, ErrorClass::Invalid, crate::message::causes(&error))
                })?
            }};
        }
        let permissions = PermissionTest::new(endpoint, &account.project, credentials.clone())?;
        Ok(Self(Arc::new(Parts {
            account,
            permissions,
            instances: client!(Instances),
            operations: client!(ZoneOperations),
            zones: client!(Zones),
            machine_types: client!(MachineTypes),
        })))
    }

    /// The project that pays.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.0.account.project
    }

    /// Who is asking; nothing secret.
    #[must_use]
    pub fn account(&self) -> &ServiceAccount {
        &self.0.account
    }

    /// Asks for a standby VM (`instances.insert`) and comes back as soon as Google has begun.
    /// The same `request_id` sent again gives the same operation and makes nothing new.
    ///
    /// # Errors
    /// `Conflict` when a VM of that name exists already. The name is this purchase's own, so that is
    /// an earlier try of it and not a refusal. Any other clear no means that nothing was made.
    pub async fn create_standby(
        &self,
        request: &StandbyRequest,
    ) -> Result<OperationRef, ProviderError> {
        const OPERATION: &str = "create standby";
        request.check().map_err(|flaw| failure(OPERATION, ErrorClass::Invalid, flaw))?;
        let body = request.body();
        let begun = self
            .call(OPERATION, || {
                self.instances()
                    .insert()
                    .set_project(self.project())
                    .set_zone(&request.zone)
                    .set_request_id(request.request_id.to_string())
                    .set_body(body.clone())
                    .with_idempotency(true)
                    .send()
            })
            .await?;
        OperationRef::begun(OPERATION, &request.zone, begun)
    }

    /// One VM; `None` when Google says that it does not exist.
    ///
    /// # Errors
    /// Anything but a clear answer, also when the project or the zone is what is missing.
    pub async fn get(&self, zone: &str, name: &str) -> Result<Option<StandbyVm>, ProviderError> {
        let found = self
            .call("get standby", || {
                self.instances()
                    .get()
                    .set_project(self.project())
                    .set_zone(zone)
                    .set_instance(name)
                    .send()
            })
            .await;
        match found {
            Ok(vm) => StandbyVm::read(vm).filter(|vm| vm.name == name).map(Some).ok_or_else(|| {
                failure("get standby", ErrorClass::Unexpected, "the reply describes another VM")
            }),
            Err(error) if is_gone(&error, name) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks that a VM and its disk be deleted.
    ///
    /// # Errors
    /// `NotFound` when there is no such VM.
    pub async fn delete(
        &self,
        zone: &str,
        name: &str,
        request_id: Uuid,
    ) -> Result<OperationRef, ProviderError> {
        const OPERATION: &str = "delete standby";
        let begun = self
            .call(OPERATION, || {
                self.instances()
                    .delete()
                    .set_project(self.project())
                    .set_zone(zone)
                    .set_instance(name)
                    .set_request_id(request_id.to_string())
                    .with_idempotency(true)
                    .send()
            })
            .await?;
        OperationRef::begun(OPERATION, zone, begun)
    }

    /// Asks that a stopped or preempted VM run again. A zone without capacity shows in the
    /// operation, not here.
    ///
    /// # Errors
    /// `NotFound` when there is no such VM.
    pub async fn start(
        &self,
        zone: &str,
        name: &str,
        request_id: Uuid,
    ) -> Result<OperationRef, ProviderError> {
        const OPERATION: &str = "start standby";
        let begun = self
            .call(OPERATION, || {
                self.instances()
                    .start()
                    .set_project(self.project())
                    .set_zone(zone)
                    .set_instance(name)
                    .set_request_id(request_id.to_string())
                    .with_idempotency(true)
                    .send()
            })
            .await?;
        OperationRef::begun(OPERATION, zone, begun)
    }

    /// Asks that a VM stop; its disk is kept and billed.
    ///
    /// # Errors
    /// `NotFound` when there is no such VM.
    pub async fn stop(
        &self,
        zone: &str,
        name: &str,
        request_id: Uuid,
    ) -> Result<OperationRef, ProviderError> {
        const OPERATION: &str = "stop standby";
        let begun = self
            .call(OPERATION, || {
                self.instances()
                    .stop()
                    .set_project(self.project())
                    .set_zone(zone)
                    .set_instance(name)
                    .set_request_id(request_id.to_string())
                    .with_idempotency(true)
                    .send()
            })
            .await?;
        OperationRef::begun(OPERATION, zone, begun)
    }

    pub(super) fn instances(&self) -> &Instances {
        &self.0.instances
    }

    pub(super) fn operations(&self) -> &ZoneOperations {
        &self.0.operations
    }

    pub(super) fn zone_client(&self) -> &Zones {
        &self.0.zones
    }

    pub(super) fn permissions(&self) -> &PermissionTest {
        &self.0.permissions
    }

    pub(super) fn machine_type_client(&self) -> &MachineTypes {
        &self.0.machine_types
    }

    /// Sends a call that may be sent again, up to three times.
    pub(super) async fn call<T, F, Fut>(
        &self,
        operation: &'static str,
        mut send: F,
    ) -> Result<T, ProviderError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, google_cloud_gax::error::Error>>,
    {
        let span = tracing::info_span!("provider_call", provider = "gcp", operation);
        let all = retry::idempotent(|| {
            let sent = send();
            measured(Provider::Gcp, operation, async move {
                match timeout(TRY, sent).await {
                    Ok(reply) => reply.map_err(|error| of_call(operation, &error)),
                    Err(_) => Err(no_answer(operation, TRY)),
                }
            })
        });
        timeout(TOTAL, all)
            .instrument(span)
            .await
            .unwrap_or_else(|_| Err(no_answer(operation, TOTAL)))
    }
}

/// Whether it is the VM itself that was not found, rather than its project or zone.
fn is_gone(error: &ProviderError, name: &str) -> bool {
    error.class == ErrorClass::NotFound && error.message.contains(&format!("instances/{name}'"))
}

fn no_answer(operation: &str, after: Duration) -> ProviderError {
    failure(operation, ErrorClass::Transient, format!("no answer within {} s", after.as_secs()))
}

/// The last part of one of Google's resource addresses.
pub(super) fn last_part(link: &str) -> &str {
    link.rsplit('/').next().unwrap_or(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_project_is_not_a_missing_vm() {
        let not_found = |text: &str| failure("x", ErrorClass::NotFound, text);
        assert!(is_gone(
            &not_found("The resource 'projects/p/zones/z/instances/vm-1' was not found"),
            "vm-1"
        ));
        assert!(!is_gone(
            &not_found("The resource 'projects/p/zones/z/instances/vm-12' was not found"),
            "vm-1"
        ));
        assert!(!is_gone(&not_found("The resource 'projects/p' was not found"), "vm-1"));
        assert!(!is_gone(&failure("x", ErrorClass::Auth, "instances/vm-1'"), "vm-1"));
    }
}
