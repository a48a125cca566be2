//! Rentals by hand that were cut off by the end of the process that did them: each comes to an end.

use domain::failover::{Intent, IntentState, RentalPlan, Role, Wish};
use domain::gpu::GpuInstance;
use domain::id::{GpuId, UserId};
use domain::rental::{Left, UNDER_WAY_MS, left};

use crate::context::Context;
use crate::error::EngineError;
use crate::ops::rent;
use crate::purchase::{self, Purchase};
use crate::reaper;

/// Looks at an account's unfinished rentals. Nothing is asked of the provider where there are none that old.
pub(crate) async fn look(context: &Context, user: &UserId) -> Result<(), EngineError> {
    let mut unfinished = context.store.intents().unfinished_rentals(user).await?;
    unfinished.retain(|(intent, _)| context.now().since(intent.created_at) >= UNDER_WAY_MS);
    if unfinished.is_empty() {
        return Ok(());
    }
    let listing = context.accounts.vast(user).await?.list().await?;
    for (intent, plan) in unfinished {
        let found = listing
            .instances
            .iter()
            .find(|one| one.label.as_deref() == Some(intent.label.as_str()));
        if found.is_none() && !listing.complete {
            continue;
        }
        end(context, intent, plan.unwrap_or_default(), found).await?;
    }
    Ok(())
}

async fn end(
    context: &Context,
    intent: Intent,
    plan: RentalPlan,
    found: Option<&GpuInstance>,
) -> Result<(), EngineError> {
    let age = context.now().since(intent.created_at);
    let what = left(intent.state, age, found.is_some());
    tracing::warn!(intent = %intent.id, state = %intent.state, ?what, "a rental was cut off");
    match (what, found) {
        (Left::Finish, _) => {
            let gpu = intent.external_id.as_deref().and_then(|id| id.parse().ok()).map(GpuId);
            let Some(gpu) = gpu else { return Ok(()) };
            rent::finish(context, &intent, gpu, &plan).await
        }
        (Left::Destroy, Some(instance)) => {
            let id = instance.id.to_string();
            let disposal = reaper::disposal(context, &intent, &id, Role::Rental, Wish::Destroy);
            match context.store.intents().discard_open(&intent.id, &disposal, context.now()).await {
                // Bought after all while the list was read: whoever rents it has it.
                Err(store::StoreError::Stale { .. }) => Ok(()),
                ended => Ok(ended.map(drop)?),
            }
        }
        (Left::Keep, Some(instance)) => {
            let alone = RentalPlan { skip_standby: true, ..plan };
            match purchase::bind(context, intent, instance.id).await? {
                Purchase::Bound(intent, gpu) => rent::finish(context, &intent, gpu, &alone).await,
                _ => Ok(()),
            }
        }
        (Left::GiveUp, None) if intent.state == IntentState::Open => {
            let why = "cut off before there was an answer";
            Ok(context.store.intents().tombstone(&intent.id, why, context.now()).await?)
        }
        _ => Ok(()),
    }
}
