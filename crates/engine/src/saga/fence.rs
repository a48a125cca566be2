//! Fencing: a new epoch, from which on nothing of the old GPU is accepted, and the provider told to
//! stop it where nothing is to be had from it. A drill only reads the old instance's record: the call it would make first.

use domain::failover::{Disposal, FenceOutput, Kind, Role, Wish};
use domain::fence::ends_it;
use domain::id::DisposalId;
use domain::provider::Provider;

use super::step::{Ended, Run, StepEnd};
use crate::ports::time;

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, failover, .. } = run;
    if failover.kind == Kind::Drill {
        return read_only(run).await;
    }
    // All at once, so that there is no half of it for a cancellation to find. A restart may find it done.
    let stop = ends_it(failover.cause, failover.kind).then(|| stop_old(run));
    let raised = context.store.associations().fence(failover, stop.as_ref()).await?;
    Ok(StepEnd::done(&FenceOutput { epoch: Some(raised), provider_word: word(run) }))
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
    Ok(StepEnd::done(&FenceOutput { epoch: None, provider_word }).provider_ms(provider_ms))
}
