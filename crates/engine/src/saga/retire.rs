//! The old GPU is to be destroyed: its data is proven elsewhere. What it may hold beyond that keeps it for
//! a while. The reaper sees to it until the provider's list agrees.

use domain::association::Serving;
use domain::failover::{DetectOutput, Disposal, Kind, Role, StepName, Wish};
use domain::id::DisposalId;
use domain::provider::Provider;
use domain::route::is_unanswered;
use domain::time::Millis;
use domain::verdict::ProviderSays;

use super::step::{Ended, Run, StepEnd};

pub(super) async fn run(run: &Run<'_>) -> Ended {
    let Run { context, failover, association, .. } = run;
    if association.serving != Serving::Gpu || association.gpu == failover.gpu {
        return Ok(StepEnd::failed("the machine does not run on a new GPU; the old one is kept"));
    }
    let now = context.now();
    // A new GPU that answers nobody may have taken the data with it: then the old one's disk is kept.
    let wish = if is_unanswered(failover, run.rows) { Wish::Stop } else { Wish::Destroy };
    let disposal = Disposal {
        id: DisposalId::new(context.new_id()),
        user: failover.user.clone(),
        provider: Provider::Vast,
        external_id: failover.gpu.to_string(),
        zone: String::new(),
        role: Role::OldGpu,
        failover: Some(failover.id.clone()),
        association: Some(association.id.clone()),
        wish,
        requested_at: now,
        attempts: 0,
        next_at: due(run, now).await?,
        last_error: None,
        done_at: None,
        saved: None,
    };
    context.store.disposals().request(&disposal).await?;
    Ok(StepEnd::ok(serde_json::Value::Null))
}

/// When it may go: at once where its last bytes were moved or it is gone already, else when it has been
/// silent for as long as its user chose.
async fn due(run: &Run<'_>, now: Millis) -> Result<Millis, StepEnd> {
    let Run { context, failover, .. } = run;
    let word = context.live.account(&failover.user).view().word(failover.gpu);
    let moved = failover.kind == Kind::Planned && !failover.options.from_standby;
    if moved || word.says == Some(ProviderSays::Gone) {
        return Ok(now);
    }
    let settings = context.store.settings().get(&failover.user).await?;
    let detected: DetectOutput = run.earlier(StepName::Detect).unwrap_or_default();
    let heard = detected.evidence.and_then(|seen| seen.ssh.last_ok).unwrap_or(failover.started_at);
    Ok(now.max(heard.plus(settings.keep_lost_min.saturating_mul(60_000))))
}
