//! The two providers, as one process reaches them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::gpu::GpuInstance;
use domain::id::GpuId;
use domain::launch::Launch;
use domain::money::MicroUsd;
use domain::offer::{Offer, OfferFilter};
use domain::provider::{ErrorClass, Provider, ProviderError};
use domain::time::Millis;
use engine::ports::{Gpus, Hosts, Outside, Vms};
use providers::gcp::{Access, OperationRef, StandbyRequest, StandbyVm, VmStatus, Zone};
use providers::ssh::SshError;
use providers::vast::{Account, Bought, Create, Listing};
use secrecy::SecretString;
use uuid::Uuid;

use crate::host::Ways;
use crate::oracle;
use crate::plan::Purchase;
use crate::process::Fate;
use crate::world::{Host, Vm, World, host_of, vm_host};

/// How long a VM takes to boot, ms.
const VM_BOOT_MS: u64 = 5_000;
/// How long a call to a provider hangs that gets no answer.
const HANG: Duration = Duration::from_secs(10);

/// What a process reaches.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(crate) world: World,
    pub(crate) fate: Arc<Fate>,
}

fn failure(provider: Provider, operation: &str, class: ErrorClass) -> ProviderError {
    ProviderError {
        provider,
        operation: operation.into(),
        message: format!("{class:?}"),
        class,
        http_status: None,
        created: None,
    }
}

impl Reach {
    /// The time that a call takes, and whether it arrives at all.
    async fn call(&self, provider: Provider, operation: &'static str) -> Result<(), ProviderError> {
        self.fate.before().await;
        if !self.fate.has_providers() {
            tokio::time::sleep(HANG).await;
            return Err(failure(provider, operation, ErrorClass::Transient));
        }
        let ms = self.world.dice().between(20, 300);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok(())
    }

    fn note(&self, words: &str) {
        self.world.note(&format!("p{} {words}", self.fate.number));
    }

    fn vast(operation: &'static str, class: ErrorClass) -> ProviderError {
        failure(Provider::Vast, operation, class)
    }

    fn gcp(operation: &'static str, class: ErrorClass) -> ProviderError {
        failure(Provider::Gcp, operation, class)
    }

    /// Does something to an instance, where there is one.
    async fn change(
        &self,
        operation: &'static str,
        id: GpuId,
        change: impl FnOnce(&World) + Send,
    ) -> Result<(), ProviderError> {
        self.call(Provider::Vast, operation).await?;
        let found = self.world.state().gpus.contains_key(&id.0);
        self.note(&format!("{operation} {id} found={found}"));
        if found {
            change(&self.world);
        }
        self.fate.after().await;
        if found { Ok(()) } else { Err(Self::vast(operation, ErrorClass::NotFound)) }
    }
}

#[async_trait]
impl Gpus for Reach {
    async fn user(&self) -> Result<Account, ProviderError> {
        self.call(Provider::Vast, "user").await?;
        let credit = Some(MicroUsd(100_000_000));
        Ok(Account { id: Some(1), credit, ..Account::default() })
    }

    async fn list(&self) -> Result<Listing, ProviderError> {
        self.call(Provider::Vast, "list").await?;
        let listing = Listing { instances: self.world.listed(), complete: true };
        self.fate.after().await;
        Ok(listing)
    }

    async fn get(&self, id: GpuId) -> Result<Option<GpuInstance>, ProviderError> {
        self.call(Provider::Vast, "get").await?;
        Ok(self.world.one(id))
    }

    async fn launch(&self, id: GpuId) -> Result<Option<Launch>, ProviderError> {
        self.call(Provider::Vast, "launch").await?;
        Ok(self.world.one(id).map(|_| Launch::default()))
    }

    async fn search(&self, filter: &OfferFilter, _gb: f64) -> Result<Vec<Offer>, ProviderError> {
        self.call(Provider::Vast, "search").await?;
        let offers = (2..8).map(offer).filter(|offer| filter.admits(offer)).collect();
        Ok(offers)
    }

    async fn search_leaving(
        &self,
        filter: &OfferFilter,
        storage_gb: f64,
        _kept: usize,
    ) -> Result<Vec<Offer>, ProviderError> {
        self.search(filter, storage_gb).await
    }

