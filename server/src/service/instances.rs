//! GPU instances and the market that they come from.

use std::collections::HashMap;
use std::str::FromStr as _;

use domain::association::Association;
use domain::gpu::GpuState;
use domain::id::{GpuId, UserId};
use domain::view::instance::{CreateInstance, CreatedInstance, Instance, InstanceQuery, Instances};
use domain::view::offer::{Offer, OfferQuery, Offers};
use engine::Rent;

use crate::{Dumont, Fault};

/// Storage that offers are priced with where none is asked for, GB.
const USUAL_DISK_GB: f64 = 20.0;

/// The account's instances, each with its standby.
///
/// # Errors
/// An unknown status, no key, or Vast.ai does not answer and never did.
pub async fn list(
    dumont: &Dumont,
    user: &UserId,
    query: &InstanceQuery,
) -> Result<Instances, Fault> {
    let status = query.status.as_deref().filter(|word| !word.is_empty());
    let status = status.map(GpuState::from_str).transpose().map_err(|_| {
        let known: Vec<&str> = GpuState::ALL.iter().map(|state| state.as_str()).collect();
        Fault::field("status", "unknown", format!("must be one of {}", known.join(", ")))
    })?;
    let fleet = dumont.engine.instances(user).await?;
    let ties = by_gpu(dumont.store.associations().list(user).await?);
    let instances: Vec<Instance> = fleet
        .instances
        .iter()
        .filter(|gpu| status.is_none_or(|wanted| gpu.state() == wanted))
        .map(|gpu| Instance::new(gpu, ties.get(&gpu.id)))
        .collect();
    Ok(Instances {
        count: instances.len(),
        instances,
        as_of: fleet.as_of.into(),
        stale_error: fleet.error,
    })
}

/// One instance.
///
/// # Errors
/// `NotFound`, or as [`list`].
pub async fn get(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<Instance, Fault> {
    let fleet = dumont.engine.instances(user).await?;
    let gpu = fleet.instances.iter().find(|gpu| gpu.id == id).ok_or(Fault::NotFound("instance"))?;
    let tie = dumont.store.associations().by_gpu(user, id).await?;
    Ok(Instance::new(gpu, tie.as_ref()))
}

/// Offers in the order asked for.
///
/// # Errors
/// Fields that make no sense, no key, or Vast.ai does not answer.
pub async fn offers(dumont: &Dumont, user: &UserId, query: &OfferQuery) -> Result<Offers, Fault> {
    let filter = query.filter()?;
    let storage = query.min_disk.unwrap_or(USUAL_DISK_GB);
    let found = dumont.engine.offers(user, &filter, storage).await?;
    let offers: Vec<Offer> = query.arrange(found).iter().map(Offer::from).collect();
    Ok(Offers { count: offers.len(), offers })
}

/// Rents an offer.
///
/// # Errors
/// Fields that can't be accepted, or the provider's refusal.
pub async fn rent(
    dumont: &Dumont,
    user: &UserId,
    asked: CreateInstance,
) -> Result<CreatedInstance, Fault> {
    if !asked.disk_size.is_finite() || asked.disk_size < 8.0 {
        return Err(Fault::field("disk_size", "out_of_range", "must be at least 8"));
    }
    if asked.image.trim().is_empty() || asked.image.len() > 1024 {
        return Err(Fault::field("image", "out_of_range", "must have 1 to 1024 characters"));
    }
    if let Some(path) = &asked.workspace {
        domain::association::check_workspace(path)
            .map_err(|message| Fault::field("workspace", "not_a_workspace", message))?;
    }
    let rent = Rent {
        offer: asked.offer_id,
        image: asked.image.trim().to_owned(),
        disk_gb: asked.disk_size,
        label: asked.label.filter(|label| !label.trim().is_empty()),
        onstart: asked.onstart,
        hooks: asked.hooks.unwrap_or_default(),
        workspace: asked.workspace,
        skip_standby: asked.skip_standby,
    };
    let id = dumont.engine.rent(user, rent).await?;
    // The list may not show it yet; it is rented all the same.
    let instance = get(dumont, user, id).await.ok();
    Ok(CreatedInstance { success: true, id, instance })
}

/// Destroys an instance, and its standby where asked.
///
/// # Errors
/// Not this account's, or a failover is under way.
pub async fn destroy(
    dumont: &Dumont,
    user: &UserId,
    id: GpuId,
    standby_too: bool,
) -> Result<(), Fault> {
    Ok(dumont.engine.destroy(user, id, standby_too).await?)
}

/// Stops an instance by its user's wish.
///
/// # Errors
/// Not this account's, a failover is under way, or the provider refuses.
pub async fn pause(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<(), Fault> {
    Ok(dumont.engine.pause(user, id).await?)
}

/// Starts a paused instance.
///
/// # Errors
/// Not this account's, or the provider refuses.
pub async fn resume(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<(), Fault> {
    Ok(dumont.engine.resume(user, id).await?)
}

pub(super) fn by_gpu(ties: Vec<Association>) -> HashMap<GpuId, Association> {
    ties.into_iter().map(|tie| (tie.gpu, tie)).collect()
}
