//! Undoing after a failure or a cancellation: what was bought is given back, frozen work goes on
//! where it is served, and a GPU that was never left is used again.

use domain::association::{AssociationState, Serving};
use domain::failover::{Kind, Outcome, StepName};
use domain::provider::ErrorClass;
use domain::route;
use domain::verdict::Verdict;

use super::cleanup;
use super::keeping;
use super::step::{Ended, Run, StepEnd};
use crate::data;

/// Tries at removing a drill's copy before that is left for later.
const TRIES: i64 = 6;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, failover, association, .. } = run;
    cleanup::give_back_all(context, &failover.id).await?;
    if failover.kind == Kind::Drill {
        return drill(run).await;
    }
    let held = run.rows.iter().any(|row| row.name == StepName::Delta);
    if held
        && association.serving == Serving::Standby
        && association.state != AssociationState::Deleting
    {
        // Held work goes on. A standby that does not answer now is waited for: nobody else would come back
        // to this. One that is gone has nothing to go on with.
        match run.standby().await {
            Ok((_, standby)) => {
                data::thaw_writes(&standby).await?;
            }
            Err(_) if association.standby.is_none() => {}
            Err(end) => return Err(end),
        }
    }
    let never_left = !route::done(StepName::Fence, failover, run.rows);
    if never_left && association.state == AssociationState::FailingOver {
        back_to_gpu(run).await?;
    }
    Ok(StepEnd::ok(serde_json::Value::Null))
}

/// The GPU that was never left serves again.
async fn back_to_gpu(run: &Run<'_>) -> Result<(), StepEnd> {
    let Run { context, failover, association, .. } = run;
    let id = failover.gpu.to_string();
    context.store.disposals().withdraw_stop(&failover.id, &id).await?;
    // It may have been stopped meanwhile, for a move that does not happen. Whether the wish was still there
    // to be taken back says nothing: it may be fulfilled, or taken back by an attempt that could not start it.
    if failover.kind == Kind::Planned {
        match context.accounts.vast(&failover.user).await?.start(failover.gpu).await {
            // Gone, or its place is taken: that is a loss to be judged like any other.
            Err(error) if matches!(error.class, ErrorClass::NotFound | ErrorClass::Capacity) => {}
            started => started?,
        }
    }
    let associations = context.store.associations();
    associations.set_serving(&association.id, association.epoch, Serving::Gpu).await?;
    let following = AssociationState::Following;
    associations.set_state(&association.id, association.epoch, following, None).await?;
    Ok(())
}

/// A drill's copy is removed and its GPU seen to be gone, unless the machine itself is lost meanwhile: then
/// the failover comes first, and what is left of the drill is removed later.
async fn drill(run: &Run<'_>) -> Ended {
    let Run { context, association, row, .. } = run;
    let newest = context.store.verdicts().latest(&association.id).await?;
    let lost = newest.is_some_and(|verdict| verdict.verdict == Verdict::ConfirmedLost);
    let removed = match run.standby().await {
        Ok((_, standby)) => keeping::forget(run, &standby).await.is_ok(),
        Err(_) => association.standby.is_none(),
    };
    let left = StepEnd::ok(serde_json::json!({ "copy_left": !removed }));
    if lost {
        return Ok(left);
    }
    if !removed && row.attempt < TRIES {
        return Ok(StepEnd::retry("the standby does not answer; its drill copy is still there"));
    }
    let gone = cleanup::wait_until_gone(run).await?;
    Ok(if gone.outcome == Outcome::Ok { left } else { gone })
}
