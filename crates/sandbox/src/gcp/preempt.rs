//! Google takes Spot VMs back: the fault `standby_preempted` and simulated maintenance events.

use serde_json::Value;

use super::{
    life,
    operation::{Kind, Operation},
    vm::{Status, Vm},
};
use crate::{
    fault::{Armed, Fault},
    world::World,
};

/// The fault was just armed: takes back the running Spot VMs that it is meant for. Armed with a
/// count, it does so that often, waiting for VMs that come up later; without one it strikes now, and
/// only now, or a VM that is started again would never stay up.
pub(super) fn armed(world: &World, fault: &Armed) {
    if fault.count.is_some() {
        strike(world);
        return;
    }
    for vm in running_spots(world) {
        if fault.target.as_ref().is_none_or(|target| *target == vm.handle) {
            preempt(world, &vm, notice_s(&fault.params));
        }
    }
}

/// Takes back the running Spot VMs that a counted arming still waits for.
pub(super) fn strike(world: &World) {
    let faults = world.faults();
    let mut waiting = faults.armed(world.now_ms());
    waiting.retain(|fault| fault.name == Fault::StandbyPreempted && fault.count.is_some());
    if waiting.is_empty() {
        return;
    }
    for vm in running_spots(world) {
        if let Some(params) = faults.hit(Fault::StandbyPreempted, Some(&vm.handle)) {
            preempt(world, &vm, notice_s(&params));
        }
    }
}

fn running_spots(world: &World) -> Vec<Vm> {
    world.gcp().read(|store| {
        let running = |vm: &&Vm| vm.status == Status::Running && vm.scheduling.spot();
        store.vms().iter().filter(running).cloned().collect()
    })
}

fn notice_s(params: &Value) -> f64 {
    params.get("notice_s").and_then(Value::as_f64).unwrap_or(0.0)
}

/// Takes one VM back now. Its guest lives on for `notice_s` seconds (30 at most at the real one).
pub(super) fn preempt(world: &World, vm: &Vm, notice_s: f64) {
    let now_ms = world.now_ms();
    let op = world.gcp().change(world, |store| {
        let vm = store.target_mut(&vm.key, vm.id)?;
        if vm.status != Status::Running || vm.deleting {
            return None;
        }
        vm.status = Status::Stopping;
        let mut op = Operation::new(Kind::Preempted, vm, "system", now_ms);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to two minutes"
        )]
        let notice_ms = (notice_s.clamp(0.0, 120.0) * 1000.0) as u64;
        op.notice_ms = notice_ms;
        store.record(op.clone());
        Some(op)
    });
    if let Some(op) = op {
        life::spawn(world, op);
    }
}
