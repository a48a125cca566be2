//! A drill removes all that it made, and sees that it is gone, before it is over.

use domain::failover::{Intent, IntentState, Role, Wish};
use domain::id::FailoverId;
use store::StoreError;

use super::keeping;
use super::step::{Ended, Run, StepEnd};
use crate::context::Context;
use crate::error::EngineError;
use crate::purchase::{self, Purchase};
use crate::reaper;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    give_back_all(run.context, &run.failover.id).await?;
    if let Ok((_, standby)) = run.standby().await {
        keeping::forget(run, &standby).await?;
    } else if run.association.standby.is_some() {
        return Ok(StepEnd::retry("the standby does not answer; its drill copy is still there"));
    }
    wait_until_gone(run).await
}

/// Asks for each instance that a failover bought and nobody uses to be destroyed, and clears up
/// purchases whose answer is not known.
pub(super) async fn give_back_all(
    context: &Context,
    failover: &FailoverId,
) -> Result<(), EngineError> {
    for intent in context.store.intents().of_failover(failover).await? {
        match (intent.state, intent.external_id.clone()) {
            (IntentState::Bound, Some(gpu)) => give_back(context, &intent, &gpu).await?,
            (IntentState::Open, _) => {
                if let Purchase::Bound(intent, gpu) = purchase::settle(context, intent).await? {
                    give_back(context, &intent, &gpu.to_string()).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

async fn give_back(context: &Context, intent: &Intent, gpu: &str) -> Result<(), EngineError> {
    let disposal = reaper::disposal(context, intent, gpu, Role::Candidate, Wish::Destroy);
    match context.store.intents().discard_unused(&intent.id, &disposal, context.now()).await {
        // Gone, or in use, since it was read: there is nothing left to give back.
        Err(StoreError::Stale { .. }) => Ok(()),
        given_back => Ok(given_back.map(drop)?),
    }
}

/// Done once no disposal of this failover is pending.
pub(super) async fn wait_until_gone(run: &Run<'_>) -> Ended {
    let disposals = run.context.store.disposals().of_failover(&run.failover.id).await?;
    match disposals.iter().find(|disposal| disposal.done_at.is_none()) {
        None => Ok(StepEnd::ok(serde_json::Value::Null)),
        Some(left) => {
            let words =
                format!("{} {} is not seen to be gone yet", left.provider, left.external_id);
            Ok(StepEnd { pause_ms: 300, ..StepEnd::retry(words) })
        }
    }
}
