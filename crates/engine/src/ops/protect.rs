//! Tying a machine to a standby, and untying it.

use domain::association::{
    Association, AssociationState, Hooks, Serving, SyncStatus, workspace as checked_workspace,
};
use domain::frozen::Decision;
use domain::gpu::{GpuInstance, GpuState};
use domain::id::{AssociationId, Epoch, GpuId, UserId};
use domain::offer::GpuSpec;
use store::StoreError;

use crate::context::Context;
use crate::error::EngineError;
use crate::listing;
use crate::purchase;

/// Where work lies unless its user says otherwise.
pub(crate) const DEFAULT_WORKSPACE: &str = "/workspace";

/// Makes an association; its worker then makes the standby.
pub(crate) async fn protect(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    name: Option<String>,
    hooks: Option<Hooks>,
    workspace: Option<String>,
) -> Result<AssociationId, EngineError> {
    // Refused early and by name, rather than failing in the background.
    context.accounts.gcp(user).await?;
    let instance = instance(context, user, gpu).await?.ok_or(EngineError::NotFound("instance"))?;
    let workspace = workspace.unwrap_or_else(|| DEFAULT_WORKSPACE.into());
    let workspace = checked_workspace(&workspace)
        .map_err(|word| EngineError::field("workspace", "not_a_workspace", word))?;
    let name = name
        .filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| default_name(&instance, context.store.install_id()));
    attach_key(context, user, gpu).await;
    let association = Association {
        id: AssociationId::new(context.new_id()),
        user: user.clone(),
        gpu,
        name,
        workspace,
        image: instance.image.clone(),
        spec: spec_of(&instance),
        hooks: hooks.unwrap_or_default(),
        state: AssociationState::Preparing,
        reason: None,
        serving: if instance.state() == GpuState::Stopped { Serving::None } else { Serving::Gpu },
        want_running: instance.state() != GpuState::Stopped,
        sync_enabled: true,
        epoch: Epoch(1),
        gpu_endpoint: instance.ssh.clone(),
        gpu_host_key: None,
        standby: None,
        sync: SyncStatus::default(),
        active_failover: None,
        created_at: context.now(),
    };
    context.store.associations().create(&association).await?;
    context.store.associations().set_excluded(user, gpu, false).await?;
    context.doorbell(user, "association", association.id.as_str()).await;
    context.wake();
    Ok(association.id)
}

/// Marks an association for removal; its worker removes the VM, then the association.
pub(crate) async fn unprotect(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
) -> Result<(), EngineError> {
    let association = find(context, user, gpu).await?;
    allowed(context.store.associations().untie(user, &association.id).await)?;
    context.doorbell(user, "association", association.id.as_str()).await;
    context.live.machine(&association.id).poke.notify_one();
    Ok(())
}

/// Why a machine can't be untied, destroyed, paused or started now, in words that its user can act on.
pub(crate) fn allowed<T>(ended: Result<T, StoreError>) -> Result<T, EngineError> {
    match ended {
        Err(StoreError::Conflict(store::UNDER_WAY)) => Err(EngineError::conflict(
            "failover_active",
            "a failover of this machine is under way; cancel it first",
        )),
        Err(StoreError::Conflict(store::GPU_LOST)) => Err(EngineError::conflict(
            "gpu_lost",
            "its GPU is lost and its standby holds the only copy; move the machine to another GPU or discard it",
        )),
        Err(StoreError::Conflict(_)) => Err(EngineError::conflict(
            "on_standby",
            "this machine runs on its standby, which holds the only copy; move it to a GPU first",
        )),
        ended => Ok(ended?),
    }
}

/// Switches following on or off; whether that changed anything. A copy that the tripwire froze stays
/// frozen: deletions are accepted by [`decide_deletions`] alone.
pub(crate) async fn set_sync(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    on: bool,
) -> Result<bool, EngineError> {
    let association = find(context, user, gpu).await?;
    let machine = context.live.machine(&association.id);
    if association.sync_enabled == on {
        return Ok(false);
    }
    context
        .store
        .associations()
        .set_sync_enabled(user, &association.id, association.epoch, on)
        .await?;
    machine.poke.notify_one();
    context.doorbell(user, "association", association.id.as_str()).await;
    Ok(true)
}

