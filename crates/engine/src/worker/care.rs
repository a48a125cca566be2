//! Keeps a machine's standby able: makes it, prepares it, brings it back after a preemption.
//!
//! Each call takes the next step and returns; what was done is in the database, so a restart goes on.

use std::time::Duration;

use domain::association::{Association, AssociationState};
use domain::failover::{Intent, IntentState, Role, Wish};
use domain::gpu::Endpoint;
use domain::money::MicroUsd;
use domain::policy::FailoverSettings;
use domain::pricing;
use domain::provider::{ErrorClass, Provider};
use domain::standby::{Standby, StandbyState};
use providers::gcp::{StandbyRequest, StandbyVm, VmStatus};

use super::heartbeat;
use crate::context::Context;
use crate::data;
use crate::error::EngineError;
use crate::live::Target;
use crate::{news, purchase, reaper};

/// Between two looks at a standby that is well.
const CALM: Duration = Duration::from_secs(10);
/// Between two looks at one that is coming up.
const BUSY: Duration = Duration::from_millis(700);
/// Silence of a standby's heartbeat after which the provider is asked.
const SILENT_MS: i64 = 3_000;
/// How long the provider may take over an operation.
const OPERATION: Duration = Duration::from_secs(300);

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
        return make(context, association).await;
    };
    match standby.state {
        StandbyState::Creating | StandbyState::Booting => {
            come_up(context, association, standby).await
        }
        StandbyState::Ready => look_after(context, association, standby).await,
        StandbyState::Preempted | StandbyState::Stopped => {
            start_again(context, association, standby).await
        }
        StandbyState::Failed => make(context, association).await,
        StandbyState::Deleting => {
            tokio::time::sleep(CALM).await;
            Ok(())
        }
    }
}

/// The startup script: lets us in as root with our key, and sees that rsync is there.
fn startup_script(public_key: &str) -> String {
    // The key is our own and of a fixed alphabet; it is passed through a quoted here-document.
    format!(include_str!("startup.sh.in"), public_key = public_key)
}

async fn make(context: &Context, association: &Association) -> Result<(), EngineError> {
    let settings = context.store.settings().get(&association.user).await?;
    let client = context.accounts.gcp(&association.user).await?;
    let intent = intent(context, association, &settings).await?;
    let standby = Standby {
        intent: intent.id.clone(),
        name: intent.label.clone(),
        project: client.project().to_owned(),
        zone: intent.zone.clone(),
        machine_type: settings.gcp_machine_type.clone(),
        disk_gb: settings.gcp_disk_gb,
        spot: settings.gcp_spot,
        usd_per_hour: intent.usd_per_hour,
        state: StandbyState::Creating,
        reason: None,
        endpoint: None,
        host_key: None,
        public_key: None,
        created_at: intent.created_at,
    };
    // Intent and standby are both recorded before anything is sent.
    save(context, association, &standby).await?;
    request(context, association, &standby).await
}

async fn intent(
    context: &Context,
    association: &Association,
    settings: &FailoverSettings,
) -> Result<Intent, EngineError> {
    let id = purchase::new_intent_id();
    let short: String =
        id.as_str().chars().rev().take(16).collect::<Vec<_>>().into_iter().rev().collect();
    let label = format!("{}{short}", purchase::label_prefix(context.store.install_id()));
    let zone = zone_for(context, association, settings).await?;
    let rate = pricing::estimate(
        &zone,
        &settings.gcp_machine_type,
        settings.gcp_disk_gb,
        settings.gcp_spot,
    )
    .and_then(|estimate| MicroUsd::from_usd(estimate.hourly))
    .unwrap_or_default();
    let now = context.now();
    let intent = Intent {
        id,
        user: association.user.clone(),
        failover: None,
        association: Some(association.id.clone()),
        provider: Provider::Gcp,
        epoch: association.epoch,
        label,
        zone,
        offer: None,
        machine_id: None,
        usd_per_hour: rate,
        state: IntentState::Open,
        external_id: None,
        created_at: now,
        changed_at: now,
        bound_at: None,
        gone_at: None,
        error: None,
    };
    context.store.intents().open(&intent).await?;
    Ok(intent)
}

