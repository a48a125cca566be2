//! Sees to it that what shall be gone is gone.
//!
//! A disposal is tried until the provider's own list agrees. Only what carries an intent or an
//! association of this database ever gets a disposal; what merely looks like ours is shown, never
//! destroyed.

use std::time::Duration;

use domain::association::Serving;
use domain::failover::{Disposal, Intent, Role, Wish};
use domain::gpu::GpuState;
use domain::id::{DisposalId, GpuId, UserId};
use domain::provider::{ErrorClass, Provider, ProviderError};
use domain::time::Millis;
use store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::EngineError;
use crate::left::{self, Leave};
use crate::ports::time;
use crate::rentals;

const TICK: Duration = Duration::from_millis(500);
/// Between two looks at rentals that were cut off.
const RENTALS: Duration = Duration::from_secs(10);
/// How long after the wish a VM that was never seen may still appear: its creation may be under way.
const APPEARS_MS: i64 = 120_000;
/// Between two tries to find out whether an instance may go.
const UNKNOWN_MS: i64 = 5_000;
const FIRST_RETRY_MS: i64 = 1_000;
const LAST_RETRY_MS: i64 = 60_000;

/// A disposal of an intent's instance, to be stored.
pub(crate) fn disposal(
    context: &Context,
    intent: &Intent,
    external_id: &str,
    role: Role,
    wish: Wish,
) -> Disposal {
    Disposal {
        id: DisposalId::new(context.new_id()),
        user: intent.user.clone(),
        provider: intent.provider,
        external_id: external_id.to_owned(),
        zone: intent.zone.clone(),
        role,
        failover: intent.failover.clone(),
        association: intent.association.clone(),
        wish,
        requested_at: context.now(),
        attempts: 0,
        next_at: context.now(),
        last_error: None,
        done_at: None,
        saved: None,
    }
}

/// Works on a user's disposals until the token ends.
pub(crate) async fn run(context: Context, user: UserId, token: CancellationToken) {
    let mut rentals_at = time::now();
    loop {
        if time::now() >= rentals_at {
            rentals_at = time::now() + RENTALS;
            match rentals::look(&context, &user).await {
                // Without a key there are none to look for.
                Ok(()) | Err(EngineError::Credentials { .. }) => {}
                Err(error) => tracing::warn!(%user, %error, "rentals not looked at"),
            }
        }
        if let Err(error) = pass(&context, &user).await {
            tracing::warn!(%user, %error, "disposals not worked on");
        }
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            () = time::sleep(TICK) => {}
        }
    }
}

async fn pass(context: &Context, user: &UserId) -> Result<(), EngineError> {
    for listed in due(context, user).await? {
        // The ones before it may have taken minutes.
        let Some(disposal) = still_due(context, &listed.id).await? else { continue };
        let tried = match left::may_go(context, &disposal).await {
            Ok(Leave::Now) => {
                let tried = attempt(context, &disposal).await;
                record(context, &disposal, tried).await
            }
            Ok(Leave::Not(until)) => hold(context, &disposal, until).await,
            Err(error) => {
                tracing::warn!(instance = disposal.external_id, %error, "not known whether it may go");
                hold(context, &disposal, context.now().plus(UNKNOWN_MS)).await
            }
        };
        match tried {
            // More is wanted of it by now, or the wish was taken back: what was tried says nothing of that.
            Err(EngineError::Store(StoreError::Stale { .. })) => {
                overtaken(context, &disposal).await?;
            }
            recorded => recorded?,
        }
    }
    Ok(())
}

/// A wish as it stands now, where it is to be tried now.
async fn still_due(context: &Context, id: &DisposalId) -> Result<Option<Disposal>, EngineError> {
    let stands = context.store.disposals().find(id).await?;
    Ok(stands.filter(|wish| wish.done_at.is_none() && wish.next_at <= context.now()))
}

