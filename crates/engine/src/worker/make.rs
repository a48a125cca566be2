//! Makes a machine's standby VM: the intent is recorded, then sent, then bound.

use std::time::Duration;

use domain::association::Association;
use domain::failover::{Intent, IntentState, Role, Wish};
use domain::money::MicroUsd;
use domain::policy::FailoverSettings;
use domain::pricing;
use domain::provider::{ErrorClass, Provider};
use domain::standby::{Standby, StandbyState};
use providers::gcp::StandbyRequest;

use super::standby_row::{degrade, vanished};
use crate::context::Context;
use crate::error::EngineError;
use crate::ports::time;
use crate::{news, purchase, reaper};

/// After the first refusal, until another VM is asked for.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// After many in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How long the provider may take over an operation.
pub(super) const OPERATION: Duration = Duration::from_secs(300);

/// The startup script: lets us in as root with our key, and sees that rsync is there.
fn startup_script(public_key: &str) -> String {
    // The key is our own and of a fixed alphabet; it is passed through a quoted here-document.
    format!(include_str!("startup.sh.in"), public_key = public_key)
}

pub(super) async fn anew(context: &Context, association: &Association) -> Result<(), EngineError> {
    let settings = context.store.settings().get(&association.user).await?;
    let client = context.accounts.gcp(&association.user).await?;
    let intent = intent(context, association, &settings, client.project()).await?;
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
    // Intent and standby are both recorded before anything is sent, and only where there is no other: what
    // the caller read of the machine may be old.
    let told = news::standby(context, association, Some(&standby));
    context.store.associations().begin_standby(&intent, &standby, told.as_ref()).await?;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    request(context, association, &standby).await
}

async fn intent(
    context: &Context,
    association: &Association,
    settings: &FailoverSettings,
    project: &str,
) -> Result<Intent, EngineError> {
    let id = purchase::new_intent_id(context);
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
        project: Some(project.to_owned()),
        left_out: Vec::new(),
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
pub(super) async fn request(
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
    let mut taken = false;
    let made = match client.create_standby(&wanted).await {
        Ok(operation) => {
            taken = true;
            client.wait(&operation, OPERATION).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(()) => {}
        // Another process, or we before a restart: it is there, which is what was wanted.
        Err(error)
            if error.class == ErrorClass::Conflict
                && client.get(&standby.zone, &standby.name).await?.is_some() => {}
        Err(error)
            if error.class.is_clear_no()
                && !matches!(error.class, ErrorClass::RateLimited { .. }) =>
        {
            news::google_said(context, &association.user, &error).await?;
            if taken {
                remove_remains(context, standby).await?;
            }
            return refused(context, association, standby, &error.to_string()).await;
        }
        Err(error) => return Err(error.into()),
    }
    bind(context, association, standby).await
}

/// A creation that the provider took and could not end may have left a VM behind: it is seen to be gone.
async fn remove_remains(context: &Context, standby: &Standby) -> Result<(), EngineError> {
    if let Some(intent) = context.store.intents().find(&standby.intent).await? {
        let disposal =
            reaper::disposal(context, &intent, &standby.name, Role::Standby, Wish::Destroy);
        context.store.disposals().request(&disposal).await?;
    }
    Ok(())
}

/// The provider said no. Nothing should exist; should it all the same, it is removed.
async fn refused(
    context: &Context,
    association: &Association,
    standby: &Standby,
    word: &str,
) -> Result<(), EngineError> {
    let failed =
        Standby { state: StandbyState::Failed, reason: Some(word.to_owned()), ..standby.clone() };
    let told = news::standby(context, association, Some(&failed));
    context
        .store
        .associations()
        .refuse_standby(&association.id, association.epoch, &failed, told.as_ref(), context.now())
        .await?;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    degrade(context, association, &format!("no standby: {word}")).await?;
    // The next attempt, in another zone where there is one, comes after a pause.
    let before = context.store.intents().of_association(&association.id).await?;
    time::sleep(pause(&before)).await;
    Ok(())
}

/// How long after a refusal the next attempt comes: longer after each in a row, since what is refused several
/// times is mended by a person or by time.
fn pause(before: &[Intent]) -> Duration {
    let vms = before.iter().rev().filter(|intent| intent.provider == Provider::Gcp);
    let in_a_row = vms.take_while(|intent| intent.state == IntentState::Refused).count();
    let doublings = u32::try_from(in_a_row.saturating_sub(1)).unwrap_or(u32::MAX).min(6);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

/// Records that the VM exists. A purchase that the machine has moved on from since is given back: a
/// new one is made in the epoch of now.
pub(super) async fn bind(
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

#[cfg(test)]
mod tests {
    use domain::id::{Epoch, IntentId, UserId};
    use domain::time::Millis;

    use super::*;

    fn vm(state: IntentState) -> Intent {
        Intent {
            id: IntentId::new("i"),
            user: UserId::new("u"),
            failover: None,
            association: None,
            provider: Provider::Gcp,
            epoch: Epoch(1),
            label: "l".into(),
            zone: "z".into(),
            project: None,
            left_out: Vec::new(),
            offer: None,
            machine_id: None,
            usd_per_hour: MicroUsd(1),
            state,
            external_id: None,
            created_at: Millis(0),
            changed_at: Millis(0),
            bound_at: None,
            gone_at: None,
            error: None,
        }
    }

    #[test]
    fn what_is_refused_again_and_again_is_asked_for_less_and_less_often() {
        let refused = |n| vec![vm(IntentState::Refused); n];
        let pauses: Vec<u64> = (1..=9).map(|n| pause(&refused(n)).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        let mut again = refused(5);
        again.push(vm(IntentState::Gone));
        again.extend(refused(1));
        assert_eq!(pause(&again), FIRST_PAUSE, "one was made in between");
    }
}
