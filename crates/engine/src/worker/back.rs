//! Puts a machine's files back to a recovery point, where its user said so.
//!
//! First what is there now becomes a point, so that nothing of it is lost; then the copy is put back; then,
//! where the work is on the GPU, exactly what that changed is brought there. Each step is written down before
//! the next, and each can be done again: whichever process takes the machine up goes on. The copy does not
//! follow meanwhile.

use domain::association::{Association, Serving};
use domain::id::Epoch;
use domain::notification;
use domain::point::{Change, Return, ReturnState};
use providers::ssh::Shell;
use store::StoreError;

use crate::context::Context;
use crate::data::{self, CycleOutcome, CycleRequest, DataError, Keeper, Program};
use crate::error::EngineError;

/// Tries before it is given up.
const TRIES: i64 = 6;

/// What is asked for and not done.
pub(super) async fn wanted(
    context: &Context,
    association: &Association,
) -> Result<Option<Return>, EngineError> {
    // Who follows by rsync has no points to go back to, and can't be asked for it.
    if association.sync.point.is_none() {
        return Ok(None);
    }
    let last = context.store.associations().last_return(&association.id).await?;
    Ok(last.filter(|back| back.state == ReturnState::Asked))
}

/// Whether it may be done now: a failover goes first.
pub(super) fn may(association: &Association) -> bool {
    association.active_failover.is_none()
}

/// Tries once. What does not work out is tried again, with longer and longer pauses, then given up and told.
pub(super) async fn step(context: Context, association: Association) -> Result<(), EngineError> {
    let Some(back) = wanted(&context, &association).await?.filter(|_| may(&association)) else {
        return Ok(());
    };
    let id = &association.id;
    let ended = if back.epoch == association.epoch && back.serving == association.serving {
        bring(&context, &association, &back).await
    } else {
        Err(Wrong::Over("the machine has moved since it was asked for".into()))
    };
    let associations = context.store.associations();
    let (done, words) = match &ended {
        Ok(()) => (true, None),
        Err(Wrong::Over(word)) => (false, Some(word.clone())),
        Err(Wrong::Again(word)) if back.tries + 1 >= TRIES => (false, Some(word.clone())),
        Err(Wrong::Again(word)) => {
            tracing::warn!(association = %id, word, "files were not put back; it is tried again");
            stale_is_fine(associations.return_tried(id, &back, word).await)?;
            context.doorbell(&association.user, "association", id.as_str()).await;
            return Err(EngineError::conflict("not_put_back", word.clone()));
        }
        Err(Wrong::Store(error)) => return Err(EngineError::conflict("store", error.clone())),
    };
    tracing::info!(association = %id, point = back.point, done, ?words, "way back ended");
    let told = associations.last_return(id).await?.unwrap_or_else(|| back.clone());
    let at = context.now();
    let news = notification::went_back(&association, &told, done, at, context.config.sandbox);
    let ended = words.as_deref().map_or(Ok(()), Err);
    stale_is_fine(associations.end_return(id, association.epoch, &back, ended, &news, at).await)?;
    context.doorbell(&association.user, "association", id.as_str()).await;
    context.live.machine(id).poke.notify_one();
    Ok(())
}

/// Nobody wants it any more, or the machine moved on: whoever goes on sees that.
fn stale_is_fine(ended: Result<(), StoreError>) -> Result<(), EngineError> {
    match ended {
        Ok(()) | Err(StoreError::Stale { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Why it is not done.
enum Wrong {
    /// It won't be.
    Over(String),
    /// It may be next time.
    Again(String),
    /// The database.
    Store(String),
}

impl From<DataError> for Wrong {
    fn from(error: DataError) -> Self {
        match &error {
            DataError::NoPoint(_) | DataError::Unfit(_) | DataError::StaleEpoch { .. } => {
                Self::Over(error.to_string())
            }
            _ => Self::Again(error.to_string()),
        }
    }
}

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Stale { .. } => Self::Over(error.to_string()),
            _ => Self::Store(error.to_string()),
        }
    }
}

/// What is at hand.
struct Hands<'a> {
    context: &'a Context,
    association: &'a Association,
    back: &'a Return,
    program: Program,
    standby: Shell,
    keeper: Keeper,
}

