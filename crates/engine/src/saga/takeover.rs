//! The standby takes over: the copy is closed to older epochs, the user's command runs, and from here
//! on the work is on the standby.

use domain::association::DataPath;
use domain::failover::{FenceOutput, Kind, StepName, TakeoverOutput};
use domain::id::Epoch;
use providers::ssh::Shell;

use super::keeping::keeping;
use super::step::{Ended, Run, StepEnd};
use crate::data::Taken;
use crate::{data, hooks};

/// Tries by the keeper before its copy is taken as it lies there.
const TRIES: i64 = 4;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, association, failover, .. } = run;
    let epoch = failover.from_epoch.next();
    let (standby, shell) = run.standby().await?;
    if association.sync.complete_to.is_none() {
        return Ok(StepEnd::failed(
            "the standby has no complete copy: there is nothing to go on from",
        ));
    }
    let (taken, known) = taken(run, &shell, epoch).await?;
    // It may be another disk than the one that was synced, whatever the database says.
    let synced = association.sync.files.is_none_or(|files| files > 0);
    if synced && taken.files == 0 && taken.last_cycle.is_none() {
        return Ok(StepEnd::failed(
            "the standby's copy is empty: it is not the one that was synced",
        ));
    }
    // Begun once: a restart in between must not start it beside itself.
    let hook = hooks::on_standby(&shell, association, context.config.timings.hook).await?;
    // On this one: it may have vanished meanwhile.
    let associations = context.store.associations();
    associations.serve_on_standby(&association.id, epoch, &standby.intent).await?;
    // A planned move synced its last bytes before; an unplanned one has what was complete.
    let fence: FenceOutput = run.earlier(StepName::Fence).unwrap_or_default();
    let planned: Option<TakeoverOutput> = fence
        .synced
        .or_else(|| run.earlier(StepName::FinalSync))
        .filter(|_| failover.kind == Kind::Planned);
    // As the point is: of a copy that was taken as it lay there nobody knows what is in it.
    let synced = planned.as_ref().and_then(|synced| synced.recovery_point);
    let recovery_point = synced.or(association.sync.complete_to).filter(|_| known);
    let gaps = planned.and_then(|synced| synced.gaps).or_else(|| association.sync.gaps.clone());
    let output = TakeoverOutput {
        recovery_point,
        source: Some(association.workspace.clone()),
        files: Some(taken.files),
        bytes: Some(taken.bytes),
        hook,
        point: None,
        gaps: match taken.damaged {
            // What of it is not as it was is known by name, also where the rest is not one moment.
            Some((count, named)) => Some(gaps.unwrap_or_default().with_damaged(count, named)),
            None => gaps.filter(|_| known),
        },
    };
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(StepEnd::done(&output))
}

/// Takes the copy over; and whether what is in it is one moment of the GPU, as far as is known.
///
/// A copy that is kept is taken over by its keeper, which finishes what it had decided on: by a script it
/// would be a mixture, with files missing that were on their way. Where the keeper can't do it, time after
/// time, serving from that is still better than not at all, and nothing is claimed of it.
async fn taken(run: &Run<'_>, shell: &Shell, epoch: Epoch) -> Result<(Taken, bool), StepEnd> {
    let Run { association, .. } = run;
    let kept = association.sync.path == Some(DataPath::Agent);
    let by_keeper = async {
        match keeping(run).await? {
            Some(mut keeping) => Ok(Some(keeping.keeper.take_over(epoch).await?)),
            None => Ok::<_, StepEnd>(None),
        }
    };
    match by_keeper.await {
        Ok(Some(taken)) => {
            if let Some(words) = &taken.cut_off {
                tracing::error!(association = %association.id, words, "the copy is not one moment");
            }
            let whole = taken.cut_off.is_none();
            return Ok((taken, whole));
        }
        Ok(None) if kept && run.row.attempt < TRIES => {
            return Err(StepEnd::retry(
                "the standby can't run dumont-agent now, which keeps its copy",
            ));
        }
        Err(end) if !kept || run.row.attempt < TRIES => return Err(end),
        Err(end) => {
            let error = end.error.unwrap_or_default();
            tracing::error!(association = %association.id, error, "not taken over by its keeper");
        }
        Ok(None) => {}
    }
    Ok((data::takeover(shell, &association.workspace, epoch).await?, !kept))
}
