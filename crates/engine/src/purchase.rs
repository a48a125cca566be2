//! Buying a GPU, exactly once as far as the world allows.
//!
//! Recorded, then sent, then bound. Anything but a clear "no" is ambiguous: the request is never sent
//! again; its label is looked for until it is found or the time in which it can show has passed. Then
//! it is given up, and destroyed on sight should it appear later.

use std::time::Duration;

use domain::buying::{Full, Limits};
use domain::failover::{Intent, IntentState, RentalPlan, Role, Wish};
use domain::id::{AssociationId, Epoch, FailoverId, GpuId, IntentId, UserId};
use domain::launch::{Launch, LaunchPart};
use domain::offer::Offer;
use domain::provider::{ErrorClass, Provider, ProviderError};
use providers::vast::{Bought, Create};
use store::Recorded;

use crate::context::Context;
use crate::error::EngineError;
use crate::ports::time;
use crate::reaper;

/// Between two looks for a label.
const LOOK: Duration = Duration::from_millis(1_100);

/// How a purchase ended.
#[derive(Debug)]
pub(crate) enum Purchase {
    /// The instance is ours and recorded.
    Bound(Box<Intent>, GpuId),
    /// Nothing was made, or what was made is being destroyed.
    Refused(ProviderError),
    /// Not known; given up, and destroyed should it appear.
    GivenUp,
    /// Nothing was sent: a limit of the account stands against one more.
    Full(Full),
    /// Nothing was sent: another purchase of this offer is under way.
    OfferTaken,
}

/// For whom something is bought.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// A failover, a move or a drill, within these limits.
    Failover { failover: FailoverId, association: AssociationId, epoch: Epoch, limits: Limits },
    /// A rental by hand.
    Rental(RentalPlan),
}

/// Why something is bought, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) user: UserId,
    pub(crate) purpose: Purpose,
    pub(crate) image: String,
    pub(crate) disk_gb: f64,
    pub(crate) onstart: Option<String>,
    /// What else is asked for.
    pub(crate) launch: Launch,
    /// What is not, of how the machine was launched that it stands in for.
    pub(crate) left_out: Vec<LaunchPart>,
}

/// What every label of this install begins with.
pub(crate) fn label_prefix(install: &str) -> String {
    format!("dumont-{install}-")
}

/// The label of an intent: unique, and readable back to the intent.
pub(crate) fn label(install: &str, intent: &IntentId) -> String {
    format!("{}{}", label_prefix(install), intent)
}

/// A new intent's identity: a UUID without dashes, so that it fits every provider's names.
pub(crate) fn new_intent_id(context: &Context) -> IntentId {
    IntentId::new(context.chance.id().simple().to_string())
}

/// Buys one offer.
///
/// # Errors
/// Only when nothing could be recorded, or no client could be had; then nothing was sent.
pub(crate) async fn buy(
    context: &Context,
    order: &Order,
    offer: &Offer,
) -> Result<Purchase, EngineError> {
    let client = context.accounts.vast(&order.user).await?;
    let id = new_intent_id(context);
    let now = context.now();
    let (failover, association, epoch) = match &order.purpose {
        Purpose::Failover { failover, association, epoch, .. } => {
            (Some(failover.clone()), Some(association.clone()), *epoch)
        }
        Purpose::Rental(_) => (None, None, Epoch(0)),
    };
    let intent = Intent {
        label: label(context.store.install_id(), &id),
        id,
        user: order.user.clone(),
        failover,
        association,
        provider: Provider::Vast,
        epoch,
        zone: String::new(),
        project: None,
        left_out: order.left_out.clone(),
        offer: Some(offer.id),
        machine_id: offer.machine_id,
        usd_per_hour: offer.usd_per_hour,
        state: IntentState::Open,
        external_id: None,
        created_at: now,
        changed_at: now,
        bound_at: None,
        gone_at: None,
        error: None,
    };
    let intents = context.store.intents();
    let recorded = match &order.purpose {
        Purpose::Failover { limits, .. } => intents.open_within(&intent, limits).await?,
        Purpose::Rental(plan) => intents.open_rental(&intent, plan).await?,
    };
    match recorded {
        Recorded::Yes => {}
        Recorded::Full(full) => return Ok(Purchase::Full(full)),
        Recorded::OfferTaken => return Ok(Purchase::OfferTaken),
    }
    let create = Create {
        image: order.image.clone(),
        disk_gb: order.disk_gb,
        label: intent.label.clone(),
        onstart: order.onstart.clone(),
        env: order.launch.env.clone(),
        runtype: order.launch.runtype_with_ssh(),
        args: order.launch.args.clone(),
        template: order.launch.template.clone(),
        bid: None,
    };
    match client.buy(offer.id, &create).await {
        Ok(Bought::Created(gpu)) => bind(context, intent, gpu).await,
        Err(error) if error.created.is_some() => refused_but_made(context, intent, error).await,
        Err(error) if error.class.is_clear_no() => {
            context.store.intents().refuse(&intent.id, &error.to_string(), context.now()).await?;
            Ok(Purchase::Refused(error))
        }
        Err(error) => {
            tracing::warn!(intent = %intent.id, %error, "not known whether a GPU was bought; looking for its label");
            settle(context, intent).await
        }
    }
}

