//! Removes an association: first every VM that was ever asked for in its name, seen to be gone, then the
//! association itself.

use std::time::Duration;

use domain::association::Association;
use domain::failover::{Intent, IntentState, Role, Wish};
use domain::provider::Provider;

use crate::context::Context;
use crate::error::EngineError;
use crate::ports::time;
use crate::reaper;

/// Between two looks at what is not gone yet.
const LOOK: Duration = Duration::from_millis(300);

/// Waits for its VMs to be gone and for its failover to be over, and forgets the association.
pub(super) async fn remove(context: Context, association: Association) -> Result<(), EngineError> {
    let mut gone = true;
    // By what was asked for, not by the row of the standby: that may have been written after this
    // association was read.
    for intent in context.store.intents().of_association(&association.id).await? {
        if intent.provider == Provider::Gcp && !is_gone(&context, &intent).await? {
            gone = false;
        }
    }
    if !gone || association.active_failover.is_some() {
        time::sleep(LOOK).await;
        return Ok(());
    }
    context.store.associations().delete(&association.id, association.epoch).await?;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(())
}

/// Whether nothing is left of a VM; where something may be, it is to be destroyed. A VM has the name of
/// its intent's label.
async fn is_gone(context: &Context, intent: &Intent) -> Result<bool, EngineError> {
    let name = &intent.label;
    match intent.state {
        IntentState::Gone => return Ok(true),
        // The provider said no. It is looked at once more, since nobody else will.
        IntentState::Refused => return refused_is_gone(context, intent).await,
        _ => {}
    }
    if reaper::pending(context, &intent.user, Provider::Gcp, name).await?.is_none() {
        let disposal = reaper::disposal(context, intent, name, Role::Standby, Wish::Destroy);
        context.store.intents().discard(&intent.id, &disposal, context.now()).await?;
    }
    Ok(false)
}

async fn refused_is_gone(context: &Context, intent: &Intent) -> Result<bool, EngineError> {
    let client = context.accounts.gcp(&intent.user).await?;
    if client.get(&intent.zone, &intent.label).await?.is_none() {
        return Ok(true);
    }
    let disposal = reaper::disposal(context, intent, &intent.label, Role::Standby, Wish::Destroy);
    context.store.disposals().request(&disposal).await?;
    Ok(false)
}
