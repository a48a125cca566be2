//! The GPU that a failover left: where it answers, and whether it may go.
//!
//! It may not before what only it holds is saved, or it did not answer for the time that its user chose. What
//! runs there is held before the last of it is fetched, and right before it goes it is asked whether anything
//! was written since: see [`crate::data::hold_left`].

use domain::association::{Association, AssociationState};
use domain::failover::{DetectOutput, Disposal, Kind, Left, Saved, StepName};
use domain::gpu::{Endpoint, GpuState};
use domain::id::{FailoverId, GpuId};
use domain::standby::StandbyState;
use domain::time::{DAY_MS, Millis};
use providers::ssh::Shell;
use store::FailoverQuery;

use crate::context::Context;
use crate::data::{self, Hold};
use crate::error::EngineError;
use crate::live::Target;
use crate::worker::{DialError, dial};

/// Fetches after which one on which something goes on writing goes all the same.
const FETCHES: i64 = 20;
/// How long one that answers is kept beyond its user's time while what it holds can't be fetched (an image
/// without the means, a standby that is away, a full disk), ms: it bills all the while.
const MOST_MS: i64 = DAY_MS;
/// Between two looks at one that is not known to be silent, ms.
const BLIND_MS: i64 = 5_000;

/// Whether an instance may go.
pub(crate) enum Leave {
    /// Now.
    Now,
    /// Not before this time.
    Not(Millis),
}

/// Asks whether an instance that is to be stopped or destroyed may go now. Asked right before it does.
///
/// # Errors
/// Where that can't be found out: then it does not go.
pub(crate) async fn may_go(context: &Context, disposal: &Disposal) -> Result<Leave, EngineError> {
    let (Some(id), Some(failover), true) =
        (&disposal.association, &disposal.failover, disposal.is_held())
    else {
        return Ok(Leave::Now);
    };
    let Some(association) = context.store.associations().find(id).await? else {
        return Ok(Leave::Now);
    };
    let keep_min = context.store.settings().get(&disposal.user).await?.keep_lost_min;
    // Its user gave it up, or wants nothing kept; or its last bytes were moved by plan.
    if association.state == AssociationState::Deleting
        || keep_min == 0
        || was_moved(context, failover).await?
    {
        return Ok(Leave::Now);
    }
    let Ok(gpu) = disposal.external_id.parse().map(GpuId) else { return Ok(Leave::Now) };
    let Some(left) = left(context, &association, failover, gpu).await? else {
        return Ok(Leave::Now);
    };
    let client = context.accounts.vast(&disposal.user).await?;
    let listed = client.get(gpu).await?;
    // Where no container runs, none writes.
    let Some(runs) = listed.filter(|one| may_write(one.state())) else {
        return Ok(Leave::Now);
    };
    let Some(target) = target(&left, runs.ssh) else { return Ok(Leave::Now) };
    let now = context.now();
    let kept = keep_min.saturating_mul(60_000);
    if is_overdue(disposal.requested_at, kept, now) {
        tracing::error!(
            instance = disposal.external_id,
            "the GPU that was left goes: for a day what it holds could not be saved, and it bills"
        );
        return Ok(Leave::Now);
    }
    match dial(context, &association.user, &target).await {
        Ok(shell) => answers(context, &association, disposal, &shell, now.plus(kept)).await,
        Err(DialError::Key(error)) => Err(error),
        // That it does not answer is known by one who reaches others.
        Err(DialError::Ssh(_)) if is_blind(context, &association).await => {
            let long_ago = now.since(disposal.requested_at) > kept.saturating_mul(2);
            Ok(if long_ago { Leave::Now } else { Leave::Not(now.plus(BLIND_MS)) })
        }
        Err(DialError::Ssh(_)) => {
            // What was seen before a try that did not come through is not seen any more.
            if let Some(saved) = disposal.saved.clone().filter(|saved| saved.settled) {
                let saved = Saved { settled: false, ..saved };
                context.store.disposals().saved(&disposal.id, &saved).await?;
            }
            Ok(Leave::Now)
        }
    }
}

/// Whether what one holds could not be saved for so long that it goes unsaved.
const fn is_overdue(since: Millis, kept_ms: i64, now: Millis) -> bool {
    now.since(since) > kept_ms.saturating_add(MOST_MS)
}

