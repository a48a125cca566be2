//! Renting, pausing, resuming and destroying GPUs by their user's wish.

use domain::association::Association;
use domain::failover::{Disposal, Intent, RentalPlan, Role, Wish};
use domain::id::{DisposalId, GpuId, UserId};
use domain::launch::Launch;
use domain::offer::OfferFilter;
use domain::provider::{ErrorClass, Provider, ProviderError};
use store::{PROTECTED, Rental, StoreError, UNDER_WAY};

use crate::context::Context;
use crate::error::EngineError;
use crate::handle::Rent;
use crate::listing;
use crate::ops::protect;
use crate::ports::time;
use crate::purchase::{self, Order, Purchase, Purpose};

/// Most that a disk may be asked for, GB.
const DISK_GB: std::ops::RangeInclusive<f64> = 8.0..=4096.0;

/// Searches a minute, of the ten that Vast allows, that rentals leave to failovers.
const RENTALS_LEAVE: usize = 2;

/// Rents one offer, and gives it a standby where the user wants that for all.
pub(crate) async fn rent(
    context: &Context,
    user: &UserId,
    rent: Rent,
) -> Result<GpuId, EngineError> {
    if rent.image.trim().is_empty() {
        return Err(EngineError::field("image", "required", "an image is needed"));
    }
    if !DISK_GB.contains(&rent.disk_gb) {
        return Err(EngineError::field("disk_size", "out_of_range", "must be between 8 and 4096"));
    }
    let (_, public_key) = context.accounts.ssh(user).await?;
    let client = context.accounts.vast(user).await?;
    client.ensure_account_key(&public_key).await?;
    let offers = client
        .search_leaving(
            &OfferFilter { min_disk_gb: Some(rent.disk_gb), ..OfferFilter::default() },
            rent.disk_gb,
            RENTALS_LEAVE,
        )
        .await?;
    let known = offers.into_iter().find(|offer| offer.id == rent.offer);
    let Some(offer) = known else {
        return Err(offer_gone(rent.offer, "it is not on offer any more"));
    };
    let plan = RentalPlan {
        label: rent.label.clone(),
        ports: rent.ports.clone(),
        skip_standby: rent.skip_standby,
        hooks: rent.hooks.clone(),
        workspace: rent.workspace.clone(),
    };
    let order = Order {
        user: user.clone(),
        purpose: Purpose::Rental(plan.clone()),
        image: rent.image.clone(),
        disk_gb: rent.disk_gb,
        onstart: rent.onstart.clone(),
        launch: Launch::default().with_ports(&rent.ports),
        left_out: Vec::new(),
    };
    match purchase::buy(context, &order, &offer).await? {
        Purchase::Bound(intent, gpu) => {
            finish(context, &intent, gpu, &plan).await?;
            Ok(gpu)
        }
        Purchase::OfferTaken => Err(offer_gone(rent.offer, "it is being rented already")),
        // Rentals by hand have no limits.
        Purchase::Full(_) => Err(offer_gone(rent.offer, "a limit stands against it")),
        Purchase::Refused(error) if error.class == ErrorClass::Capacity => {
            Err(offer_gone(rent.offer, &error.message))
        }
        Purchase::Refused(error) => Err(error.into()),
        Purchase::GivenUp => Err(EngineError::Provider(ProviderError {
            provider: Provider::Vast,
            operation: "create instance".into(),
            class: ErrorClass::Transient,
            message: "no clear answer; should an instance appear after all, it is destroyed".into(),
            http_status: None,
            created: None,
        })),
    }
}

/// Makes of a bought instance what its user asked for. Again is no error.
pub(crate) async fn finish(
    context: &Context,
    intent: &Intent,
    gpu: GpuId,
    plan: &RentalPlan,
) -> Result<(), EngineError> {
    let user = &intent.user;
    remember(context, user, gpu, plan).await;
    after_rent(context, user, gpu, plan).await?;
    // From here on it counts as any machine of the user's.
    context.store.intents().adopt(&intent.id, context.now()).await?;
    name(context, user, gpu, plan.label.as_deref()).await;
    Ok(())
}

fn offer_gone(offer: i64, word: &str) -> EngineError {
    EngineError::conflict("offer_gone", format!("offer {offer} can't be rented: {word}"))
}

/// Keeps what it was asked for with, for its name and for its replacement. It is rented either way.
async fn remember(context: &Context, user: &UserId, gpu: GpuId, rent: &RentalPlan) {
    let rental = Rental { label: rent.label.clone(), ports: rent.ports.clone() };
    if let Err(error) = context.store.rentals().put(user, gpu, &rental, context.now()).await {
        tracing::warn!(%gpu, %error, "rented, but its name and ports were not kept");
    }
}

/// Shows the user's name for it at the provider, where no association keeps one. It is rented either
/// way: a label that can't be set now is left.
async fn name(context: &Context, user: &UserId, gpu: GpuId, name: Option<&str>) {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return };
    if matches!(context.store.associations().by_gpu(user, gpu).await, Ok(Some(_)) | Err(_)) {
        return;
    }
    wait_until_seen(context, user, gpu).await;
    let named = match context.accounts.vast(user).await {
        Ok(client) => client.label(gpu, name).await.map_err(EngineError::from),
        Err(error) => Err(error),
    };
    match named {
        Ok(()) => context.live.account(user).poke.notify_one(),
        Err(error) => tracing::warn!(%gpu, %error, "rented, but not named"),
    }
}

