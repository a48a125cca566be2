//! The new GPU becomes the place that serves: in the database first, then on the hosts.

use domain::association::{AssociationState, Serving};
use domain::failover::{BootOutput, BuyOutput, RestoreOutput, StepName, SwitchOutput};

use store::Placement;

use super::restore;
use super::step::{Ended, Run, StepEnd};
use crate::data;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, association, .. } = run;
    let booted: BootOutput = run.earlier(StepName::Boot).unwrap_or_default();
    let bought: BuyOutput = run.earlier(StepName::Buy).unwrap_or_default();
    let (Some(gpu), Some(intent), Some(endpoint)) = (bought.gpu, &bought.intent, &booted.endpoint)
    else {
        return Ok(StepEnd::failed("no new GPU to switch to"));
    };
    let target = restore::target(run)?;
    let shell = run.gpu(&target).await?;
    let (_, standby) = run.standby().await?;
    let associations = context.store.associations();
    if association.gpu != gpu {
        let mut spec = booted.spec.clone();
        // The class to stand in for stays that of the machine that its user chose.
        spec.usd_per_hour = association.spec.usd_per_hour.or(spec.usd_per_hour);
        let place = Placement {
            gpu,
            endpoint: Some(endpoint.clone()),
            host_key: booted.host_key.clone(),
            spec,
        };
        associations.switch_gpu(&association.id, association.epoch, &place, context.now()).await?;
    }
    context.store.intents().adopt(intent, context.now()).await?;
    let hook = match &association.hooks.on_gpu {
        Some(command) => Some(
            data::run_hook(
                &shell,
                command,
                &data::hook_env(association, "gpu"),
                context.config.timings.hook,
            )
            .await?,
        ),
        None => None,
    };
    data::end_standby_job(&standby).await?;
    let frozen: Option<RestoreOutput> = run.earlier(StepName::Delta);
    let freeze_ms = frozen.and_then(|delta| delta.frozen_at).map(|at| context.now().since(at));
    associations.set_serving(&association.id, association.epoch, Serving::Gpu).await?;
    associations
        .set_state(&association.id, association.epoch, AssociationState::Following, None)
        .await?;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(StepEnd::done(&SwitchOutput { hook, freeze_ms }))
}
