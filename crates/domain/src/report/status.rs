//! The figures of one failover.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::clocks::clocks;
use super::instances::served;
use super::stations;
use super::{Journal, cost, touched};
use crate::failover::{
    BuyOutput, DetectOutput, FailoverState, FenceOutput, Kind, Outcome, Phase, STANDBY_GONE,
    StepName, StepRow, SwitchOutput, TakeoverOutput, VerifyOutput,
};
use crate::gaps::Gaps as Known;
use crate::id::GpuId;
use crate::provider::Provider;
use crate::route;
use crate::time::Millis;
use crate::view::Time;
use crate::view::failover::{Ending, FailoverStatus, PhaseWindow, TransferProgress};
use crate::view::gaps::Gaps;

/// The figures of a failover, as the API and its page tell them.
#[must_use]
pub fn failover_view(journal: &Journal<'_>) -> FailoverStatus {
    let failover = journal.failover;
    let rows = journal.steps;
    let phases = windows(journal);
    let takeover = reached(&[StepName::Takeover, StepName::Rehearse], rows);
    let detect: Option<DetectOutput> = output(StepName::Detect, rows);
    let verify: Option<VerifyOutput> = output(StepName::Verify, rows);
    let recovery_point = recovery_point(rows);
    let home = if failover.kind == Kind::Drill { StepName::Verify } else { StepName::Switch };
    let ending = ending(journal);
    let total = |pick: fn(&PhaseWindow) -> i64| phases.iter().map(pick).sum();
    let files_lost = lost(journal, detect.as_ref());
    FailoverStatus {
        failover_id: failover.id.clone(),
        association_id: failover.association.clone(),
        machine_name: crate::name::shown(&failover.machine_name),
        gpu_instance_id: failover.gpu,
        kind: failover.kind,
        reason: failover.note.clone().unwrap_or_else(|| failover.cause.to_string()),
        cause: failover.cause,
        state: failover.state,
        phase: phase(journal),
        started_at: failover.started_at.into(),
        completed_at: failover.ended_at.map(Time),
        success: ending.map(Ending::is_success),
        ending,
        new_gpu_id: new_gpu(journal),
        left_out: output::<BuyOutput>(StepName::Buy, rows).unwrap_or_default().left_out,
        data_restored: restored(journal, verify.as_ref()),
        phase_timings_ms: timings(&phases),
        provider_ms: total(|window| window.provider_ms),
        waiting_ms: total(|window| window.waiting_ms),
        own_ms: total(|window| window.own_ms),
        before: stations::before(journal),
        after: stations::after(journal),
        time_to_cpu_ms: takeover.map(|row| span(failover.started_at, row)),
        total_time_ms: reached(&[home], rows)
            .filter(|_| !is_unanswered(journal))
            .map(|row| span(failover.started_at, row)),
        rpo_ms: lost_ms(journal, detect.as_ref(), files_lost.as_deref(), recovery_point),
        recovery_point_at: recovery_point.map(Time),
        files_verified: verify.as_ref().map(|proof| proof.verified),
        bytes_verified: verify.as_ref().map(|proof| proof.bytes),
        files_lost_more: files_lost.as_ref().is_some_and(|names| !names.is_empty())
            && detect.as_ref().is_some_and(|found| found.unsynced_more),
        files_lost,
        gaps: gaps(rows).as_ref().map(Gaps::from),
        freeze_ms: output::<SwitchOutput>(StepName::Switch, rows).and_then(|done| done.freeze_ms),
        cost_usd: cost(journal).usd(),
        instances: touched(journal),
        options: (&failover.options).into(),
        rounds: failover.round,
        error: failover.error.clone(),
        progress: transfer(journal),
        sandbox: failover.sandbox,
        phases,
    }
}

