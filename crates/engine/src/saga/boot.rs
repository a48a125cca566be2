//! Waiting until the new GPU runs and answers, and preparing it to receive. A candidate that does not
//! come up in time is given back and another is sought.

use std::time::Duration;

use domain::failover::{
    BootOutput, BuyOutput, CandidateFault, IntentState, Role, StepName, StepRow, Wish,
};
use domain::gpu::{GpuInstance, GpuState};
use domain::id::GpuId;
use domain::offer::GpuSpec;
use store::StoreError;

use super::step::{Ended, Run, StepEnd};
use crate::data;
use crate::listing;
use crate::live::Target;
use crate::ports::time;
use crate::reaper;
use crate::worker::dial;

/// Tries at preparing one candidate before another is sought.
const PREPARATIONS: usize = 3;
const LOOK: Duration = Duration::from_millis(500);
/// How long a candidate may wait for its GPUs, which were on offer when it was bought.
const GPUS: Duration = Duration::from_secs(20);

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Some(bought) = run.earlier::<BuyOutput>(StepName::Buy) else {
        return Ok(StepEnd::failed("nothing was bought"));
    };
    let Some(gpu) = bought.gpu else { return Ok(StepEnd::failed("the purchase has no instance")) };
    let asked = time::now();
    let ms = || i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX);
    let instance = match running(run, gpu).await {
        Ok(instance) => instance,
        Err(fault) => return no_good(run, &bought, fault, ms()).await,
    };
    let Some(endpoint) = instance.ssh.clone() else {
        return Ok(StepEnd::retry("it runs without an SSH address"));
    };
    let target = Target { endpoint: endpoint.clone(), host_key: None };
    let shell = match answering(run, gpu, &target).await {
        Ok(shell) => shell,
        Err(fault) => return no_good(run, &bought, fault, ms()).await,
    };
    let provider_ms = ms();
    let (standby, _) = run.standby().await?;
    let Some(standby_key) = standby.public_key else {
        return Ok(StepEnd::retry("the standby has no key yet"));
    };
    let workspace = Some(run.association.workspace.as_str());
    if let Err(error) = data::prepare_gpu(&shell, &standby_key, workspace).await {
        let fault = CandidateFault::Unprepared { word: error.to_string() };
        let before = run.rows.iter().filter(|row| is_unprepared(run, row)).count();
        if before + 1 < PREPARATIONS {
            let output = serde_json::to_value(&fault).unwrap_or_default();
            return Err(StepEnd { output, ..StepEnd::from(error) });
        }
        return no_good(run, &bought, fault, provider_ms).await;
    }
    let output = BootOutput {
        endpoint: Some(endpoint),
        host_key: Some(shell.host_key().to_owned()),
        spec: GpuSpec::from(&instance),
    };
    Ok(StepEnd::done(&output).provider_ms(provider_ms))
}

/// Whether an attempt at this candidate failed at preparing it.
fn is_unprepared(run: &Run<'_>, row: &StepRow) -> bool {
    row.name == StepName::Boot
        && row.round == run.row.round
        && matches!(
            serde_json::from_value(row.output.clone()),
            Ok(CandidateFault::Unprepared { .. })
        )
}

/// Waits until the provider shows it running; else why it will not.
async fn running(run: &Run<'_>, gpu: GpuId) -> Result<GpuInstance, CandidateFault> {
    let not = |word: String| CandidateFault::NotRunning { word };
    let account = run.context.live.account(&run.failover.user);
    let begun = time::now();
    let mut seen = false;
    loop {
        let view = account.view();
        if let Some(instance) = view.instance(gpu) {
            seen = true;
            match instance.state() {
                GpuState::Running => return Ok(instance.clone()),
                GpuState::Provisioning => {
                    if let Some(word) = instance.image_trouble() {
                        return Err(CandidateFault::NoImage { word: word.to_owned() });
                    }
                    if instance.waits_for_gpus() && begun.elapsed() > GPUS {
                        return Err(not("the new GPU is held by another rental".into()));
                    }
                }
                state => {
                    return Err(not(format!(
                        "the new GPU is {state}: {}",
                        instance.status_msg.clone().unwrap_or_default()
                    )));
                }
            }
        } else if view.gone.contains(&gpu)
            && (seen || begun.elapsed() > run.context.config.timings.visibility)
        {
            return Err(not("the new GPU is gone".into()));
        }
        if begun.elapsed() > run.context.config.timings.boot {
            let word = view
                .instance(gpu)
                .and_then(|instance| instance.status_msg.clone())
                .unwrap_or_default();
            return Err(not(format!("the new GPU did not run in time: {word}")));
        }
        // Where another process asks, what it stores is read in the meantime.
        if account.is_polled() {
            let _ = time::timeout(LOOK, account.refreshed()).await;
        } else if let Err(error) = listing::keep(run.context, &run.failover.user).await {
            tracing::debug!(%error, "the stored list is not read");
        }
        time::sleep(LOOK / 2).await;
    }
}

