//! Starting, cancelling and reversing failovers by a person's wish.

use domain::association::{Association, Serving};
use domain::failover::{FailoverState, Kind, Options};
use domain::id::{FailoverId, GpuId, UserId};
use domain::standby::StandbyState;
use domain::verdict::{Cause, Verdict};
use store::{OWNERS_WORD, StoreError};

use super::{protect, verdict};
use crate::context::Context;
use crate::error::EngineError;
use crate::saga::{self, Opening};
use crate::worker::{evidence, gather};

/// Rehearses a failover of a machine that runs on its GPU.
pub(crate) async fn drill(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    options: Options,
    note: Option<String>,
) -> Result<FailoverId, EngineError> {
    let association = protect::find(context, user, gpu).await?;
    require_standby(&association)?;
    if association.serving != Serving::Gpu {
        return Err(EngineError::conflict(
            "not_on_gpu",
            "this machine does not run on its GPU; a drill needs one that does",
        ));
    }
    let options =
        Options { from_standby: false, restore: options.restore && options.new_gpu, ..options };
    begin(context, &association, Kind::Drill, Cause::Drill, options, note).await
}

/// Moves a machine now: a loss where its GPU is known to be lost or stopped, planned where it is not.
pub(crate) async fn fail_over(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    note: Option<String>,
    asked: Options,
) -> Result<FailoverId, EngineError> {
    let association = protect::find(context, user, gpu).await?;
    require_standby(&association)?;
    if association.serving == Serving::Standby {
        return Err(EngineError::conflict(
            "on_standby",
            "this machine already runs on its standby; fail it back instead",
        ));
    }
    let known = verdict::known(context, &association).await?;
    let settings = context.store.settings().get(user).await?;
    let (accept_gaps, by_grantee) = (asked.accept_gaps, asked.by_grantee);
    let options =
        Options { new_gpu: settings.auto_recovery, accept_gaps, by_grantee, ..Options::default() };
    // What is only not known, or silent for a moment, is asked for its last bytes first: where it does not give
    // them nothing was changed. A loss is one that was confirmed.
    let gone = matches!(known, Some(Verdict::ConfirmedLost | Verdict::Paused));
    let kind = if gone { Kind::Real } else { Kind::Planned };
    begin(context, &association, kind, Cause::Manual, options, note).await
}

/// Moves a machine from its standby to a new GPU.
pub(crate) async fn fail_back(
    context: &Context,
    user: &UserId,
    failover: &FailoverId,
    by_grantee: bool,
) -> Result<FailoverId, EngineError> {
    let former = context.store.failovers().get(user, failover).await?;
    let association = context.store.associations().get(user, &former.association).await?;
    back(context, &association, by_grantee).await
}

/// Moves the machine of a GPU from its standby to a new GPU, whichever failover brought it there.
pub(crate) async fn back_to_gpu(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
    by_grantee: bool,
) -> Result<FailoverId, EngineError> {
    back(context, &protect::find(context, user, gpu).await?, by_grantee).await
}

async fn back(
    context: &Context,
    association: &Association,
    by_grantee: bool,
) -> Result<FailoverId, EngineError> {
    require_standby(association)?;
    if association.serving != Serving::Standby {
        return Err(EngineError::conflict(
            "not_on_standby",
            "this machine does not run on its standby",
        ));
    }
    let options = Options { from_standby: true, by_grantee, ..Options::default() };
    begin(context, association, Kind::Planned, Cause::Manual, options, None).await
}

/// Ends a failover's pause before its next attempt. `may_agree`: whether this may be the word that more
/// is bought than the limits allow.
pub(crate) async fn retry_now(
    context: &Context,
    user: &UserId,
    failover: &FailoverId,
    may_agree: bool,
) -> Result<(), EngineError> {
    let found = context.store.failovers().get(user, failover).await?;
    let retried = context.store.steps().retry_now(user, failover, may_agree, context.now()).await;
    if let Err(StoreError::Conflict(OWNERS_WORD)) = retried {
        return Err(EngineError::conflict("owners_word_needed", OWNERS_WORD));
    }
    if retried? == 0 {
        return Err(EngineError::conflict(
            "nothing_waits",
            "nothing of this failover waits for its next attempt",
        ));
    }
    context.live.machine(&found.association).poke.notify_one();
    context.doorbell(user, "failover", failover.as_str()).await;
    Ok(())
}

