//! A drill removes all that it made, and sees that it is gone, before it is over.

use domain::failover::{IntentState, Role, Wish};

use super::keeping;
use super::step::{Ended, Run, StepEnd};
use crate::reaper;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    give_back_all(run).await?;
    if let Ok((_, standby)) = run.standby().await {
        keeping::forget(run, &standby).await?;
    } else if run.association.standby.is_some() {
        return Ok(StepEnd::retry("the standby does not answer; its drill copy is still there"));
    }
    wait_until_gone(run).await
}

/// Asks for each instance that this failover bought and nobody uses to be destroyed, and clears up
/// purchases whose answer is not known.
pub(super) async fn give_back_all(run: &Run<'_>) -> Result<(), StepEnd> {
    let context = run.context;
    for intent in context.store.intents().of_failover(&run.failover.id).await? {
        match (intent.state, intent.external_id.clone()) {
            (IntentState::Bound, Some(external_id)) => {
                let disposal = reaper::disposal(
                    context,
                    &intent,
                    &external_id,
                    Role::Candidate,
                    Wish::Destroy,
                );
                context.store.intents().discard(&intent.id, &disposal, context.now()).await?;
            }
            (IntentState::Open, _) => {
                if let crate::purchase::Purchase::Bound(intent, gpu) =
                    crate::purchase::settle(context, intent).await?
                {
                    let disposal = reaper::disposal(
                        context,
                        &intent,
                        &gpu.to_string(),
                        Role::Candidate,
                        Wish::Destroy,
                    );
                    context.store.intents().discard(&intent.id, &disposal, context.now()).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
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
