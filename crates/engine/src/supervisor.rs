//! Decides which work this process does: for each account a poller, for each association a worker,
//! each under a lease, so that several processes on one database share the work.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
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
    let mut held: HashMap<String, Held> = HashMap::new();
    loop {
        match wanted(&context).await {
            Ok(work) => {
                for (name, job) in &work {
                    hold(&context, &mut held, name, job).await;
                }
                held.retain(|name, holding| {
                    let keep = work.iter().any(|(wanted, _)| wanted == name)
                        && !holding.token.is_cancelled();
                    if !keep {
                        holding.token.cancel();
                    }
                    keep
                });
            }
            Err(error) => tracing::warn!(%error, "can't read what there is to do"),
        }
        // A lease that could not be renewed in time may be another's by now.
        held.retain(|name, holding| {
            let ours = Instant::now() < holding.sure_until;
            if !ours {
                tracing::warn!(name, "lease lost; its work ends here");
                holding.token.cancel();
            }
            ours
        });
        tokio::select! {
            () = context.token.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
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

/// A piece of work that one process does at a time.
enum Job {
    Account(domain::id::UserId),
    Machine(domain::id::AssociationId),
}

async fn wanted(context: &Context) -> Result<Vec<(String, Job)>, store::StoreError> {
    let mut work = Vec::new();
    for user in context.store.credentials().holders(store::CredentialKind::VastApiKey).await? {
        work.push((format!("account:{user}"), Job::Account(user)));
    }
    for association in context.store.associations().all().await? {
        work.push((format!("machine:{}", association.id), Job::Machine(association.id)));
    }
    Ok(work)
}

async fn hold(context: &Context, held: &mut HashMap<String, Held>, name: &str, job: &Job) {
    let ttl = context.config.timings.lease;
    let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(3_000);
    let asked = Instant::now();
    match context.store.leases().acquire(name, &context.config.holder, ttl_ms, context.now()).await
    {
        Ok(Some(lease)) => {
            let sure_until = asked + ttl;
            if let Some(holding) = held.get_mut(name) {
                if holding.lease == lease {
                    holding.sure_until = sure_until;
                    return;
                }
                // It had run out and was taken anew: what ran under the old one ends first.
                holding.token.cancel();
            }
            let token = context.token.child_token();
            match job {
                Job::Account(user) => {
                    context.spawn(poller::run(context.clone(), user.clone(), token.clone()));
                    context.spawn(reaper::run(context.clone(), user.clone(), token.clone()));
                }
                Job::Machine(id) => {
                    context.spawn(worker::run(context.clone(), id.clone(), token.clone()))
                }
            }
            held.insert(name.to_owned(), Held { token, lease, sure_until });
        }
        Ok(None) => {
            if let Some(lost) = held.remove(name) {
                lost.token.cancel();
            }
        }
        Err(error) => tracing::warn!(%error, name, "lease not renewed"),
    }
}
