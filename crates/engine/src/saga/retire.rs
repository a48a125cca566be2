//! The old GPU is to be destroyed: its data is proven elsewhere. The reaper sees to it until the
//! provider's list agrees.

use domain::association::Serving;
use domain::failover::{Disposal, Role, Wish};
use domain::id::DisposalId;
use domain::provider::Provider;

use super::step::{Ended, Run, StepEnd};

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, failover, association, .. } = run;
    if association.serving != Serving::Gpu || association.gpu == failover.gpu {
        return Ok(StepEnd::failed("the machine does not run on a new GPU; the old one is kept"));
    }
    let now = context.now();
    let disposal = Disposal {
        id: DisposalId::new(uuid::Uuid::now_v7().to_string()),
        user: failover.user.clone(),
        provider: Provider::Vast,
        external_id: failover.gpu.to_string(),
        zone: String::new(),
        role: Role::OldGpu,
        failover: Some(failover.id.clone()),
        association: Some(association.id.clone()),
        wish: Wish::Destroy,
        requested_at: now,
        attempts: 0,
        next_at: now,
        last_error: None,
        done_at: None,
    };
    context.store.disposals().request(&disposal).await?;
    Ok(StepEnd::ok(serde_json::Value::Null))
}
