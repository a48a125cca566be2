//! What can be done with a machine now, and if not, why. The server decides in the end; this keeps
//! a button from promising what would be refused.

use domain::access::Scope;
use domain::association::{AssociationState, Serving};
use domain::gpu::GpuState;
use domain::standby::StandbyState;
use domain::verdict::Verdict;
use domain::view::machine::MachinePage;

use crate::router::MachineAct;

/// Why something can't be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    UnderWay,
    NoStandby,
    StandbyNotReady,
    NeverSynced,
    NotOnGpu,
    Protected,
    NotListed,
    BeingRemoved,
    NotRunning,
    Running,
    NotOnStandby,
    NotFrozen,
    GpuLost,
    OnlyCopy,
    OnlyCopyLeft,
}

/// Whether something can be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    Shut(Reason),
}

/// Whether whoever looks may ever do it: of another account's machine only what its owner lets them do, and
/// nothing that ends it.
pub(crate) fn is_allowed(act: MachineAct, data: &MachinePage) -> bool {
    let Some(shared) = &data.shared else { return true };
    let ends = matches!(
        act,
        MachineAct::Protect | MachineAct::Unprotect | MachineAct::Destroy | MachineAct::Discard
    );
    !ends && shared.level.covers(Scope::Operate)
}

/// The first reason that stands in the way.
pub(crate) fn gate(act: MachineAct, data: &MachinePage) -> Gate {
    reason(act, data).map_or(Gate::Open, Gate::Shut)
}

fn reason(act: MachineAct, data: &MachinePage) -> Option<Reason> {
    let row = &data.row;
    // What is given up may be under way: that is stopped with it.
    if row.active.is_some() && act != MachineAct::Discard {
        return Some(Reason::UnderWay);
    }
    let tie = row.association.as_ref();
    if tie.is_some_and(|tie| tie.state == AssociationState::Deleting) {
        return Some(Reason::BeingRemoved);
    }
    let state = row.instance.as_ref().map(|instance| instance.status);
    match act {
        MachineAct::Protect if tie.is_some() => Some(Reason::Protected),
        MachineAct::Protect => running(state),
        MachineAct::Drill | MachineAct::FailOver => {
            let tie = match tie {
                None => return Some(Reason::NoStandby),
                Some(tie) => tie,
            };
            let ready = tie.cpu_standby.as_ref().is_some_and(|vm| vm.status == StandbyState::Ready);
            // Where nothing serves there is nothing to rehearse, but all the more to move.
            let away = match act {
                MachineAct::Drill => row.serving != Serving::Gpu,
                _ => row.serving == Serving::Standby,
            };
            let lost = row.verdict == Some(Verdict::ConfirmedLost);
            if away {
                Some(Reason::NotOnGpu)
            } else if lost && act == MachineAct::Drill {
                Some(Reason::GpuLost)
            } else if !ready {
                Some(Reason::StandbyNotReady)
            } else if tie.recovery_point_at.is_none() {
                Some(Reason::NeverSynced)
            } else {
                None
            }
        }
        MachineAct::BackToGpu => {
            let Some(tie) = tie else { return Some(Reason::NoStandby) };
            let ready = tie.cpu_standby.as_ref().is_some_and(|vm| vm.status == StandbyState::Ready);
            if row.serving != Serving::Standby {
                Some(Reason::NotOnStandby)
            } else if !ready {
                Some(Reason::StandbyNotReady)
            } else {
                // Made anew it holds nothing that a GPU could be given.
                tie.recovery_point_at.is_none().then_some(Reason::NeverSynced)
            }
        }
        MachineAct::AcceptDeletions | MachineAct::RestoreDeletions => {
            let frozen = tie.is_some_and(|tie| tie.state == AssociationState::Frozen);
            (!frozen).then_some(Reason::NotFrozen)
        }
        // The server refuses it too: the work would go with it.
        MachineAct::Unprotect if tie.is_some() && row.serving == Serving::Standby => {
            Some(Reason::OnlyCopy)
        }
        MachineAct::Unprotect if tie.is_some() && row.verdict == Some(Verdict::ConfirmedLost) => {
            Some(Reason::OnlyCopyLeft)
        }
        MachineAct::PauseSync
        | MachineAct::ResumeSync
        | MachineAct::Unprotect
        | MachineAct::Discard => tie.is_none().then_some(Reason::NoStandby),
        MachineAct::Pause => running(state),
        MachineAct::Resume => match state {
            None => Some(Reason::NotListed),
            Some(GpuState::Running | GpuState::Provisioning) => Some(Reason::Running),
            Some(_) => None,
        },
        MachineAct::Destroy => state.is_none().then_some(Reason::NotListed),
    }
}

fn running(state: Option<GpuState>) -> Option<Reason> {
    match state {
        None => Some(Reason::NotListed),
        Some(GpuState::Running) => None,
        Some(_) => Some(Reason::NotRunning),
    }
}
