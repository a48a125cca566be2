//! A drill's takeover: a pinned copy of the recovery point beside the live one, which goes on
//! following. The user's command is not run, the epoch does not change.

use domain::failover::TakeoverOutput;

use super::keeping::keeping;
use super::step::{Ended, Run, StepEnd};
use crate::{data, leftovers};

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, association, .. } = run;
    let (_, shell) = run.standby().await?;
    leftovers::sweep(context, association, &shell).await?;
    let recovery_point = run.association.sync.complete_to;
    if let Some(mut keeping) = keeping(run).await? {
        let point = keeping.keeper.pin(run.failover.id.as_str()).await?;
        return Ok(StepEnd::done(&TakeoverOutput {
            recovery_point,
            source: None,
            files: Some(point.files),
            bytes: Some(point.bytes),
            hook: None,
            point: Some(point.id),
            gaps: run.association.sync.gaps.clone(),
        }));
    }
    let pinned =
        data::rehearse(&shell, &run.association.workspace, run.failover.id.as_str()).await?;
    let output = TakeoverOutput {
        recovery_point,
        source: Some(pinned.source),
        files: Some(pinned.files),
        bytes: Some(pinned.bytes),
        hook: None,
        point: None,
        gaps: None,
    };
    Ok(StepEnd::done(&output))
}
