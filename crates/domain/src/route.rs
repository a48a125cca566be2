//! The way through a failover: which steps there are, what each waits for, and what is next.
//!
//! A failover is its rows. [`next`] reads them and says what may run now; it never looks at
//! anything else, so a restart goes on where the rows end.

use crate::failover::{
    CandidateFault, Failover, FailoverState, Kind, Options, Outcome, StepName, StepRow,
    SwitchOutput, VerifyOutput,
};
use crate::time::Millis;

use StepName::{
    Abandon, Boot, Buy, Cleanup, Delta, Detect, Fence, FinalSync, Rehearse, Restore, Retire,
    Search, Switch, Takeover, Verify,
};

/// A step and the steps that must be done before it.
pub type Node = (StepName, &'static [StepName]);

const REAL: &[Node] = &[
    (Detect, &[]),
    (Fence, &[Detect]),
    (Takeover, &[Fence]),
    (Search, &[Fence]),
    (Buy, &[Search]),
    (Boot, &[Buy]),
    (Restore, &[Boot, Takeover]),
    (Delta, &[Restore]),
    (Verify, &[Delta]),
    (Switch, &[Verify]),
    (Retire, &[Switch]),
];

const PLANNED: &[Node] = &[
    (Detect, &[]),
    (FinalSync, &[Detect]),
    (Fence, &[FinalSync]),
    (Takeover, &[Fence]),
    (Search, &[Fence]),
    (Buy, &[Search]),
    (Boot, &[Buy]),
    (Restore, &[Boot, Takeover]),
    (Delta, &[Restore]),
    (Verify, &[Delta]),
    (Switch, &[Verify]),
    (Retire, &[Switch]),
];

const FROM_STANDBY: &[Node] = &[
    (Detect, &[]),
    (Search, &[Detect]),
    (Buy, &[Search]),
    (Boot, &[Buy]),
    (Restore, &[Boot]),
    (Delta, &[Restore]),
    (Verify, &[Delta]),
    (Switch, &[Verify]),
    (Retire, &[Switch]),
];

const DRILL: &[Node] = &[
    (Detect, &[]),
    (Fence, &[Detect]),
    (Rehearse, &[Fence]),
    (Search, &[Fence]),
    (Buy, &[Search]),
    (Boot, &[Buy]),
    (Restore, &[Boot, Rehearse]),
    (Verify, &[Restore]),
    (Cleanup, &[Verify]),
];

const DRILL_NO_RESTORE: &[Node] = &[
    (Detect, &[]),
    (Fence, &[Detect]),
    (Rehearse, &[Fence]),
    (Search, &[Fence]),
    (Buy, &[Search]),
    (Boot, &[Buy]),
    (Cleanup, &[Boot, Rehearse]),
];

const DRILL_NO_GPU: &[Node] = &[
    (Detect, &[]),
    (Fence, &[Detect]),
    (Rehearse, &[Fence]),
    (Search, &[Fence]),
    (Cleanup, &[Search, Rehearse]),
];

/// Without a purchase a real failover ends on the standby.
const TO_STANDBY: &[Node] = &[(Detect, &[]), (Fence, &[Detect]), (Takeover, &[Fence])];
const PLANNED_TO_STANDBY: &[Node] =
    &[(Detect, &[]), (FinalSync, &[Detect]), (Fence, &[FinalSync]), (Takeover, &[Fence])];

/// The steps of a failover of this kind with these options, in order.
#[must_use]
pub fn route(kind: Kind, options: &Options) -> &'static [Node] {
    match kind {
        Kind::Drill if !options.new_gpu => DRILL_NO_GPU,
        Kind::Drill if !options.restore => DRILL_NO_RESTORE,
        Kind::Drill => DRILL,
        Kind::Real if options.new_gpu => REAL,
        Kind::Real => TO_STANDBY,
        Kind::Planned if options.from_standby => FROM_STANDBY,
        Kind::Planned if options.new_gpu => PLANNED,
        Kind::Planned => PLANNED_TO_STANDBY,
    }
}

