//! Undoing after a failure or a cancellation: what was bought is given back, frozen work goes on
//! where it is served, and a GPU that was never left is used again.

use domain::association::{AssociationState, Serving};
use domain::failover::{Kind, StepName};
use domain::route;

use super::cleanup;
use super::step::{Ended, Run, StepEnd};
use crate::data;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, failover, association, .. } = run;
    cleanup::give_back_all(run).await?;
    if let Ok((_, standby)) = run.standby().await {
        if failover.kind == Kind::Drill {
            data::forget_rehearsal(&standby, failover.id.as_str()).await?;
        } else if association.serving == Serving::Standby {
            data::thaw_writes(&standby).await?;
        }
    }
    let never_left = !route::done(StepName::Fence, failover, run.rows);
    if failover.kind != Kind::Drill
        && never_left
        && association.state == AssociationState::FailingOver
    {
        let associations = context.store.associations();
        associations.set_serving(&association.id, association.epoch, Serving::Gpu).await?;
        associations
            .set_state(&association.id, association.epoch, AssociationState::Following, None)
            .await?;
    }
    if failover.kind == Kind::Drill {
        return cleanup::wait_until_gone(run).await;
    }
    Ok(StepEnd::ok(serde_json::Value::Null))
}
