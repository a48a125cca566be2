//! The simulated Google Compute Engine: VMs, zone operations and the little around them that
//! Google's own clients ask for.
//!
//! [`accept`] decides on requests, [`life`] carries them out on real hosts, [`store`] remembers.
//! Nothing here guesses what the caller wants: what Compute would refuse is refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    routing::{any, get, post},
};
use serde_json::Value;
use tokio::sync::watch;

use crate::fault::{Armed, Fault};
use crate::host::{HostKind, Life};
use crate::ledger;
use crate::money;
use crate::world::{HostEvent, HostRow, World};

mod accept;
mod bearer;
mod body;
mod bulk;
mod call;
mod caller;
mod catalog;
mod crash;
mod disk_types;
mod draft;
mod error;
mod filter;
mod iam;
mod images;
mod instances;
mod life;
mod link;
mod networks;
mod operation;
mod operations;
mod page;
mod places;
mod preempt;
mod price;
mod rates;
mod regions;
mod rule;
mod settings;
mod store;
mod token;
mod trouble;
mod view;
mod vm;

use rates::Rates;
use store::Store;
use vm::{Status, Vm};

type Turn = Arc<tokio::sync::Mutex<()>>;

/// Everything that the simulated Google Compute Engine remembers.
#[derive(Debug, Default)]
pub struct Gcp {
    store: Mutex<Store>,
    news: watch::Sender<u64>,
    turns: Mutex<HashMap<u64, Turn>>,
    rates: Rates,
}

impl Gcp {
    /// The routes `/compute/v1/*`, `/v1/projects/*` and `/token`.
    pub fn router() -> Router<World> {
        let zone = Router::new()
            .route("/", get(places::zone))
            .route("/machineTypes", get(places::machine_types))
            .route("/machineTypes/{name}", get(places::machine_type))
            .route("/diskTypes", get(disk_types::list))
            .route("/diskTypes/{name}", get(disk_types::get))
            .route("/acceleratorTypes", get(disk_types::accelerators))
            .route("/acceleratorTypes/{name}", get(disk_types::accelerator))
            .route("/imageFamilyViews/{family}", get(images::family_view))
            .route("/instances/bulkInsert", post(bulk::insert))
            .route("/instances", get(instances::list).post(instances::insert))
            .route("/instances/{name}", get(instances::get).delete(instances::delete))
            .route("/instances/{name}/start", post(instances::start))
            .route("/instances/{name}/stop", post(instances::stop))
            .route("/instances/{name}/setLabels", post(instances::set_labels))
            .route("/instances/{name}/setMetadata", post(instances::set_metadata))
            .route("/instances/{name}/setTags", post(settings::set_tags))
            .route("/instances/{name}/setMachineType", post(settings::set_machine_type))
            .route(
                "/instances/{name}/setDeletionProtection",
                post(settings::set_deletion_protection),
            )
            .route("/instances/{name}/reset", post(settings::reset))
            .route("/instances/{name}/serialPort", get(instances::serial_port))
            .route("/instances/{name}/simulateMaintenanceEvent", post(instances::maintain))
            .route("/operations", get(operations::list))
            .route("/operations/{name}", get(operations::get).delete(operations::delete))
            .route("/operations/{name}/wait", post(operations::wait))
            .method_not_allowed_fallback(places::not_played);
        let project = Router::new()
            .route("/", get(places::project))
            .route("/zones", get(places::zones))
            .route("/regions", get(regions::list))
            .route("/regions/{region}", get(regions::get))
            .route("/regions/{region}/subnetworks", get(networks::subnetworks))
            .route("/regions/{region}/subnetworks/{name}", get(networks::one_subnetwork))
            .route("/global/networks", get(networks::list))
            .route("/global/networks/{name}", get(networks::get))
            .route("/global/images", get(images::list))
            .route("/global/images/{name}", get(images::get))
            .route("/global/images/family/{family}", get(images::family))
            .route("/aggregated/subnetworks", get(networks::aggregated))
            .route("/aggregated/diskTypes", get(disk_types::aggregated))
            .route("/aggregated/instances", get(instances::aggregated))
            .route("/aggregated/machineTypes", get(places::aggregated_machine_types))
            .route("/aggregated/operations", get(operations::aggregated))
            .nest("/zones/{zone}", zone)
            .fallback(places::not_played)
            .method_not_allowed_fallback(places::not_played);
        Router::new()
            .nest("/compute/v1/projects/{project}", project)
            .route("/v1/projects/{target}", post(iam::test_permissions))
            .route("/token", post(token::exchange))
            .route("/compute/{*rest}", any(places::not_played))
            .route("/v1/{*rest}", any(places::not_played))
            .method_not_allowed_fallback(places::not_played)
    }

