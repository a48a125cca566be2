//! Google takes Spot VMs back: the fault `standby_preempted` and simulated maintenance events.

use serde_json::Value;

use super::{
    life,
    operation::{Kind, Operation},
    vm::{Status, Vm},
};
use crate::{fault::Fault, world::World};

/// Takes back every running Spot VM that the fault is armed for. It stays armed for VMs that come
/// up later, until its count is used up or it is cleared.
pub(super) fn strike(world: &World) {
    let spots: Vec<Vm> = world.gcp().read(|store| {
        let running = |vm: &&Vm| vm.status == Status::Running && vm.scheduling.spot();
        store.vms().iter().filter(running).cloned().collect()
    });
    for vm in spots {
        let Some(params) = world.faults().hit(Fault::StandbyPreempted, Some(&vm.handle)) else {
            continue;
        };
        let notice_s = params.get("notice_s").and_then(Value::as_f64).unwrap_or(0.0);
        preempt(world, &vm, notice_s);
    }
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
