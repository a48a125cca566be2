//! What the browser's tab says: of a page about one machine its state, else the worst of all machines.
//!
//! Calm says nothing: an icon without a mark and a title without a word claim nothing.

use domain::association::{AssociationState, Serving};
use domain::failover::{FailoverState, Kind};
use domain::standby::StandbyState;
use domain::verdict::Verdict;
use domain::view::failover::FailoverStatus;
use domain::view::machine::{ActiveFailover, MachineRow, MachinesPage};

use crate::text::{self, plural};
use crate::visit::Visit;

/// Words before the title, and the icon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tab {
    /// `◆ 1 on its standby · `; empty where there is nothing to say.
    pub(crate) words: String,
    /// Address of the icon.
    pub(crate) icon: &'static str,
}

/// How much a machine needs someone, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Calm,
    /// On its standby, with nothing under way.
    Standby,
    /// Something is not as it should be.
    Warn,
    /// A failover or a move goes on by itself.
    Busy,
    /// Nothing serves, or a failover can't go on by itself.
    Down,
}

impl Mark {
    const fn shape(self) -> &'static str {
        match self {
            Self::Calm => "",
            Self::Standby => "◆",
            Self::Warn => "▲",
            Self::Busy => "◐",
            Self::Down => "✕",
        }
    }

    const fn icon(self) -> &'static str {
        match self {
            Self::Calm => "/favicon.svg",
            Self::Standby => "/favicon-standby.svg",
            Self::Warn => "/favicon-warn.svg",
            Self::Busy => "/favicon-busy.svg",
            Self::Down => "/favicon-down.svg",
        }
    }

    fn tab(self, words: &str) -> Tab {
        let words =
            if words.is_empty() { String::new() } else { format!("{} {words} · ", self.shape()) };
        Tab { words, icon: self.icon() }
    }
}

/// The worst state of the machines, and how many are in it. `None`: they can't be told.
pub(crate) fn all(visit: &Visit, machines: Option<&MachinesPage>) -> Tab {
    let t = visit.t();
    let own = machines.iter().flat_map(|page| page.machines.iter());
    let shared = machines.iter().flat_map(|page| page.shared.iter().map(|one| &one.row));
    let rows: Vec<&MachineRow> = own.chain(shared).collect();
    let marks: Vec<Mark> = rows.into_iter().filter(|row| row.errand.is_none()).map(mark).collect();
    let worst = marks.iter().copied().max().unwrap_or(Mark::Calm);
    let count = marks.iter().filter(|mark| **mark == worst).count();
    let (one, many) = match worst {
        Mark::Calm => return Mark::Calm.tab(""),
        Mark::Standby => (t.count_standby_one, t.count_standby_many),
        Mark::Warn => (t.tab_warn_one, t.tab_warn_many),
        Mark::Busy => (t.tab_busy_one, t.tab_busy_many),
        Mark::Down => (t.tab_down_one, t.tab_down_many),
    };
    worst.tab(&plural(i64::try_from(count).unwrap_or(i64::MAX), one, many, visit.lang))
}

/// One machine's own.
pub(crate) fn one(visit: &Visit, row: &MachineRow) -> Tab {
    let t = visit.t();
    let mark = mark(row);
    let state = row.association.as_ref().map(|tie| tie.state);
    if let Some(active) = moving(row) {
        return mark.tab(&phase(visit, active.kind, active.phase, active.state));
    }
    let words = match (mark, state) {
        (Mark::Calm, _) => "",
        (Mark::Standby, _) => t.on_standby,
        (Mark::Down, _) if row.serving == Serving::None => t.on_none,
        (_, Some(state @ (AssociationState::Frozen | AssociationState::Degraded))) => {
            text::association(state, t)
        }
        (_, _) => match row.verdict {
            Some(verdict @ (Verdict::Suspect | Verdict::ConfirmedLost)) => {
                text::verdict(verdict, t)
            }
            _ => t.tie_degraded,
        },
    };
    mark.tab(words)
}

/// A failover that goes on; nothing of its own once it is over.
pub(crate) fn failover(visit: &Visit, status: &FailoverStatus) -> Option<Tab> {
    let mark = match status.state {
        FailoverState::Waiting => Mark::Down,
        FailoverState::Running | FailoverState::Cancelling => Mark::Busy,
        FailoverState::Complete | FailoverState::Failed | FailoverState::Cancelled => return None,
    };
    Some(mark.tab(&phase(visit, status.kind, status.phase, status.state)))
}

/// `Provisioning`, or that it waits; a drill says that it is one.
fn phase(
    visit: &Visit,
    kind: Kind,
    phase: domain::failover::Phase,
    state: FailoverState,
) -> String {
    let t = visit.t();
    let waits = state == FailoverState::Waiting;
    let word = if waits { t.failover_waiting } else { text::phase(phase, t) };
    format!("{}: {word}", text::kind_name(kind, t))
}

/// A failover or a move under way; a drill moves nothing.
fn moving(row: &MachineRow) -> Option<&ActiveFailover> {
    row.active.as_ref().filter(|active| active.kind != Kind::Drill)
}

fn mark(row: &MachineRow) -> Mark {
    if let Some(active) = moving(row) {
        let waits = active.state == FailoverState::Waiting;
        return if waits { Mark::Down } else { Mark::Busy };
    }
    let lost = row.verdict == Some(Verdict::ConfirmedLost);
    match row.serving {
        Serving::Standby | Serving::None if row.is_stranded() => return Mark::Down,
        Serving::Standby => return Mark::Standby,
        // Stopped by its user, or not known to anyone who watches.
        Serving::None => return Mark::Calm,
        Serving::Gpu if lost => return Mark::Down,
        Serving::Gpu => {}
    }
    let Some(tie) = row.association.as_ref() else { return Mark::Calm };
    let standby = tie.cpu_standby.as_ref().map(|vm| vm.status);
    let following = tie.state == AssociationState::Following;
    let alone = following && (standby != Some(StandbyState::Ready) || !tie.follows);
    let stuck = matches!(tie.state, AssociationState::Degraded | AssociationState::Frozen);
    // A watcher that can't judge for some seconds, as after a start, is no alarm.
    let stopped = row.is_unheard() && !matches!(row.verdict, None | Some(Verdict::Unknown));
    let silent = row.verdict == Some(Verdict::Suspect);
    if stuck || alone || stopped || silent { Mark::Warn } else { Mark::Calm }
}
