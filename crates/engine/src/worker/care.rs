//! Keeps a machine's standby able: makes it, prepares it, brings it back after a preemption.
//!
//! Each call takes the next step and returns; what was done is in the database, so a restart goes on.

use std::sync::Arc;
use std::time::Duration;

use domain::association::{Association, Serving};
use domain::failover::{StepName, StepRow};
use domain::gpu::Endpoint;
use domain::provider::{ErrorClass, Provider};
use domain::standby::{Standby, StandbyState};
use providers::gcp::{StandbyVm, VmStatus};

use super::heartbeat;
use super::make::{self, OPERATION};
use super::standby_row::{note, save, vanished};
use crate::context::Context;
use crate::data;
use crate::error::EngineError;
use crate::live::Target;
use crate::ports::{Vms, time};
use crate::{hooks, leftovers, news};

/// Between two looks at a standby that is well.
const CALM: Duration = Duration::from_secs(10);
/// Between two looks at one that is coming up.
const BUSY: Duration = Duration::from_millis(700);
/// Silence of a standby's heartbeat after which the provider is asked.
const SILENT_MS: i64 = 3_000;

/// Takes the next step for a machine's standby.
pub(super) async fn step(context: Context, association: Association) -> Result<(), EngineError> {
    let ended = next(&context, &association).await;
    if let Err(EngineError::Provider(error)) = &ended {
        news::google_said(&context, &association.user, error).await?;
    }
    ended
}

async fn next(context: &Context, association: &Association) -> Result<(), EngineError> {
    let Some(standby) = association.standby.clone() else {
        return make::anew(context, association).await;
    };
    match standby.state {
        StandbyState::Creating | StandbyState::Booting => {
            come_up(context, association, standby).await
        }
        StandbyState::Ready => look_after(context, association, standby).await,
        StandbyState::Preempted | StandbyState::Stopped => {
            start_again(context, association, standby).await
        }
        StandbyState::Failed => make::anew(context, association).await,
        StandbyState::Deleting => {
            time::sleep(CALM).await;
            Ok(())
        }
    }
}

async fn come_up(
    context: &Context,
    association: &Association,
    mut standby: Standby,
) -> Result<(), EngineError> {
    let client = own_client(context, association, &standby).await?;
    let Some(vm) = client.get(&standby.zone, &standby.name).await? else {
        if standby.state == StandbyState::Creating {
            return make::request(context, association, &standby).await;
        }
        return vanished(context, association, &standby).await;
    };
    if is_down(&vm) {
        return down(context, association, standby, &vm).await;
    }
    let Some(address) = vm.nat_ip.filter(|_| vm.status == VmStatus::Running) else {
        time::sleep(BUSY).await;
        return Ok(());
    };
    let endpoint = Endpoint { host: address, port: context.config.standby_ssh_port };
    if standby.state == StandbyState::Creating || standby.endpoint.as_ref() != Some(&endpoint) {
        standby.state = StandbyState::Booting;
        standby.endpoint = Some(endpoint.clone());
        save(context, association, &standby).await?;
        make::bind(context, association, &standby).await?;
    }
    let target = Target { endpoint, host_key: standby.host_key.clone() };
    let shell = match heartbeat::dial(context, &association.user, &target).await {
        Ok(shell) => shell,
        Err(error) => {
            tracing::debug!(standby = standby.name, %error, "standby does not answer yet");
            time::sleep(BUSY).await;
            return Ok(());
        }
    };
    let facts = match data::prepare_standby(&shell).await {
        Ok(facts) => facts,
        Err(error) => {
            note(context, association, &mut standby, &format!("not prepared yet: {error}")).await?;
            time::sleep(BUSY).await;
            return Ok(());
        }
    };
    standby.host_key = Some(shell.host_key().to_owned());
    standby.public_key = Some(facts.public_key);
    standby.state = StandbyState::Ready;
    standby.reason = None;
    save(context, association, &standby).await?;
    context.store.intents().adopt(&standby.intent, context.now()).await?;
    leftovers::sweep(context, association, &shell).await?;
    Ok(())
}