/// What to do with a failover now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Start these steps; each is one attempt.
    Run(Vec<StepName>),
    /// Nothing may start before this time, or before a running step ends (`None`).
    Wait(Option<Millis>),
    /// All is done: record this end.
    End(FailoverState),
}

/// What to do next, from the rows alone. Rows without an outcome are steps that run now.
#[must_use]
pub fn next(failover: &Failover, rows: &[StepRow], now: Millis) -> Next {
    if failover.state.is_over() {
        return Next::End(failover.state);
    }
    let running = |name: StepName| rows.iter().any(|row| row.name == name && row.outcome.is_none());
    let cancelling = failover.state == FailoverState::Cancelling;
    let failed = rows.iter().any(|row| row.outcome == Some(Outcome::Failed));
    let passed_switch = done(Switch, failover, rows);
    if (cancelling || failed) && !passed_switch {
        if rows.iter().any(|row| row.outcome.is_none() && row.name != Abandon) {
            return Next::Wait(None);
        }
        if done(Abandon, failover, rows) {
            return Next::End(if failed {
                FailoverState::Failed
            } else {
                FailoverState::Cancelled
            });
        }
        return start(vec![Abandon], failover, rows, now, running(Abandon));
    }
    let way = route(failover.kind, &failover.options);
    if way.iter().all(|(name, _)| done(*name, failover, rows)) {
        // What answers nobody is no GPU that the work is on.
        return Next::End(if is_unanswered(failover, rows) {
            FailoverState::Failed
        } else {
            FailoverState::Complete
        });
    }
    let ready: Vec<StepName> = way
        .iter()
        .filter(|(name, after)| {
            !done(*name, failover, rows)
                && !running(*name)
                && after.iter().all(|earlier| done(*earlier, failover, rows))
        })
        .map(|(name, _)| *name)
        .collect();
    start(ready, failover, rows, now, rows.iter().any(|row| row.outcome.is_none()))
}

/// Whether the new GPU answered nobody any more once it was the machine's.
#[must_use]
pub fn is_unanswered(failover: &Failover, rows: &[StepRow]) -> bool {
    result(Switch, failover, rows)
        .and_then(|row| serde_json::from_value::<SwitchOutput>(row.output.clone()).ok())
        .is_some_and(|switched| switched.unanswered)
}

/// Whether a step has succeeded; for a step of a round, in the present round.
#[must_use]
pub fn done(name: StepName, failover: &Failover, rows: &[StepRow]) -> bool {
    let round = round_of(name, failover);
    rows.iter()
        .any(|row| row.name == name && row.round == round && row.outcome == Some(Outcome::Ok))
}

/// What differed on two GPUs of this failover in the same way, if anything did: then the difference comes
/// from what is copied, not from whom it is copied to, and a third GPU would show it too.
#[must_use]
pub fn same_difference_twice(rows: &[StepRow]) -> Option<VerifyOutput> {
    let differences: Vec<(i64, VerifyOutput)> = rows
        .iter()
        .filter(|row| row.name == Verify)
        .filter_map(|row| Some((row.round, serde_json::from_value(row.output.clone()).ok()?)))
        .filter(|(_, found): &(i64, VerifyOutput)| found.mismatched_count > 0)
        .collect();
    differences.iter().enumerate().find_map(|(at, (round, found))| {
        let again = differences.iter().skip(at + 1).any(|(other, same)| {
            other != round
                && same.mismatched_count == found.mismatched_count
                && same.mismatched == found.mismatched
        });
        again.then(|| found.clone())
    })
}

/// GPUs of one failover that could not be prepared before it stops to buy more.
pub const UNPREPARED_GPUS: usize = 3;