/// The chosen zone, or after a refusal there the next zone of its region.
async fn zone_for(
    context: &Context,
    association: &Association,
    settings: &FailoverSettings,
) -> Result<String, EngineError> {
    let region =
        settings.gcp_zone.rsplit_once('-').map_or(settings.gcp_zone.as_str(), |(region, _)| region);
    let mut zones: Vec<&str> = vec![&settings.gcp_zone];
    zones.extend(
        pricing::ZONES
            .iter()
            .filter(|zone| zone.starts_with(region) && **zone != settings.gcp_zone),
    );
    let before = context.store.intents().of_association(&association.id).await?;
    let refused = before
        .iter()
        .filter(|one| one.provider == Provider::Gcp && one.state == IntentState::Refused)
        .count();
    let index = refused % zones.len().max(1);
    Ok(zones.get(index).copied().unwrap_or(&settings.gcp_zone).to_owned())
}

/// Sends the creation. The request id derives from the intent, so that sending it again makes no
/// second VM.
async fn request(
    context: &Context,
    association: &Association,
    standby: &Standby,
) -> Result<(), EngineError> {
    let client = context.accounts.gcp(&association.user).await?;
    let (_, public_key) = context.accounts.ssh(&association.user).await?;
    let install = context.store.install_id().to_owned();
    let wanted = StandbyRequest {
        name: standby.name.clone(),
        zone: standby.zone.clone(),
        machine_type: standby.machine_type.clone(),
        disk_gb: standby.disk_gb,
        spot: standby.spot,
        startup_script: startup_script(&public_key),
        ssh_public_key: public_key,
        labels: vec![
            ("managed-by".into(), "dumont".into()),
            ("dumont-install".into(), install),
            ("dumont-role".into(), "standby".into()),
        ],
        request_id: uuid::Uuid::new_v5(
            &uuid::Uuid::NAMESPACE_OID,
            standby.intent.as_str().as_bytes(),
        ),
    };
    let made = match client.create_standby(&wanted).await {
        Ok(operation) => client.wait(&operation, OPERATION).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(()) => {}
        // Another process, or we before a restart: it is there, which is what was wanted.
        Err(error) if error.class == ErrorClass::Conflict => {}
        Err(error)
            if error.class.is_clear_no()
                && !matches!(error.class, ErrorClass::RateLimited { .. }) =>
        {
            news::google_said(context, &association.user, &error).await?;
            return refused(context, association, standby, &error.to_string()).await;
        }
        Err(error) => return Err(error.into()),
    }
    bind(context, association, standby).await
}

/// The provider said no. Nothing should exist; should it all the same, it is removed.
async fn refused(
    context: &Context,
    association: &Association,
    standby: &Standby,
    word: &str,
) -> Result<(), EngineError> {
    context.store.intents().refuse(&standby.intent, word, context.now()).await?;
    let failed =
        Standby { state: StandbyState::Failed, reason: Some(word.to_owned()), ..standby.clone() };
    save(context, association, &failed).await?;
    degrade(context, association, &format!("no standby: {word}")).await?;
    // The next attempt, in another zone where there is one, comes after a pause.
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(())
}

