//! What the rows of a failover say that is to be told.

use super::{Figures, News, NewsKind, Wait};
use crate::failover::{
    BuyOutput, Failover, FailoverState, Kind as FailoverKind, StepName, StepRow,
};
use crate::report::{Journal, failover_view};
use crate::route;
use crate::time::Millis;
use crate::view::failover::Ending;

fn news(failover: &Failover, kind: NewsKind, fact: String, at: Millis, figures: Figures) -> News {
    News {
        user: failover.user.clone(),
        fact,
        kind,
        failover: Some(failover.id.clone()),
        association: Some(failover.association.clone()),
        gpu: Some(failover.gpu),
        machine_name: Some(failover.machine_name.clone()),
        at,
        sandbox: failover.sandbox,
        figures: Figures { failover_kind: Some(failover.kind), ..figures },
        ends: Vec::new(),
    }
}

/// A failover begins, with a copy that is complete to `copied_to`. Drills and moves begin by a person's
/// wish, who need not be told.
#[must_use]
pub fn begun(failover: &Failover, copied_to: Option<Millis>, at: Millis) -> Option<News> {
    let figures = Figures {
        cause: Some(failover.cause),
        copy_age_ms: copied_to.map(|to| failover.started_at.since(to).max(0)),
        ..Figures::default()
    };
    (failover.kind == FailoverKind::Real).then(|| {
        news(
            failover,
            NewsKind::FailoverStarted,
            format!("failover_started/{}", failover.id),
            at,
            figures,
        )
    })
}

/// The standby has taken a lost machine over.
#[must_use]
pub fn on_standby(failover: &Failover, at: Millis) -> Option<News> {
    let figures = Figures {
        time_to_cpu_ms: Some(at.since(failover.started_at).max(0)),
        ..Figures::default()
    };
    (failover.kind == FailoverKind::Real).then(|| {
        news(failover, NewsKind::OnStandby, format!("on_standby/{}", failover.id), at, figures)
    })
}

/// A failover waits; once for each candidate and reason.
#[must_use]
pub fn waits(failover: &Failover, wait: Wait, at: Millis) -> Option<News> {
    let fact = format!("failover_waiting/{}/{}/{wait}", failover.id, failover.round);
    let figures = Figures { wait: Some(wait), ..Figures::default() };
    wait.is_told().then(|| news(failover, NewsKind::FailoverWaiting, fact, at, figures))
}

/// A failover is over, with the figures that its report has. One that a person stopped is no news.
#[must_use]
pub fn ended(failover: &Failover, steps: &[StepRow]) -> Option<News> {
    let kind = match (failover.kind, failover.state) {
        (FailoverKind::Real, FailoverState::Complete) => NewsKind::FailoverComplete,
        (FailoverKind::Real, FailoverState::Failed) => NewsKind::FailoverFailed,
        (FailoverKind::Drill, FailoverState::Complete) => NewsKind::DrillPassed,
        (FailoverKind::Drill, FailoverState::Failed) => NewsKind::DrillFailed,
        (FailoverKind::Planned, FailoverState::Complete) => NewsKind::MoveComplete,
        (FailoverKind::Planned, FailoverState::Failed) => NewsKind::MoveFailed,
        _ => return None,
    };
    let at = failover.ended_at?;
    let journal =
        Journal { failover, steps, intents: &[], disposals: &[], association: None, now: at };
    let view = failover_view(&journal);
    let figures = Figures {
        cause: Some(failover.cause),
        time_to_cpu_ms: view.time_to_cpu_ms,
        total_time_ms: view.total_time_ms,
        rpo_ms: view.rpo_ms,
        files_verified: view.files_verified,
        searched_only: failover.kind == FailoverKind::Drill && view.data_restored != Some(true),
        new_gpu: new_gpu(failover, steps),
        unanswered: view.ending == Some(Ending::Unanswered),
        left_out: if failover.kind == FailoverKind::Drill { Vec::new() } else { view.left_out },
        ..Figures::default()
    };
    Some(news(failover, kind, format!("ended/{}", failover.id), at, figures))
}