/// Where it left the work. A failover that could not get a GPU failed, and ended on the standby.
fn ending(journal: &Journal<'_>) -> Option<Ending> {
    let failover = journal.failover;
    if failover.state == FailoverState::Cancelled {
        return Some(Ending::Cancelled);
    }
    if !failover.state.is_over() {
        return None;
    }
    let complete = failover.state == FailoverState::Complete;
    let did = |name| reached(&[name], journal.steps).is_some();
    let gone = journal
        .steps
        .iter()
        .any(|row| row.outcome == Some(Outcome::Failed) && row.output.get(STANDBY_GONE).is_some());
    Some(match failover.kind {
        Kind::Drill if complete => Ending::Passed,
        Kind::Drill => Ending::Failed,
        _ if did(StepName::Switch) && !is_unanswered(journal) => Ending::OnGpu,
        _ if did(StepName::Switch) => Ending::Unanswered,
        // Nothing is left there: it is not where the work is.
        _ if gone => Ending::Failed,
        _ if did(StepName::Takeover) || failover.options.from_standby => Ending::OnStandby,
        _ => Ending::Failed,
    })
}

fn is_unanswered(journal: &Journal<'_>) -> bool {
    route::is_unanswered(journal.failover, journal.steps)
}

/// How far the transfer is that runs now.
fn transfer(journal: &Journal<'_>) -> Option<TransferProgress> {
    let over = journal.failover.state.is_over();
    let running = |row: &&StepRow| row.outcome.is_none() && row.progress.is_some() && !over;
    let row = journal.steps.iter().rev().find(running)?;
    let progress = row.progress?;
    let pace = progress.pace(journal.now);
    Some(TransferProgress {
        step: row.name,
        files: progress.last.files,
        files_total: pace.whole.files,
        bytes: progress.last.bytes,
        bytes_total: pace.whole.bytes,
        bytes_per_second: pace.bytes_per_second,
        files_per_second: pace.millifiles_per_second.map(thousandth),
        left_ms: pace.left_ms,
        as_of: progress.last.at.into(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "rates stay far below 2^53")]
const fn thousandth(value: i64) -> f64 {
    value as f64 / 1_000.0
}

/// The newest successful attempt at any of these steps.
pub(super) fn reached<'a>(names: &[StepName], rows: &'a [StepRow]) -> Option<&'a StepRow> {
    rows.iter().rev().find(|row| names.contains(&row.name) && row.outcome == Some(Outcome::Ok))
}

/// What the newest successful attempt at a step left. A row written by another version that can't be
/// read leaves its figures unknown.
pub(super) fn output<T: DeserializeOwned>(name: StepName, rows: &[StepRow]) -> Option<T> {
    let row = reached(&[name], rows)?;
    if row.output.is_null() {
        return None;
    }
    serde_json::from_value(row.output.clone()).ok()
}

fn span(from: Millis, row: &StepRow) -> i64 {
    row.ended_at.unwrap_or(row.started_at).since(from).max(0)
}

/// The time before which every write is safe, from the step that pinned it.
fn recovery_point(rows: &[StepRow]) -> Option<Millis> {
    pinned(rows)?.recovery_point
}

/// What was not in the recovery point, from the step that pinned it.
fn gaps(rows: &[StepRow]) -> Option<Known> {
    pinned(rows)?.gaps
}

/// The copy that was taken over, else the one that the last sync left. What is not known of the former any more
/// (it was taken as it lay there) is not told from the latter.
fn pinned(rows: &[StepRow]) -> Option<TakeoverOutput> {
    [StepName::Takeover, StepName::Rehearse, StepName::FinalSync]
        .into_iter()
        .find_map(|name| output(name, rows))
}

/// Where a failover is, as people read it.
fn phase(journal: &Journal<'_>) -> Phase {
    match journal.failover.state {
        FailoverState::Complete => return Phase::Complete,
        FailoverState::Failed | FailoverState::Cancelled => return Phase::Failed,
        FailoverState::Running | FailoverState::Waiting | FailoverState::Cancelling => {}
    }
    let running = journal
        .steps
        .iter()
        .filter(|row| row.outcome.is_none())
        .filter_map(|row| row.name.phase())
        .max();
    running
        .or_else(|| journal.steps.iter().rev().find_map(|row| row.name.phase()))
        .unwrap_or(Phase::Detecting)
}

