//! What is recorded of a machine's standby as it changes.

use domain::association::{Association, AssociationState};
use domain::failover::{Role, Wish};
use domain::standby::Standby;

use crate::context::Context;
use crate::error::EngineError;
use crate::{news, reaper};

/// The VM is gone with its disk: its copy is lost, and the machine is unprotected until a new one has
/// followed.
pub(super) async fn vanished(
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
        .lose_standby(&association.id, association.epoch, &standby.intent, told.as_ref())
        .await?;
    degrade(context, association, words).await
}

pub(super) async fn degrade(
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

pub(super) async fn note(
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

pub(super) async fn save(
    context: &Context,
    association: &Association,
    standby: &Standby,
) -> Result<(), EngineError> {
    let told = news::standby(context, association, Some(standby));
    context
        .store
        .associations()
        .set_standby_and_tell(&association.id, association.epoch, standby, told.as_ref())
        .await?;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(())
}