/// What was said last of preparing GPUs, where it has failed on as many different ones as are tried: then
/// the next one is not likely to fare better.
#[must_use]
pub fn unprepared(rows: &[StepRow]) -> Option<String> {
    let mut words = Vec::new();
    for row in rows.iter().filter(|row| row.name == Boot && row.outcome == Some(Outcome::NextRound))
    {
        if let Ok(CandidateFault::Unprepared { word } | CandidateFault::NoImage { word }) =
            serde_json::from_value(row.output.clone())
        {
            words.push(word);
        }
    }
    (words.len() >= UNPREPARED_GPUS).then(|| words.pop()).flatten()
}

/// Why nothing may be bought because of the takeover, if so: it was tried and did not succeed. A GPU that is
/// bought meanwhile bills and waits.
#[must_use]
pub fn takeover_fails(failover: &Failover, rows: &[StepRow]) -> Option<String> {
    if done(Takeover, failover, rows) {
        return None;
    }
    let last = rows.iter().rev().find(|row| row.name == Takeover && row.outcome.is_some())?;
    let failing = matches!(last.outcome, Some(Outcome::Retry | Outcome::Failed));
    failing.then(|| last.error.clone().unwrap_or_default())
}

/// The round under which an attempt at a step is recorded now.
#[must_use]
pub const fn round_of(name: StepName, failover: &Failover) -> i64 {
    if name.per_round() { failover.round } else { 0 }
}

/// The newest successful row of a step in the present round.
#[must_use]
pub fn result<'a>(name: StepName, failover: &Failover, rows: &'a [StepRow]) -> Option<&'a StepRow> {
    let round = round_of(name, failover);
    rows.iter()
        .rev()
        .find(|row| row.name == name && row.round == round && row.outcome == Some(Outcome::Ok))
}

