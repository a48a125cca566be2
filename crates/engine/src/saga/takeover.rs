//! The standby takes over: the copy is closed to older epochs, the user's command runs, and from here
//! on the work is on the standby.

use domain::association::Serving;
use domain::failover::{Kind, StepName, TakeoverOutput};

use super::keeping::keeping;
use super::step::{Ended, Run, StepEnd};
use crate::{data, hooks};

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, association, failover, .. } = run;
    let epoch = failover.from_epoch.next();
    let (_, shell) = run.standby().await?;
    let taken = match keeping(run).await? {
        Some(mut keeping) => keeping.keeper.take_over(epoch).await?,
        None => data::takeover(&shell, &association.workspace, epoch).await?,
    };
    // Begun once: a restart in between must not start it beside itself.
    let hook = hooks::on_standby(&shell, association, context.config.timings.hook).await?;
    context.store.associations().set_serving(&association.id, epoch, Serving::Standby).await?;
    // A planned move synced its last bytes before; an unplanned one has what was complete.
    let planned: Option<TakeoverOutput> =
        run.earlier(StepName::FinalSync).filter(|_| failover.kind == Kind::Planned);
    let recovery_point =
        planned.and_then(|synced| synced.recovery_point).or(association.sync.complete_to);
    let output = TakeoverOutput {
        recovery_point,
        source: Some(association.workspace.clone()),
        files: Some(taken.files),
        bytes: Some(taken.bytes),
        hook,
        point: None,
    };
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(StepEnd::done(&output))
}
