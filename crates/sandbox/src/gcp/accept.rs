//! Takes a change in: checks that it is possible now, records its operation and starts it.
//!
//! All of that happens in one go under the store's lock, so of two callers only one is accepted.

use serde_json::Value;

use super::{
    draft::Draft,
    error::ApiError,
    life, link,
    operation::{Failure, Kind, Operation},
    store::{Store, new_id},
    trouble, view,
    vm::{Key, Status, Vm},
};
use crate::{account::Account, world::World};

/// Why a protected VM is not deleted.
const PROTECTED: &str = "Resource cannot be deleted if it's protected against deletion. deletionProtection must be set to false before the resource can be deleted.";

/// A change that someone asks for.
pub(super) struct Ask<'a> {
    /// The sandbox.
    pub(super) world: &'a World,
    /// Who pays and signs.
    pub(super) account: &'a Account,
    /// The request id that makes a repeat harmless, checked.
    pub(super) request: Option<String>,
}

impl Ask<'_> {
    /// Makes a VM.
    pub(super) fn insert(&self, zone: &str, draft: Draft) -> Result<Value, ApiError> {
        let project = self.account.gcp_project.clone();
        let key = Key { project, zone: zone.to_owned(), name: draft.name.clone() };
        self.take(&key.clone(), |store, now_ms| {
            if store.vm(&key).is_some() {
                return Err(ApiError::exists(&key.path()));
            }
            let doom = trouble::doom(self.world, &key, &draft.machine_type)?;
            Ok(self.add(store, key, draft, doom, now_ms))
        })
    }

    /// Makes many VMs, or none where fewer than `least` can be had.
    pub(super) fn bulk_insert(
        &self,
        zone: &str,
        drafts: Vec<Draft>,
        least: usize,
    ) -> Result<Value, ApiError> {
        let project = self.account.gcp_project.clone();
        let place = Key { project, zone: zone.to_owned(), name: String::new() };
        let mut started = Vec::new();
        let shown = self.take(&place, |store, now_ms| {
            let mut bulk = Operation::bulk(&place.project, zone, &self.account.sa_email, now_ms);
            let mut made = Vec::new();
            for draft in drafts {
                let key = Key { name: draft.name.clone(), ..place.clone() };
                if store.vm(&key).is_some() {
                    return Err(ApiError::exists(&key.path()));
                }
                match trouble::doom(self.world, &key, &draft.machine_type)? {
                    Some(failure) => bulk.doom = bulk.doom.or(Some(failure)),
                    None => made.push((key, draft)),
                }
            }
            if made.len() >= least {
                for (key, draft) in made {
                    let mut op = self.add(store, key, draft, None, now_ms);
                    op.group.clone_from(&bulk.group);
                    store.record(op.clone());
                    started.push(op);
                }
                bulk.doom = None;
            }
            Ok(bulk)
        })?;
        for op in started {
            life::spawn(self.world, op);
        }
        Ok(shown)
    }

    fn add(
        &self,
        store: &mut Store,
        key: Key,
        draft: Draft,
        doom: Option<Failure>,
        now_ms: i64,
    ) -> Operation {
        let vm = self.make(store, key, draft, now_ms);
        let mut op = self.operation(Kind::Insert, &vm, now_ms);
        op.untrue = trouble::untrue(self.world, &vm.key, op.kind).filter(|_| doom.is_none());
        op.doom = doom;
        store.add(vm);
        op
    }

    /// Removes a VM, in whatever state it is, unless it is protected.
    pub(super) fn delete(&self, key: &Key) -> Result<Value, ApiError> {
        self.take(key, |store, now_ms| {
            let vm = here(store, key)?;
            if vm.deletion_protection {
                return Err(ApiError::usage(PROTECTED));
            }
            let mut op = self.operation(Kind::Delete, vm, now_ms);
            op.untrue = trouble::untrue(self.world, key, op.kind);
            if op.untrue.is_none() {
                vm.deleting = true;
                if vm.status == Status::Running {
                    vm.status = Status::Stopping;
                }
            }
            Ok(op)
        })
    }

    /// Starts a stopped VM; a running one is left alone, as the real one does.
    pub(super) fn start(&self, key: &Key) -> Result<Value, ApiError> {
        self.take(key, |store, now_ms| {
            let vm = here(store, key)?;
            let mut op = self.operation(Kind::Start, vm, now_ms);
            match vm.status {
                Status::Running => {}
                Status::Terminated => {
                    op.doom = trouble::doom(self.world, key, &vm.machine_type)?;
                    op.untrue = trouble::untrue(self.world, key, op.kind);
                    vm.status = Status::Staging;
                }
                _ => return Err(ApiError::not_ready(&key.path())),
            }
            Ok(op)
        })
    }

    /// Stops a running VM; for one that is stopped or stopping, waits for that.
    pub(super) fn stop(&self, key: &Key) -> Result<Value, ApiError> {
        self.on_vm(key, Kind::Stop, |vm| match vm.status {
            Status::Running => {
                vm.status = Status::Stopping;
                Ok(())
            }
            Status::Stopping | Status::Terminated => Ok(()),
            Status::Provisioning | Status::Staging => Err(ApiError::not_ready(&vm.key.path())),
        })
    }

    /// Changes a setting.
    pub(super) fn edit(
        &self,
        key: &Key,
        kind: Kind,
        change: impl FnOnce(&mut Vm) -> Result<(), ApiError>,
    ) -> Result<Value, ApiError> {
        self.on_vm(key, kind, change)
    }

    fn on_vm(
        &self,
        key: &Key,
        kind: Kind,
        change: impl FnOnce(&mut Vm) -> Result<(), ApiError>,
    ) -> Result<Value, ApiError> {
        self.take(key, |store, now_ms| {
            let vm = here(store, key)?;
            change(vm)?;
            Ok(self.operation(kind, vm, now_ms))
        })
    }

    /// Records what `decide` gives and starts it, unless the request id was seen before.
    fn take(
        &self,
        key: &Key,
        decide: impl FnOnce(&mut Store, i64) -> Result<Operation, ApiError>,
    ) -> Result<Value, ApiError> {
        let now_ms = self.world.now_ms();
        let project = key.project.as_str();
        let (op, fresh) = self.world.gcp().change(self.world, |store| {
            let seen = self.request.as_deref().and_then(|id| store.repeated(project, id, now_ms));
            if let Some(op) = seen {
                return Ok((op.clone(), false));
            }
            let op = decide(store, now_ms)?;
            store.record(op.clone());
            if let Some(id) = self.request.as_deref() {
                store.remember(project, id, &op.name, now_ms);
            }
            Ok((op, true))
        })?;
        let shown = view::operation(&op);
        if fresh {
            life::spawn(self.world, op);
        }
        Ok(shown)
    }

    fn operation(&self, kind: Kind, vm: &Vm, now_ms: i64) -> Operation {
        Operation::new(kind, vm, &self.account.sa_email, now_ms)
    }

    fn make(&self, store: &Store, key: Key, draft: Draft, now_ms: i64) -> Vm {
        let id = new_id();
        let taken = store.vms().iter().any(|vm| vm.handle == key.name);
        let handle = if taken { format!("{}.{id}", key.name) } else { key.name.clone() };
        let internal_ip = store.internal_ip(&key.project, link::region_of(&key.zone));
        Vm {
            key,
            id,
            handle,
            account: self.account.id,
            description: draft.description,
            machine_type: draft.machine_type,
            status: Status::Provisioning,
            deleting: false,
            crashed: false,
            boots: 0,
            created_ms: now_ms,
            last_start_ms: None,
            last_stop_ms: None,
            labels: draft.labels,
            metadata: draft.metadata,
            tags: draft.tags,
            scheduling: draft.scheduling,
            disks: draft.disks,
            network: super::vm::Network {
                network: draft.network,
                internal_ip,
                external: draft.external,
            },
            nat_ip: None,
            service_accounts: draft.service_accounts,
            deletion_protection: draft.deletion_protection,
        }
    }
}

/// The VM, if it is there and not being removed.
fn here<'a>(store: &'a mut Store, key: &Key) -> Result<&'a mut Vm, ApiError> {
    let id = store.vm(key).map(|vm| vm.id);
    let vm = id.and_then(|id| store.target_mut(key, id));
    match vm {
        None => Err(ApiError::not_found(&key.path())),
        Some(vm) if vm.deleting => Err(ApiError::not_ready(&key.path())),
        Some(vm) => Ok(vm),
    }
}