/// Whether anything may run on it, by the provider's word. Of a host that it does not reach it knows nothing.
pub(crate) const fn may_write(state: GpuState) -> bool {
    matches!(state, GpuState::Running | GpuState::Provisioning | GpuState::HostLost)
}

/// One that answers goes once all that it holds is saved and nothing is written any more.
async fn answers(
    context: &Context,
    association: &Association,
    disposal: &Disposal,
    shell: &Shell,
    again_at: Millis,
) -> Result<Leave, EngineError> {
    let (Some(failover), Some(saved)) = (&disposal.failover, &disposal.saved) else {
        return Ok(Leave::Not(again_at));
    };
    let quiet = data::hold_left(shell, &association.workspace, failover.as_str(), Hold::Look).await;
    match quiet.map_err(failed)? {
        true => {
            let settled = Saved { settled: true, ..saved.clone() };
            context.store.disposals().saved(&disposal.id, &settled).await?;
            Ok(Leave::Now)
        }
        false if saved.fetches >= FETCHES => {
            tracing::warn!(
                instance = disposal.external_id,
                "something goes on writing on the GPU that was left; what came after the last fetch is not saved"
            );
            Ok(Leave::Now)
        }
        false => Ok(Leave::Not(again_at)),
    }
}

/// Whether its last bytes were moved before it was left.
async fn was_moved(context: &Context, failover: &FailoverId) -> Result<bool, EngineError> {
    let failover = context.store.failovers().find(failover).await?;
    Ok(failover.kind == Kind::Planned && !failover.options.from_standby)
}

/// Whether the standby, which is up, does not answer us either.
async fn is_blind(context: &Context, association: &Association) -> bool {
    let Some(standby) = association.standby.as_ref() else { return false };
    let Some(endpoint) = standby.endpoint.clone().filter(|_| standby.state == StandbyState::Ready)
    else {
        return false;
    };
    let target = Target { endpoint, host_key: standby.host_key.clone() };
    dial(context, &association.user, &target).await.is_err()
}

pub(crate) fn failed(error: data::DataError) -> EngineError {
    EngineError::conflict("late_writes", error.to_string())
}

/// How the GPU was reached when it was left: as the failover recorded it, or the one before, where this one
/// began on the standby.
pub(crate) async fn left(
    context: &Context,
    association: &Association,
    failover: &FailoverId,
    gpu: GpuId,
) -> Result<Option<Left>, EngineError> {
    if let Some(left) = recorded(context, failover).await? {
        return Ok(Some(left));
    }
    let query = FailoverQuery {
        kind: Some(Kind::Real),
        association: Some(association.id.clone()),
        limit: Some(1),
        ..FailoverQuery::default()
    };
    let newest = context.store.failovers().ids(&association.user, &query).await?;
    let Some(before) = newest.into_iter().next() else { return Ok(None) };
    if context.store.failovers().find(&before).await?.gpu != gpu {
        return Ok(None);
    }
    recorded(context, &before).await
}

async fn recorded(context: &Context, failover: &FailoverId) -> Result<Option<Left>, EngineError> {
    let rows = context.store.steps().list(failover).await?;
    Ok(rows
        .iter()
        .find(|row| row.name == StepName::Detect)
        .and_then(|row| serde_json::from_value::<DetectOutput>(row.output.clone()).ok())
        .and_then(|detected| detected.before))
}

/// Where it answers: as the provider lists it now, else as it did then; nothing where its key was never known.
pub(crate) fn target(left: &Left, listed: Option<Endpoint>) -> Option<Target> {
    let host_key = left.host_key.clone()?;
    let endpoint = listed.or_else(|| left.endpoint.clone())?;
    Some(Target { endpoint, host_key: Some(host_key) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_can_never_be_fetched_from_does_not_bill_for_ever() {
        let (since, kept) = (Millis(1_000), 30 * 60_000);
        for (hours, overdue) in [(0, false), (1, false), (24, false), (25, true), (100, true)] {
            let now = since.plus(hours * 3_600_000);
            assert_eq!(is_overdue(since, kept, now), overdue, "{hours} h");
        }
    }
}
