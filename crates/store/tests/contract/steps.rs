//! The journal of steps.

use domain::failover::{Failover, FailoverState, Outcome, StepName};
use domain::progress::{Measure, Progress, Whole};
use domain::time::Millis;
use serde_json::{Value, json};
use store::{Finish, StoreError};

use crate::fixtures::{NOW, failover, machine};
use crate::world::World;

on_both! {
    attempts_are_numbered_and_read_back_in_order,
    a_failover_begins_with_its_verdict_or_not_at_all,
    a_step_runs_once_at_a_time,
    an_end_is_recorded_once,
    a_new_round_begins_with_the_end_of_its_step,
    whoever_takes_over_shuts_the_worker_before_out,
    nothing_begins_after_the_end,
    progress_is_kept_while_a_step_runs_and_stays_after_it,
    many_steps_at_once_get_numbers_of_their_own,
}

async fn begun(world: &World) -> Failover {
    let one = machine(&world.store, "ana").await;
    let new = failover(&one, "fo-1");
    world.store.failovers().open(&new).await.expect("begun");
    new
}

fn end(outcome: Outcome, at: Millis) -> Finish {
    Finish {
        ended_at: at,
        outcome,
        retry_at: None,
        provider_ms: 0,
        output: Value::Null,
        error: None,
    }
}

async fn attempts_are_numbered_and_read_back_in_order(world: &World) {
    let of = begun(world).await;
    let steps = world.store.steps();
    let first = steps.begin(&of.id, StepName::Search, 0, NOW).await.expect("begun");
    let side = steps.begin(&of.id, StepName::Takeover, 0, NOW).await.expect("begun");
    steps.add_provider_ms(&of.id, first.seq, 30).await.expect("added");
    steps.set_output(&of.id, first.seq, &json!({"so": "far"})).await.expect("kept");
    let running = steps.list(&of.id).await.expect("read");
    assert_eq!(running[0].output, json!({"so": "far"}));
    let done = Finish {
        ended_at: NOW.plus(40),
        outcome: Outcome::Retry,
        retry_at: Some(NOW.plus(500)),
        provider_ms: 12,
        output: json!({"seen": 3, "words": ["é", "\"q\""]}),
        error: Some("no offer".into()),
    };
    steps.finish(&of.id, first.seq, &done).await.expect("ended");
    let again = steps.begin(&of.id, StepName::Search, 0, NOW.plus(500)).await.expect("begun");
    let round = steps.begin(&of.id, StepName::Buy, 4, NOW.plus(501)).await.expect("begun");
    assert_eq!((first.seq, first.attempt), (1, 1));
    assert_eq!((side.seq, side.attempt), (2, 1));
    assert_eq!((again.seq, again.attempt), (3, 2));
    assert_eq!((round.seq, round.attempt, round.round), (4, 1, 4));

    let rows = steps.list(&of.id).await.expect("read");
    let mut expected = first;
    expected.ended_at = Some(NOW.plus(40));
    expected.outcome = Some(Outcome::Retry);
    expected.retry_at = Some(NOW.plus(500));
    expected.provider_ms = 42;
    expected.output = done.output;
    expected.error = done.error;
    assert_eq!(rows, [expected, side, again, round]);
}

async fn a_failover_begins_with_its_verdict_or_not_at_all(world: &World) {
    let one = machine(&world.store, "ana").await;
    let (failovers, steps) = (world.store.failovers(), world.store.steps());
    let of = failover(&one, "fo-1");
    let verdict = Finish { output: json!({"seen": 1}), ..end(Outcome::Ok, NOW.plus(40)) };
    failovers.open_judged(&of, Some(&verdict)).await.expect("begun");
    // Whoever drives it from this moment on has nothing to interrupt, and does not judge anew.
    steps.interrupt_open(&of.id, NOW.plus(50)).await.expect("taken over");
    let rows = steps.list(&of.id).await.expect("read");
    assert_eq!(rows.len(), 1);
    let row = rows.first().expect("the verdict");
    assert_eq!((row.seq, row.name, row.round, row.attempt), (1, StepName::Detect, 0, 1));
    assert_eq!((row.started_at, row.ended_at), (of.started_at, Some(NOW.plus(40))));
    assert_eq!((row.outcome, &row.output), (Some(Outcome::Ok), &json!({"seen": 1})));
    let next = steps.begin(&of.id, StepName::Fence, 0, NOW.plus(60)).await.expect("begun");
    assert_eq!(next.seq, 2);
    let second = failover(&one, "fo-2");
    failovers.open_judged(&second, Some(&verdict)).await.expect_err("one at a time");
    assert!(steps.list(&second.id).await.expect("read").is_empty());
}

