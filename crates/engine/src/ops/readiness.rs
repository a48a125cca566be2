//! Could this machine be failed over now, and what blocks it?

use domain::association::{Association, AssociationState, Serving};
use domain::buying::AVOIDED_MS;
use domain::id::{GpuId, UserId};
use domain::offer::{rank, replacement_filter};
use domain::provider::{ErrorClass, ProviderError};
use domain::standby::StandbyState;
use domain::verdict::Verdict;
use domain::view::standby::follows;

use super::{fleet, protect, verdict};
use crate::context::Context;
use crate::error::EngineError;
use crate::handle::{Check, Readiness};
use crate::market;

/// A GPU that answered us within this time answers, ms.
const HEARD_MS: i64 = 5_000;
/// The same by the stored word, which lags, where another process has the machine.
const STORED_MS: i64 = 25_000;

/// Checks every condition. The market is as it was a moment ago; nothing is spent.
///
/// # Errors
/// No association; `RateLimited` where the market was never seen and may not be asked for now.
pub(crate) async fn readiness(
    context: &Context,
    user: &UserId,
    gpu: GpuId,
) -> Result<Readiness, EngineError> {
    let association = protect::find(context, user, gpu).await?;
    let settings = context.store.settings().get(user).await?;
    let mut checks = Vec::new();
    let mut check = |key, ok, word: String| checks.push(Check { key, ok, word });

    let standby = association.standby.as_ref();
    let state = standby.map_or("none", |standby| standby.state.as_str());
    check(
        "standby_ready",
        standby.is_some_and(|standby| standby.state == StandbyState::Ready),
        state.into(),
    );
    let reached = context.live.standby_contact(&association.id);
    let answers = reached.last_ok.is_some() && reached.failing_since.is_none();
    let usual = if answers { "answers" } else { "not reached yet" };
    check("standby_answers", answers, reached.word.unwrap_or_else(|| usual.into()));
    let synced = association.sync.complete_to.map(|at| context.now().since(at) / 1_000);
    check(
        "synced",
        synced.is_some(),
        synced.map_or_else(|| "never".into(), |seconds| format!("{seconds} s ago")),
    );
    // That it was set up to follow does not say that it does.
    let follows = follows(&association, context.now());
    let set_up = association.state == AssociationState::Following;
    let word =
        if set_up && !follows { "not following".into() } else { association.state.to_string() };
    check("sync_on", follows, word);
    let verdict = verdict::known(context, &association).await?;
    let (on_gpu, word) = runs_on_gpu(association.serving, verdict);
    check("on_gpu", on_gpu, word);
    if association.serving == Serving::Gpu {
        let heard = last_heard(context, &association).await?;
        check(
            "gpu_answers",
            heard.is_some_and(|heard| heard.ago_ms < heard.good_ms),
            heard.map_or_else(|| "never".into(), |heard| format!("{} s ago", heard.ago_ms / 1_000)),
        );
    }
    check(
        "auto_failover",
        settings.auto_failover,
        if settings.auto_failover { "on" } else { "off" }.into(),
    );

    let filter = replacement_filter(&association.spec, &settings.replacement_rule());
    let storage = association.spec.disk_gb.unwrap_or(40.0);
    // As the search of a failover leaves out.
    let since = context.now().plus(-AVOIDED_MS);
    let mut avoid = context.store.intents().failed_machines(user, since).await?;
    avoid.extend(association.spec.machine_id);
    let fitting = match market::lately(context, user, &filter, storage).await {
        Ok(offers) => Ok(rank(&offers, &filter, &association.spec, &avoid)),
        // That nothing may be asked for now says nothing about the market.
        Err(EngineError::Provider(error)) if is_later(&error) => return Err(error.into()),
        Err(error) => Err(error.to_string()),
    };
    match &fitting {
        Ok(fit) => check("offers", !fit.is_empty(), fit.len().to_string()),
        Err(word) => check("offers", false, word.clone()),
    }
    let needed = fitting.ok().and_then(|fit| fit.first().map(|offer| offer.usd_per_hour));
    match fleet::balance(context, user).await {
        Ok(balance) => {
            let enough = match (balance.credit, needed) {
                (Some(credit), Some(price)) => credit >= price,
                (Some(credit), None) => credit.0 > 0,
                (None, _) => false,
            };
            let word = balance
                .credit
                .map_or_else(|| "unknown".into(), |credit| format!("${:.2}", credit.usd()));
            check("credit", enough, word);
        }
        Err(error) => check("credit", false, error.to_string()),
    }
    let ready = checks.iter().all(|check| check.ok);
    Ok(Readiness { ready, checks })
}

/// Whether it runs on its GPU, as far as anyone knows, and where it is.
fn runs_on_gpu(serving: Serving, verdict: Option<Verdict>) -> (bool, String) {
    match (serving, verdict) {
        // It should, until something takes over; that it does is not so any more.
        (Serving::Gpu, Some(Verdict::ConfirmedLost)) => (false, "lost".into()),
        (serving, _) => (serving == Serving::Gpu, serving.to_string()),
    }
}

/// When a GPU answered last, and how long that counts.
#[derive(Debug, Clone, Copy)]
struct Heard {
    ago_ms: i64,
    good_ms: i64,
}

async fn last_heard(
    context: &Context,
    association: &Association,
) -> Result<Option<Heard>, EngineError> {
    let now = context.now();
    let seen = context.live.observations(&association.id).unwrap_or_default();
    if let Some(at) = seen.ssh.last_ok {
        return Ok(Some(Heard { ago_ms: now.since(at).max(0), good_ms: HEARD_MS }));
    }
    let stored = context.store.associations().heard(&association.id).await?;
    let stored = stored.filter(|heard| heard.gpu == association.gpu);
    // Failing here and now: the stored word is older than that.
    let good_ms = if seen.ssh.failing_since.is_some() { 0 } else { STORED_MS };
    Ok(stored.map(|heard| Heard { ago_ms: now.since(heard.at).max(0), good_ms }))
}

fn is_later(error: &ProviderError) -> bool {
    matches!(error.class, ErrorClass::RateLimited { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_gpu_is_not_told_to_run_what_it_ran() {
        let lost = Some(Verdict::ConfirmedLost);
        assert_eq!(runs_on_gpu(Serving::Gpu, lost), (false, "lost".into()));
        for verdict in
            [None, Some(Verdict::Healthy), Some(Verdict::Suspect), Some(Verdict::Unknown)]
        {
            assert_eq!(runs_on_gpu(Serving::Gpu, verdict), (true, "gpu".into()), "{verdict:?}");
        }
        assert_eq!(runs_on_gpu(Serving::Standby, lost), (false, "standby".into()));
    }
}
