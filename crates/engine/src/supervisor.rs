//! Decides which work this process does: for each account a poller and a reaper, for each association a worker,
//! each under a lease, so that several processes on one database share the work.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::id::{AssociationId, UserId};
use store::{CredentialKind, StoreError};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::ports::time::{self, Instant};
use crate::{poller, reaper, selfcheck, worker};

const TICK: Duration = Duration::from_millis(1_000);

/// Starts the engine's tasks.
pub(crate) fn start(context: &Context) {
    context.spawn(selfcheck::watch(context.clone()));
    context.spawn(supervise(context.clone()));
}

/// Work under a lease, and the means to end it.
struct Held {
    token: CancellationToken,
    lease: i64,
    /// Until when the lease is ours at the least, by our own monotonic clock.
    sure_until: Instant,
}

async fn supervise(context: Context) {
    let mut held: BTreeMap<String, Held> = BTreeMap::new();
    loop {
        beat(&context, &mut held).await;
        tokio::select! {
            biased;
            () = context.token.cancelled() => break,
            () = time::sleep(TICK) => {}
            () = context.woken() => {}
        }
    }
    for (name, holding) in held {
        holding.token.cancel();
        if let Err(error) =
            context.store.leases().release(&name, &context.config.holder, holding.lease).await
        {
            tracing::debug!(%error, name, "lease not released; it runs out by itself");
        }
    }
}

/// Lets go of what is not ours for certain, before anything is waited for (we may have stood still for long)
/// and after.
async fn beat(context: &Context, held: &mut BTreeMap<String, Held>) {
    let_go(held);
    if let Err(error) = round(context, held).await {
        tracing::warn!(%error, "can't read what there is to do, or renew the leases on it");
    }
    let_go(held);
}

/// A lease that could not be renewed in time may be another's by now.
fn let_go(held: &mut BTreeMap<String, Held>) {
    held.retain(|name, holding| {
        let ours = time::now() < holding.sure_until;
        if !ours {
            tracing::warn!(name, "lease lost; its work ends here");
            metrics::counter!("dumont_leases_lost_total").increment(1);
            holding.token.cancel();
        }
        ours
    });
}

/// Renews what is held, takes up what nobody works on, and ends what is no longer there. All that is
/// held is renewed at once: hundreds of machines cost no more than one.
async fn round(context: &Context, held: &mut BTreeMap<String, Held>) -> Result<(), StoreError> {
    let leases = context.store.leases();
    let (holder, ttl) = (&context.config.holder, context.config.timings.lease);
    let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(3_000);
    let sure_until = time::now() + ttl;
    let mut ours = leases.renew_all(holder, ttl_ms, context.now()).await?;
    for (name, holding) in &mut *held {
        if ours.get(name) == Some(&holding.lease) {
            holding.sure_until = sure_until;
        }
    }
    let work = wanted(context).await?;
    let theirs = leases.of_others(holder, context.now()).await?;
    for (name, job) in &work {
        let mut until = sure_until;
        if !ours.contains_key(name) && !theirs.contains(name) {
            until = time::now() + ttl;
            match leases.acquire(name, holder, ttl_ms, context.now()).await {
                Ok(Some(lease)) => {
                    ours.insert(name.clone(), lease);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, name, "lease not taken");
                    continue;
                }
            }
        }
        take_up(context, held, name, job, ours.get(name).copied(), until);
    }
    // What ended by itself is taken up again in the next round, if it is still there to do.
    held.retain(|_, holding| !holding.token.is_cancelled());
    let names: BTreeSet<&str> = work.iter().map(|(name, _)| name.as_str()).collect();
    let over: Vec<String> =
        held.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
    for name in over {
        if let Some(holding) = held.remove(&name) {
            holding.token.cancel();
            leases.release(&name, holder, holding.lease).await?;
        }
    }
    Ok(())
}

/// Works under a lease, unless that is under way already; ends what runs under a former one.
fn take_up(
    context: &Context,
    held: &mut BTreeMap<String, Held>,
    name: &str,
    job: &Job,
    lease: Option<i64>,
    sure_until: Instant,
) {
    if held.get(name).is_some_and(|holding| Some(holding.lease) == lease) {
        return;
    }
    if let Some(former) = held.remove(name) {
        former.token.cancel();
    }
    let Some(lease) = lease else { return };
    let token = context.token.child_token();
    match job {
        Job::Account(user) => {
            context.spawn(poller::run(context.clone(), user.clone(), token.clone()));
        }
        Job::Disposals(user) => {
            context.spawn(reaper::run(context.clone(), user.clone(), token.clone()));
        }
        Job::Machine(id) => {
            context.spawn(worker::run(context.clone(), id.clone(), token.clone()));
        }
    }
    held.insert(name.to_owned(), Held { token, lease, sure_until });
}

/// A piece of work that one process does at a time.
enum Job {
    Account(UserId),
    Disposals(UserId),
    Machine(AssociationId),
}

async fn wanted(context: &Context) -> Result<Vec<(String, Job)>, StoreError> {
    let mut work = Vec::new();
    for user in context.store.credentials().holders(CredentialKind::VastApiKey).await? {
        work.push((format!("account:{user}"), Job::Account(user)));
    }
    // What shall be gone is seen to with whichever credential there is: a standby needs no Vast key.
    let mut holders = BTreeSet::new();
    for kind in [CredentialKind::VastApiKey, CredentialKind::GcpServiceAccount] {
        holders.extend(context.store.credentials().holders(kind).await?);
    }
    for user in holders {
        work.push((format!("disposals:{user}"), Job::Disposals(user)));
    }
    for id in context.store.associations().ids().await? {
        work.push((format!("machine:{id}"), Job::Machine(id)));
    }
    Ok(work)
}

#[cfg(test)]
mod tests {
    use std::future::{Future as _, poll_fn};
    use std::pin::pin;
    use std::task::Poll;

    use super::*;
    use crate::testing::Bench;

    /// A process that stood still wakes up: its work ends before the database has answered anything.
    #[tokio::test]
    async fn what_lapsed_while_we_stood_still_ends_before_anything_is_waited_for() {
        let bench = Bench::new().await;
        let holding = |sure_until| Held { token: CancellationToken::new(), lease: 1, sure_until };
        let lapsed = holding(time::now());
        let ours = holding(time::now() + Duration::from_secs(3_600));
        let tokens = [lapsed.token.clone(), ours.token.clone()];
        let mut held =
            BTreeMap::from([("machine:a".to_owned(), lapsed), ("machine:b".to_owned(), ours)]);
        let mut beat = pin!(beat(&bench.context, &mut held));
        let waits = poll_fn(|cx| Poll::Ready(beat.as_mut().poll(cx).is_pending())).await;
        assert!(waits, "it has not heard of the database yet");
        assert_eq!(tokens.map(|token| token.is_cancelled()), [true, false]);
    }
}
