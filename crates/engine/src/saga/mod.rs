//! The failover saga: rows, not a call stack.
//!
//! [`open`] records a failover; [`drive`] reads its rows, asks the pure route what may run, runs it,
//! and records how it ended, until the route says that it is over. A process that dies leaves rows
//! without an outcome; whoever goes on marks them interrupted and starts those steps again, and each
//! step looks before it acts.

mod abandon;
mod boot;
mod buy;
mod cleanup;
mod delta;
mod detect;
mod fence;
mod final_sync;
mod keeping;
mod progress;
mod rehearse;
mod restore;
mod retire;
mod search;
mod step;
mod switch;
mod takeover;
mod verify;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::association::{Association, AssociationState, Serving};
use domain::failover::{
    DetectOutput, Failover, FailoverState, Kind, Left, Options, Outcome, StepName, StepRow,
};
use domain::id::{AssociationId, FailoverId};
use domain::notification::Wait;
use domain::route::{self, Next};
use domain::time::Millis;
use domain::verdict::Cause;
use store::{Finish, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::EngineError;
use crate::ports::{task, time};
use step::{Run, StepEnd};

/// Longest wait before the rows are read again, so that a cancellation is seen.
const LOOK: Duration = Duration::from_millis(400);

/// Why a failover ended whose machine is no more.
const GIVEN_UP: &str = "its user discarded the machine";

/// Why one failed that had reached a GPU.
const UNANSWERED: &str = "the new GPU did not answer any more, or nothing could be started on it, once the machine was on it; the old GPU is to be stopped, and its disk is kept until you destroy it";

/// What a failover begins with.
pub(crate) struct Opening {
    pub(crate) kind: Kind,
    pub(crate) cause: Cause,
    pub(crate) note: Option<String>,
    pub(crate) options: Options,
    pub(crate) detected: DetectOutput,
    pub(crate) started_at: Millis,
}

/// Records a failover with its verdict. Only one per machine at a time.
///
/// # Errors
/// Another is under way (`Conflict`), or the database failed; nothing has begun then.
pub(crate) async fn open(
    context: &Context,
    association: &Association,
    opening: Opening,
) -> Result<FailoverId, EngineError> {
    let failover = Failover {
        id: FailoverId::new(context.new_id()),
        user: association.user.clone(),
        association: association.id.clone(),
        machine_name: association.name.clone(),
        gpu: association.gpu,
        kind: opening.kind,
        cause: opening.cause,
        note: opening.note,
        options: opening.options,
        state: FailoverState::Running,
        from_epoch: association.epoch,
        round: 0,
        started_at: opening.started_at,
        ended_at: None,
        error: None,
        sandbox: context.config.sandbox,
    };
    // The verdict is the first step. Its evidence exists only here, so it is recorded here, and in the same
    // transaction: a worker that finds a failover without it would judge anew.
    let left = (!failover.options.from_standby).then(|| Left {
        spec: association.spec.clone(),
        endpoint: association.gpu_endpoint.clone(),
        host_key: association.gpu_host_key.clone(),
    });
    let detected = DetectOutput { before: left, ..opening.detected };
    let detected = serde_json::to_value(&detected).unwrap_or_default();
    let verdict = finish(context, StepEnd::ok(detected));
    context.store.failovers().open_judged(&failover, Some(&verdict)).await?;
    tracing::warn!(failover = %failover.id, machine = association.name, kind = %failover.kind, cause = %failover.cause, "failover begins");
    context.doorbell(&failover.user, "failover", failover.id.as_str()).await;
    context.live.machine(&association.id).poke.notify_one();
    Ok(failover.id)
}

/// Drives a failover to its end.
///
/// # Errors
/// The database failed; the caller drives it again.
pub(crate) async fn drive(
    context: Context,
    id: FailoverId,
    association: AssociationId,
) -> Result<(), EngineError> {
    let failovers = context.store.failovers();
    let steps = context.store.steps();
    steps.interrupt_open(&id, context.now()).await?;
    let mut running: JoinSet<Result<(), EngineError>> = JoinSet::new();
    let mut tokens: BTreeMap<i64, CancellationToken> = BTreeMap::new();
    loop {
        let failover = failovers.find(&id).await?;
        let rows = steps.list(&id).await?;
        if failover.state == FailoverState::Cancelling {
            for row in
                rows.iter().filter(|row| row.outcome.is_none() && row.name != StepName::Abandon)
            {
                if let Some(token) = tokens.get(&row.seq) {
                    token.cancel();
                }
            }
        }
        match route::next(&failover, &rows, context.now()) {
            Next::End(state) => {
                end(&context, &failover, &rows, &association, state).await?;
                return Ok(());
            }
            Next::Run(names) => {
                for name in names {
                    let round = route::round_of(name, &failover);
                    let row = steps.begin(&id, name, round, context.now()).await?;
                    let token = CancellationToken::new();
                    tokens.insert(row.seq, token.clone());
                    let attempt = attempt(context.clone(), failover.clone(), row, token);
                    task::spawn_in(&mut running, attempt);
                }
            }
            Next::Wait(until) => {
                let pause = until.map_or(LOOK, |at| {
                    let ms = at.since(context.now()).clamp(10, 400);
                    Duration::from_millis(u64::try_from(ms).unwrap_or(400))
                });
                tokio::select! {
                    biased;
                    Some(ended) = running.join_next() => {
                        ended.map_err(|error| EngineError::conflict("step_panicked", error.to_string()))??;
                    }
                    () = time::sleep(pause) => {}
                }
            }
        }
    }
}

/// One attempt at a step, recorded when it ends.
#[tracing::instrument(name = "step", skip_all, fields(failover = %failover.id, step = %row.name, round = row.round, attempt = row.attempt))]
async fn attempt(
    context: Context,
    failover: Failover,
    row: StepRow,
    token: CancellationToken,
) -> Result<(), EngineError> {
    let Some(association) = context.store.associations().find(&failover.association).await? else {
        return record(&context, &row, StepEnd::failed("the association is gone")).await;
    };
    let rows = context.store.steps().list(&failover.id).await?;
    let run = Run {
        context: &context,
        failover: &failover,
        association: &association,
        rows: &rows,
        row: &row,
    };
    let end = tokio::select! {
        biased;
        end = one(&run) => end,
        () = token.cancelled() => StepEnd::retry("cancelled"),
    };
    match end.outcome {
        Outcome::Ok => tracing::info!("step done"),
        outcome => {
            tracing::warn!(%outcome, error = end.error.as_deref().unwrap_or(""), "step not done")
        }
    }
    let waits = end.waits.filter(|_| end.outcome == Outcome::Retry);
    let words = end.error.clone();
    let end = match waits {
        Some(wait) => end.waiting_for(wait),
        None => end,
    };
    record(&context, &row, end).await?;
    mark_waiting(&context, &failover, waits, words.as_deref()).await?;
    context.doorbell(&failover.user, "failover", failover.id.as_str()).await;
    Ok(())
}

async fn one(run: &Run<'_>) -> StepEnd {
    let ended = match run.row.name {
        StepName::Detect => detect::run(run).await,
        StepName::FinalSync => final_sync::run(run).await,
        StepName::Fence => fence::run(run).await,
        StepName::Takeover => takeover::run(run).await,
        StepName::Rehearse => rehearse::run(run).await,
        StepName::Search => search::run(run).await,
        StepName::Buy => buy::run(run).await,
        StepName::Boot => boot::run(run).await,
        StepName::Restore => restore::run(run).await,
        StepName::Delta => delta::run(run).await,
        StepName::Verify => verify::run(run).await,
        StepName::Switch => switch::run(run).await,
        StepName::Retire => retire::run(run).await,
        StepName::Cleanup => cleanup::run(run).await,
        StepName::Abandon => abandon::run(run).await,
    };
    ended.unwrap_or_else(|early| early).with_backoff(run.row.attempt, run.context)
}

async fn record(context: &Context, row: &StepRow, end: StepEnd) -> Result<(), EngineError> {
    let steps = context.store.steps();
    let finish = finish(context, end);
    if finish.outcome == Outcome::NextRound {
        steps.finish_next_round(&row.failover, row.seq, &finish).await?;
    } else {
        steps.finish(&row.failover, row.seq, &finish).await?;
    }
    Ok(())
}

fn finish(context: &Context, end: StepEnd) -> Finish {
    Finish {
        ended_at: context.now(),
        outcome: end.outcome,
        retry_at: end.retry_at,
        provider_ms: end.provider_ms,
        output: end.output,
        error: end.error,
    }
}

/// Shows that a failover waits for something that others must give, or no longer does.
async fn mark_waiting(
    context: &Context,
    failover: &Failover,
    waits: Option<Wait>,
    words: Option<&str>,
) -> Result<(), EngineError> {
    let failovers = context.store.failovers();
    let set = match (failovers.find(&failover.id).await?.state, waits) {
        (FailoverState::Running | FailoverState::Waiting, Some(wait)) => {
            failovers.wait_for(&failover.id, wait, words, context.now()).await
        }
        (FailoverState::Waiting, None) => {
            failovers.set_state(&failover.id, FailoverState::Running, None).await
        }
        _ => Ok(()),
    };
    match set {
        // Cancelled or closed in between: that stands.
        Err(StoreError::Stale { .. }) => Ok(()),
        ended => Ok(ended?),
    }
}

/// Leaves the association in the state that the end calls for, then closes the failover.
async fn end(
    context: &Context,
    failover: &Failover,
    rows: &[StepRow],
    association: &AssociationId,
    state: FailoverState,
) -> Result<(), EngineError> {
    let now = context.store.associations().find(association).await?;
    let given_up = now.as_ref().is_some_and(|now| now.state == AssociationState::Deleting);
    let error = match state {
        FailoverState::Cancelled if given_up => Some(GIVEN_UP.to_owned()),
        FailoverState::Failed if route::is_unanswered(failover, rows) => {
            Some(UNANSWERED.to_owned())
        }
        FailoverState::Failed => rows
            .iter()
            .rev()
            .find(|row| row.outcome == Some(Outcome::Failed))
            .and_then(|row| row.error.clone()),
        _ => None,
    };
    if let Some(now) = now
        && failover.kind != Kind::Drill
    {
        let (after, reason) = match now.serving {
            Serving::Gpu => (AssociationState::Following, None),
            Serving::Standby => (AssociationState::OnStandby, None),
            Serving::None => (
                AssociationState::Degraded,
                Some("the failover ended before anything served again"),
            ),
        };
        if now.state == AssociationState::FailingOver {
            context.store.associations().set_state(association, now.epoch, after, reason).await?;
        }
    }
    let close = async || {
        context.store.failovers().close(&failover.id, state, context.now(), error.as_deref()).await
    };
    match close().await {
        // One was recorded after the others were given back, by a process that drove it before.
        Err(StoreError::Conflict(store::STANDS)) => {
            cleanup::give_back_all(context, &failover.id).await?;
            close().await?;
        }
        closed => closed?,
    }
    tracing::warn!(failover = %failover.id, %state, error = error.as_deref().unwrap_or(""), "failover ended");
    context.doorbell(&failover.user, "failover", failover.id.as_str()).await;
    Ok(())
}