    fn can_search_leaving(&self, _kept: usize) -> bool {
        true
    }

    async fn buy(&self, offer: i64, create: &Create) -> Result<Bought, ProviderError> {
        const OPERATION: &str = "buy";
        self.call(Provider::Vast, OPERATION).await?;
        let how = self.world.state().purchases.pop_front().unwrap_or(Purchase::Made);
        let label = create.label.clone();
        let made = match how {
            Purchase::Refused | Purchase::Lost => None,
            how => Some(self.world.make(Some(label.clone()), offer, how, false)),
        };
        self.world.state().bought += u64::from(made.is_some());
        self.note(&format!("buy offer={offer} label={label} {how:?} made={made:?}"));
        self.fate.after().await;
        match (how, made) {
            (Purchase::Refused, _) => Err(Self::vast(OPERATION, ErrorClass::Capacity)),
            (Purchase::Lost | Purchase::Unclear(_), _) => {
                Err(Self::vast(OPERATION, ErrorClass::Transient))
            }
            (Purchase::RefusedButMade, made) => {
                Err(ProviderError { created: made, ..Self::vast(OPERATION, ErrorClass::Invalid) })
            }
            (_, Some(id)) => Ok(Bought::Created(GpuId(id))),
            (_, None) => Err(Self::vast(OPERATION, ErrorClass::Unexpected)),
        }
    }

    async fn start(&self, id: GpuId) -> Result<(), ProviderError> {
        self.change("start", id, |world| {
            let mut state = world.state();
            if let Some(gpu) = state.gpus.get_mut(&id.0) {
                gpu.stopped = false;
                gpu.outbid = false;
            }
            if let Some(host) = state.hosts.get_mut(&host_of(id.0)) {
                host.down = false;
                host.boot += 1;
            }
        })
        .await
    }

    async fn stop(&self, id: GpuId) -> Result<(), ProviderError> {
        self.change("stop", id, |world| {
            let mut state = world.state();
            if let Some(gpu) = state.gpus.get_mut(&id.0) {
                gpu.stopped = true;
            }
            if let Some(host) = state.hosts.get_mut(&host_of(id.0)) {
                host.down = true;
                host.writes = false;
            }
        })
        .await
    }

    async fn label(&self, id: GpuId, label: &str) -> Result<(), ProviderError> {
        let label = label.to_owned();
        self.change("label", id, move |world| {
            if let Some(gpu) = world.state().gpus.get_mut(&id.0) {
                gpu.label = Some(label);
            }
        })
        .await
    }

    async fn destroy(&self, id: GpuId) -> Result<(), ProviderError> {
        self.change("destroy", id, |world| {
            oracle::destroying(world, id.0);
            world.state().destroyed.insert(id.0);
            world.remove_gpu(id.0);
        })
        .await
    }

    async fn attach_key(&self, _id: GpuId, _key: &str) -> Result<(), ProviderError> {
        self.call(Provider::Vast, "attach key").await
    }

    async fn ensure_account_key(&self, _key: &str) -> Result<(), ProviderError> {
        self.call(Provider::Vast, "account key").await
    }
}

fn offer(machine: i64) -> Offer {
    Offer {
        id: machine,
        machine_id: Some(machine),
        gpu_name: "RTX 4090".into(),
        num_gpus: 1,
        gpu_ram_mb: 24_000,
        cpu_cores: 8.0,
        cpu_ram_mb: 32_000,
        disk_gb: 500.0,
        inet_down: 500.0,
        inet_up: 500.0,
        usd_per_hour: MicroUsd(400_000 + machine),
        min_bid: None,
        geolocation: Some("Oregon, US".into()),
        reliability: 0.99,
        cuda_version: None,
        verified: true,
        static_ip: true,
        rented: false,
    }
}