/// Each phase that has begun: from its first step's start to its last step's end over all rounds.
/// Detection begins with the last proof of life.
fn windows(journal: &Journal<'_>) -> Vec<PhaseWindow> {
    let mut found: BTreeMap<Phase, PhaseWindow> = BTreeMap::new();
    for row in journal.steps {
        let Some(name) = row.name.phase() else { continue };
        let start = if name == Phase::Detecting {
            row.started_at.min(journal.failover.started_at)
        } else {
            row.started_at
        };
        let window = found.entry(name).or_insert_with(|| PhaseWindow {
            name,
            started_at: start.into(),
            ended_at: None,
            provider_ms: 0,
            waiting_ms: 0,
            own_ms: 0,
        });
        window.started_at = window.started_at.min(start.into());
        window.ended_at = window.ended_at.max(row.ended_at.map(Time));
    }
    for window in found.values_mut() {
        let on = goes_on(window.name, journal);
        let spent = clocks(window.name, journal, on);
        window.provider_ms = spent.provider;
        window.waiting_ms = spent.waiting;
        window.own_ms = spent.own;
        if on {
            window.ended_at = None;
        } else if let Some(end) = window.ended_at {
            // A clock that was set back never makes a phase end before it began.
            window.ended_at = Some(end.max(window.started_at));
        }
    }
    found.into_values().collect()
}

/// Whether a phase that has begun will go on: a step of it runs, waits for its next attempt, or is
/// still to come in this round.
fn goes_on(phase: Phase, journal: &Journal<'_>) -> bool {
    let failover = journal.failover;
    if failover.state.is_over() {
        return false;
    }
    let of_phase = |name: StepName| name.phase() == Some(phase);
    if journal.steps.iter().any(|row| of_phase(row.name) && row.outcome.is_none()) {
        return true;
    }
    let given_up = failover.state == FailoverState::Cancelling
        || journal.steps.iter().any(|row| row.outcome == Some(Outcome::Failed));
    !given_up
        && route::route(failover.kind, &failover.options)
            .iter()
            .any(|(name, _)| of_phase(*name) && !route::done(*name, failover, journal.steps))
}

fn timings(phases: &[PhaseWindow]) -> BTreeMap<Phase, i64> {
    phases
        .iter()
        .filter_map(|window| Some((window.name, window.ended_at?.0.since(window.started_at.0))))
        .collect()
}

/// The GPU that serves after it; a drill's is a candidate and never this.
fn new_gpu(journal: &Journal<'_>) -> Option<GpuId> {
    journal
        .intents
        .iter()
        .filter(|intent| intent.provider == Provider::Vast && served(intent, journal))
        .find_map(|intent| intent.external_id.as_deref()?.parse().ok().map(GpuId))
}

fn restored(journal: &Journal<'_>, proof: Option<&VerifyOutput>) -> Option<bool> {
    let options = &journal.failover.options;
    if !(options.new_gpu && options.restore) {
        return None;
    }
    // Files that were proved and then left on a GPU that is not the machine's were not restored to it.
    let drill = journal.failover.kind == Kind::Drill;
    let in_use = drill || reached(&[StepName::Switch], journal.steps).is_some();
    match proof {
        Some(proof) if proof.mismatched_count == 0 && in_use => Some(true),
        _ => journal.failover.state.is_over().then_some(false),
    }
}

