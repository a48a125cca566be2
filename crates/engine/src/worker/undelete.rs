//! Gives a GPU again what it deleted, where its user said so of a frozen copy.

use domain::association::{Association, AssociationState};
use domain::frozen::{Decision, Held};

use crate::context::Context;
use crate::data::{self, DataError};
use crate::error::EngineError;

/// Brings the files back that the machine's user wants back, and lets the copy follow again. What can't
/// be done is told on its page, and is done again when its user says so again.
pub(super) async fn step(context: Context, association: Association) -> Result<(), EngineError> {
    let associations = context.store.associations();
    let (id, epoch) = (&association.id, association.epoch);
    let wanted = associations.held_deletions(id).await?;
    let wanted =
        wanted.filter(|held| held.epoch == epoch && held.decision == Some(Decision::Restore));
    let Some(held) = wanted else { return Ok(()) };
    let ended = bring_back(&context, &association, &held).await;
    let words = ended.as_ref().err().map(ToString::to_string);
    match &words {
        None => tracing::info!(association = %id, ?ended, "deleted files are on the GPU again"),
        Some(why) => tracing::warn!(association = %id, why, "deleted files were not brought back"),
    }
    let digest = &held.deletions.digest;
    let told = words.as_deref().map_or(Ok(()), Err);
    match associations.deletions_restored(&association.user, id, epoch, digest, told).await {
        // Its user said something else meanwhile, or the machine moved on.
        Err(store::StoreError::Stale { .. }) => {}
        ended => ended?,
    }
    context.doorbell(&association.user, "association", id.as_str()).await;
    context.live.machine(id).poke.notify_one();
    Ok(())
}

async fn bring_back(
    context: &Context,
    association: &Association,
    held: &Held,
) -> Result<domain::failover::RestoreOutput, DataError> {
    let lacks = |what: &str| DataError::Unprepared(what.to_owned());
    let machine = context.live.machine(&association.id);
    let standby = machine.standby_shell().ok_or_else(|| lacks("the standby is not reached now"))?;
    let gpu =
        association.gpu_endpoint.as_ref().ok_or_else(|| lacks("the GPU has no SSH address"))?;
    let digest = &held.deletions.digest;
    data::bring_back(&standby, gpu, &association.workspace, association.epoch, digest).await
}

/// Whether there may be something to bring back.
pub(super) fn may(association: &Association) -> bool {
    association.state == AssociationState::Frozen && association.active_failover.is_none()
}