#[async_trait]
impl Vms for Reach {
    fn project(&self) -> &'static str {
        "project"
    }

    async fn check(&self) -> Result<Access, ProviderError> {
        self.call(Provider::Gcp, "check").await?;
        let zone = Zone { name: "europe-west1-b".into(), region: None, up: true };
        Ok(Access { project: "project".into(), email: String::new(), zones: vec![zone] })
    }

    async fn create_standby(
        &self,
        request: &StandbyRequest,
    ) -> Result<OperationRef, ProviderError> {
        self.call(Provider::Gcp, "create standby").await?;
        let name = request.name.clone();
        let up_at = self.world.now() + VM_BOOT_MS;
        let new = {
            let mut state = self.world.state();
            let new = !state.vms.contains_key(&name);
            if new {
                let status = VmStatus::Running;
                let vm = Vm { status, up_at, preempted_at: None, starts: 1 };
                state.vms.insert(name.clone(), vm);
                let host = Host { boot: 1, silent_until: up_at + 2_000, ..Host::default() };
                state.hosts.insert(vm_host(&name), host);
            }
            new
        };
        self.note(&format!("create vm {name} new={new}"));
        self.fate.after().await;
        if !new {
            return Err(Self::gcp("create standby", ErrorClass::Conflict));
        }
        Ok(OperationRef { zone: request.zone.clone(), name })
    }

    async fn wait(&self, operation: &OperationRef, _most: Duration) -> Result<(), ProviderError> {
        self.call(Provider::Gcp, "wait").await?;
        let up_at = self.world.state().vms.get(&operation.name).map_or(0, |vm| vm.up_at);
        let left = up_at.saturating_sub(self.world.now());
        tokio::time::sleep(Duration::from_millis(left)).await;
        Ok(())
    }

    async fn get(&self, _zone: &str, name: &str) -> Result<Option<StandbyVm>, ProviderError> {
        self.call(Provider::Gcp, "get vm").await?;
        Ok(self.world.vm(name))
    }

    async fn delete(
        &self,
        zone: &str,
        name: &str,
        _request: Uuid,
    ) -> Result<OperationRef, ProviderError> {
        self.call(Provider::Gcp, "delete vm").await?;
        let found = {
            let mut state = self.world.state();
            if let Some(host) = state.hosts.get_mut(&vm_host(name)) {
                host.down = true;
                host.writes = false;
            }
            state.vms.remove(name).is_some()
        };
        self.note(&format!("delete vm {name} found={found}"));
        self.fate.after().await;
        if !found {
            return Err(Self::gcp("delete vm", ErrorClass::NotFound));
        }
        Ok(OperationRef { zone: zone.into(), name: name.into() })
    }

    async fn start(
        &self,
        zone: &str,
        name: &str,
        _request: Uuid,
    ) -> Result<OperationRef, ProviderError> {
        self.call(Provider::Gcp, "start vm").await?;
        let up_at = self.world.now() + VM_BOOT_MS;
        let found = {
            let mut state = self.world.state();
            let vm = state.vms.get_mut(name);
            let found = vm.is_some();
            if let Some(vm) = vm
                && vm.status != VmStatus::Running
            {
                vm.status = VmStatus::Running;
                vm.up_at = up_at;
                vm.starts += 1;
                if let Some(host) = state.hosts.get_mut(&vm_host(name)) {
                    host.down = false;
                    host.boot += 1;
                    host.silent_until = up_at + 2_000;
                }
            }
            found
        };
        self.note(&format!("start vm {name} found={found}"));
        self.fate.after().await;
        if !found {
            return Err(Self::gcp("start vm", ErrorClass::NotFound));
        }
        Ok(OperationRef { zone: zone.into(), name: name.into() })
    }

    async fn preempted_since(
        &self,
        _zone: &str,
        name: &str,
        _after: Millis,
    ) -> Result<bool, ProviderError> {
        self.call(Provider::Gcp, "preemptions").await?;
        Ok(self.world.state().vms.get(name).is_some_and(|vm| vm.preempted_at.is_some()))
    }
}

#[async_trait]
impl Outside for Reach {
    fn gpus(&self, _key: &SecretString) -> Result<Arc<dyn Gpus>, ProviderError> {
        Ok(Arc::new(self.clone()))
    }

    async fn vms(&self, _json: &SecretString) -> Result<Arc<dyn Vms>, ProviderError> {
        Ok(Arc::new(self.clone()))
    }

    fn hosts(&self, _key: &SecretString) -> Result<(Arc<dyn Hosts>, String), SshError> {
        Ok((Arc::new(Ways(self.clone())), "ssh-ed25519 AAAA dumont".into()))
    }

    fn new_key(&self) -> Result<SecretString, SshError> {
        Ok("key".to_owned().into())
    }
}
