//! The new GPU becomes the place that serves: in the database first, then on the hosts.

use domain::association::{AssociationState, Serving};
use domain::failover::{BootOutput, BuyOutput, RestoreOutput, StepName, SwitchOutput};
use domain::id::GpuId;
use domain::launch::RESTORED;
use providers::ssh::Shell;
use store::Placement;

use super::restore;
use super::step::{Ended, Run, StepEnd};
use crate::error::EngineError;
use crate::purchase::label_prefix;
use crate::{data, hooks};

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, association, failover, .. } = run;
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
    let mut spec = booted.spec.clone();
    // The class to stand in for stays that of the machine that its user chose.
    spec.usd_per_hour = association.spec.usd_per_hour.or(spec.usd_per_hour);
    let place = Placement {
        gpu,
        endpoint: Some(endpoint.clone()),
        host_key: booted.host_key.clone(),
        spec,
    };
    let (epoch, now) = (association.epoch, context.now());
    associations.switch_to_bought(failover, epoch, &place, intent, now).await?;
    let hook = match &association.hooks.on_gpu {
        Some(command) => {
            let name = format!("on_gpu-{}", failover.id);
            let env = data::hook_env(association, "gpu");
            let deadline = context.config.timings.hook;
            Some(hooks::run_once(&shell, &name, command, &env, deadline).await?)
        }
        None => None,
    };
    release(run, &shell).await?;
    data::end_standby_job(&standby).await?;
    let frozen: Option<RestoreOutput> = run.earlier(StepName::Delta);
    let freeze_ms = frozen.and_then(|delta| delta.frozen_at).map(|at| context.now().since(at));
    associations.set_serving(&association.id, association.epoch, Serving::Gpu).await?;
    associations
        .set_state(&association.id, association.epoch, AssociationState::Following, None)
        .await?;
    name(run, gpu).await;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(StepEnd::done(&SwitchOutput { hook, freeze_ms }))
}

/// Tells the script of each start that the data is there. Where a command of the user's has just started the
/// work, the script leaves it alone until the container starts again.
async fn release(run: &Run<'_>, shell: &Shell) -> Result<(), StepEnd> {
    let Run { context, association, .. } = run;
    let kept = context.store.associations().launch(&association.id).await?;
    if kept.is_none_or(|(launch, _)| launch.held_script().is_none()) {
        return Ok(());
    }
    let word = if association.hooks.on_gpu.is_some() { "held" } else { "run" };
    let command = format!("[ -e {RESTORED} ] || printf {word} > {RESTORED}");
    data::run_hook(shell, &command, &[], context.config.timings.hook).await?;
    Ok(())
}

/// Shows the user's own name for the machine at the provider. It serves either way.
async fn name(run: &Run<'_>, gpu: GpuId) {
    let Run { context, failover, association, .. } = run;
    let named = async {
        let kept = context.store.associations().launch(&association.id).await?;
        let ours = label_prefix(context.store.install_id());
        let own = kept.and_then(|(launch, _)| launch.label).filter(|own| !own.starts_with(&ours));
        let name = own.unwrap_or_else(|| association.name.clone());
        Ok::<_, EngineError>(context.accounts.vast(&failover.user).await?.label(gpu, &name).await?)
    };
    if let Err(error) = named.await {
        tracing::warn!(%gpu, %error, "the new GPU has not its user's name at the provider");
    }
}
