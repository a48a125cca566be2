//! Removes an association: first its standby, seen to be gone, then the association itself.

use std::time::Duration;

use domain::association::Association;
use domain::failover::{Role, Wish};
use domain::provider::Provider;

use crate::context::Context;
use crate::error::EngineError;
use crate::reaper;

/// Waits for the standby to be gone and forgets the association.
pub(super) async fn remove(context: Context, association: Association) -> Result<(), EngineError> {
    let gone = match &association.standby {
        None => true,
        Some(standby) => {
            let intent = context
                .store
                .intents()
                .find(&standby.intent)
                .await?
                .ok_or(EngineError::NotFound("intent"))?;
            let pending =
                reaper::pending(&context, &association.user, Provider::Gcp, &standby.name).await?;
            let fulfilled = intent.state == domain::failover::IntentState::Gone;
            if pending.is_none() && !fulfilled {
                let disposal = reaper::disposal(
                    &context,
                    &intent,
                    &standby.name,
                    Role::Standby,
                    Wish::Destroy,
                );
                context.store.intents().discard(&intent.id, &disposal, context.now()).await?;
            }
            fulfilled
        }
    };
    if !gone {
        tokio::time::sleep(Duration::from_millis(300)).await;
        return Ok(());
    }
    context.store.associations().delete(&association.id, association.epoch).await?;
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(())
}
