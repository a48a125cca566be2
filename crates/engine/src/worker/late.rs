//! A GPU that was left is kept for a while for what it may hold beyond the recovery point. When it answers
//! meanwhile, what runs there is held and what only it has is fetched to the standby; again, until nothing was
//! written since. Then nothing keeps it any more.

use std::time::Duration;

use domain::association::Association;
use domain::failover::{Disposal, Saved};
use domain::id::{FailoverId, GpuId};
use domain::notification;
use providers::ssh::Shell;

use crate::context::Context;
use crate::data::{self, Hold};
use crate::error::EngineError;
use crate::left::{self, failed};
use crate::live::Target;
use crate::ports::time;

use super::dial;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks once, after a pause.
pub(super) async fn step(context: Context, association: Association) -> Result<(), EngineError> {
    time::sleep(PAUSE).await;
    let pending = context.store.disposals().pending(&association.user).await?;
    let held = pending
        .into_iter()
        .find(|one| one.is_held() && one.association.as_ref() == Some(&association.id));
    match held {
        Some(disposal) => look(&context, &association, &disposal).await,
        None => Ok(()),
    }
}

async fn look(
    context: &Context,
    association: &Association,
    disposal: &Disposal,
) -> Result<(), EngineError> {
    let (Some(failover), Ok(gpu)) = (&disposal.failover, disposal.external_id.parse()) else {
        return Ok(());
    };
    let Some(target) = target(context, association, failover, GpuId(gpu)).await? else {
        return Ok(());
    };
    let Some(standby) = context.live.machine(&association.id).standby_shell() else {
        return Ok(());
    };
    // Not an error: it is what is waited for.
    let Ok(shell) = dial(context, &association.user, &target).await else { return Ok(()) };
    let workspace = &association.workspace;
    let quiet = data::hold_left(&shell, workspace, failover.as_str(), Hold::Look).await;
    if quiet.map_err(failed)? && disposal.saved.is_some() {
        if disposal.next_at > context.now() {
            context.store.disposals().hold(disposal, context.now()).await?;
        }
        return Ok(());
    }
    let saved = fetch(context, association, disposal, (&shell, &standby), &target).await?;
    context.store.disposals().saved(&disposal.id, &saved).await?;
    if saved.files > 0 {
        let sandbox = context.config.sandbox;
        let (gpu, at) = (GpuId(gpu), saved.at);
        let news = notification::late_writes(association, failover, gpu, saved.files, at, sandbox);
        context.store.notifications().tell(&news).await?;
    }
    context.doorbell(&association.user, "failover", failover.as_str()).await;
    Ok(())
}

/// Fetches what the copy lacks, after a mark by which it is known later whether it was the last of it.
async fn fetch(
    context: &Context,
    association: &Association,
    disposal: &Disposal,
    (gpu, standby): (&Shell, &Shell),
    target: &Target,
) -> Result<Saved, EngineError> {
    let failover = disposal.failover.as_ref().map(FailoverId::as_str).unwrap_or_default();
    let key = association.standby.as_ref().and_then(|standby| standby.public_key.clone());
    data::prepare_gpu(gpu, &key.unwrap_or_default(), None).await.map_err(failed)?;
    let workspace = &association.workspace;
    data::hold_left(gpu, workspace, failover, Hold::Mark).await.map_err(failed)?;
    let host_key = gpu.host_key().to_owned();
    let late = data::fetch_late(standby, workspace, failover, &target.endpoint, &host_key);
    let late = late.await.map_err(failed)?;
    tracing::info!(%failover, files = late.files, bytes = late.bytes, "late writes fetched");
    let before = disposal.saved.as_ref().map_or(0, |saved| saved.fetches);
    Ok(Saved {
        files: late.files,
        bytes: late.bytes,
        path: late.path,
        at: context.now(),
        fetches: before.saturating_add(1),
        settled: false,
    })
}

/// Where the GPU that was left answers. `None` while the provider says that nothing runs there, or where its
/// key was never known.
async fn target(
    context: &Context,
    association: &Association,
    failover: &FailoverId,
    gpu: GpuId,
) -> Result<Option<Target>, EngineError> {
    let view = context.live.account(&association.user).view();
    let listed = match view.instance(gpu) {
        Some(one) if !left::may_write(one.state()) => return Ok(None),
        Some(one) => one.ssh.clone(),
        None => None,
    };
    let left = left::left(context, association, failover, gpu).await?;
    Ok(left.and_then(|left| left::target(&left, listed)))
}
