//! Asks a user's Vast account for its list, once for all machines, and reads from it what concerns
//! us: the machines' states, purchases that were given up and appeared after all, and new machines
//! that want a standby.
//!
//! An error, a partial list or an empty one is never "nothing there".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::failover::{IntentState, Role, Wish};
use domain::gpu::{GpuInstance, GpuState};
use domain::id::{GpuId, UserId};
use domain::provider::Provider;
use domain::rental::is_its_users;
use providers::vast::Account as VastMoney;
use store::StateKind;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::EngineError;
use crate::live::{Account, AccountView};
use crate::ops::protect;
use crate::ports::{Gpus, time};
use crate::{news, purchase, reaper};

/// Between two looks where nothing is protected.
const IDLE: Duration = Duration::from_secs(10);
/// Between two looks at the balance.
const BALANCE_MS: i64 = 10_000;
/// Complete lists without an instance, before it is looked for by itself.
const MISSES: u32 = 2;

/// Polls until the token ends.
pub(crate) async fn run(context: Context, user: UserId, token: CancellationToken) {
    let account = context.live.account(&user);
    let _asks = Asks::begin(&account);
    let mut misses = BTreeMap::new();
    let mut balance_at = 0;
    loop {
        account.begin_look();
        let looked = look(&context, &user, &account, &mut misses).await;
        news::key_was_used(&context, &user, &looked).await;
        let pause = match looked {
            Ok(busy) if busy => context.config.timings.poll,
            Ok(_) => IDLE,
            Err(error) => {
                note_failure(&context, &user, &account, &error).await;
                context.config.timings.poll.max(after(&error))
            }
        };
        if context.now().0 - balance_at >= BALANCE_MS {
            balance_at = context.now().0;
            if let Err(error) = read_balance(&context, &user).await {
                tracing::debug!(%user, %error, "balance not read");
            }
        }
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            () = time::sleep(pause) => {}
            () = account.poke.notified() => {}
        }
    }
}

/// As long as it is there, this process asks the provider itself.
struct Asks<'a>(&'a Account);

impl<'a> Asks<'a> {
    fn begin(account: &'a Account) -> Self {
        account.set_polled(true);
        Self(account)
    }
}

impl Drop for Asks<'_> {
    fn drop(&mut self) {
        self.0.set_polled(false);
    }
}

/// Reads the balance and stores it with its time, or stores why it could not be read.
pub(crate) async fn read_balance(
    context: &Context,
    user: &UserId,
) -> Result<VastMoney, EngineError> {
    let client = context.accounts.vast(user).await?;
    let now = context.now();
    let account = context.live.account(user);
    match client.user().await {
        Ok(money) => {
            account.note_balance(None);
            let payload = serde_json::to_value(&money).unwrap_or_default();
            context
                .store
                .provider_states()
                .put(user, StateKind::VastBalance, &payload, true, now)
                .await?;
            news::credit(context, user, money.credit, now).await?;
            Ok(money)
        }
        Err(error) => {
            account.note_balance(Some((context.now(), error.clone())));
            context
                .store
                .provider_states()
                .put_error(user, StateKind::VastBalance, &error.to_string(), now)
                .await?;
            Err(error.into())
        }
    }
}

/// Reads the list once; whether there is anything of ours to watch.
pub(crate) async fn look(
    context: &Context,
    user: &UserId,
    account: &Account,
    misses: &mut BTreeMap<GpuId, u32>,
) -> Result<bool, EngineError> {
    let client = context.accounts.vast(user).await?;
    let listing = client.list().await?;
    let now = context.now();
    let complete = listing.complete;
    let instances = Arc::new(listing.instances);
    let known = known_gpus(context, user).await?;
    // An incomplete list shows what exists and says nothing about what does not.
    let before = account.view().gone;
    let gone = if complete {
        missing(client.as_ref(), &known, &instances, misses, &before).await
    } else {
        before
    };
    // For pages, and for processes that work on machines of this account and don't ask themselves.
    let payload = serde_json::to_value(instances.as_ref()).unwrap_or_default();
    let numbers: Vec<i64> = gone.iter().map(|id| id.0).collect();
    let states = context.store.provider_states();
    states.put_instances(user, &payload, &numbers, complete, now).await?;
    account.set_view(AccountView {
        instances: Arc::clone(&instances),
        at: Some(now),
        error: None,
        gone,
    });

    sweep_labels(context, user, &instances).await?;
    protect_new(context, user, &instances).await?;
    Ok(!known.is_empty())
}

async fn known_gpus(context: &Context, user: &UserId) -> Result<BTreeSet<GpuId>, EngineError> {
    let mut known: BTreeSet<GpuId> =
        context.store.associations().list(user).await?.iter().map(|one| one.gpu).collect();
    for intent in context.store.intents().live(user).await? {
        let bought = intent.external_id.as_deref().and_then(|id| id.parse().ok()).map(GpuId);
        known.extend(bought.filter(|_| intent.provider == Provider::Vast));
    }
    Ok(known)
}

