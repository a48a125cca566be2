//! Fencing: a new epoch, from which on nothing of the old GPU is accepted, and the provider told to
//! stop it where nothing is to be had from it. A drill only reads the old instance's record: the call it would make first.

use domain::failover::{
    Disposal, FenceOutput, Kind, Outcome, Role, StepName, TakeoverOutput, Wish,
};
use domain::fence::ends_it;
use domain::id::DisposalId;
use domain::provider::Provider;
use domain::route;

use super::final_sync;
use super::step::{Ended, Run, StepEnd};
use crate::ports::time;

/// How long after a planned move's last sync its GPU may be fenced off as one that has nothing newer.
const STILL_LAST_MS: i64 = 60_000;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, failover, .. } = run;
    if failover.kind == Kind::Drill {
        return read_only(run).await;
    }
    let synced = match last_sync(run).await? {
        Last::AsRecorded => None,
        Last::Unknown(synced) => Some(synced),
        Last::Again(end) if end.outcome == Outcome::Ok => serde_json::from_value(end.output).ok(),
        Last::Again(end) => return Ok(end),
    };
    // All at once, so that there is no half of it for a cancellation to find. A restart may find it done.
    let stop = ends_it(failover.cause, failover.kind).then(|| stop_old(run));
    let raised = context.store.associations().fence(failover, stop.as_ref()).await?;
    Ok(StepEnd::done(&FenceOutput { epoch: Some(raised), provider_word: word(run), synced }))
}

/// What is known of the last sync of a planned move when its GPU is fenced off.
enum Last {
    /// All, in its own row, or there is none.
    AsRecorded,
    /// It was done again.
    Again(StepEnd),
    /// A restart has found the GPU fenced off. Another sync may have come after this one: with other gaps,
    /// and of a job that was not stopped.
    Unknown(TakeoverOutput),
}

/// The last sync once more, where long may have passed since (this server was down, the user's job is running
/// again): what was written meanwhile is moved too. Nothing is left yet, so that may fail.
async fn last_sync(run: &Run<'_>) -> Result<Last, StepEnd> {
    let Run { context, failover, association, .. } = run;
    let ended = route::result(StepName::FinalSync, failover, run.rows).and_then(|row| row.ended_at);
    if ended.is_none_or(|at| context.now().since(at) <= STILL_LAST_MS) {
        return Ok(Last::AsRecorded);
    }
    if association.epoch != failover.from_epoch {
        let synced: TakeoverOutput = run.earlier(StepName::FinalSync).unwrap_or_default();
        return Ok(Last::Unknown(TakeoverOutput { gaps: None, hook: None, ..synced }));
    }
    final_sync::run(run).await.map(Last::Again)
}

/// The wish that the old GPU be stopped, disk kept; tried until the provider shows it so.
fn stop_old(run: &Run<'_>) -> Disposal {
    let now = run.context.now();
    Disposal {
        id: DisposalId::new(run.context.new_id()),
        user: run.failover.user.clone(),
        provider: Provider::Vast,
        external_id: run.failover.gpu.to_string(),
        zone: String::new(),
        role: Role::OldGpu,
        failover: Some(run.failover.id.clone()),
        association: Some(run.association.id.clone()),
        wish: Wish::Stop,
        requested_at: now,
        attempts: 0,
        next_at: now,
        last_error: None,
        done_at: None,
        saved: None,
    }
}

fn word(run: &Run<'_>) -> Option<String> {
    let view = run.context.live.account(&run.failover.user).view();
    view.word(run.failover.gpu).says.map(|says| says.to_string())
}

async fn read_only(run: &Run<'_>) -> Ended {
    let client = run.context.accounts.vast(&run.failover.user).await?;
    let asked = time::now();
    let record = client.get(run.failover.gpu).await?;
    let provider_ms = i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX);
    let provider_word = record.map(|instance| instance.state().to_string());
    let read = FenceOutput { provider_word, ..FenceOutput::default() };
    Ok(StepEnd::done(&read).provider_ms(provider_ms))
}

#[cfg(test)]
#[path = "fence_tests.rs"]
mod tests;
