//! A GPU that was fenced off and comes back by itself is stopped again, for as long as its machine
//! runs elsewhere. It could change nothing anyway; this keeps it from billing unseen.

use domain::association::{Association, Serving};
use domain::failover::{Disposal, Kind, Role, Wish};
use domain::gpu::GpuState;
use domain::id::{DisposalId, FailoverId};
use domain::provider::Provider;
use store::FailoverQuery;

use crate::context::Context;
use crate::error::EngineError;
use crate::reaper;

/// Whether a GPU is the one that the failover under way has just moved its machine to: in the course
/// of the switch it is the machine's before it serves.
async fn is_successor(
    context: &Context,
    association: &Association,
    id: &str,
) -> Result<bool, EngineError> {
    let Some(active) = &association.active_failover else { return Ok(false) };
    let intent = context.store.intents().by_external(&association.user, Provider::Vast, id).await?;
    Ok(intent.is_some_and(|intent| intent.failover.as_ref() == Some(active)))
}

/// The failover that left the machine's GPU.
async fn left_by(
    context: &Context,
    association: &Association,
) -> Result<Option<FailoverId>, EngineError> {
    let query = FailoverQuery {
        kind: Some(Kind::Real),
        association: Some(association.id.clone()),
        limit: Some(1),
        ..FailoverQuery::default()
    };
    let newest = context.store.failovers().ids(&association.user, &query).await?;
    Ok(newest.into_iter().next())
}

/// Asks for a returned GPU to be stopped, unless that is under way.
pub(super) async fn lay(context: &Context, association: &Association) -> Result<(), EngineError> {
    if association.serving != Serving::Standby {
        return Ok(());
    }
    let view = context.live.account(&association.user).view();
    let back = view
        .instance(association.gpu)
        .is_some_and(|one| matches!(one.state(), GpuState::Running | GpuState::Provisioning));
    let id = association.gpu.to_string();
    if back && is_successor(context, association, &id).await? {
        return Ok(());
    }
    if !back || reaper::pending(context, &association.user, Provider::Vast, &id).await?.is_some() {
        return Ok(());
    }
    let now = context.now();
    // What it holds beyond the copy is fetched first, where it answers within the time that its user set.
    let settings = context.store.settings().get(&association.user).await?;
    let kept = settings.keep_lost_min.saturating_mul(60_000);
    let heard = context.store.associations().heard(&association.id).await?;
    let heard = heard.filter(|heard| heard.gpu == association.gpu).map(|heard| heard.at);
    let stop_at = heard.map_or(now, |at| now.max(at.plus(kept)));
    let failover = match &association.active_failover {
        Some(active) => Some(active.clone()),
        None => left_by(context, association).await?,
    };
    tracing::warn!(gpu = id, "a fenced GPU runs; it is to be stopped");
    let disposal = Disposal {
        id: DisposalId::new(context.new_id()),
        user: association.user.clone(),
        provider: Provider::Vast,
        external_id: id,
        zone: String::new(),
        role: Role::OldGpu,
        failover,
        association: Some(association.id.clone()),
        wish: Wish::Stop,
        requested_at: now,
        attempts: 0,
        next_at: stop_at,
        last_error: None,
        done_at: None,
        saved: None,
    };
    context.store.disposals().request(&disposal).await?;
    Ok(())
}