/// Waits until it answers SSH; else why not.
async fn answering(
    run: &Run<'_>,
    gpu: GpuId,
    target: &Target,
) -> Result<providers::ssh::Shell, CandidateFault> {
    let begun = time::now();
    // Keys of the account reach only instances made after them; attaching again does no harm.
    attach(run, gpu).await;
    attach_others(run, gpu).await;
    loop {
        match dial(run.context, &run.failover.user, target).await {
            Ok(shell) => return Ok(shell),
            Err(error) if begun.elapsed() > run.context.config.timings.ssh => {
                let word = format!("the new GPU runs but does not answer SSH: {error}");
                return Err(CandidateFault::NoSsh { word });
            }
            Err(error) => tracing::debug!(%error, "the new GPU does not answer yet"),
        }
        time::sleep(LOOK).await;
    }
}

async fn attach(run: &Run<'_>, gpu: GpuId) {
    let attached = async {
        let (_, public_key) = run.context.accounts.ssh(&run.failover.user).await?;
        let client = run.context.accounts.vast(&run.failover.user).await?;
        Ok::<_, crate::error::EngineError>(client.attach_key(gpu, &public_key).await?)
    };
    if let Err(error) = attached.await {
        tracing::debug!(%gpu, %error, "key not attached; the account's own may do");
    }
}

/// Lets those in whom the lost machine let in.
async fn attach_others(run: &Run<'_>, gpu: GpuId) {
    let attached = async {
        let kept = run.context.store.associations().launch(&run.association.id).await?;
        let client = run.context.accounts.vast(&run.failover.user).await?;
        for key in kept.into_iter().filter_map(|(launch, _)| launch.ssh_keys).flatten() {
            // Each by itself: one that is not taken keeps nobody else out.
            if let Err(error) = client.attach_key(gpu, &key).await {
                tracing::warn!(%gpu, %error, "a key of the lost machine is not on the new one");
            }
        }
        Ok::<_, crate::error::EngineError>(())
    };
    if let Err(error) = attached.await {
        tracing::warn!(%gpu, %error, "the keys of the lost machine are not on the new one");
    }
}

/// Gives a candidate back that could not receive anything, with what was wrong with it.
async fn no_good(
    run: &Run<'_>,
    bought: &BuyOutput,
    fault: CandidateFault,
    provider_ms: i64,
) -> Ended {
    let (CandidateFault::NotRunning { word }
    | CandidateFault::NoImage { word }
    | CandidateFault::NoSsh { word }
    | CandidateFault::Unprepared { word }) = &fault;
    let output = serde_json::to_value(&fault).unwrap_or_default();
    let end = give_back(run, bought, word, provider_ms).await?;
    Ok(StepEnd { output, ..end })
}

/// Gives the candidate back and starts a new round.
pub(super) async fn give_back(
    run: &Run<'_>,
    bought: &BuyOutput,
    why: &str,
    provider_ms: i64,
) -> Ended {
    if let (Some(intent), Some(gpu)) = (&bought.intent, bought.gpu)
        && let Some(intent) = run.context.store.intents().find(intent).await?
    {
        let disposal = reaper::disposal(
            run.context,
            &intent,
            &gpu.to_string(),
            Role::Candidate,
            Wish::Destroy,
        );
        let intents = run.context.store.intents();
        let given_back = intents.give_back(&intent.id, &disposal, run.context.now()).await;
        let now = intents.find(&intent.id).await?;
        match given_back {
            // Gone already: its user destroyed it, or an attempt before this one gave it back.
            Err(StoreError::Stale { .. })
                if now.is_none_or(|intent| intent.state != IntentState::Adopted) => {}
            given_back => drop(given_back?),
        }
    }
    Ok(StepEnd::next_round(why).provider_ms(provider_ms))
}

#[cfg(test)]
#[path = "boot_tests.rs"]
mod tests;