/// Which known instances the provider no longer has. An instance must be absent from two complete
/// lists, and from a look of its own, since a list can lag or come empty.
async fn missing(
    client: &dyn Gpus,
    known: &BTreeSet<GpuId>,
    instances: &[GpuInstance],
    misses: &mut BTreeMap<GpuId, u32>,
    gone_before: &BTreeSet<GpuId>,
) -> BTreeSet<GpuId> {
    let present: BTreeSet<GpuId> = instances.iter().map(|instance| instance.id).collect();
    misses.retain(|id, _| known.contains(id) && !present.contains(id));
    let mut gone = BTreeSet::new();
    for id in known.difference(&present) {
        if gone_before.contains(id) {
            gone.insert(*id);
            continue;
        }
        let count = misses.entry(*id).or_default();
        *count += 1;
        if *count >= MISSES && matches!(client.get(*id).await, Ok(None)) {
            gone.insert(*id);
        }
    }
    gone
}

/// Destroys what appears under the label of a purchase that was refused or given up, and what was
/// to be gone and is not. An instance under our label without a purchase is shown, never destroyed.
async fn sweep_labels(
    context: &Context,
    user: &UserId,
    instances: &[GpuInstance],
) -> Result<(), EngineError> {
    let prefix = purchase::label_prefix(context.store.install_id());
    for instance in instances {
        let Some(label) = instance.label.as_deref().filter(|label| label.starts_with(&prefix))
        else {
            continue;
        };
        let Some(intent) =
            context.store.intents().by_label(label).await?.filter(|intent| &intent.user == user)
        else {
            continue;
        };
        let unwanted = matches!(
            intent.state,
            IntentState::Refused
                | IntentState::Tombstoned
                | IntentState::Discarded
                | IntentState::Gone
        );
        let id = instance.id.to_string();
        if !unwanted || reaper::pending(context, user, Provider::Vast, &id).await?.is_some() {
            continue;
        }
        tracing::warn!(intent = %intent.id, state = %intent.state, instance = id, "an instance that should not exist appeared; destroying it");
        let disposal = reaper::disposal(context, &intent, &id, Role::Candidate, Wish::Destroy);
        if matches!(intent.state, IntentState::Refused | IntentState::Gone) {
            context.store.disposals().request(&disposal).await?;
        } else {
            context.store.intents().discard_unused(&intent.id, &disposal, context.now()).await?;
        }
        context.doorbell(user, "orphan", &id).await;
    }
    Ok(())
}

/// Gives each new machine a standby where the user wants that for all.
async fn protect_new(
    context: &Context,
    user: &UserId,
    instances: &[GpuInstance],
) -> Result<(), EngineError> {
    let settings = context.store.settings().get(user).await?;
    if !settings.auto_standby {
        return Ok(());
    }
    let taken: BTreeSet<GpuId> =
        context.store.associations().list(user).await?.iter().map(|one| one.gpu).collect();
    for instance in instances.iter().filter(|instance| instance.state() == GpuState::Running) {
        if taken.contains(&instance.id) || is_spoken_for(context, user, instance).await? {
            continue;
        }
        if let Err(error) = protect::protect(context, user, instance.id, None, None, None).await {
            tracing::warn!(gpu = %instance.id, %error, "no standby for a new machine");
        }
    }
    Ok(())
}

/// What a failover bought, a rental that is still being recorded, a machine on its way out, and one
/// that its user wants without a standby are not new machines. A purchase is known by its label: it
/// can run before it is bound.
///
/// Read in the opposite order of how they are written, each before the purchase changes: a rental's exclusion
/// before it is finished, a wish that it be destroyed with its discarding. A list may be older than all of them.
async fn is_spoken_for(
    context: &Context,
    user: &UserId,
    instance: &GpuInstance,
) -> Result<bool, EngineError> {
    if let Some(label) = instance.label.as_deref() {
        let intent = context.store.intents().by_label(label).await?;
        let taken = match intent.filter(|intent| &intent.user == user) {
            // One that was cut off is finished as its user asked: see `rentals`.
            Some(intent) => !is_its_users(intent.state, intent.failover.is_some()),
            // Under our label without a purchase: not ours to use, and not ours to destroy.
            None => label.starts_with(&purchase::label_prefix(context.store.install_id())),
        };
        if taken {
            return Ok(true);
        }
    }
    let id = instance.id.to_string();
    if context.store.associations().is_excluded(user, instance.id).await? {
        return Ok(true);
    }
    Ok(context.store.disposals().was_given_up(user, Provider::Vast, &id).await?)
}

async fn note_failure(context: &Context, user: &UserId, account: &Account, error: &EngineError) {
    let words = error.to_string();
    let mut view = account.view();
    if view.error.as_deref() != Some(words.as_str()) {
        tracing::warn!(%user, error = %words, "the provider's list can't be read");
    }
    view.error = Some(words.clone());
    account.set_view(view);
    if let Err(error) = context
        .store
        .provider_states()
        .put_error(user, StateKind::VastInstances, &words, context.now())
        .await
    {
        tracing::debug!(%error, "failure of a poll not stored");
    }
}

fn after(error: &EngineError) -> Duration {
    match error {
        EngineError::Provider(refusal) => match refusal.class {
            domain::provider::ErrorClass::RateLimited { after_ms } => {
                Duration::from_millis(u64::try_from(after_ms).unwrap_or(0))
            }
            domain::provider::ErrorClass::Auth => IDLE,
            _ => Duration::ZERO,
        },
        EngineError::Credentials { .. } => IDLE,
        _ => Duration::ZERO,
    }
}
