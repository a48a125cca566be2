//! A drill's takeover: a pinned copy of the recovery point beside the live one, which goes on
//! following. The user's command is not run, the epoch does not change.

use domain::failover::TakeoverOutput;

use super::step::{Ended, Run, StepEnd};
use crate::{data, leftovers};

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, association, .. } = run;
    let (_, shell) = run.standby().await?;
    leftovers::sweep(context, association, &shell).await?;
    let recovery_point = run.association.sync.complete_to;
    let pinned =
        data::rehearse(&shell, &run.association.workspace, run.failover.id.as_str()).await?;
    let output = TakeoverOutput {
        recovery_point,
        source: Some(pinned.source),
        files: Some(pinned.files),
        bytes: Some(pinned.bytes),
        hook: None,
    };
    Ok(StepEnd::done(&output))
}
