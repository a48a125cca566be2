//! What happens to a machine and its standby outside any failover.

use super::{Figures, News, NewsKind};
use crate::association::{Association, AssociationState};
use crate::id::{AssociationId, FailoverId, GpuId};
use crate::name;
use crate::point::{Change, Return};
use crate::standby::StandbyState;
use crate::time::Millis;
use crate::verdict::Cause;

/// Kinds that stand until the standby is ready again.
const DOWN: [NewsKind; 4] = [
    NewsKind::StandbyDegraded,
    NewsKind::StandbyLost,
    NewsKind::StandbyPreempted,
    NewsKind::StandbyStopped,
];

/// Characters of a host key that name it.
const KEY_END: usize = 43;

fn news(of: &Association, kind: NewsKind, at: Millis, sandbox: bool, figures: Figures) -> News {
    News {
        user: of.user.clone(),
        fact: fact(kind, &of.id),
        kind,
        failover: None,
        association: Some(of.id.clone()),
        gpu: Some(of.gpu),
        machine_name: Some(of.name.clone()),
        at,
        sandbox,
        figures,
        ends: Vec::new(),
    }
}

fn fact(kind: NewsKind, of: &AssociationId) -> String {
    format!("{kind}/{of}")
}

/// A standby has come to this state; `None`: it is gone with its disk. Nothing is told of one that
/// is being removed.
#[must_use]
pub fn standby(
    of: &Association,
    now: Option<StandbyState>,
    at: Millis,
    sandbox: bool,
) -> Option<News> {
    if of.state == AssociationState::Deleting {
        return None;
    }
    let kind = match now {
        None => NewsKind::StandbyLost,
        Some(StandbyState::Failed) => NewsKind::StandbyDegraded,
        Some(StandbyState::Preempted) => NewsKind::StandbyPreempted,
        Some(StandbyState::Stopped) => NewsKind::StandbyStopped,
        Some(StandbyState::Ready) => NewsKind::StandbyBack,
        Some(StandbyState::Creating | StandbyState::Booting | StandbyState::Deleting) => {
            return None;
        }
    };
    let told = news(of, kind, at, sandbox, Figures::default());
    if kind != NewsKind::StandbyBack {
        return Some(told);
    }
    // Told only where something was: a standby that comes up for the first time is no news.
    let ends = DOWN.iter().map(|down| fact(*down, &of.id)).collect();
    Some(News { fact: format!("{}/{}", told.fact, at.0), ends, ..told })
}

/// The tripwire stopped sync. `None`: the workspace itself was not there.
#[must_use]
pub fn frozen(of: &Association, would: Option<(i64, i64)>, at: Millis, sandbox: bool) -> News {
    let figures = Figures {
        would_delete: would.map(|(files, _)| files),
        of_files: would.map(|(_, of)| of),
        ..Figures::default()
    };
    let told = news(of, NewsKind::SyncFrozen, at, sandbox, figures);
    News { fact: format!("{}/{}", told.fact, at.0), ..told }
}

/// A way back to a recovery point ended.
#[must_use]
pub fn went_back(of: &Association, back: &Return, done: bool, at: Millis, sandbox: bool) -> News {
    let kind = if done { NewsKind::WentBack } else { NewsKind::GoBackFailed };
    let figures = Figures {
        point_at: back.point_at,
        changed_files: back.change.map(Change::files).filter(|_| done),
        ..Figures::default()
    };
    let told = news(of, kind, at, sandbox, figures);
    News { fact: format!("{}/{}", told.fact, back.asked_at.0), ..told }
}

/// A GPU is lost, and its user wants nothing done by itself, or there is nothing to fail over to.
/// Stands until [`loss`] is over.
#[must_use]
pub fn gpu_lost(
    of: &Association,
    cause: Cause,
    protected: bool,
    at: Millis,
    sandbox: bool,
) -> News {
    let copied_to = of.sync.complete_to.filter(|_| protected);
    let figures = Figures {
        cause: Some(cause),
        protected: Some(protected),
        copy_age_ms: copied_to.map(|to| at.since(to).max(0)),
        ..Figures::default()
    };
    news(of, NewsKind::GpuLost, at, sandbox, figures)
}

/// A GPU does not answer and nobody can say whether it is lost. Stands until [`silence`] is over.
#[must_use]
pub fn gpu_silent(of: &Association, at: Millis, sandbox: bool) -> News {
    news(of, NewsKind::GpuSilent, at, sandbox, Figures::default())
}

