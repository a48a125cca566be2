//! Keeps how a machine's container was launched: when its GPU is lost, the provider may not tell any more.

use std::time::Duration;

use domain::association::{Association, Serving};
use domain::gpu::GpuState;
use domain::launch::Launch;
use domain::provider::Provider;
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
    if let Some(launch) = told(context, association, known.as_ref().map(|(known, _)| known)).await?
    {
        associations.set_launch(&association.id, &launch, now).await?;
    }
    Ok(())
}

/// How the provider says that a machine's container was launched; nothing where it has not got it, or where
/// the present one was launched with less than the one before it: how that was launched stays what is known.
pub(crate) async fn told(
    context: &Context,
    association: &Association,
    known: Option<&Launch>,
) -> Result<Option<Launch>, EngineError> {
    let gpu = association.gpu.to_string();
    let intents = context.store.intents();
    let came_of = intents.by_external(&association.user, Provider::Vast, &gpu).await?;
    if came_of.is_some_and(|intent| !intent.left_out.is_empty()) {
        return Ok(None);
    }
    let client = context.accounts.vast(&association.user).await?;
    let launch = client.launch(association.gpu).await?;
    Ok(launch.map(|launch| launch.to_go().or_keys_of(known)))
}