fn start(
    ready: Vec<StepName>,
    failover: &Failover,
    rows: &[StepRow],
    now: Millis,
    anything_runs: bool,
) -> Next {
    let retry_at = |name: StepName| {
        let round = round_of(name, failover);
        rows.iter()
            .rev()
            .find(|row| row.name == name && row.round == round)
            .and_then(|row| row.retry_at)
    };
    let (due, later): (Vec<StepName>, Vec<StepName>) =
        ready.into_iter().partition(|name| retry_at(*name).is_none_or(|at| at <= now));
    if !(due.is_empty() || due == [Abandon] && anything_runs) {
        return Next::Run(due);
    }
    let soonest = later.iter().filter_map(|name| retry_at(*name)).min();
    Next::Wait(soonest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AssociationId, Epoch, FailoverId, GpuId, UserId};
    use crate::verdict::Cause;

    fn failover(kind: Kind, options: Options) -> Failover {
        Failover {
            id: FailoverId::new("f"),
            user: UserId::new("u"),
            association: AssociationId::new("a"),
            machine_name: "m".into(),
            gpu: GpuId(1),
            kind,
            cause: Cause::Silent,
            note: None,
            options,
            state: FailoverState::Running,
            from_epoch: Epoch(1),
            round: 0,
            started_at: Millis(0),
            ended_at: None,
            error: None,
            sandbox: true,
        }
    }

    fn row(name: StepName, round: i64, outcome: Option<Outcome>) -> StepRow {
        StepRow {
            failover: FailoverId::new("f"),
            seq: 0,
            name,
            round,
            attempt: 1,
            started_at: Millis(0),
            ended_at: None,
            outcome,
            retry_at: None,
            provider_ms: 0,
            output: serde_json::Value::Null,
            error: None,
            progress: None,
        }
    }

    /// Walks a route with every step succeeding at once; the batches in order.
    fn walk(mut failover: Failover) -> (Vec<Vec<StepName>>, FailoverState) {
        let mut rows = Vec::new();
        let mut batches = Vec::new();
        loop {
            match next(&failover, &rows, Millis(1)) {
                Next::Run(names) => {
                    rows.extend(
                        names
                            .iter()
                            .map(|name| row(*name, round_of(*name, &failover), Some(Outcome::Ok))),
                    );
                    batches.push(names);
                }
                Next::End(state) => {
                    failover.state = state;
                    return (batches, state);
                }
                Next::Wait(_) => panic!("nothing runs, yet it waits"),
            }
        }
    }

    #[test]
    fn a_switch_to_a_gpu_that_answers_nobody_is_not_complete() {
        for (output, end) in [
            (serde_json::json!({}), FailoverState::Complete),
            (serde_json::json!({"unanswered": false}), FailoverState::Complete),
            (serde_json::json!({"unanswered": true}), FailoverState::Failed),
        ] {
            let failover = failover(Kind::Real, Options::default());
            let mut rows: Vec<StepRow> =
                REAL.iter().map(|(name, _)| row(*name, 0, Some(Outcome::Ok))).collect();
            for row in rows.iter_mut().filter(|row| row.name == Switch) {
                row.output = output.clone();
            }
            assert_eq!(next(&failover, &rows, Millis(1)), Next::End(end), "{output}");
            rows.retain(|row| row.name != Retire);
            assert_eq!(next(&failover, &rows, Millis(1)), Next::Run(vec![Retire]), "{output}");
        }
    }

    #[test]
    fn the_standby_takes_over_while_a_replacement_is_sought() {
        let (batches, end) = walk(failover(Kind::Real, Options::default()));
        assert_eq!(batches.get(2), Some(&vec![Takeover, Search]));
        assert_eq!(batches.last(), Some(&vec![Retire]));
        assert_eq!(end, FailoverState::Complete);
    }

    #[test]
    fn no_drill_switches_retires_or_takes_over() {
        for options in [
            Options::default(),
            Options { new_gpu: false, ..Options::default() },
            Options { restore: false, ..Options::default() },
        ] {
            let (batches, _) = walk(failover(Kind::Drill, options));
            let all: Vec<StepName> = batches.into_iter().flatten().collect();
            for forbidden in [Takeover, FinalSync, Delta, Switch, Retire] {
                assert!(!all.contains(&forbidden), "{forbidden} in a drill");
            }
            assert_eq!(all.last(), Some(&Cleanup));
        }
    }

    #[test]
    fn every_step_waits_for_steps_of_its_own_route() {
        for kind in Kind::ALL {
            for (new_gpu, restore, from_standby) in [
                (true, true, false),
                (false, true, false),
                (true, false, false),
                (true, true, true),
            ] {
                let options = Options { from_standby, new_gpu, restore, ..Options::default() };
                let way = route(*kind, &options);
                for (index, (name, after)) in way.iter().enumerate() {
                    for earlier in *after {
                        assert!(
                            way[..index].iter().any(|(before, _)| before == earlier),
                            "{kind}: {name} waits for {earlier}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_difference_that_two_gpus_show_alike_is_not_theirs() {
        let differed = |round, names: &[&str]| {
            let found = VerifyOutput {
                mismatched: names.iter().map(|&name| name.to_owned()).collect(),
                mismatched_count: i64::try_from(names.len()).unwrap(),
                ..VerifyOutput::default()
            };
            let output = serde_json::to_value(found).unwrap();
            StepRow { output, ..row(Verify, round, Some(Outcome::Retry)) }
        };
        let twice = |rows: &[StepRow]| same_difference_twice(rows).map(|found| found.mismatched);
        let mut rows = vec![differed(0, &["a"]), differed(0, &["a"]), differed(1, &["b"])];
        assert_eq!(twice(&rows), None, "one GPU alone may be broken, two in ways of their own too");
        rows.push(differed(2, &[]));
        rows.push(row(Verify, 3, Some(Outcome::Retry)));
        assert_eq!(twice(&rows), None, "what did not come to a comparison says nothing");
        rows.push(differed(4, &["a"]));
        assert_eq!(twice(&rows), Some(vec!["a".into()]));
    }

    #[test]
    fn preparing_is_given_up_after_it_failed_on_three_gpus() {
        let unprepared_row = |round, outcome| {
            let fault = CandidateFault::Unprepared { word: format!("no space on {round}") };
            let output = serde_json::to_value(fault).unwrap();
            StepRow { output, ..row(Boot, round, Some(outcome)) }
        };
        let mut rows = vec![
            unprepared_row(0, Outcome::Retry),
            unprepared_row(0, Outcome::Retry),
            unprepared_row(0, Outcome::NextRound),
            row(Boot, 1, Some(Outcome::NextRound)),
            unprepared_row(2, Outcome::NextRound),
        ];
        assert_eq!(unprepared(&rows), None, "two GPUs, however often each was tried");
        rows.push(unprepared_row(3, Outcome::NextRound));
        assert_eq!(unprepared(&rows), Some("no space on 3".into()));
    }

    #[test]
    fn a_takeover_that_does_not_succeed_holds_the_purchase() {
        let failover = failover(Kind::Real, Options::default());
        let mut rows = vec![row(Takeover, 0, None)];
        assert_eq!(takeover_fails(&failover, &rows), None, "not known yet");
        rows[0].outcome = Some(Outcome::Interrupted);
        assert_eq!(takeover_fails(&failover, &rows), None, "nor after a restart");
        rows.push(row(Takeover, 0, Some(Outcome::Retry)));
        rows.push(row(Takeover, 0, None));
        assert!(takeover_fails(&failover, &rows).is_some());
        rows[2].outcome = Some(Outcome::Ok);
        assert_eq!(takeover_fails(&failover, &rows), None);
    }

    #[test]
    fn a_failed_step_leads_to_abandon_once_nothing_runs_any_more() {
        let failover = failover(Kind::Real, Options::default());
        let mut rows = vec![
            row(Detect, 0, Some(Outcome::Ok)),
            row(Fence, 0, Some(Outcome::Ok)),
            row(Takeover, 0, Some(Outcome::Failed)),
            row(Search, 0, None),
        ];
        assert_eq!(next(&failover, &rows, Millis(1)), Next::Wait(None));
        rows[3].outcome = Some(Outcome::Ok);
        assert_eq!(next(&failover, &rows, Millis(1)), Next::Run(vec![Abandon]));
        rows.push(row(Abandon, 0, Some(Outcome::Ok)));
        assert_eq!(next(&failover, &rows, Millis(1)), Next::End(FailoverState::Failed));
    }

    #[test]
    fn a_new_round_searches_again_but_does_not_take_over_again() {
        let mut failover = failover(Kind::Real, Options::default());
        let rows = vec![
            row(Detect, 0, Some(Outcome::Ok)),
            row(Fence, 0, Some(Outcome::Ok)),
            row(Takeover, 0, Some(Outcome::Ok)),
            row(Search, 0, Some(Outcome::Ok)),
            row(Buy, 0, Some(Outcome::Ok)),
            row(Boot, 0, Some(Outcome::NextRound)),
        ];
        failover.round = 1;
        assert_eq!(next(&failover, &rows, Millis(1)), Next::Run(vec![Search]));
    }

    #[test]
    fn a_retry_waits_for_its_time_and_a_cancel_after_the_switch_changes_nothing() {
        let mut failover = failover(Kind::Real, Options::default());
        let mut rows = vec![
            row(Detect, 0, Some(Outcome::Ok)),
            row(Fence, 0, Some(Outcome::Ok)),
            row(Takeover, 0, Some(Outcome::Ok)),
            row(Search, 0, Some(Outcome::Retry)),
        ];
        rows[3].retry_at = Some(Millis(50));
        assert_eq!(next(&failover, &rows, Millis(49)), Next::Wait(Some(Millis(50))));
        assert_eq!(next(&failover, &rows, Millis(50)), Next::Run(vec![Search]));
        rows.extend(
            [Search, Buy, Boot, Restore, Delta, Verify, Switch]
                .map(|name| row(name, 0, Some(Outcome::Ok))),
        );
        failover.state = FailoverState::Cancelling;
        assert_eq!(next(&failover, &rows, Millis(60)), Next::Run(vec![Retire]));
    }
}
