//! Whose time a phase took: the providers', that of others who must give something first, or ours.

use super::Journal;
use crate::failover::{Outcome, Phase, StepRow};
use crate::time::Millis;

/// The time of one phase over all its attempts, ms. What runs between two rounds of a phase belongs
/// to the phases that run then, and is in none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Clocks {
    /// Requests to providers, until they answered.
    pub(super) provider: i64,
    /// Pauses before the next attempt: for credit, for an offer, or because a provider asked for one.
    pub(super) waiting: i64,
    /// All the rest.
    pub(super) own: i64,
}

/// The clocks of a phase; `goes_on` while an attempt may still follow the last one.
pub(super) fn clocks(phase: Phase, journal: &Journal<'_>, goes_on: bool) -> Clocks {
    let rows: Vec<&StepRow> =
        journal.steps.iter().filter(|row| row.name.phase() == Some(phase)).collect();
    let mut found = Clocks::default();
    let mut own = 0;
    for (place, row) in rows.iter().enumerate() {
        let start = begin(phase, row, journal);
        let end = row.ended_at.unwrap_or(journal.now);
        found.provider += row.provider_ms.max(0);
        own += end.since(start).max(0);
        let next = rows.get(place + 1).map(|next| next.started_at);
        let Some(until) = next.or_else(|| goes_on.then_some(journal.now)) else { continue };
        let wait = pause(row).map_or(0, |again| again.min(until).since(end).max(0));
        found.waiting += wait;
        // From the end of the pause on it is ours, unless another phase runs meanwhile.
        if next.is_some() {
            own += idle(end.plus(wait), until, phase, journal);
        }
    }
    found.own = (own - found.provider).max(0);
    found
}

/// Detection begins with the last proof of life, before its own record.
fn begin(phase: Phase, row: &StepRow, journal: &Journal<'_>) -> Millis {
    if phase == Phase::Detecting {
        row.started_at.min(journal.failover.started_at)
    } else {
        row.started_at
    }
}

/// Until when an attempt asked to wait.
fn pause(row: &StepRow) -> Option<Millis> {
    (row.outcome == Some(Outcome::Retry)).then_some(row.retry_at).flatten()
}

/// How long within a span no step of another phase ran.
fn idle(from: Millis, to: Millis, phase: Phase, journal: &Journal<'_>) -> i64 {
    let mut busy: Vec<(Millis, Millis)> = journal
        .steps
        .iter()
        .filter(|row| row.name.phase() != Some(phase))
        .map(|row| (row.started_at.max(from), row.ended_at.unwrap_or(journal.now).min(to)))
        .filter(|(start, end)| start < end)
        .collect();
    busy.sort_unstable();
    let mut at = from;
    let mut found = 0;
    for (start, end) in busy {
        found += start.since(at).max(0);
        at = at.max(end);
    }
    found + to.since(at).max(0)
}

#[cfg(test)]
mod tests {
    use super::super::failover_view;
    use super::super::testing::{Story, at};
    use super::*;
    use crate::failover::{FailoverState, StepName};

    fn of(story: &Story, phase: Phase) -> (i64, i64, i64) {
        let view = failover_view(&story.journal());
        let window = view.phases.iter().find(|window| window.name == phase).expect("begun");
        (window.provider_ms, window.waiting_ms, window.own_ms)
    }

    /// Searched twice with a pause of a minute that the market asked for.
    fn waited() -> Story {
        let mut story = Story::lost_and_recovered();
        story.steps.retain(|row| row.name != StepName::Search);
        story.step(StepName::Search, 0, 1_900, Some((2_000, Outcome::Retry)));
        if let Some(row) = story.steps.last_mut() {
            row.retry_at = Some(at(62_000));
        }
        story.step(StepName::Search, 0, 62_100, Some((62_500, Outcome::Ok)));
        story
    }

    #[test]
    fn a_pause_is_neither_the_providers_time_nor_ours() {
        let mut story = waited();
        // Nothing else runs while it waits.
        story.steps.retain(|row| {
            matches!(row.name, StepName::Detect | StepName::Fence | StepName::Search)
        });
        story.failover.state = FailoverState::Running;
        story.failover.ended_at = None;
        assert_eq!(of(&story, Phase::SearchingGpu), (10, 60_000, 590));
    }

    #[test]
    fn what_other_phases_took_between_two_rounds_is_not_this_ones_own() {
        let mut story = Story::lost_and_recovered();
        story.step(StepName::Search, 1, 80_000, Some((80_400, Outcome::Ok)));
        let (provider, waiting, own) = of(&story, Phase::SearchingGpu);
        assert_eq!((provider, waiting), (10, 0));
        assert!(own < 7_000, "a minute of booting is no search: {own}");
    }

    #[test]
    fn a_wait_that_goes_on_grows_and_one_that_was_given_up_ends() {
        let mut story = waited();
        story
            .steps
            .retain(|row| !(row.name == StepName::Search && row.outcome == Some(Outcome::Ok)));
        story.failover.state = FailoverState::Waiting;
        story.failover.ended_at = None;
        story.now = at(32_000);
        story.steps.retain(|row| row.started_at < at(3_000) && row.name != StepName::Buy);
        assert_eq!(of(&story, Phase::SearchingGpu).1, 30_000);
        story.failover.state = FailoverState::Cancelled;
        story.failover.ended_at = Some(at(32_000));
        assert_eq!(of(&story, Phase::SearchingGpu).1, 0);
    }

    #[test]
    fn a_phase_without_pauses_is_shared_between_the_providers_and_us() {
        let story = Story::lost_and_recovered();
        let view = failover_view(&story.journal());
        for window in &view.phases {
            let length = window.ended_at.expect("over").0.since(window.started_at.0);
            assert_eq!(window.provider_ms + window.own_ms, length, "{}", window.name);
        }
        assert_eq!(view.waiting_ms, 0);
        assert_eq!(view.provider_ms + view.own_ms, 75_200, "all phases together");
    }
}