    /// All that must survive a restart.
    #[must_use]
    pub fn save(&self) -> Value {
        self.read(|store| serde_json::to_value(store)).unwrap_or_else(|error| {
            tracing::error!(%error, "the VMs can't be written down");
            Value::Null
        })
    }

    /// Takes over what [`Self::save`] gave; called once, before serving.
    ///
    /// # Errors
    /// When the value has another shape.
    pub fn load(&self, saved: Value) -> Result<(), serde_json::Error> {
        if !saved.is_null() {
            *self.lock() = serde_json::from_value(saved)?;
        }
        Ok(())
    }

    /// After a start: boots the hosts of running VMs, goes on with
    /// operations that were under way and arms the faults again.
    pub async fn resume(world: &World) {
        let (vms, operations) =
            world.gcp().read(|store| (store.vms().to_vec(), store.operations().to_vec()));
        for vm in vms.iter().filter(|vm| vm.status == Status::Running && !vm.deleting) {
            // What a fault had killed stays dead until it is healed.
            if world.hosts().life(&vm.host()) != Some(Life::Dead) {
                life::boot_later(world, vm, std::time::Duration::ZERO);
            }
        }
        for op in operations.into_iter().filter(|op| !op.done()) {
            life::spawn(world, op);
        }
        preempt::strike(world);
    }

    /// The VMs for `/_sandbox/state`.
    pub fn rows(&self, _world: &World) -> Vec<HostRow> {
        self.read(|store| store.vms().iter().map(row).collect())
    }

    /// A fault has just been armed; those that act at once act here.
    pub async fn on_fault(world: &World, armed: &Armed) {
        if armed.name == Fault::StandbyPreempted {
            preempt::armed(world, armed);
        }
    }

    /// Something was done to the host of the VM called `id` from outside.
    pub async fn on_host(world: &World, id: &str, event: HostEvent) {
        let vm = world.gcp().read(|store| store.vms().iter().find(|vm| vm.handle == id).cloned());
        if let Some(vm) = vm {
            crash::told(world, vm, event).await;
        }
    }

    /// Looks at the store.
    fn read<R>(&self, look: impl FnOnce(&Store) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the store, has it written to disk and wakes everyone who waits for a change.
    fn change<R>(&self, world: &World, change: impl FnOnce(&mut Store) -> R) -> R {
        let result = change(&mut self.lock());
        self.news.send_modify(|version| *version += 1);
        world.changed();
        result
    }

    /// Rises with every change of the store.
    fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// What the operations of one VM take turns with.
    fn turn(&self, vm: u64) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(vm).or_default())
    }

    /// Forgets the turns of a VM that is gone.
    fn end_turns(&self, vm: u64) {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).remove(&vm);
    }

    fn rates(&self) -> &Rates {
        &self.rates
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn row(vm: &Vm) -> HostRow {
    HostRow {
        provider: ledger::GCP,
        id: vm.handle.clone(),
        host: vm.host(),
        kind: HostKind::Standby,
        account: vm.account,
        label: Some(vm.key.name.clone()),
        machine: vm.machine(),
        status: std::collections::BTreeMap::from([("status", vm.status.word().to_owned())]),
        usd_per_hour: money::usd(vm.rate_micro()),
    }
}
