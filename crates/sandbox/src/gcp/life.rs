//! Carries operations out in the background: the host is made, booted, halted or erased, the VM's
//! status follows, the ledger is told, and the operation ends.
//!
//! The operations of one VM take turns. Each step may be run again after a restart of the sandbox,
//! so none of them assumes that it is the first try.

use std::{future::pending, time::Duration};

use super::{
    operation::{Failure, Kind, Operation},
    preempt, price,
    vm::{Key, Status, TerminationAction, Vm},
};
use crate::{
    host::{HostError, HostKind, HostSpec},
    ledger::{self, Opening},
    profile::Latency,
    world::World,
};

/// Starts an operation that was recorded.
pub(super) fn spawn(world: &World, op: Operation) {
    let inner = world.clone();
    world.spawn(async move { run(&inner, &op).await });
}

async fn run(world: &World, op: &Operation) {
    let turn = world.gcp().turn(op.target_id);
    let held = turn.lock().await;
    let failure = match op.kind {
        Kind::Insert => insert(world, op).await,
        Kind::Start | Kind::AutomaticRestart => start(world, op).await,
        Kind::Stop | Kind::HostError => stop(world, op).await,
        Kind::Preempted => preempted(world, op).await,
        Kind::Delete => delete(world, op).await,
        Kind::SetMetadata => metadata(world, op).await,
        Kind::Reset => reset(world, op).await,
        Kind::BulkInsert => bulk(world, op).await,
        Kind::SetLabels
        | Kind::SetTags
        | Kind::SetMachineType
        | Kind::SetDeletionProtection
        | Kind::Maintenance => None,
    };
    let failure = failure.or_else(|| op.untrue.clone());
    drop(held);
    let now_ms = world.now_ms();
    world.gcp().change(world, |store| store.finish(&op.name, failure, now_ms));
    preempt::strike(world);
}

/// Lets the time of a latency pass. Never ends when the sandbox stops meanwhile: the operation is
/// then taken up again at the next start.
async fn pass(world: &World, time: Duration) {
    if !world.pause(time).await {
        pending::<()>().await;
    }
}

fn target(world: &World, op: &Operation) -> Option<Vm> {
    world.gcp().read(|store| store.target(&op.target, op.target_id).cloned())
}

fn update(world: &World, op: &Operation, change: impl FnOnce(&mut Vm)) {
    world.gcp().change(world, |store| {
        if let Some(vm) = store.target_mut(&op.target, op.target_id) {
            change(vm);
        }
    });
}

async fn insert(world: &World, op: &Operation) -> Option<Failure> {
    let vm = target(world, op)?;
    if let Some(doom) = &op.doom {
        pass(world, world.profile().delay(Latency::GcpInsert)).await;
        gone(world, &vm);
        return Some(doom.clone());
    }
    let spec = HostSpec {
        keys: vm.ssh_keys(),
        boot_script: vm.boot_script(),
        image: vm.image(),
        disk_bytes: world.disk_bytes(&vm.image(), vm.disk_gb()),
        ..HostSpec::new(vm.host(), HostKind::Standby)
    };
    match world.hosts().create(spec).await {
        Ok(_) | Err(HostError::Exists(_)) => {}
        Err(error) => {
            tracing::error!(vm = %vm.key, %error, "the host of a VM can't be made");
            gone(world, &vm);
            return Some(Failure::internal(error.to_string()));
        }
    }
    give_address(world, op);
    pass(world, world.profile().delay(Latency::GcpInsert)).await;
    came_up(world, op);
    None
}

async fn start(world: &World, op: &Operation) -> Option<Failure> {
    let vm = target(world, op).filter(|vm| vm.status == Status::Staging)?;
    let delay = world.profile().delay(Latency::GcpStart);
    if let Some(doom) = &op.doom {
        pass(world, delay).await;
        update(world, op, |vm| vm.status = Status::Terminated);
        return Some(doom.clone());
    }
    if let Err(error) = world.hosts().remap(&vm.host()).await {
        tracing::error!(vm = %vm.key, %error, "a VM gets no new address");
    }
    give_address(world, op);
    pass(world, delay).await;
    came_up(world, op);
    None
}

/// The guest is gone at once and boots again; disk and address stay.
async fn reset(world: &World, op: &Operation) -> Option<Failure> {
    let vm = target(world, op).filter(|vm| vm.status == Status::Running)?;
    halt(world, &vm).await;
    boot_later(world, &vm, world.profile().delay(Latency::GcpBoot));
    None
}

/// Over when the operations of its VMs are.
async fn bulk(world: &World, op: &Operation) -> Option<Failure> {
    if let Some(doom) = &op.doom {
        pass(world, world.profile().delay(Latency::GcpInsert)).await;
        world.gcp().end_turns(op.target_id);
        return Some(doom.clone());
    }
    let mut news = world.gcp().news();
    let under_way = || {
        world.gcp().read(|store| {
            let own = |other: &&Operation| other.group == op.group && other.kind == Kind::Insert;
            store.operations().iter().filter(own).any(|other| !other.done())
        })
    };
    while under_way() {
        if news.changed().await.is_err() {
            pending::<()>().await;
        }
    }
    world.gcp().end_turns(op.target_id);
    None
}

