//! A GPU that was left is kept for a while for what it may hold beyond the recovery point. When it
//! answers meanwhile, that is fetched to the standby first; then nothing keeps it any more.

use std::time::Duration;

use domain::association::Association;
use domain::failover::{DetectOutput, Disposal, Left, Saved, StepName};
use domain::gpu::GpuState;
use domain::id::{FailoverId, GpuId};
use domain::notification;
use domain::provider::Provider;

use crate::context::Context;
use crate::data;
use crate::error::EngineError;
use crate::live::Target;
use crate::ports::time;

use super::dial;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks once, after a pause.
pub(super) async fn step(context: Context, association: Association) -> Result<(), EngineError> {
    time::sleep(PAUSE).await;
    let now = context.now();
    let pending = context.store.disposals().pending(&association.user).await?;
    let held = pending.into_iter().find(|one| {
        one.provider == Provider::Vast
            && one.association.as_ref() == Some(&association.id)
            && one.kept_until(now).is_some()
    });
    match held {
        Some(disposal) => fetch(&context, &association, &disposal).await,
        None => Ok(()),
    }
}

async fn fetch(
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
    let key = association.standby.as_ref().and_then(|standby| standby.public_key.clone());
    data::prepare_gpu(&shell, &key.unwrap_or_default(), None).await.map_err(failed)?;
    let host_key = shell.host_key().to_owned();
    let workspace = &association.workspace;
    let late =
        data::fetch_late(&standby, workspace, failover.as_str(), &target.endpoint, &host_key)
            .await
            .map_err(failed)?;
    let saved = Saved { files: late.files, bytes: late.bytes, path: late.path, at: context.now() };
    tracing::info!(%failover, files = saved.files, bytes = saved.bytes, "late writes fetched");
    context.store.disposals().saved(&disposal.id, &saved).await?;
    if saved.files > 0 {
        let news = notification::late_writes(
            association,
            failover,
            GpuId(gpu),
            saved.files,
            saved.at,
            context.config.sandbox,
        );
        context.store.notifications().tell(&news).await?;
    }
    context.doorbell(&association.user, "failover", failover.as_str()).await;
    Ok(())
}

/// Tried again, with longer and longer pauses, for as long as the GPU is kept.
fn failed(error: data::DataError) -> EngineError {
    EngineError::conflict("late_writes", error.to_string())
}

/// Where the GPU that was left answers: as the provider lists it now, else as it did then. `None` while the
/// provider says that it does not run, or its key was never known.
async fn target(
    context: &Context,
    association: &Association,
    failover: &FailoverId,
    gpu: GpuId,
) -> Result<Option<Target>, EngineError> {
    let rows = context.store.steps().list(failover).await?;
    let left: Option<Left> = rows
        .iter()
        .find(|row| row.name == StepName::Detect)
        .and_then(|row| serde_json::from_value::<DetectOutput>(row.output.clone()).ok())
        .and_then(|detected| detected.before);
    let Some(host_key) = left.as_ref().and_then(|left| left.host_key.clone()) else {
        return Ok(None);
    };
    let view = context.live.account(&association.user).view();
    let endpoint = match view.instance(gpu) {
        Some(one) if one.state() != GpuState::Running => return Ok(None),
        Some(one) => one.ssh.clone(),
        None => None,
    };
    let endpoint = endpoint.or_else(|| left.and_then(|left| left.endpoint));
    Ok(endpoint.map(|endpoint| Target { endpoint, host_key: Some(host_key) }))
}