/// At most how long before it was gone the GPU wrote what the standby did not have, ms.
///
/// It may have gone on writing after its last sign of life: what counts is when it was known to be lost. A drill
/// tells what a loss at the end of its rehearsal would have taken. Of a move nothing is known but what
/// [`lost`] says.
fn lost_ms(
    journal: &Journal<'_>,
    detect: Option<&DetectOutput>,
    files: Option<&[String]>,
    recovery_point: Option<Millis>,
) -> Option<i64> {
    let ended = |name| reached(&[name], journal.steps).and_then(|row| row.ended_at);
    let until = match journal.failover.kind {
        Kind::Planned => return files.is_some_and(<[String]>::is_empty).then_some(0),
        Kind::Drill => ended(StepName::Rehearse),
        Kind::Real => {
            let confirmed = detect.and_then(|found| found.confirmed_at);
            confirmed.or_else(|| ended(StepName::Detect)).or_else(|| ended(StepName::Takeover))
        }
    };
    // A copy that is younger than that does not say what was written after it: not known, never none.
    Some(until?.since(recovery_point?)).filter(|ms| *ms >= 0)
}

/// Names of writes that the standby did not have, where they are known.
///
/// That none was lost is said by one thing alone: a last sync that ran after the user's command had
/// stopped the job. That no change was *seen* does not say it. What was seen before a planned move
/// was copied by its last sync, or is of an earlier failover: it is never listed there.
fn lost(journal: &Journal<'_>, detect: Option<&DetectOutput>) -> Option<Vec<String>> {
    if journal.failover.kind == Kind::Planned {
        let fence: FenceOutput = output(StepName::Fence, journal.steps).unwrap_or_default();
        let first = || output(StepName::FinalSync, journal.steps);
        // The sync that was the last one: what was written after another one is not in that.
        let synced: TakeoverOutput = fence.synced.or_else(first)?;
        // The copy may have been taken over as it lay there, which is not as that sync had left it.
        let taken: Option<TakeoverOutput> = output(StepName::Takeover, journal.steps);
        if taken.is_some_and(|taken| taken.recovery_point.is_none()) {
            return None;
        }
        let stopped = synced.hook?.status == Some(0);
        let whole = synced.gaps.is_none_or(|gaps| gaps.lost() == 0);
        return (stopped && whole).then(Vec::new);
    }
    detect.and_then(|found| found.unsynced_paths.clone()).filter(|names| !names.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Story, at};
    use super::*;
    use crate::failover::Options;
    use crate::launch::LaunchPart;

    /// A move whose last sync left this.
    fn moved(synced: serde_json::Value) -> FailoverStatus {
        let mut story = Story::lost_and_recovered();
        story.failover.kind = Kind::Planned;
        story.step(StepName::FinalSync, 0, 1_500, Some((1_800, Outcome::Ok)));
        for row in &mut story.steps {
            match row.name {
                StepName::FinalSync => row.output = synced.clone(),
                // As the takeover takes them over from it.
                StepName::Takeover => row.output["gaps"] = synced["gaps"].clone(),
                _ => {}
            }
        }
        failover_view(&story.journal())
    }

    #[test]
    fn what_is_not_known_of_the_copy_that_was_taken_over_is_not_told_from_the_sync_before() {
        let mut story = Story::lost_and_recovered();
        story.failover.kind = Kind::Planned;
        story.step(StepName::FinalSync, 0, 1_500, Some((1_800, Outcome::Ok)));
        for row in &mut story.steps {
            match row.name {
                StepName::FinalSync => {
                    row.output = serde_json::json!({
                        "recovery_point": at(1_500),
                        "hook": {"status": 0, "output": ""},
                        "gaps": {"counts": [{"why": "in_flux", "entries": 0}]},
                    });
                }
                StepName::Takeover => row.output = serde_json::json!({"files": 120}),
                _ => {}
            }
        }
        let view = failover_view(&story.journal());
        assert!(view.recovery_point_at.is_none() && view.gaps.is_none());
        assert_eq!((view.files_lost, view.rpo_ms), (None, None));
    }

    #[test]
    fn that_no_write_was_lost_is_said_only_after_the_job_was_stopped() {
        use serde_json::json;
        let stopped = json!({"hook": {"status": 0, "output": ""}});
        assert_eq!(moved(stopped).files_lost, Some(Vec::new()));
        let left = json!({
            "hook": {"status": 0, "output": ""},
            "gaps": {"counts": [{"why": "in_flux", "entries": 1}]},
        });
        let left = moved(left);
        assert_eq!((left.files_lost, left.gaps.map(|gaps| gaps.lost)), (None, Some(1)));
        for unknown in [
            json!({}),
            json!({"hook": {"status": 1, "output": "no such job"}}),
            json!({"hook": {"status": null, "output": "cut off"}}),
        ] {
            assert_eq!(moved(unknown.clone()).files_lost, None, "{unknown}");
        }
        // Synced again before the fence: what the sync before it saw of the job counts no more.
        for (again, lost) in [
            (json!({"hook": {"status": 0, "output": ""}}), Some(Vec::new())),
            (json!({"hook": {"status": 1, "output": "no such job"}}), None),
            (json!({}), None),
        ] {
            let mut story = Story::lost_and_recovered();
            story.failover.kind = Kind::Planned;
            story.step(StepName::FinalSync, 0, 1_500, Some((1_800, Outcome::Ok)));
            for row in &mut story.steps {
                match row.name {
                    StepName::FinalSync => {
                        row.output = json!({"hook": {"status": 0, "output": ""}});
                    }
                    StepName::Fence => row.output = json!({"synced": again}),
                    _ => {}
                }
            }
            assert_eq!(failover_view(&story.journal()).files_lost, lost, "{again}");
        }
        let mut story = Story::lost_and_recovered();
        story.steps[0].output = serde_json::json!({"unsynced_paths": []});
        let view = failover_view(&story.journal());
        assert_eq!((view.files_lost, view.rpo_ms), (None, Some(2_600)), "none seen is not none");
    }

    #[test]
    fn a_gpu_that_answered_nobody_is_no_success_and_has_no_time_to_it() {
        let mut story = Story::lost_and_recovered();
        story.failover.state = FailoverState::Failed;
        for row in story.steps.iter_mut().filter(|row| row.name == StepName::Switch) {
            row.output = serde_json::json!({"unanswered": true});
        }
        for row in story.steps.iter_mut().filter(|row| row.name == StepName::Buy) {
            row.output = serde_json::json!({"left_out": ["template", "environment"]});
        }
        let view = failover_view(&story.journal());
        assert_eq!((view.ending, view.success), (Some(Ending::Unanswered), Some(false)));
        assert_eq!((view.time_to_cpu_ms, view.total_time_ms), (Some(2_900), None));
        assert_eq!(view.new_gpu_id, Some(GpuId(77)), "the machine is there all the same");
        assert_eq!(view.left_out, [LaunchPart::Template, LaunchPart::Environment]);
        let report = super::super::report(&[view], &super::super::Filter::usual(true), story.now);
        assert_eq!((report.failed_failovers, report.successful_failovers), (1, 0));
        assert_eq!(report.success_rate, Some(0.0));
    }

    #[test]
    fn names_of_an_earlier_failover_are_not_listed_by_the_move_after_it() {
        let mut story = Story::lost_and_recovered();
        story.failover.kind = Kind::Planned;
        story.failover.options.from_standby = true;
        let view = failover_view(&story.journal());
        assert_eq!((view.files_lost, view.files_lost_more), (None, false));
    }

    #[test]
    fn a_success_is_on_a_gpu_again_and_the_standby_is_an_ending_of_its_own() {
        let mut story = Story::lost_and_recovered();
        let ends = |story: &Story| {
            let view = failover_view(&story.journal());
            (view.ending, view.success)
        };
        assert_eq!(ends(&story), (Some(Ending::OnGpu), Some(true)));
        story.steps.retain(|row| !matches!(row.name, StepName::Switch | StepName::Retire));
        for state in [FailoverState::Complete, FailoverState::Failed] {
            story.failover.state = state;
            assert_eq!(ends(&story), (Some(Ending::OnStandby), Some(false)), "{state}");
        }
        let mut gone = Story { steps: story.steps.clone(), ..Story::lost_and_recovered() };
        gone.failover.state = FailoverState::Failed;
        gone.step(StepName::Restore, 9, 80_000, Some((80_100, Outcome::Failed)));
        assert_eq!(ends(&gone), (Some(Ending::OnStandby), Some(false)));
        if let Some(last) = gone.steps.last_mut() {
            last.output = serde_json::json!({ STANDBY_GONE: true });
        }
        assert_eq!(ends(&gone), (Some(Ending::Failed), Some(false)), "nothing is there any more");
        story.failover.state = FailoverState::Cancelled;
        assert_eq!(ends(&story), (Some(Ending::Cancelled), Some(false)));
        story.failover.state = FailoverState::Failed;
        story.steps.retain(|row| row.name != StepName::Takeover);
        assert_eq!(ends(&story), (Some(Ending::Failed), Some(false)));
        story.failover.state = FailoverState::Running;
        assert_eq!(ends(&story), (None, None));
    }

    #[test]
    fn a_complete_failover_has_both_clocks_and_all_six_phases() {
        let story = Story::lost_and_recovered();
        let view = failover_view(&story.journal());
        assert_eq!((view.time_to_cpu_ms, view.total_time_ms), (Some(2_900), Some(74_200)));
        assert_eq!(
            view.rpo_ms,
            Some(2_600),
            "until it was known to be lost, not its last sign of life"
        );
        assert_eq!((view.files_verified, view.data_restored), (Some(120), Some(true)));
        assert_eq!(view.files_lost.as_deref(), Some(&["a b".to_owned()][..]));
        assert_eq!((view.success, view.phase), (Some(true), Phase::Complete));
        assert_eq!(view.new_gpu_id, Some(GpuId(77)));
        let lengths: Vec<i64> = view.phase_timings_ms.values().copied().collect();
        assert_eq!(lengths, [1_500, 400, 1_000, 600, 60_000, 11_700]);
        assert!(view.phases.iter().all(|window| window.ended_at.is_some()));
    }

    #[test]
    fn a_copy_younger_than_the_loss_does_not_say_that_nothing_was_lost() {
        let mut story = Story::lost_and_recovered();
        for row in story.steps.iter_mut().filter(|row| row.name == StepName::Takeover) {
            row.output = serde_json::json!({"recovery_point": at(1_501)});
        }
        assert_eq!(failover_view(&story.journal()).rpo_ms, None);
    }

    #[test]
    fn what_was_proved_and_then_not_switched_to_is_not_restored() {
        let mut story = Story::lost_and_recovered();
        story.steps.retain(|row| !matches!(row.name, StepName::Switch | StepName::Retire));
        story.failover.state = FailoverState::Cancelled;
        assert_eq!(failover_view(&story.journal()).data_restored, Some(false));
        story.failover.kind = Kind::Drill;
        assert_eq!(failover_view(&story.journal()).data_restored, Some(true), "a proof is all");
    }

    #[test]
    fn what_has_not_happened_is_unknown_and_not_zero() {
        let story = Story::just_begun();
        let view = failover_view(&story.journal());
        assert_eq!(view.phase, Phase::Detecting);
        assert_eq!((view.success, view.data_restored), (None, None));
        assert_eq!((view.time_to_cpu_ms, view.total_time_ms, view.rpo_ms), (None, None, None));
        assert_eq!((view.files_verified, view.files_lost), (None, None));
        assert!(view.phase_timings_ms.is_empty());
        assert_eq!(view.phases.len(), 1);
    }

    #[test]
    fn a_phase_that_waits_for_its_next_attempt_has_no_end() {
        let mut story = Story::just_begun();
        story.step(StepName::Detect, 0, 0, Some((500, Outcome::Ok)));
        story.step(StepName::Fence, 0, 500, Some((600, Outcome::Ok)));
        story.step(StepName::Takeover, 0, 600, Some((900, Outcome::Ok)));
        story.step(StepName::Search, 0, 600, Some((950, Outcome::Retry)));
        let view = failover_view(&story.journal());
        assert_eq!(view.phase, Phase::SearchingGpu);
        let search =
            view.phases.iter().find(|window| window.name == Phase::SearchingGpu).expect("begun");
        assert_eq!(search.ended_at, None);
        assert!(view.phase_timings_ms.contains_key(&Phase::FailoverToCpu));
    }

    #[test]
    fn a_second_round_stretches_its_phases_and_counts_the_last_proof() {
        let mut story = Story::lost_and_recovered();
        story.failover.state = FailoverState::Running;
        story.failover.ended_at = None;
        story.failover.round = 1;
        story.steps.retain(|row| !matches!(row.name, StepName::Switch | StepName::Retire));
        story.step(StepName::Search, 1, 80_000, Some((80_500, Outcome::Ok)));
        let view = failover_view(&story.journal());
        let search =
            view.phases.iter().find(|window| window.name == Phase::SearchingGpu).expect("begun");
        assert_eq!(
            (search.started_at, search.ended_at),
            (at(1_900).into(), Some(at(80_500).into()))
        );
        let provisioning =
            view.phases.iter().find(|window| window.name == Phase::Provisioning).expect("begun");
        assert_eq!(provisioning.ended_at, None, "the new candidate is still to be bought");
        assert_eq!(view.total_time_ms, None);
    }

    #[test]
    fn a_drill_without_purchase_has_a_time_to_cpu_and_no_time_to_gpu() {
        let mut story = Story::just_begun();
        story.failover.kind = Kind::Drill;
        story.failover.options = Options { new_gpu: false, ..Options::default() };
        for (index, name) in [
            StepName::Detect,
            StepName::Fence,
            StepName::Rehearse,
            StepName::Search,
            StepName::Cleanup,
        ]
        .into_iter()
        .enumerate()
        {
            let start = i64::try_from(index).expect("small") * 100;
            story.step(name, 0, start, Some((start + 100, Outcome::Ok)));
        }
        story.failover.state = FailoverState::Complete;
        story.failover.ended_at = Some(at(500));
        let view = failover_view(&story.journal());
        assert_eq!((view.time_to_cpu_ms, view.total_time_ms), (Some(300), None));
        assert_eq!((view.success, view.data_restored), (Some(true), None));
        assert_eq!(view.cost_usd, 0.0);
    }

    #[test]
    fn an_output_that_cannot_be_read_leaves_its_figures_unknown() {
        let mut story = Story::lost_and_recovered();
        for row in &mut story.steps {
            row.output = serde_json::json!(["of", "another", "shape"]);
        }
        let view = failover_view(&story.journal());
        assert_eq!((view.rpo_ms, view.files_verified, view.files_lost), (None, None, None));
        assert_eq!(view.data_restored, Some(false));
    }

    #[test]
    fn progress_is_that_of_the_step_that_runs_and_of_no_other() {
        use crate::progress::{Measure, Progress, Whole};
        let mut story = Story::lost_and_recovered();
        let moved = |ms, files, bytes| Measure { at: at(ms), files, bytes: Some(bytes) };
        let whole = Whole { files: Some(120), bytes: Some(9_000) };
        let progress = Progress::begin(whole, moved(62_600, 0, 0)).with(moved(66_600, 40, 3_000));
        for row in &mut story.steps {
            row.progress = (row.name == StepName::Restore).then_some(progress);
        }
        assert_eq!(failover_view(&story.journal()).progress, None, "it is over");
        story.steps.retain(|row| row.seq <= 7);
        if let Some(row) = story.steps.last_mut() {
            (row.outcome, row.ended_at) = (None, None);
        }
        story.failover.state = FailoverState::Running;
        story.failover.ended_at = None;
        story.now = at(66_600);
        let shown = failover_view(&story.journal()).progress.expect("running");
        assert_eq!(
            (shown.step, shown.files, shown.files_total),
            (StepName::Restore, 40, Some(120))
        );
        assert_eq!((shown.bytes, shown.bytes_per_second), (Some(3_000), Some(750)));
        assert_eq!((shown.left_ms, shown.files_per_second), (Some(8_000), Some(10.0)));
    }
}
