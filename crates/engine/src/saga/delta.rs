//! Writes on the standby are frozen, and what changed since the bulk goes over.

use domain::failover::RestoreOutput;

use super::restore;
use super::step::{Ended, Run, StepEnd};
use crate::data;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    match freeze_and_send(run).await {
        Ok(output) => Ok(StepEnd::done(&output)),
        Err(end) => restore::or_next(run, end).await,
    }
}

async fn freeze_and_send(run: &Run<'_>) -> Result<RestoreOutput, StepEnd> {
    let Run { context, association, .. } = run;
    let (_, standby) = run.standby().await?;
    let frozen_at = context.now();
    if let Some(command) = &association.hooks.before_switch {
        let ended = data::run_hook(
            &standby,
            command,
            &data::hook_env(association, "standby"),
            context.config.timings.hook,
        )
        .await?;
        tracing::info!(status = ?ended.status, "before_switch ran on the standby");
    }
    data::freeze_writes(&standby).await?;
    let sent = restore::send(run).await?;
    Ok(RestoreOutput { frozen_at: Some(frozen_at), ..sent })
}