async fn a_step_runs_once_at_a_time(world: &World) {
    let of = begun(world).await;
    let beside = world.beside().await;
    let tries = (0..6).map(|n| {
        let store = if n % 2 == 0 { &world.store } else { &beside }.clone();
        let id = of.id.clone();
        tokio::spawn(async move { store.steps().begin(&id, StepName::Buy, 0, NOW).await })
    });
    let mut won = 0;
    for task in tries.collect::<Vec<_>>() {
        match task.await.expect("ran") {
            Ok(row) => {
                assert_eq!((row.seq, row.attempt), (1, 1));
                won += 1;
            }
            Err(StoreError::Conflict("this step runs already")) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(world.store.steps().list(&of.id).await.expect("read").len(), 1);
    beside.close().await;
}

async fn an_end_is_recorded_once(world: &World) {
    let of = begun(world).await;
    let steps = world.store.steps();
    let row = steps.begin(&of.id, StepName::Fence, 0, NOW).await.expect("begun");
    steps.finish(&of.id, row.seq, &end(Outcome::Ok, NOW.plus(1))).await.expect("ended");
    let late = end(Outcome::Failed, NOW.plus(2));
    for refused in [
        steps.finish(&of.id, row.seq, &late).await,
        steps.finish(&of.id, 99, &late).await,
        steps.finish_next_round(&of.id, row.seq, &late).await.map(drop),
        steps.add_provider_ms(&of.id, row.seq, 5).await,
        steps.set_output(&of.id, row.seq, &json!(1)).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Stale { .. })), "{refused:?}");
    }
    let rows = steps.list(&of.id).await.expect("read");
    assert_eq!(rows[0].outcome, Some(Outcome::Ok));
    assert_eq!(rows[0].provider_ms, 0);
    let read = world.store.failovers().find(&of.id).await.expect("read");
    assert_eq!(read.round, 0, "a refused end begins no round");
}

async fn a_new_round_begins_with_the_end_of_its_step(world: &World) {
    let of = begun(world).await;
    let steps = world.store.steps();
    let boot = steps.begin(&of.id, StepName::Boot, 0, NOW).await.expect("begun");
    let search = steps.begin(&of.id, StepName::Search, 0, NOW).await.expect("begun");
    let bad = Finish { error: Some("no SSH".into()), ..end(Outcome::Ok, NOW.plus(9)) };
    let round = steps.finish_next_round(&of.id, boot.seq, &bad).await;
    assert_eq!(round.expect("ended"), 1);
    let rows = steps.list(&of.id).await.expect("read");
    assert_eq!(rows[0].outcome, Some(Outcome::NextRound));
    assert_eq!(rows[0].error.as_deref(), Some("no SSH"));
    let late = steps.finish_next_round(&of.id, search.seq, &bad).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })), "of the round before");
    let read = world.store.failovers().find(&of.id).await.expect("read");
    assert_eq!(read.round, 1);
    steps.finish(&of.id, search.seq, &bad).await.expect("its own end is still open");
}

async fn whoever_takes_over_shuts_the_worker_before_out(world: &World) {
    let of = begun(world).await;
    let steps = world.store.steps();
    let done = steps.begin(&of.id, StepName::Detect, 0, NOW).await.expect("begun");
    steps.finish(&of.id, done.seq, &end(Outcome::Ok, NOW)).await.expect("ended");
    let left = steps.begin(&of.id, StepName::Buy, 0, NOW).await.expect("begun");
    let beside = world.beside().await;
    let marked = beside.steps().interrupt_open(&of.id, NOW.plus(60)).await;
    assert_eq!(marked.expect("marked"), 1);
    let late = steps.finish(&of.id, left.seq, &end(Outcome::Ok, NOW)).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })));
    let rows = beside.steps().list(&of.id).await.expect("read");
    assert_eq!(rows[0].outcome, Some(Outcome::Ok));
    assert_eq!(rows[1].outcome, Some(Outcome::Interrupted));
    assert_eq!(rows[1].ended_at, Some(NOW.plus(60)));
    let again = beside.steps().begin(&of.id, StepName::Buy, 0, NOW.plus(60)).await;
    assert_eq!(again.expect("begun").attempt, 2);
    beside.close().await;
}

async fn nothing_begins_after_the_end(world: &World) {
    let of = begun(world).await;
    let closed = world.store.failovers();
    closed.close(&of.id, FailoverState::Complete, NOW, None).await.expect("closed");
    let refused = world.store.steps().begin(&of.id, StepName::Buy, 0, NOW).await;
    assert!(matches!(refused, Err(StoreError::Stale { .. })));
}

async fn many_steps_at_once_get_numbers_of_their_own(world: &World) {
    let of = begun(world).await;
    let tries = StepName::ALL.iter().map(|name| {
        let (store, id, name) = (world.store.clone(), of.id.clone(), *name);
        tokio::spawn(async move { store.steps().begin(&id, name, 0, NOW).await })
    });
    let mut numbers = Vec::new();
    for task in tries.collect::<Vec<_>>() {
        numbers.push(task.await.expect("ran").expect("begun").seq);
    }
    numbers.sort_unstable();
    let all = i64::try_from(StepName::ALL.len()).expect("small");
    assert_eq!(numbers, (1..=all).collect::<Vec<_>>());
}

async fn progress_is_kept_while_a_step_runs_and_stays_after_it(world: &World) {
    let of = begun(world).await;
    let steps = world.store.steps();
    let row = steps.begin(&of.id, StepName::Restore, 0, NOW).await.expect("begun");
    let at = |ms, files| Measure { at: NOW.plus(ms), files, bytes: Some(files * 10) };
    let whole = Whole { files: Some(9), bytes: None };
    let progress = Progress::begin(whole, at(1, 0));
    for progress in [progress, progress.with(at(600, 4))] {
        steps.set_progress(&of.id, row.seq, &progress).await.expect("kept");
        let rows = steps.list(&of.id).await.expect("read");
        assert_eq!(rows[0].progress, Some(progress));
    }
    steps.finish(&of.id, row.seq, &end(Outcome::Ok, NOW.plus(900))).await.expect("ended");
    let late = steps.set_progress(&of.id, row.seq, &progress).await;
    assert!(matches!(late, Err(StoreError::Stale { .. })));
    let rows = steps.list(&of.id).await.expect("read");
    assert_eq!(rows[0].progress, Some(progress.with(at(600, 4))));
}
