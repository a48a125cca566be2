//! Giving a machine up: its GPU, its standby and what is under way for it, wherever it runs.

use domain::id::{DisposalId, GpuId, UserId};

use super::protect;
use crate::context::Context;
use crate::error::EngineError;

/// Begins to destroy a machine with its only copies. All of it is recorded at once; the reaper destroys
/// the GPUs, and its worker ends the failover, sees the standby gone and forgets the machine.
pub(crate) async fn discard(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    name: &str,
) -> Result<(), EngineError> {
    let association = protect::find(context, user, gpu).await?;
    // As it is shown, which is how it can be typed.
    if domain::name::shown(&association.name).trim() != name.trim() {
        return Err(EngineError::field(
            "name",
            "not_its_name",
            "must be the machine's name, as it is shown",
        ));
    }
    let ids = [(); 2].map(|()| DisposalId::new(context.new_id()));
    let begun =
        context.store.associations().discard(user, &association.id, context.now(), ids).await?;
    tracing::warn!(association = %association.id, gpus = ?begun.gpus, failover = ?begun.failover, "machine given up by its user");
    if let Some(failover) = &begun.failover {
        context.doorbell(user, "failover", failover.as_str()).await;
    }
    context.doorbell(user, "association", association.id.as_str()).await;
    context.live.machine(&association.id).poke.notify_one();
    context.live.account(user).poke.notify_one();
    Ok(())
}