/// Asks a failover to stop and clean up.
pub(crate) async fn cancel(
    context: &Context,
    user: &UserId,
    failover: &FailoverId,
) -> Result<(), EngineError> {
    let found = context.store.failovers().get(user, failover).await?;
    if found.state.is_over() {
        return Err(EngineError::conflict("failover_over", "this failover is over"));
    }
    match context.store.failovers().request_cancel(user, failover).await {
        Err(StoreError::Conflict(_))
            if context.store.failovers().get(user, failover).await?.state
                != FailoverState::Cancelling =>
        {
            return Err(EngineError::conflict(
                "has_switched",
                "its machine has moved to the new GPU; it goes on to its end",
            ));
        }
        asked => asked?,
    }
    context.doorbell(user, "failover", failover.as_str()).await;
    Ok(())
}

fn require_standby(association: &Association) -> Result<(), EngineError> {
    let ready =
        association.standby.as_ref().is_some_and(|standby| standby.state == StandbyState::Ready);
    if !ready {
        return Err(EngineError::conflict(
            "standby_not_ready",
            "this machine's standby is not ready",
        ));
    }
    if association.sync.complete_to.is_none() {
        return Err(EngineError::conflict(
            "never_synced",
            "nothing has been synced to the standby yet",
        ));
    }
    if association.active_failover.is_some() {
        return Err(EngineError::conflict(
            "failover_active",
            "a failover of this machine is under way",
        ));
    }
    Ok(())
}

async fn begin(
    context: &Context,
    association: &Association,
    kind: Kind,
    cause: Cause,
    options: Options,
    note: Option<String>,
) -> Result<FailoverId, EngineError> {
    let machine = context.live.machine(&association.id);
    let now = context.now();
    let seen = gather(context, association, &machine, now);
    let detected = evidence(&machine, association.epoch, seen, None, now);
    let opening = Opening { kind, cause, note, options, detected, started_at: now };
    let id = saga::open(context, association, opening).await?;
    context.wake();
    Ok(id)
}

#[cfg(test)]
mod tests {
    use domain::verdict::Observations;
    use store::VerdictRow;

    use super::*;
    use crate::testing::Bench;

    /// What a move asked for now is, where this was stored last and this process does not watch the machine.
    async fn moved(stored: Option<Verdict>) -> Kind {
        let bench = Bench::new().await;
        let of = bench.machine_with_standby().await;
        if let Some(verdict) = stored {
            let cause = (verdict == Verdict::ConfirmedLost).then_some(Cause::HostOffline);
            let row = VerdictRow {
                association: of.id.clone(),
                epoch: of.epoch,
                at: bench.context.now(),
                verdict,
                cause,
                evidence: Observations::default(),
            };
            bench.context.store.verdicts().insert(&row).await.expect("recorded");
        }
        let begun = fail_over(&bench.context, &bench.user, of.gpu, None, Options::default())
            .await
            .expect("begun");
        bench.context.store.failovers().find(&begun).await.expect("read").kind
    }

    #[tokio::test]
    async fn a_move_counts_as_a_loss_only_where_a_loss_is_known() {
        for (stored, kind) in [
            (None, Kind::Planned),
            (Some(Verdict::Healthy), Kind::Planned),
            (Some(Verdict::Suspect), Kind::Planned),
            (Some(Verdict::Unknown), Kind::Planned),
            (Some(Verdict::Paused), Kind::Real),
            (Some(Verdict::ConfirmedLost), Kind::Real),
        ] {
            assert_eq!(moved(stored).await, kind, "{stored:?}");
        }
    }
}
