//! The new GPU becomes the place that serves: in the database first, then on the hosts.
//!
//! From then on there is no way back, and whatever one of the hosts does not give ends nothing: it is tried
//! for a while, then left.

use domain::association::{AssociationState, Serving};
use domain::failover::{
    BootOutput, BuyOutput, HookResult, IntentState, RestoreOutput, StepName, SwitchOutput,
};
use domain::id::GpuId;
use domain::launch::RESTORED;
use domain::time::Millis;
use providers::ssh::Shell;
use store::Placement;

use super::restore;
use super::step::{Ended, Run, StepEnd};
use crate::error::EngineError;
use crate::live::Target;
use crate::purchase::label_prefix;
use crate::{data, hooks};

/// Why a machine without a standby is degraded, in the words of whoever found it gone.
const NO_STANDBY: &str = "the standby VM no longer exists at the provider; a new one is being made";

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, association, failover, .. } = run;
    let booted: BootOutput = run.earlier(StepName::Boot).unwrap_or_default();
    let bought: BuyOutput = run.earlier(StepName::Buy).unwrap_or_default();
    let (Some(gpu), Some(intent), Some(endpoint)) = (bought.gpu, &bought.intent, &booted.endpoint)
    else {
        return Ok(StepEnd::failed("no new GPU to switch to"));
    };
    let target = restore::target(run)?;
    let associations = context.store.associations();
    let known = context.store.intents().find(intent).await?;
    let adopted = known.filter(|intent| intent.state == IntentState::Adopted);
    let (shell, adopted_at) = match adopted {
        Some(intent) => (None, intent.changed_at),
        None => {
            // Its data is proven: it alone has to answer. Without the standby it is all there is.
            let shell = run.gpu(&target).await?;
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
            (Some(shell), now)
        }
    };
    // At once: whatever comes between now and the end must find that the new GPU is the one that serves.
    associations.set_serving(&association.id, association.epoch, Serving::Gpu).await?;
    let told = or_left(run, adopted_at, begin(run, shell, &target).await)?;
    or_left(run, adopted_at, end_standby_job(run).await)?;
    let frozen: Option<RestoreOutput> = run.earlier(StepName::Delta);
    let freeze_ms = frozen.and_then(|delta| delta.frozen_at).map(|at| context.now().since(at));
    let (state, reason) = match association.standby {
        Some(_) => (AssociationState::Following, None),
        None => (AssociationState::Degraded, Some(NO_STANDBY)),
    };
    associations.set_state(&association.id, association.epoch, state, reason).await?;
    name(run, gpu).await;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    let unanswered = told.is_none();
    Ok(StepEnd::done(&SwitchOutput { hook: told.flatten(), freeze_ms, unanswered }))
}

/// What a host gave; nothing where it has not given it for as long as a GPU may take to answer. A new GPU that
/// is dead by then is a loss to be judged like any other, once this failover is over.
fn or_left<T>(
    run: &Run<'_>,
    adopted_at: Millis,
    given: Result<T, StepEnd>,
) -> Result<Option<T>, StepEnd> {
    let end = match given {
        Ok(given) => return Ok(Some(given)),
        Err(end) => end,
    };
    let error = end.error.unwrap_or_default();
    let patience = run.context.config.timings.ssh.as_millis();
    if u128::try_from(run.context.now().since(adopted_at)).unwrap_or(0) < patience {
        // Never as a failure: that would undo what can't be undone.
        return Err(StepEnd::retry(error));
    }
    tracing::error!(association = %run.association.id, error, "left undone after the switch");
    Ok(None)
}

/// Starts the user's work on the new GPU.
async fn begin(
    run: &Run<'_>,
    shell: Option<Shell>,
    target: &Target,
) -> Result<Option<HookResult>, StepEnd> {
    let Run { context, association, failover, .. } = run;
    let shell = match shell {
        Some(shell) => shell,
        None => run.gpu(target).await?,
    };
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
    Ok(hook)
}

/// Ends what the user's command left on the standby, where that may still run.
async fn end_standby_job(run: &Run<'_>) -> Result<(), StepEnd> {
    if run.standby_is_down() {
        return Ok(());
    }
    let (_, standby) = run.standby().await?;
    data::end_standby_job(&standby).await?;
    Ok(())
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
    // Whole or not there: the script looks every second, and leaves off for good at anything but the word.
    let command = format!(
        "[ -e {RESTORED} ] || {{ printf {word} > {RESTORED}.new && mv -f {RESTORED}.new {RESTORED}; }}"
    );
    let told = data::run_hook(shell, &command, &[], context.config.timings.hook).await?;
    match told.status {
        Some(0) => Ok(()),
        _ => Err(StepEnd::retry("the new GPU can't be told that its data is there")),
    }
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
