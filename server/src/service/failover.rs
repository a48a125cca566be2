//! Failovers: started, watched, cancelled and reversed by a person's wish.

use domain::failover::{Options, Phase, StepRow};
use domain::id::{FailoverId, GpuId, UserId};
use domain::notification::Wait;
use domain::view::failover::{
    ActiveFailovers, FailoverPage, FailoverStarted, FailoverStatus, SimulateFailover, StartFailover,
};

use engine::EngineError;

use super::confirm;
use super::journal::{Rows, statuses};
use super::whose::Whose;
use crate::http::identity::Identity;
use crate::{Dumont, Fault};

/// Rehearses a failover.
///
/// # Errors
/// No association, not ready, or a failover is under way.
pub async fn simulate(
    dumont: &Dumont,
    whose: &Whose,
    gpu: GpuId,
    asked: SimulateFailover,
) -> Result<FailoverStarted, Fault> {
    let options = Options {
        from_standby: false,
        new_gpu: asked.simulate_new_gpu,
        restore: asked.simulate_restore && asked.simulate_new_gpu,
        accept_gaps: false,
        by_grantee: whose.through.is_some(),
    };
    let id = dumont.engine.drill(&whose.owner, gpu, options, note(Some(asked.reason))?).await?;
    Ok(begun(id, gpu, "the drill has begun; the running GPU is not touched"))
}

/// Moves a machine away from its GPU now.
///
/// # Errors
/// No association, not ready, or a failover is under way.
pub async fn start(
    dumont: &Dumont,
    whose: &Whose,
    gpu: GpuId,
    asked: StartFailover,
) -> Result<FailoverStarted, Fault> {
    let options = Options {
        accept_gaps: asked.accept_gaps,
        by_grantee: whose.through.is_some(),
        ..Options::default()
    };
    let id = dumont.engine.fail_over(&whose.owner, gpu, note(asked.reason)?, options).await?;
    Ok(begun(id, gpu, "the failover has begun"))
}

/// Moves a machine that runs on its standby to a new GPU.
///
/// # Errors
/// No such failover, or the machine does not run on its standby.
pub async fn fail_back(
    dumont: &Dumont,
    whose: &Whose,
    id: &FailoverId,
) -> Result<FailoverStarted, Fault> {
    let former = dumont.store.failovers().get(&whose.owner, id).await?;
    let id = dumont.engine.fail_back(&whose.owner, id, whose.through.is_some()).await?;
    Ok(begun(id, former.gpu, "the way back to a GPU has begun"))
}

/// Moves the machine of a GPU from its standby to a new GPU.
///
/// # Errors
/// No association, or it does not run on its standby.
pub async fn back_to_gpu(
    dumont: &Dumont,
    whose: &Whose,
    gpu: GpuId,
) -> Result<FailoverStarted, Fault> {
    let id = dumont.engine.back_to_gpu(&whose.owner, gpu, whose.through.is_some()).await?;
    Ok(begun(id, gpu, "the way back to a GPU has begun"))
}

/// For what a failover waits now, as its newest attempt says.
///
/// # Errors
/// No such failover.
pub async fn waits_for(
    dumont: &Dumont,
    owner: &UserId,
    id: &FailoverId,
) -> Result<Option<Wait>, Fault> {
    dumont.store.failovers().get(owner, id).await?;
    let steps = dumont.store.steps().list(id).await?;
    Ok(steps.iter().rev().find_map(StepRow::waits_for))
}

/// Ends a failover's pause before its next attempt, for whoever asks. Where it was `shown` to wait for a word to
/// buy beyond the limits, this is that word, and its owner's alone.
///
/// # Errors
/// No such failover, nothing of it waits, it waits for its owner's word, it waits for a word by now that was not
/// asked for when it was shown, or a login that was not confirmed where more is bought by it (see
/// [`confirm::before_money`]).
pub async fn retry_now(
    dumont: &Dumont,
    who: &Identity,
    whose: &Whose,
    id: &FailoverId,
    shown: Option<Wait>,
) -> Result<(), Fault> {
    let own = whose.through.is_none();
    // Whose it is before what it waits for.
    dumont.store.failovers().get(&whose.owner, id).await?;
    let agrees = own && shown.is_some_and(Wait::takes_a_word);
    if agrees {
        confirm::before_money(dumont, who).await?;
    }
    match dumont.engine.retry_now(&whose.owner, id, agrees).await {
        Err(EngineError::Conflict { code: "owners_word_needed", .. }) if own => {
            Err(Fault::conflict(
                "your_word_needed",
                "it waits for your word by now that one more GPU is bought; look again",
            ))
        }
        Err(EngineError::Conflict { code: code @ "owners_word_needed", .. }) => {
            let message = "it waits for its owner's word to buy more than the limits allow";
            Err(Fault::Forbidden { code, message })
        }
        done => Ok(done?),
    }
}

/// Asks a failover to stop and clean up.
///
/// # Errors
/// No such failover, or it is over.
pub async fn cancel(dumont: &Dumont, user: &UserId, id: &FailoverId) -> Result<(), Fault> {
    Ok(dumont.engine.cancel(user, id).await?)
}

/// The figures of one failover.
///
/// # Errors
/// `NotFound`.
pub async fn status(
    dumont: &Dumont,
    user: &UserId,
    id: &FailoverId,
) -> Result<FailoverStatus, Fault> {
    Ok(Rows::load(dumont, user, id).await?.status(dumont))
}

/// The page of one failover.
///
/// # Errors
/// `NotFound`.
pub async fn page(dumont: &Dumont, user: &UserId, id: &FailoverId) -> Result<FailoverPage, Fault> {
    Ok(Rows::load(dumont, user, id).await?.page(dumont))
}

/// Those that go on now.
///
/// # Errors
/// The database.
pub async fn active(dumont: &Dumont, user: &UserId) -> Result<ActiveFailovers, Fault> {
    let failovers = statuses(dumont, dumont.store.failovers().active_of(user).await?).await?;
    Ok(ActiveFailovers { active_count: failovers.len(), failovers })
}

fn begun(failover_id: FailoverId, gpu_instance_id: GpuId, message: &str) -> FailoverStarted {
    FailoverStarted {
        failover_id,
        gpu_instance_id,
        message: message.into(),
        phase: Phase::Detecting,
    }
}

fn note(reason: Option<String>) -> Result<Option<String>, Fault> {
    let Some(reason) = reason else { return Ok(None) };
    domain::name::line(&reason, 500).map_err(|error| Fault::name("reason", error))
}