async fn stop(world: &World, op: &Operation) -> Option<Failure> {
    let vm = target(world, op).filter(|vm| vm.status == Status::Stopping)?;
    halt(world, &vm).await;
    if op.kind == Kind::Stop {
        pass(world, world.profile().delay(Latency::GcpStop)).await;
    }
    went_down(world, op);
    if op.kind == Kind::HostError {
        update(world, op, |vm| vm.crashed = true);
        if vm.scheduling.automatic_restart {
            super::crash::restart(world, &vm.key, vm.id);
        }
    }
    None
}

async fn preempted(world: &World, op: &Operation) -> Option<Failure> {
    let vm = target(world, op).filter(|vm| vm.status == Status::Stopping)?;
    pass(world, Duration::from_millis(op.notice_ms)).await;
    halt(world, &vm).await;
    pass(world, world.profile().delay(Latency::GcpStop)).await;
    match vm.scheduling.on_preemption {
        Some(TerminationAction::Delete) => erase(world, &vm).await,
        Some(TerminationAction::Stop) | None => went_down(world, op),
    }
    None
}

async fn delete(world: &World, op: &Operation) -> Option<Failure> {
    let vm = target(world, op)?;
    if op.untrue.is_some() {
        pass(world, world.profile().delay(Latency::GcpDelete)).await;
        return None;
    }
    update(world, op, |vm| vm.status = Status::Stopping);
    halt(world, &vm).await;
    pass(world, world.profile().delay(Latency::GcpDelete)).await;
    erase(world, &vm).await;
    None
}

/// Brings the host in line with new metadata.
async fn metadata(world: &World, op: &Operation) -> Option<Failure> {
    let vm = target(world, op)?;
    let keys = world.hosts().set_keys(&vm.host(), vm.ssh_keys()).await;
    let script = world.hosts().set_boot_script(&vm.host(), vm.boot_script()).await;
    for error in [keys.err(), script.err()].into_iter().flatten() {
        tracing::error!(vm = %vm.key, %error, "metadata did not reach the host");
    }
    None
}

async fn halt(world: &World, vm: &Vm) {
    if let Err(error) = world.hosts().halt(&vm.host()).await {
        tracing::error!(vm = %vm.key, %error, "the host of a VM can't be halted");
    }
}

async fn erase(world: &World, vm: &Vm) {
    if let Err(error) = world.hosts().destroy(&vm.host()).await {
        tracing::error!(vm = %vm.key, %error, "the host of a VM can't be erased");
    }
    world.ledger().close(ledger::GCP, &vm.handle, world.now_ms());
    gone(world, vm);
}

fn gone(world: &World, vm: &Vm) {
    world.gcp().change(world, |store| store.remove(&vm.key, vm.id));
    world.gcp().end_turns(vm.id);
}

fn give_address(world: &World, op: &Operation) {
    update(world, op, |vm| {
        let endpoint = world.hosts().endpoint(&vm.host());
        vm.nat_ip = endpoint.filter(|_| vm.network.external.is_some()).map(|at| at.addr);
    });
}

fn came_up(world: &World, op: &Operation) {
    let now_ms = world.now_ms();
    update(world, op, |vm| {
        vm.status = Status::Running;
        vm.crashed = false;
        vm.boots += 1;
        vm.last_start_ms = Some(now_ms);
    });
    let Some(vm) = target(world, op) else { return };
    bill(world, &vm);
    boot_later(world, &vm, world.profile().delay(Latency::GcpBoot));
}

/// Puts the price of a running VM on the bill, which is opened the first time.
fn bill(world: &World, vm: &Vm) {
    let (now_ms, micro_per_hour) = (world.now_ms(), price::running_micro(vm));
    if world.ledger().rate(ledger::GCP, &vm.handle, micro_per_hour, now_ms) {
        return;
    }
    let opening = Opening {
        provider: ledger::GCP,
        external_id: vm.handle.clone(),
        account: vm.account,
        label: vm.key.name.clone(),
        kind: vm.machine(),
        micro_per_hour,
    };
    world.ledger().open(opening, now_ms);
}

fn went_down(world: &World, op: &Operation) {
    let now_ms = world.now_ms();
    update(world, op, |vm| {
        vm.status = Status::Terminated;
        vm.nat_ip = None;
        vm.last_stop_ms = Some(now_ms);
        let micro = price::stopped_micro(vm);
        world.ledger().rate(ledger::GCP, &vm.handle, micro, now_ms);
    });
}

/// Boots the host after `delay`, if the VM still runs for the same reason then.
pub(super) fn boot_later(world: &World, vm: &Vm, delay: Duration) {
    let inner = world.clone();
    let (key, id, boots) = (vm.key.clone(), vm.id, vm.boots);
    world.spawn(async move {
        pass(&inner, delay).await;
        boot(&inner, &key, id, boots).await;
    });
}

async fn boot(world: &World, key: &Key, id: u64, boots: u64) {
    let turn = world.gcp().turn(id);
    let _held = turn.lock().await;
    let vm = world.gcp().read(|store| store.target(key, id).cloned());
    let wanted = |vm: &Vm| vm.status == Status::Running && vm.boots == boots && !vm.deleting;
    let Some(vm) = vm.filter(wanted) else { return };
    match world.hosts().boot(&vm.host()).await {
        Ok(endpoint) => world.gcp().change(world, |store| {
            if let Some(vm) = store.target_mut(key, id) {
                vm.nat_ip = vm.network.external.is_some().then_some(endpoint.addr);
            }
        }),
        Err(error) => tracing::error!(vm = %key, %error, "the host of a VM does not boot"),
    }
}