async fn after_rent(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    rent: &RentalPlan,
) -> Result<(), EngineError> {
    context.live.account(user).poke.notify_one();
    context.doorbell(user, "instance", &gpu.to_string()).await;
    if rent.skip_standby {
        context.store.associations().set_excluded(user, gpu, true).await?;
        return Ok(());
    }
    if !context.store.settings().get(user).await?.auto_standby {
        return Ok(());
    }
    if context.store.associations().by_gpu(user, gpu).await?.is_some() {
        return Ok(());
    }
    wait_until_seen(context, user, gpu).await;
    // The machine is rented either way; a standby that can't be made now is a matter of its own.
    let made = protect::protect(
        context,
        user,
        gpu,
        rent.label.clone(),
        Some(rent.hooks.clone()),
        rent.workspace.clone(),
    )
    .await;
    if let Err(error) = made {
        tracing::warn!(%gpu, %error, "rented, but no standby yet");
    }
    Ok(())
}

/// A new instance can be missing from reads for some seconds; reads are repeated, the create never.
async fn wait_until_seen(context: &Context, user: &UserId, gpu: GpuId) {
    for _ in 0..8 {
        if matches!(protect::instance(context, user, gpu).await, Ok(Some(_))) {
            return;
        }
        time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

/// Destroys a GPU of the user's.
pub(crate) async fn destroy(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    destroy_standby: bool,
) -> Result<(), EngineError> {
    protect::instance(context, user, gpu).await?.ok_or(EngineError::NotFound("instance"))?;
    match wish_destroyed(context, user, gpu, destroy_standby).await {
        // Untied, or moved to another GPU, since it was looked at: once more, as it is now.
        Err(EngineError::Store(StoreError::NotFound("association") | StoreError::Stale { .. })) => {
            wish_destroyed(context, user, gpu, destroy_standby).await?
        }
        wished => wished?,
    }
    context.doorbell(user, "instance", &gpu.to_string()).await;
    Ok(())
}

async fn wish_destroyed(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    destroy_standby: bool,
) -> Result<(), EngineError> {
    let association = context.store.associations().by_gpu(user, gpu).await?;
    let now = context.now();
    let disposal = Disposal {
        id: DisposalId::new(context.new_id()),
        user: user.clone(),
        provider: Provider::Vast,
        external_id: gpu.to_string(),
        zone: String::new(),
        role: Role::Rental,
        failover: None,
        association: association.as_ref().map(|one| one.id.clone()),
        wish: Wish::Destroy,
        requested_at: now,
        attempts: 0,
        next_at: now,
        last_error: None,
        done_at: None,
        saved: None,
    };
    match &association {
        // All of it at once: from here on its silence is no loss.
        Some(association) => {
            let associations = context.store.associations();
            let destroyed =
                associations.destroy(user, &association.id, gpu, &disposal, destroy_standby).await;
            protect::allowed(destroyed)?;
            context.doorbell(user, "association", association.id.as_str()).await;
            context.live.machine(&association.id).poke.notify_one();
        }
        None => match context.store.disposals().request_unprotected(&disposal, gpu).await {
            Err(StoreError::Conflict(PROTECTED)) => {
                return Err(EngineError::conflict(
                    "protected_meanwhile",
                    "this machine was given a standby in this moment; look, and say it again",
                ));
            }
            asked => drop(asked?),
        },
    }
    Ok(())
}

/// Stops a GPU by its user's wish. The wish is recorded first, so that no moment looks like a loss.
pub(crate) async fn pause(context: &Context, user: &UserId, gpu: GpuId) -> Result<(), EngineError> {
    let client = context.accounts.vast(user).await?;
    let associations = context.store.associations();
    let paused = match associations.by_gpu(user, gpu).await? {
        Some(Association { id, epoch, .. }) => {
            let before = protect::allowed(associations.pause(user, &id, epoch, gpu).await)?;
            Some((id, epoch, before))
        }
        None => {
            protect::instance(context, user, gpu)
                .await?
                .ok_or(EngineError::NotFound("instance"))?;
            None
        }
    };
    if let Err(error) = client.stop(gpu).await {
        if let Some((id, epoch, before)) = paused
            && error.class.is_clear_no()
        {
            let back = associations.take_pause_back(user, &id, epoch, gpu, before).await;
            if let Err(kept) = back {
                tracing::warn!(association = %id, error = %kept, "a pause that was refused is not taken back");
            }
        }
        return Err(error.into());
    }
    context.live.account(user).poke.notify_one();
    context.doorbell(user, "instance", &gpu.to_string()).await;
    Ok(())
}

/// Starts a paused GPU. During a failover it would be a second place to serve: then it is not started, and where
/// one began while it was, its machine does not go back to it.
pub(crate) async fn resume(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
) -> Result<(), EngineError> {
    let client = context.accounts.vast(user).await?;
    protect::instance(context, user, gpu).await?.ok_or(EngineError::NotFound("instance"))?;
    let associations = context.store.associations();
    // As it is before the start: what becomes of the machine meanwhile is another epoch, GPU or failover.
    let association = associations.by_gpu(user, gpu).await?;
    if association.as_ref().is_some_and(|machine| machine.active_failover.is_some()) {
        return protect::allowed(Err(StoreError::Conflict(UNDER_WAY)));
    }
    client.start(gpu).await?;
    if let Some(association) = association {
        // Wanted again only on a list read after the start: an older one still shows the stop.
        listing::refresh(context, user).await?;
        context.live.machine(&association.id).forget_contacts();
        let Association { id, epoch, .. } = &association;
        protect::allowed(associations.resume(user, id, *epoch, gpu).await)?;
    }
    context.live.account(user).poke.notify_one();
    context.doorbell(user, "instance", &gpu.to_string()).await;
    Ok(())
}
