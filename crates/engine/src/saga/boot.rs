//! Waiting until the new GPU runs and answers, and preparing it to receive. A candidate that does not
//! come up in time is given back and another is sought.

use std::time::Duration;

use domain::failover::{BootOutput, BuyOutput, Role, StepName, Wish};
use domain::gpu::{GpuInstance, GpuState};
use domain::id::GpuId;
use domain::offer::GpuSpec;
use tokio::time::Instant;

use super::step::{Ended, Run, StepEnd};
use crate::data;
use crate::live::Target;
use crate::reaper;
use crate::worker::dial;

const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Some(bought) = run.earlier::<BuyOutput>(StepName::Buy) else {
        return Ok(StepEnd::failed("nothing was bought"));
    };
    let Some(gpu) = bought.gpu else { return Ok(StepEnd::failed("the purchase has no instance")) };
    let asked = Instant::now();
    let ms = || i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX);
    let instance = match running(run, gpu).await {
        Ok(instance) => instance,
        Err(why) => return give_back(run, &bought, &why, ms()).await,
    };
    let Some(endpoint) = instance.ssh.clone() else {
        return Ok(StepEnd::retry("it runs without an SSH address"));
    };
    let target = Target { endpoint: endpoint.clone(), host_key: None };
    let shell = match answering(run, gpu, &target).await {
        Ok(shell) => shell,
        Err(why) => return give_back(run, &bought, &why, ms()).await,
    };
    let provider_ms = ms();
    let (standby, _) = run.standby().await?;
    let Some(standby_key) = standby.public_key else {
        return Ok(StepEnd::retry("the standby has no key yet"));
    };
    data::prepare_gpu(&shell, &standby_key, Some(&run.association.workspace)).await?;
    let output = BootOutput {
        endpoint: Some(endpoint),
        host_key: Some(shell.host_key().to_owned()),
        spec: GpuSpec::from(&instance),
    };
    Ok(StepEnd::done(&output).provider_ms(provider_ms))
}

/// Waits until the provider shows it running; else why it will not.
async fn running(run: &Run<'_>, gpu: GpuId) -> Result<GpuInstance, String> {
    let account = run.context.live.account(&run.failover.user);
    let begun = Instant::now();
    let mut seen = false;
    loop {
        let view = account.view();
        if let Some(instance) = view.instance(gpu) {
            seen = true;
            match instance.state() {
                GpuState::Running => return Ok(instance.clone()),
                GpuState::Provisioning => {}
                state => {
                    return Err(format!(
                        "the new GPU is {state}: {}",
                        instance.status_msg.clone().unwrap_or_default()
                    ));
                }
            }
        } else if view.gone.contains(&gpu)
            && (seen || begun.elapsed() > run.context.config.timings.visibility)
        {
            return Err("the new GPU is gone".into());
        }
        if begun.elapsed() > run.context.config.timings.boot {
            let word = view
                .instance(gpu)
                .and_then(|instance| instance.status_msg.clone())
                .unwrap_or_default();
            return Err(format!("the new GPU did not run in time: {word}"));
        }
        let _ = tokio::time::timeout(LOOK, account.refreshed()).await;
        tokio::time::sleep(LOOK / 2).await;
    }
}

/// Waits until it answers SSH; else why not.
async fn answering(
    run: &Run<'_>,
    gpu: GpuId,
    target: &Target,
) -> Result<providers::ssh::Shell, String> {
    let begun = Instant::now();
    // Keys of the account reach only instances made after them; attaching again does no harm.
    attach(run, gpu).await;
    loop {
        match dial(run.context, &run.failover.user, target).await {
            Ok(shell) => return Ok(shell),
            Err(error) if begun.elapsed() > run.context.config.timings.ssh => {
                return Err(format!("the new GPU runs but does not answer SSH: {error}"));
            }
            Err(error) => tracing::debug!(%error, "the new GPU does not answer yet"),
        }
        tokio::time::sleep(LOOK).await;
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
        run.context.store.intents().discard(&intent.id, &disposal, run.context.now()).await?;
    }
    Ok(StepEnd::next_round(why).provider_ms(provider_ms))
}