/// A ready standby: looked at now and then, and at once when its heartbeat is silent.
async fn look_after(
    context: &Context,
    association: &Association,
    standby: Standby,
) -> Result<(), EngineError> {
    let machine = context.live.machine(&association.id);
    let silent = || {
        machine
            .standby_contact()
            .failing_since
            .is_some_and(|since| context.now().since(since) > SILENT_MS)
    };
    let mut waited = Duration::ZERO;
    while waited < CALM && !silent() {
        time::sleep(BUSY).await;
        waited += BUSY;
    }
    resume_work(context, association).await?;
    let client = own_client(context, association, &standby).await?;
    let Some(vm) = client.get(&standby.zone, &standby.name).await? else {
        return vanished(context, association, &standby).await;
    };
    if is_down(&vm) {
        return down(context, association, standby, &vm).await;
    }
    let moved =
        vm.nat_ip.as_deref() != standby.endpoint.as_ref().map(|endpoint| endpoint.host.as_str());
    if moved && vm.status == VmStatus::Running {
        return save(context, association, &Standby { state: StandbyState::Booting, ..standby })
            .await;
    }
    Ok(())
}

/// The user's client, where it is of the project that the standby is in. That another project does not have
/// it says nothing about it.
async fn own_client(
    context: &Context,
    association: &Association,
    standby: &Standby,
) -> Result<Arc<dyn Vms>, EngineError> {
    let client = context.accounts.gcp(&association.user).await?;
    if client.project() == standby.project {
        return Ok(client);
    }
    Err(EngineError::Credentials {
        provider: Provider::Gcp,
        code: "other_project",
        message: format!(
            "the standby is in the Google Cloud project {}, the stored service account in {}; store one of the former",
            standby.project,
            client.project()
        ),
    })
}

/// What the user's command started on a standby that serves ended with the VM where that was stopped: it is
/// started again. While a failover holds the work back to move it, it stays held.
async fn resume_work(context: &Context, association: &Association) -> Result<(), EngineError> {
    if association.serving != Serving::Standby || association.hooks.on_standby.is_none() {
        return Ok(());
    }
    if let Some(active) = &association.active_failover {
        let rows = context.store.steps().list(active).await?;
        let failover = context.store.failovers().find(active).await?;
        let moving = |row: &StepRow| {
            row.round == failover.round
                && matches!(row.name, StepName::Delta | StepName::Verify | StepName::Switch)
        };
        if rows.iter().any(moving) {
            return Ok(());
        }
    }
    let Some(shell) = context.live.machine(&association.id).standby_shell() else { return Ok(()) };
    let begun = hooks::on_standby_again(&shell, association, context.config.timings.hook).await;
    if let Err(error) = begun {
        tracing::warn!(association = %association.id, %error, "the work on the standby was not looked after");
    }
    Ok(())
}

fn is_down(vm: &StandbyVm) -> bool {
    matches!(vm.status, VmStatus::Terminated | VmStatus::Stopped | VmStatus::Suspended)
}

async fn down(
    context: &Context,
    association: &Association,
    standby: Standby,
    vm: &StandbyVm,
) -> Result<(), EngineError> {
    let client = context.accounts.gcp(&association.user).await?;
    let preempted = vm.spot
        && client
            .preempted_since(&standby.zone, &standby.name, standby.created_at)
            .await
            .unwrap_or(false);
    let (state, reason) = if preempted {
        (StandbyState::Preempted, "the provider took the Spot VM back; starting it again")
    } else {
        (StandbyState::Stopped, "the VM was stopped; starting it again")
    };
    tracing::warn!(standby = standby.name, %state, "standby is down");
    save(context, association, &Standby { state, reason: Some(reason.into()), ..standby }).await
}

async fn start_again(
    context: &Context,
    association: &Association,
    standby: Standby,
) -> Result<(), EngineError> {
    let client = own_client(context, association, &standby).await?;
    let started = match client.start(&standby.zone, &standby.name, context.chance.id()).await {
        Ok(operation) => client.wait(&operation, OPERATION).await,
        Err(error) => Err(error),
    };
    match started {
        Ok(()) => {
            save(
                context,
                association,
                &Standby { state: StandbyState::Booting, reason: None, ..standby },
            )
            .await
        }
        Err(error) if error.class == ErrorClass::NotFound => {
            vanished(context, association, &standby).await
        }
        Err(error) => {
            let mut standby = standby;
            note(context, association, &mut standby, &error.to_string()).await?;
            Err(error.into())
        }
    }
}