/// A GPU that was left held files beyond the copy; they are on the standby now.
#[must_use]
pub fn late_writes(
    of: &Association,
    failover: &FailoverId,
    gpu: GpuId,
    files: i64,
    at: Millis,
    sandbox: bool,
) -> News {
    let figures = Figures { late_files: Some(files), ..Figures::default() };
    let told = news(of, NewsKind::LateWrites, at, sandbox, figures);
    let fact = format!("{}/{failover}/{gpu}", told.fact);
    News { fact, failover: Some(failover.clone()), gpu: Some(gpu), ..told }
}

/// The standing fact of a GPU that is silent, over when it is judged again.
#[must_use]
pub fn silence(of: &AssociationId) -> String {
    fact(NewsKind::GpuSilent, of)
}

/// A machine shows a host key that another had before. Told once for each machine and key.
#[must_use]
pub fn host_key_shared(
    of: &Association,
    first: &Association,
    key: &str,
    at: Millis,
    sandbox: bool,
) -> News {
    let figures = Figures { other_machine: Some(name::shown(&first.name)), ..Figures::default() };
    let told = news(of, NewsKind::HostKeyShared, at, sandbox, figures);
    // The end of a key tells it from all others.
    let from = key.char_indices().rev().nth(KEY_END).map_or(0, |(at, _)| at);
    let end = key.get(from..).unwrap_or(key);
    News { fact: format!("{}/{end}", told.fact), ..told }
}

/// The standing fact of a lost GPU, over when the machine answers again.
#[must_use]
pub fn loss(of: &AssociationId) -> String {
    fact(NewsKind::GpuLost, of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::association::{Hooks, Serving, SyncStatus};
    use crate::id::{Epoch, UserId};
    use crate::offer::GpuSpec;

    fn machine(state: AssociationState) -> Association {
        Association {
            id: AssociationId::new("a"),
            user: UserId::new("u"),
            gpu: GpuId(42),
            name: "trainer".into(),
            workspace: "/workspace".into(),
            image: None,
            spec: GpuSpec::default(),
            hooks: Hooks::default(),
            state,
            reason: None,
            serving: Serving::Gpu,
            want_running: true,
            sync_enabled: true,
            epoch: Epoch(1),
            gpu_endpoint: None,
            gpu_host_key: None,
            standby: None,
            sync: SyncStatus::default(),
            active_failover: None,
            created_at: Millis(0),
        }
    }

    fn told(now: Option<StandbyState>) -> Option<News> {
        standby(&machine(AssociationState::Following), now, Millis(5), false)
    }

    #[test]
    fn a_standby_that_is_back_ends_whatever_it_was_down_by() {
        let back = told(Some(StandbyState::Ready)).expect("told");
        assert_eq!(back.kind, NewsKind::StandbyBack);
        for now in [
            None,
            Some(StandbyState::Failed),
            Some(StandbyState::Preempted),
            Some(StandbyState::Stopped),
        ] {
            let down = told(now).expect("told");
            assert!(back.ends.contains(&down.fact), "{} stays", down.fact);
            assert!(down.ends.is_empty());
        }
    }

    #[test]
    fn a_standby_that_comes_up_or_is_being_removed_is_no_news() {
        assert_eq!(told(Some(StandbyState::Creating)), None);
        assert_eq!(told(Some(StandbyState::Booting)), None);
        for now in [None, Some(StandbyState::Ready), Some(StandbyState::Stopped)] {
            let going = machine(AssociationState::Deleting);
            assert_eq!(standby(&going, now, Millis(5), false), None);
        }
    }

    #[test]
    fn a_second_freeze_is_told_too_and_a_standing_loss_is_not() {
        let of = machine(AssociationState::Following);
        let first = frozen(&of, Some((30, 40)), Millis(1), true);
        assert_ne!(first.fact, frozen(&of, None, Millis(2), true).fact);
        assert_eq!((first.figures.would_delete, first.figures.of_files), (Some(30), Some(40)));
        let lost = |at| gpu_lost(&of, Cause::Outbid, true, Millis(at), false).fact;
        assert_eq!(lost(1), lost(2));
        assert_eq!(lost(1), loss(&of.id));
    }

    #[test]
    fn a_loss_is_told_with_the_age_of_the_copy_where_there_is_one() {
        let mut of = machine(AssociationState::Following);
        let age = |of: &Association, protected| {
            gpu_lost(of, Cause::Outbid, protected, Millis(30_000), false).figures.copy_age_ms
        };
        assert_eq!(age(&of, true), None, "not known is not new");
        of.sync.complete_to = Some(Millis(2_000));
        assert_eq!(age(&of, true), Some(28_000));
        assert_eq!(age(&of, false), None);
    }
}