/// Records what the machine's user says of exactly the deletions that were held back. Accepted, they are
/// made by the next sync, and no others; restored, the GPU has these files again first.
pub(crate) async fn decide_deletions(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    digest: &str,
    decision: Decision,
) -> Result<(), EngineError> {
    let association = frozen(context, user, gpu).await?;
    let (id, epoch) = (&association.id, association.epoch);
    let said =
        context.store.associations().decide_deletions(user, id, epoch, digest, decision).await;
    told(context, &association, said).await
}

/// Looks anew at a copy that is frozen without a list of deletions. Nothing is accepted by it.
pub(crate) async fn look_again(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
) -> Result<(), EngineError> {
    let association = frozen(context, user, gpu).await?;
    let (id, epoch) = (&association.id, association.epoch);
    let said = context.store.associations().look_again(user, id, epoch).await;
    told(context, &association, said).await
}

async fn frozen(context: &Context, user: &UserId, gpu: GpuId) -> Result<Association, EngineError> {
    let association = find(context, user, gpu).await?;
    if association.state != AssociationState::Frozen {
        return Err(EngineError::conflict("not_frozen", "the copy of this machine is not frozen"));
    }
    Ok(association)
}

async fn told(
    context: &Context,
    association: &Association,
    said: Result<(), StoreError>,
) -> Result<(), EngineError> {
    match said {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => {
            return Err(EngineError::conflict(
                "other_deletions",
                "other files would be deleted than were shown; look again",
            ));
        }
        Err(error) => return Err(error.into()),
    }
    context.live.machine(&association.id).poke.notify_one();
    context.doorbell(&association.user, "association", association.id.as_str()).await;
    Ok(())
}

/// The user's association of a GPU.
pub(crate) async fn find(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
) -> Result<Association, EngineError> {
    context
        .store
        .associations()
        .by_gpu(user, gpu)
        .await?
        .ok_or(EngineError::NotFound("association"))
}

/// An instance by the newest list, else by a look of its own.
pub(crate) async fn instance(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
) -> Result<Option<GpuInstance>, EngineError> {
    listing::keep(context, user).await?;
    if let Some(known) = context.live.account(user).view().instance(gpu) {
        return Ok(Some(known.clone()));
    }
    Ok(context.accounts.vast(user).await?.get(gpu).await?)
}

/// Has the provider let us into a machine that was rented without our key. It may be in already, and
/// the heartbeat shows whether it is.
async fn attach_key(context: &Context, user: &UserId, gpu: GpuId) {
    let attached = async {
        let (_, public_key) = context.accounts.ssh(user).await?;
        Ok::<_, EngineError>(context.accounts.vast(user).await?.attach_key(gpu, &public_key).await?)
    };
    if let Err(error) = attached.await {
        tracing::warn!(%gpu, %error, "our key was not attached");
    }
}

/// A machine's class. Its price is known only while it runs: before, the provider bills the disk alone.
pub(crate) fn spec_of(instance: &GpuInstance) -> GpuSpec {
    let rate = instance.usd_per_hour.filter(|_| instance.state() == GpuState::Running);
    GpuSpec { usd_per_hour: rate, ..GpuSpec::from(instance) }
}

/// What its user calls it at the provider, else its model; a label of ours is no name.
fn default_name(instance: &GpuInstance, install: &str) -> String {
    let ours = purchase::label_prefix(install);
    let label = instance.label.as_deref().map(str::trim);
    if let Some(label) = label.filter(|label| !label.is_empty() && !label.starts_with(&ours)) {
        return label.to_owned();
    }
    let model = instance.gpu_name.as_deref().unwrap_or("GPU");
    format!("{model} {}", instance.id)
}