/// The GPU that was switched to.
fn new_gpu(failover: &Failover, steps: &[StepRow]) -> Option<crate::id::GpuId> {
    route::result(StepName::Switch, failover, steps)?;
    let bought = route::result(StepName::Buy, failover, steps)?;
    serde_json::from_value::<BuyOutput>(bought.output.clone()).ok()?.gpu
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::LaunchPart;
    use crate::report::testing::{Story, at};
    use crate::verdict::Cause;

    #[test]
    fn a_drill_that_proves_nothing_is_told_as_one_that_searched() {
        let mut story = Story::lost_and_recovered();
        story.failover.kind = FailoverKind::Drill;
        let searched = |story: &Story| {
            ended(&story.failover, &story.steps).expect("told").figures.searched_only
        };
        assert!(!searched(&story), "it proved what it restored");
        story.failover.options.new_gpu = false;
        story.steps.retain(|row| matches!(row.name, StepName::Detect | StepName::Search));
        assert!(searched(&story));
        story.failover.kind = FailoverKind::Real;
        assert!(!searched(&story), "of drills alone");
    }

    #[test]
    fn an_end_is_told_with_the_figures_of_its_report() {
        let story = Story::lost_and_recovered();
        let told = ended(&story.failover, &story.steps).expect("told");
        let report = failover_view(&story.journal());
        assert_eq!(told.kind, NewsKind::FailoverComplete);
        assert_eq!(told.at, at(74_300));
        assert_eq!(told.figures.time_to_cpu_ms, report.time_to_cpu_ms);
        assert_eq!(told.figures.total_time_ms, report.total_time_ms);
        assert_eq!((told.figures.rpo_ms, told.figures.files_verified), (Some(2_600), Some(120)));
        assert_eq!(told.figures.failover_kind, Some(FailoverKind::Real));
    }

    #[test]
    fn an_end_says_that_the_new_gpu_answers_nobody_and_what_it_was_launched_without() {
        let mut story = Story::lost_and_recovered();
        for row in &mut story.steps {
            match row.name {
                StepName::Switch => row.output = serde_json::json!({"unanswered": true}),
                StepName::Buy => row.output = serde_json::json!({"gpu": 77, "left_out": ["ports"]}),
                _ => {}
            }
        }
        let told = ended(&story.failover, &story.steps).expect("told").figures;
        assert_eq!((told.unanswered, told.left_out), (true, vec![LaunchPart::Ports]));
        assert_eq!((told.total_time_ms, told.new_gpu.map(|gpu| gpu.0)), (None, Some(77)));
    }

    #[test]
    fn each_kind_of_failover_has_an_end_of_its_own_and_a_cancelled_one_none() {
        use super::{FailoverKind as Of, FailoverState as State};
        let mut failover = Story::lost_and_recovered().failover;
        let mut told = |kind, state| {
            (failover.kind, failover.state) = (kind, state);
            ended(&failover, &[]).map(|news| news.kind)
        };
        assert_eq!(told(Of::Real, State::Failed), Some(NewsKind::FailoverFailed));
        assert_eq!(told(Of::Drill, State::Complete), Some(NewsKind::DrillPassed));
        assert_eq!(told(Of::Drill, State::Failed), Some(NewsKind::DrillFailed));
        assert_eq!(told(Of::Planned, State::Complete), Some(NewsKind::MoveComplete));
        assert_eq!(told(Of::Planned, State::Failed), Some(NewsKind::MoveFailed));
        for kind in Of::ALL {
            assert_eq!(told(*kind, State::Cancelled), None);
            assert_eq!(told(*kind, State::Running), None);
        }
    }

    #[test]
    fn an_end_without_steps_has_no_figures_instead_of_zeros() {
        let mut failover = Story::lost_and_recovered().failover;
        failover.state = FailoverState::Failed;
        let figures = ended(&failover, &[]).expect("told").figures;
        assert_eq!((figures.time_to_cpu_ms, figures.total_time_ms), (None, None));
        assert_eq!((figures.files_verified, figures.new_gpu), (None, None));
    }

    #[test]
    fn only_a_loss_is_told_from_its_beginning() {
        let mut failover = Story::just_begun().failover;
        let copied_to = failover.started_at.plus(-28_000);
        let told = begun(&failover, Some(copied_to), at(1_500)).expect("told");
        assert_eq!((told.figures.cause, told.sandbox), (Some(Cause::HostOffline), true));
        assert_eq!(told.figures.copy_age_ms, Some(28_000));
        let unknown = begun(&failover, None, at(1_500)).expect("told");
        assert_eq!(unknown.figures.copy_age_ms, None, "not known is not new");
        assert_eq!(
            on_standby(&failover, at(2_900)).expect("told").figures.time_to_cpu_ms,
            Some(2_900)
        );
        for kind in [FailoverKind::Drill, FailoverKind::Planned] {
            failover.kind = kind;
            assert_eq!((begun(&failover, None, at(0)), on_standby(&failover, at(0))), (None, None));
        }
    }

    #[test]
    fn a_wait_is_told_once_for_each_candidate_and_reason() {
        let mut failover = Story::just_begun().failover;
        let fact = |failover: &Failover, wait| waits(failover, wait, at(9)).map(|news| news.fact);
        let first = fact(&failover, Wait::Offer);
        assert_ne!(first, fact(&failover, Wait::Credit));
        assert_eq!(first, fact(&failover, Wait::Offer));
        failover.round = 1;
        assert_ne!(first, fact(&failover, Wait::Offer));
        assert_eq!(fact(&failover, Wait::Pace), None);
    }
}
