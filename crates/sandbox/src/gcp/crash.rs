//! The machine under a VM breaks: what Compute notices, records and does about it.

use super::{
    life,
    operation::{Kind, Operation},
    vm::{Key, Status, Vm},
};
use crate::{
    host::Life,
    world::{HostEvent, ProviderSays, World},
};

/// Something was done to the host of a VM from outside.
pub(super) async fn told(world: &World, vm: Vm, event: HostEvent) {
    match event {
        HostEvent::Killed(ProviderSays::Offline) => notice_later(world, vm),
        HostEvent::Healed if vm.status == Status::Terminated => {
            if vm.crashed {
                restart(world, &vm.key, vm.id);
            } else if let Err(error) = world.hosts().halt(&vm.host()).await {
                tracing::error!(vm = %vm.key, %error, "the host of a stopped VM can't be halted");
            }
        }
        // Compute has no word for a guest that hangs or is out of reach: it stays RUNNING.
        HostEvent::Killed(ProviderSays::Unknown | ProviderSays::Running)
        | HostEvent::Frozen
        | HostEvent::Thawed
        | HostEvent::Cut
        | HostEvent::Healed => {}
    }
}

fn notice_later(world: &World, vm: Vm) {
    let inner = world.clone();
    world.spawn(async move {
        if !inner.pause(inner.profile().notices_dead_host()).await {
            return;
        }
        if inner.hosts().life(&vm.host()) == Some(Life::Dead) {
            begin(&inner, &vm.key, vm.id, Kind::HostError, Status::Running, Status::Stopping);
        }
    });
}

/// Brings a crashed VM back, as Compute does by itself where that was asked for.
pub(super) fn restart(world: &World, key: &Key, id: u64) {
    begin(world, key, id, Kind::AutomaticRestart, Status::Terminated, Status::Staging);
}

fn begin(world: &World, key: &Key, id: u64, kind: Kind, from: Status, to: Status) {
    let now_ms = world.now_ms();
    let op = world.gcp().change(world, |store| {
        let vm = store.target_mut(key, id).filter(|vm| vm.status == from && !vm.deleting)?;
        vm.status = to;
        let op = Operation::new(kind, vm, "system", now_ms);
        store.record(op.clone());
        Some(op)
    });
    if let Some(op) = op {
        life::spawn(world, op);
    }
}