/// Keeps an instance some more, unless more is wanted of it by now.
async fn hold(context: &Context, disposal: &Disposal, until: Millis) -> Result<(), EngineError> {
    Ok(context.store.disposals().hold(disposal, until).await?)
}

async fn record(
    context: &Context,
    disposal: &Disposal,
    tried: Result<bool, EngineError>,
) -> Result<(), EngineError> {
    match tried {
        Ok(true) => {
            let Disposal { id, wish, .. } = disposal;
            context.store.disposals().done(id, *wish, context.now()).await?;
            if *wish == Wish::Destroy {
                forget_purchase(context, disposal).await?;
            }
            tracing::info!(instance = disposal.external_id, provider = %disposal.provider, %wish, "disposed of");
            context.doorbell(&disposal.user, "disposal", id.as_str()).await;
            Ok(())
        }
        Ok(false) => again(context, disposal, None).await,
        Err(error) => again(context, disposal, Some(&error)).await,
    }
}

/// A stop that was taken back while it was tried may have reached the GPU after the start that came with that:
/// where its machine wants it, it is started once more.
async fn overtaken(context: &Context, disposal: &Disposal) -> Result<(), EngineError> {
    let withdrawn = context.store.disposals().find(&disposal.id).await?.is_none();
    if disposal.wish != Wish::Stop || !withdrawn {
        return Ok(());
    }
    let gpu = gpu_of(disposal)?;
    let machine = context.store.associations().by_gpu(&disposal.user, gpu).await?;
    // Whoever took it back may not have recorded yet that it serves again.
    if machine.is_some_and(|machine| machine.want_running && machine.serving != Serving::Standby) {
        tracing::warn!(%gpu, "its stop was taken back while it was sent; it is started once more");
        context.accounts.vast(&disposal.user).await?.start(gpu).await?;
    }
    Ok(())
}

async fn due(context: &Context, user: &UserId) -> Result<Vec<Disposal>, EngineError> {
    let mut due = context.store.disposals().due(context.now()).await?;
    due.retain(|disposal| &disposal.user == user);
    Ok(due)
}

/// The wish that stands for an instance, if any.
pub(crate) async fn pending(
    context: &Context,
    user: &UserId,
    provider: Provider,
    external_id: &str,
) -> Result<Option<Disposal>, EngineError> {
    let pending = context.store.disposals().pending(user).await?;
    Ok(pending.into_iter().find(|one| one.provider == provider && one.external_id == external_id))
}

async fn forget_purchase(context: &Context, disposal: &Disposal) -> Result<(), EngineError> {
    let intents = context.store.intents();
    if let Some(intent) =
        intents.by_external(&disposal.user, disposal.provider, &disposal.external_id).await?
    {
        intents.gone(&intent.id, context.now()).await?;
    }
    Ok(())
}

async fn again(
    context: &Context,
    disposal: &Disposal,
    error: Option<&EngineError>,
) -> Result<(), EngineError> {
    let words = error.map(ToString::to_string);
    if words != disposal.last_error {
        tracing::warn!(instance = disposal.external_id, wish = %disposal.wish, error = ?words, "not disposed of yet");
    }
    let delay = retry_ms(disposal.attempts, error);
    Ok(context
        .store
        .disposals()
        .tried(&disposal.id, disposal.wish, words.as_deref(), context.now().plus(delay))
        .await?)
}

/// Milliseconds until the next try: doubling, held between one second and a minute, and no sooner
/// than the provider allows.
fn retry_ms(attempts: i64, error: Option<&EngineError>) -> i64 {
    let doubled = FIRST_RETRY_MS.saturating_mul(
        1_i64.checked_shl(u32::try_from(attempts.clamp(0, 16)).unwrap_or(0)).unwrap_or(1),
    );
    let told = match error {
        Some(EngineError::Provider(ProviderError {
            class: ErrorClass::RateLimited { after_ms },
            ..
        })) => *after_ms,
        _ => 0,
    };
    doubled.min(LAST_RETRY_MS).max(told)
}