/// Clears up an intent whose answer is not known: after an ambiguous answer, or after a restart.
///
/// # Errors
/// The database failed; the intent stays open and can be settled again.
pub(crate) async fn settle(context: &Context, intent: Intent) -> Result<Purchase, EngineError> {
    let window = i64::try_from(context.config.timings.visibility.as_millis()).unwrap_or(i64::MAX);
    let client = context.accounts.vast(&intent.user).await?;
    let mut looked_late = false;
    loop {
        let late = context.now().since(intent.created_at) > window;
        match client.list().await {
            Ok(listing) => {
                let found = listing
                    .instances
                    .iter()
                    .find(|one| one.label.as_deref() == Some(intent.label.as_str()));
                if let Some(instance) = found {
                    return bind(context, intent, instance.id).await;
                }
                looked_late = late;
            }
            Err(error) => {
                tracing::debug!(intent = %intent.id, %error, "can't look for the label now")
            }
        }
        // Given up only on the word of a list that was read after the window had passed.
        if looked_late {
            context
                .store
                .intents()
                .tombstone(&intent.id, "not seen in time after an unclear answer", context.now())
                .await?;
            return Ok(Purchase::GivenUp);
        }
        tokio::select! {
            biased;
            () = context.token.cancelled() => return Err(EngineError::conflict("shutting_down", "the server is shutting down")),
            () = time::sleep(LOOK) => {}
        }
    }
}

pub(crate) async fn bind(
    context: &Context,
    mut intent: Intent,
    gpu: GpuId,
) -> Result<Purchase, EngineError> {
    let now = context.now();
    match context.store.intents().bind(&intent.id, &gpu.to_string(), intent.epoch, now).await {
        Ok(()) => {}
        // The machine moved on while we bought: what was bought is not wanted any more.
        Err(store::StoreError::Stale { .. }) => {
            let disposal = reaper::disposal(
                context,
                &intent,
                &gpu.to_string(),
                Role::Candidate,
                Wish::Destroy,
            );
            context.store.intents().discard_unused(&intent.id, &disposal, now).await?;
            return Ok(Purchase::GivenUp);
        }
        Err(error) => return Err(error.into()),
    }
    intent.state = IntentState::Bound;
    intent.external_id = Some(gpu.to_string());
    intent.bound_at = Some(now);
    Ok(Purchase::Bound(Box::new(intent), gpu))
}

/// A refusal that names an instance: it exists and may bill, so it goes.
async fn refused_but_made(
    context: &Context,
    intent: Intent,
    error: ProviderError,
) -> Result<Purchase, EngineError> {
    let made = error.created.unwrap_or_default();
    tracing::warn!(intent = %intent.id, instance = made, %error, "refused, yet an instance was made; destroying it");
    let disposal =
        reaper::disposal(context, &intent, &made.to_string(), Role::Candidate, Wish::Destroy);
    context.store.intents().discard_unused(&intent.id, &disposal, context.now()).await?;
    Ok(Purchase::Refused(error))
}

/// Whether a refusal speaks of this offer alone, so that another is worth trying at once.
pub(crate) const fn try_another(error: &ProviderError) -> bool {
    matches!(
        error.class,
        ErrorClass::Capacity | ErrorClass::NotFound | ErrorClass::Conflict | ErrorClass::Invalid
    )
}
