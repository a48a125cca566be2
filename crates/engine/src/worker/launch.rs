//! Keeps how a machine's container was launched: when its GPU is lost, the provider may not tell any more.

use std::time::Duration;

use domain::association::{Association, Serving};
use domain::gpu::GpuState;
use domain::time::HOUR_MS;

use crate::context::Context;
use crate::error::EngineError;
use crate::ports::time;

/// Between two looks at whether it is to be read.
const PAUSE: Duration = Duration::from_secs(30);
/// How long what was read is good.
const GOOD_MS: i64 = 6 * HOUR_MS;

/// Reads it where it is not known or old, then pauses.
pub(super) async fn step(context: Context, association: Association) -> Result<(), EngineError> {
    if association.serving == Serving::Gpu {
        keep(&context, &association).await?;
    }
    time::sleep(PAUSE).await;
    Ok(())
}

async fn keep(context: &Context, association: &Association) -> Result<(), EngineError> {
    let associations = context.store.associations();
    let now = context.now();
    let known = associations.launch(&association.id).await?;
    if known.as_ref().is_some_and(|(_, read_at)| now.since(*read_at) < GOOD_MS) {
        return Ok(());
    }
    let view = context.live.account(&association.user).view();
    if view.instance(association.gpu).is_none_or(|one| one.state() != GpuState::Running) {
        return Ok(());
    }
    let client = context.accounts.vast(&association.user).await?;
    if let Some(launch) = client.launch(association.gpu).await? {
        let launch = launch.to_go().or_keys_of(known.as_ref().map(|(known, _)| known));
        associations.set_launch(&association.id, &launch, now).await?;
    }
    Ok(())
}
