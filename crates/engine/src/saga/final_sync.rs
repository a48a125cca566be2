//! The last bytes of a planned move: the user's job is told to stop, then one full sync. Nothing has
//! been left yet: should this fail, the machine stays where it is.

use domain::failover::TakeoverOutput;

use super::keeping;
use super::progress::{Meter, measured};
use super::step::{Ended, Run, StepEnd};
use crate::data::{self, CycleOutcome, CycleRequest};
use crate::live::Target;

/// Tries before the move is called off.
const TRIES: i64 = 3;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, association, .. } = run;
    let (_, standby) = run.standby().await?;
    let Some(endpoint) = association.gpu_endpoint.clone() else {
        return Ok(StepEnd::failed("the GPU has no SSH address"));
    };
    let target = Target { endpoint: endpoint.clone(), host_key: association.gpu_host_key.clone() };
    let gpu = run.gpu(&target).await.map_err(|end| give_up(run, end))?;
    let hook = match &association.hooks.before_switch {
        Some(command) => Some(
            data::run_hook(
                &gpu,
                command,
                &data::hook_env(association, "gpu"),
                context.config.timings.hook,
            )
            .await?,
        ),
        None => None,
    };
    let started_at = context.now();
    let request = CycleRequest {
        workspace: association.workspace.clone(),
        endpoint,
        epoch: association.epoch,
        cycle: format!("final-{}", run.row.seq),
        // The user asked for this very state to be moved.
        max_delete_percent: 100,
        accepted_deletions: None,
    };
    let meter = Meter::new(context);
    let mut whole = |all| meter.whole(all);
    let mut moved = |so_far| meter.moved(so_far);
    let report = match keeping::keeping(run).await.map_err(|end| give_up(run, end))? {
        Some(mut keeping) => {
            let key = association.gpu_host_key.clone().unwrap_or_default();
            let sync = async {
                let there = keeping.program.put(&gpu).await?;
                let told = keeping.keeper.cycle(&request, &there, &key, &mut whole, &mut moved);
                told.await
            };
            measured(run, &meter, sync).await
        }
        None => {
            let sync = data::cycle_with(&standby, &request, &mut whole, &mut moved);
            measured(run, &meter, sync).await
        }
    };
    let report = report.map_err(|error| give_up(run, StepEnd::from(error)))?;
    let gaps = report.kept.map(|kept| kept.gaps);
    if let Some(gaps) = gaps.as_ref().filter(|gaps| gaps.lost() > 0)
        && !run.failover.options.accept_gaps
    {
        let why = format!("not all of the workspace is on the standby: {}", gaps.words());
        return Err(give_up(run, StepEnd::retry(why)));
    }
    match report.outcome {
        CycleOutcome::Ok => Ok(StepEnd::done(&TakeoverOutput {
            recovery_point: Some(started_at),
            source: Some(association.workspace.clone()),
            files: Some(report.files_total),
            bytes: Some(report.bytes_total),
            hook,
            point: None,
            gaps,
        })),
        other => {
            Err(give_up(run, StepEnd::retry(format!("the last sync did not complete: {other:?}"))))
        }
    }
}

/// A few tries, then the move is called off with everything as it was.
fn give_up(run: &Run<'_>, end: StepEnd) -> StepEnd {
    let why = end.error.clone().unwrap_or_default();
    if run.row.attempt < TRIES {
        end
    } else {
        StepEnd::failed(format!("not moved, nothing was changed: {why}"))
    }
}