/// One try; whether the wish is fulfilled.
async fn attempt(context: &Context, disposal: &Disposal) -> Result<bool, EngineError> {
    match (disposal.provider, disposal.wish) {
        (Provider::Gcp, _) => attempt_vm(context, disposal).await,
        (_, Wish::Stop) => attempt_stop(context, disposal).await,
        (_, Wish::Destroy) => attempt_destroy(context, disposal).await,
    }
}

fn gpu_of(disposal: &Disposal) -> Result<GpuId, EngineError> {
    disposal.external_id.parse().map(GpuId).map_err(|_| EngineError::NotFound("instance"))
}

/// Destroys a GPU: asked for, then absent from a complete list and from a look of its own.
async fn attempt_destroy(context: &Context, disposal: &Disposal) -> Result<bool, EngineError> {
    let client = context.accounts.vast(&disposal.user).await?;
    let id = gpu_of(disposal)?;
    match client.destroy(id).await {
        Ok(()) => {}
        Err(error) if error.class == ErrorClass::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let listing = client.list().await?;
    if listing.instances.iter().any(|instance| instance.id == id) {
        return Ok(false);
    }
    Ok(client.get(id).await?.is_none())
}

/// Stops a fenced GPU and keeps it stopped: done when the provider shows it stopped by us, or has it
/// no more. A host that is offline is asked again when it is back.
async fn attempt_stop(context: &Context, disposal: &Disposal) -> Result<bool, EngineError> {
    let client = context.accounts.vast(&disposal.user).await?;
    let id = gpu_of(disposal)?;
    match client.stop(id).await {
        Ok(()) => {}
        Err(error) if error.class == ErrorClass::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let Some(instance) = client.get(id).await? else { return Ok(true) };
    Ok(matches!(instance.state(), GpuState::Stopped | GpuState::Preempted))
}

/// Deletes a VM: asked for, waited for, then not found under its name.
async fn attempt_vm(context: &Context, disposal: &Disposal) -> Result<bool, EngineError> {
    let client = context.accounts.gcp(&disposal.user).await?;
    let intents = context.store.intents();
    let intent = intents.by_label(&disposal.external_id).await?;
    let intent = intent.filter(|intent| intent.user == disposal.user);
    if let Some(project) = intent.as_ref().and_then(|intent| intent.project.as_deref())
        && project != client.project()
    {
        return Err(EngineError::Credentials {
            provider: Provider::Gcp,
            code: "other_project",
            message: format!(
                "the VM is in the Google Cloud project {project}, the stored service account in {}; store one of the former",
                client.project()
            ),
        });
    }
    let request = uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_OID,
        format!("delete {} {}", disposal.id, disposal.attempts).as_bytes(),
    );
    match client.delete(&disposal.zone, &disposal.external_id, request).await {
        Ok(operation) => client.wait(&operation, Duration::from_secs(300)).await?,
        Err(error) if error.class == ErrorClass::NotFound => {
            // One whose creation nobody saw the end of can be overtaken by this: it may appear yet.
            if !was_seen(context, disposal).await?
                && context.now().since(disposal.requested_at) < APPEARS_MS
            {
                return Ok(false);
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(client.get(&disposal.zone, &disposal.external_id).await?.is_none())
}

/// Whether a VM was known to exist before it was asked to be gone.
async fn was_seen(context: &Context, disposal: &Disposal) -> Result<bool, EngineError> {
    let intents = context.store.intents();
    let intent =
        intents.by_external(&disposal.user, disposal.provider, &disposal.external_id).await?;
    Ok(intent.is_none_or(|intent| seen_before(intent.bound_at, disposal.requested_at)))
}

/// A purchase that is given up before it was bound is bound by that.
fn seen_before(bound_at: Option<Millis>, requested_at: Millis) -> bool {
    bound_at.is_some_and(|at| at.plus(1_000) < requested_at)
}

#[cfg(test)]
mod tests;
