//! The steps' way to the keeper on a standby whose copy is kept by it.

use domain::association::DataPath;
use domain::failover::{Kind, RestoreOutput, StepName, TakeoverOutput, VerifyOutput};
use providers::ssh::Shell;

use super::progress::{Meter, measured};
use super::restore;
use super::step::{Run, StepEnd};
use crate::data::{self, DataError, Keeper, Program};

/// A standby with a keeper of its copy.
pub(super) struct Keeping {
    pub(super) program: Program,
    standby: Shell,
    pub(super) keeper: Keeper,
}

/// The keeper of this machine's copy; none where it is followed by rsync.
pub(super) async fn keeping(run: &Run<'_>) -> Result<Option<Keeping>, StepEnd> {
    if run.association.sync.path != Some(DataPath::Agent) {
        return Ok(None);
    }
    let Some(program) = run.context.config.agent.clone() else { return Ok(None) };
    let (_, standby) = run.standby().await?;
    let path = match program.put(&standby).await {
        Err(error @ DataError::Unfit(_)) => {
            tracing::error!(%error, "the standby's keeper does not run");
            return Ok(None);
        }
        put => put?,
    };
    let keeper = Keeper::start(&standby, &path, &run.association.workspace).await?;
    Ok(Some(Keeping { program, standby, keeper }))
}

/// Where `dumont-agent` is on the new GPU; none where that can't run it.
async fn on_gpu(run: &Run<'_>, program: &Program) -> Result<Option<String>, StepEnd> {
    let gpu = run.gpu(&restore::target(run)?).await?;
    match program.put(&gpu).await {
        Ok(path) => Ok(Some(path)),
        Err(error @ DataError::Unfit(_)) => {
            tracing::warn!(%error, "brought and compared by rsync and scripts");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Sends what the new GPU lacks of the newest point, the standby's own work in it; none where it has to
/// be sent in another way.
pub(super) async fn send(run: &Run<'_>) -> Result<Option<RestoreOutput>, StepEnd> {
    let Some(mut keeping) = keeping(run).await? else { return Ok(None) };
    let Some(there) = on_gpu(run, &keeping.program).await? else { return Ok(None) };
    let drill = run.failover.kind == Kind::Drill;
    let pinned: Option<TakeoverOutput> = run.earlier(StepName::Rehearse).filter(|_| drill);
    let point = match pinned.and_then(|pinned| pinned.point) {
        Some(point) => point,
        None if drill => return Ok(None),
        None => {
            // The last of it is sent while the job on the standby is held.
            let frozen = run.row.name == StepName::Delta;
            keeping.keeper.own(run.association.epoch, frozen).await?.id
        }
    };
    let before: Option<RestoreOutput> =
        run.earlier(StepName::Restore).filter(|_| run.row.name == StepName::Delta);
    let from = before.and_then(|before| before.point).filter(|_| run.row.attempt == 1);
    let meter = Meter::new(run.context);
    let sent = bring(run, &mut keeping, &there, (point, from), &meter).await?;
    let mut output = sent.output;
    if sent.troubles > 0 {
        tracing::warn!(troubles = sent.troubles, words = ?sent.words, "not all of it was brought");
        // What changed under it comes with the rest once nothing writes any more.
        if run.row.name == StepName::Restore && !drill {
            output.point = None;
        }
    }
    Ok(Some(output))
}

async fn bring(
    run: &Run<'_>,
    keeping: &mut Keeping,
    there: &str,
    points: (i64, Option<i64>),
    meter: &Meter<'_>,
) -> Result<data::Sent, StepEnd> {
    let target = restore::target(run)?;
    let key = target.host_key.clone().unwrap_or_default();
    data::reach(&keeping.standby, &target.endpoint, &key).await?;
    let counted = run.row.name == StepName::Restore && run.row.attempt == 1;
    let mut whole = |all| {
        if counted {
            meter.whole(all);
        }
    };
    let mut moved = |now| meter.moved(now);
    let workspace = &run.association.workspace;
    let sent = keeping.keeper.restore(points, there, workspace, &mut whole, &mut moved);
    Ok(measured(run, meter, sent).await?)
}

/// The proof against the point that the new GPU was brought to; none where it has to be had in another
/// way. An attempt after the first sends first what differs.
pub(super) async fn prove(run: &Run<'_>) -> Result<Option<VerifyOutput>, StepEnd> {
    let last: Option<RestoreOutput> =
        run.earlier(StepName::Delta).or_else(|| run.earlier(StepName::Restore));
    let Some(point) = last.and_then(|last| last.point) else { return Ok(None) };
    let Some(mut keeping) = keeping(run).await? else { return Ok(None) };
    let Some(there) = on_gpu(run, &keeping.program).await? else { return Ok(None) };
    let meter = Meter::new(run.context);
    if run.row.attempt > 1 {
        bring(run, &mut keeping, &there, (point, None), &meter).await?;
    }
    let told = |files| meter.compared(files, None);
    let proof = keeping.keeper.prove(point, &there, &run.association.workspace, &told);
    Ok(Some(measured(run, &meter, proof).await?))
}

/// Lets go of what a drill kept on the standby, in whichever way it was kept.
pub(super) async fn forget(run: &Run<'_>, standby: &Shell) -> Result<(), StepEnd> {
    let drill = run.failover.id.as_str();
    if let Some(mut keeping) = keeping(run).await? {
        keeping.keeper.unpin(drill).await?;
    }
    Ok(data::forget_rehearsal(standby, drill).await?)
}