async fn come_up(
    context: &Context,
    association: &Association,
    mut standby: Standby,
) -> Result<(), EngineError> {
    let client = context.accounts.gcp(&association.user).await?;
    let Some(vm) = client.get(&standby.zone, &standby.name).await? else {
        if standby.state == StandbyState::Creating {
            return request(context, association, &standby).await;
        }
        return vanished(context, association, &standby).await;
    };
    if is_down(&vm) {
        return down(context, association, standby, &vm).await;
    }
    let Some(address) = vm.nat_ip.filter(|_| vm.status == VmStatus::Running) else {
        tokio::time::sleep(BUSY).await;
        return Ok(());
    };
    let endpoint = Endpoint { host: address, port: context.config.standby_ssh_port };
    if standby.state == StandbyState::Creating || standby.endpoint.as_ref() != Some(&endpoint) {
        standby.state = StandbyState::Booting;
        standby.endpoint = Some(endpoint.clone());
        save(context, association, &standby).await?;
        bind(context, association, &standby).await?;
    }
    let target = Target { endpoint, host_key: standby.host_key.clone() };
    let shell = match heartbeat::dial(context, &association.user, &target).await {
        Ok(shell) => shell,
        Err(error) => {
            tracing::debug!(standby = standby.name, %error, "standby does not answer yet");
            tokio::time::sleep(BUSY).await;
            return Ok(());
        }
    };
    let facts = match data::prepare_standby(&shell).await {
        Ok(facts) => facts,
        Err(error) => {
            note(context, association, &mut standby, &format!("not prepared yet: {error}")).await?;
            tokio::time::sleep(BUSY).await;
            return Ok(());
        }
    };
    standby.host_key = Some(shell.host_key().to_owned());
    standby.public_key = Some(facts.public_key);
    standby.state = StandbyState::Ready;
    standby.reason = None;
    save(context, association, &standby).await?;
    context.store.intents().adopt(&standby.intent, context.now()).await?;
    Ok(())
}

/// Records that the VM exists. A purchase that the machine has moved on from since is given back: a
/// new one is made in the epoch of now.
async fn bind(
    context: &Context,
    association: &Association,
    standby: &Standby,
) -> Result<(), EngineError> {
    let intents = context.store.intents();
    let Some(intent) = intents.find(&standby.intent).await? else {
        return Err(EngineError::NotFound("intent"));
    };
    if matches!(intent.state, IntentState::Bound | IntentState::Adopted) {
        return Ok(());
    }
    match intents.bind(&standby.intent, &standby.name, intent.epoch, context.now()).await {
        Err(store::StoreError::Stale { .. }) => vanished(context, association, standby).await,
        ended => Ok(ended?),
    }
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
        tokio::time::sleep(BUSY).await;
        waited += BUSY;
    }
    let client = context.accounts.gcp(&association.user).await?;
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
    let client = context.accounts.gcp(&association.user).await?;
    let started = match client.start(&standby.zone, &standby.name, uuid::Uuid::new_v4()).await {
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

/// The VM is gone with its disk: its copy is lost, and the machine is unprotected until a new one has
/// followed.
async fn vanished(
    context: &Context,
    association: &Association,
    standby: &Standby,
) -> Result<(), EngineError> {
    tracing::error!(standby = standby.name, "the standby no longer exists");
    if let Some(intent) = context.store.intents().find(&standby.intent).await? {
        let disposal =
            reaper::disposal(context, &intent, &standby.name, Role::Standby, Wish::Destroy);
        context.store.intents().discard(&intent.id, &disposal, context.now()).await?;
    }
    let words = "the standby VM no longer exists at the provider; a new one is being made";
    let told = news::standby(context, association, None);
    context
        .store
        .associations()
        .set_standby_and_tell(&association.id, association.epoch, None, told.as_ref())
        .await?;
    // The new VM's disk is empty: what was synced counts no more.
    context
        .store
        .associations()
        .set_sync(&association.id, association.epoch, &domain::association::SyncStatus::default())
        .await?;
    degrade(context, association, words).await
}

async fn degrade(
    context: &Context,
    association: &Association,
    words: &str,
) -> Result<(), EngineError> {
    let busy = matches!(
        association.state,
        AssociationState::FailingOver | AssociationState::OnStandby | AssociationState::Deleting
    );
    if !busy {
        context
            .store
            .associations()
            .set_state(&association.id, association.epoch, AssociationState::Degraded, Some(words))
            .await?;
    }
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(())
}

async fn note(
    context: &Context,
    association: &Association,
    standby: &mut Standby,
    word: &str,
) -> Result<(), EngineError> {
    if standby.reason.as_deref() == Some(word) {
        return Ok(());
    }
    standby.reason = Some(word.to_owned());
    save(context, association, standby).await
}

async fn save(
    context: &Context,
    association: &Association,
    standby: &Standby,
) -> Result<(), EngineError> {
    let told = news::standby(context, association, Some(standby));
    context
        .store
        .associations()
        .set_standby_and_tell(&association.id, association.epoch, Some(standby), told.as_ref())
        .await?;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(())
}
