//! One machine's worker: keeps its observers running, judges, keeps its standby able, follows, and
//! drives its failover. One process has it at a time.

mod act;
mod anew;
mod back;
mod care;
mod follow;
mod heard;
mod heartbeat;
mod host_keys;
pub(crate) mod judge;
mod late;
mod launch;
mod make;
mod remove;
mod standby_row;
mod standby_view;
mod undelete;
mod zombie;

use std::sync::Arc;
use std::time::Duration;

use domain::association::{Association, AssociationState};
use domain::id::AssociationId;
use domain::standby::StandbyState;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::EngineError;
use crate::listing;
use crate::live::Machine;
use crate::ports::time::{self, Instant};
use crate::saga;
use act::Chore;

pub(crate) use heartbeat::{DialError, dial};
pub(crate) use judge::{evidence, gather};
pub(crate) use launch::told;

const TICK: Duration = Duration::from_millis(250);
/// How long a provider may take to answer that it makes a VM.
const ANSWER: Duration = Duration::from_secs(20);

/// Works for one machine until the token ends or the association is gone.
pub(crate) async fn run(context: Context, id: AssociationId, token: CancellationToken) {
    let machine = context.live.watch(&id);
    let observers = token.child_token();
    context.spawn(heartbeat::gpu(
        context.clone(),
        Arc::clone(&machine),
        id.clone(),
        observers.clone(),
    ));
    context.spawn(heartbeat::standby(
        context.clone(),
        Arc::clone(&machine),
        id.clone(),
        observers.clone(),
    ));
    context.spawn(standby_view::run(context.clone(), Arc::clone(&machine), observers.clone()));
    let mut work = Work::new(&token);
    loop {
        match context.store.associations().find(&id).await {
            Ok(Some(association)) => {
                if let Err(error) = work.step(&context, &association, &machine).await {
                    tracing::warn!(association = %id, %error, "worker's step failed; it is repeated");
                }
            }
            Ok(None) => break,
            Err(error) => tracing::debug!(association = %id, %error, "association not read"),
        }
        tokio::select! {
            biased;
            () = token.cancelled() => break,
            () = time::sleep(TICK) => {}
            () = machine.poke.notified() => {}
        }
    }
    observers.cancel();
    work.end().await;
    context.live.forget(&id, &machine);
    // Lets the supervisor give the lease up, or take the work up again, without waiting.
    token.cancel();
    context.wake();
}

/// What a worker has under way.
struct Work {
    judge: judge::Judge,
    hearing: heard::Hearing,
    host_keys: host_keys::HostKeys,
    care: Chore,
    late: Chore,
    launch: Chore,
    follow: follow::Following,
    saga: Chore,
    undelete: Chore,
    back: Chore,
    removal: Chore,
    /// Since when it is being removed.
    leaving: Option<Instant>,
}

impl Work {
    fn new(token: &CancellationToken) -> Self {
        Self {
            judge: judge::Judge::default(),
            hearing: heard::Hearing::default(),
            host_keys: host_keys::HostKeys::default(),
            care: Chore::new(token),
            late: Chore::new(token),
            launch: Chore::new(token),
            follow: follow::Following::new(token),
            saga: Chore::new(token),
            undelete: Chore::new(token),
            back: Chore::new(token),
            removal: Chore::new(token),
            leaving: None,
        }
    }

    async fn step(
        &mut self,
        context: &Context,
        association: &Association,
        machine: &Arc<Machine>,
    ) -> Result<(), EngineError> {
        listing::keep(context, &association.user).await?;
        judge::aim(context, association, machine).await?;
        if association.state == AssociationState::Deleting {
            self.follow.stop().await;
            self.undelete.stop().await;
            self.back.stop().await;
            self.late.stop().await;
            self.launch.stop().await;
            give_way(context, association).await?;
            self.end_care(association).await;
            // Given up while a failover was under way: that ends first, or ends what it began.
            self.drive(context, association);
            if !self.care.is_running() {
                self.removal.run(remove::remove(context.clone(), association.clone()));
            }
            return Ok(());
        }
        self.hearing.keep(context, association, machine).await?;
        self.judge.look(context, association, machine).await?;
        zombie::lay(context, association).await?;
        self.host_keys.look(context, association).await?;
        self.care.run(now(context.clone(), association.id.clone(), care::step));
        self.late.run(now(context.clone(), association.id.clone(), late::step));
        self.launch.run(now(context.clone(), association.id.clone(), launch::step));
        let back = back::wanted(context, association).await?;
        // Nobody follows a GPU whose files are being put back.
        self.follow.keep(context, association, machine, back.is_none()).await;
        if back.is_some() && back::may(association) {
            self.back.run(now(context.clone(), association.id.clone(), back::step));
        } else {
            self.back.stop().await;
        }
        if undelete::may(association) {
            self.undelete.run(now(context.clone(), association.id.clone(), undelete::step));
        } else {
            self.undelete.stop().await;
        }
        self.drive(context, association);
        Ok(())
    }

    fn drive(&mut self, context: &Context, association: &Association) {
        if let Some(failover) = &association.active_failover {
            self.saga.run(saga::drive(context.clone(), failover.clone(), association.id.clone()));
        }
    }

    /// Ends the care of a standby that is to go. One that may just be asked for is let come to its answer
    /// for a while: what is cut off there could appear after it was looked for.
    async fn end_care(&mut self, association: &Association) {
        let since = *self.leaving.get_or_insert_with(time::now);
        let asked = association.standby.as_ref().is_none_or(|standby| {
            matches!(standby.state, StandbyState::Creating | StandbyState::Failed)
        });
        if asked && self.care.is_running() && since.elapsed() < ANSWER {
            return;
        }
        self.care.stop().await;
    }

    async fn end(&mut self) {
        self.follow.stop().await;
        self.saga.stop().await;
        self.care.stop().await;
        self.undelete.stop().await;
        self.back.stop().await;
        self.late.stop().await;
        self.launch.stop().await;
        self.removal.stop().await;
    }
}

/// A chore on the machine as it is when the chore begins: the round that begins it may have read the machine
/// before the chore's last run changed it. Nothing is done for one that is gone or on its way out by then.
async fn now<F: Future<Output = Result<(), EngineError>>>(
    context: Context,
    id: AssociationId,
    chore: impl FnOnce(Context, Association) -> F,
) -> Result<(), EngineError> {
    match context.store.associations().find(&id).await? {
        Some(machine) if machine.state != AssociationState::Deleting => {
            chore(context, machine).await
        }
        _ => Ok(()),
    }
}

/// A failover of a machine that is being removed ends: it might wait for a standby that nobody keeps.
async fn give_way(context: &Context, association: &Association) -> Result<(), EngineError> {
    let Some(active) = &association.active_failover else { return Ok(()) };
    match context.store.failovers().request_cancel(&association.user, active).await {
        Ok(()) | Err(store::StoreError::Conflict(_) | store::StoreError::NotFound(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