async fn bring(context: &Context, association: &Association, back: &Return) -> Result<(), Wrong> {
    let machine = context.live.machine(&association.id);
    let standby = machine
        .standby_shell()
        .ok_or_else(|| Wrong::Again("the standby is not reached now".into()))?;
    let program = context
        .config
        .agent
        .clone()
        .ok_or_else(|| Wrong::Over("this install has no dumont-agent".into()))?;
    let path = program.put(&standby).await?;
    let keeper = Keeper::start(&standby, &path, &association.workspace).await?;
    let mut hands = Hands { context, association, back, program, standby, keeper };
    match back.serving {
        Serving::Gpu => on_gpu(&mut hands).await,
        Serving::Standby => on_standby(&mut hands).await,
        Serving::None => Err(Wrong::Over("the machine runs nowhere".into())),
    }
}

/// The copy is what works: it is put back, and that is all.
async fn on_standby(hands: &mut Hands<'_>) -> Result<(), Wrong> {
    if hands.back.made.is_some() {
        return Ok(());
    }
    let before = hands.keeper.own(hands.association.epoch, false).await?.id;
    put_back(hands, before).await.map(|_| ())
}

async fn on_gpu(hands: &mut Hands<'_>) -> Result<(), Wrong> {
    let context = hands.context;
    let gpu = context
        .live
        .machine(&hands.association.id)
        .gpu_shell()
        .ok_or_else(|| Wrong::Again("the GPU is not reached now".into()))?;
    let there = hands.program.put(&gpu).await?;
    let (before, made) = match (hands.back.before, hands.back.made) {
        (Some(before), Some(made)) => (before, made),
        _ => {
            let before = sync(hands, &there).await?;
            match put_back(hands, before).await? {
                Some(made) => (before, made),
                None => return Ok(()),
            }
        }
    };
    let endpoint = hands.association.gpu_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| Wrong::Over("the GPU has no SSH address".into()))?;
    let key = hands.association.gpu_host_key.clone().unwrap_or_default();
    data::reach(&hands.standby, endpoint, &key).await?;
    let workspace = &hands.association.workspace;
    let between = (made, Some(before));
    let sent = hands.keeper.restore(between, &there, workspace, &mut |_| {}, &mut |_| {}).await?;
    if sent.troubles > 0 {
        let word =
            format!("{} entries were not put back: {}", sent.troubles, sent.words.join(", "));
        return Err(Wrong::Again(word));
    }
    Ok(())
}

/// What is on the GPU now, as a point.
async fn sync(hands: &mut Hands<'_>, there: &str) -> Result<i64, Wrong> {
    let Association { workspace, gpu_endpoint, gpu_host_key, epoch, .. } = hands.association;
    let endpoint =
        gpu_endpoint.clone().ok_or_else(|| Wrong::Over("the GPU has no SSH address".into()))?;
    let settings = hands.context.store.settings().get(&hands.association.user).await?;
    let request = CycleRequest {
        workspace: workspace.clone(),
        endpoint,
        epoch: *epoch,
        cycle: format!("before-{}", hands.back.point),
        max_delete_percent: settings.max_delete_percent,
        accepted_deletions: None,
    };
    let key = gpu_host_key.clone().unwrap_or_default();
    let synced = hands.keeper.cycle(&request, there, &key, &mut |_| {}, &mut |_| {}).await?;
    match (synced.outcome, synced.kept.and_then(|kept| kept.point)) {
        (CycleOutcome::Ok, Some(point)) => Ok(point),
        (outcome, _) => Err(Wrong::Over(format!(
            "what is on the GPU now could not be kept first, so nothing was changed: {outcome:?}"
        ))),
    }
}

/// Puts the copy back and writes down as which point; none where there was nothing to change.
async fn put_back(hands: &mut Hands<'_>, before: i64) -> Result<Option<i64>, Wrong> {
    let (back, epoch): (&Return, Epoch) = (hands.back, hands.association.epoch);
    let change: Change = hands.keeper.difference(back.point, &back.path).await?.change;
    let made = hands.keeper.go_back(epoch, back.point, &back.path).await?;
    let made = made.map(|made| made.id);
    let associations = hands.context.store.associations();
    associations.return_made(&hands.association.id, back, Some(before), made, &change).await?;
    Ok(made)
}
