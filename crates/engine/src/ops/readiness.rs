//! Could this machine be failed over now, and what blocks it?

use domain::association::{Association, AssociationState, Serving};
use domain::buying::{AVOIDED_MS, Ledger, Limits};
use domain::id::{FailoverId, GpuId, UserId};
use domain::money::MicroUsd;
use domain::offer::{rank, replacement_filter};
use domain::policy::FailoverSettings;
use domain::provider::{ErrorClass, ProviderError};
use domain::standby::StandbyState;
use domain::time::Millis;
use domain::verdict::Verdict;
use domain::view::standby::follows;

use super::{fleet, protect, verdict};
use crate::context::Context;
use crate::error::EngineError;
use crate::handle::{Balance, Check, Readiness};
use crate::market;

/// A GPU that answered us within this time answers, ms.
const HEARD_MS: i64 = 5_000;
/// The same by the stored word, which lags, where another process has the machine.
const STORED_MS: i64 = 25_000;

/// How old a credit may be that is told as the present one, ms. It is read each ten seconds.
const CREDIT_MS: i64 = 60_000;

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

    // Nothing is bought where Auto-Recovery is off.
    if settings.auto_recovery {
        checks.extend(purchase(context, &association, &settings).await?);
    }
    let ready = checks.iter().all(|check| check.ok);
    Ok(Readiness { ready, checks })
}

/// Whether a replacement would be bought: there is one, the limits let it be, and the credit pays for it.
async fn purchase(
    context: &Context,
    association: &Association,
    settings: &FailoverSettings,
) -> Result<[Check; 3], EngineError> {
    let (user, now) = (&association.user, context.now());
    let filter = replacement_filter(&association.spec, &settings.replacement_rule());
    let storage = association.spec.disk_gb.unwrap_or(40.0);
    // As the search of a failover leaves out.
    let since = now.plus(-AVOIDED_MS);
    let mut avoid = context.store.intents().failed_machines(user, since).await?;
    avoid.extend(association.spec.machine_id);
    let fitting = match market::lately(context, user, &filter, storage).await {
        Ok(offers) => Ok(rank(&offers, &filter, &association.spec, &avoid)),
        // That nothing may be asked for now says nothing about the market.
        Err(EngineError::Provider(error)) if is_later(&error) => return Err(error.into()),
        Err(error) => Err(error.to_string()),
    };
    let offers = match &fitting {
        Ok(fit) => Check { key: "offers", ok: !fit.is_empty(), word: fit.len().to_string() },
        Err(word) => Check { key: "offers", ok: false, word: word.clone() },
    };
    let needed = fitting.ok().and_then(|fit| fit.first().map(|offer| offer.usd_per_hour));
    // A loss now would be a failover that has bought nothing yet.
    let ledger = context.store.intents().ledger(user, &FailoverId::new(""), now).await?;
    let money = match fleet::balance(context, user).await {
        Ok(balance) => credit(&balance, needed, now),
        Err(error) => Check { key: "credit", ok: false, word: error.to_string() },
    };
    Ok([offers, limits(&ledger, &settings.limits, needed), money])
}

/// Whether one more GPU may be bought without a person's word.
fn limits(ledger: &Ledger, limits: &Limits, price: Option<MicroUsd>) -> Check {
    let full = ledger.full(limits, price.unwrap_or(MicroUsd(0)));
    let (bought, most) = (ledger.day.count, limits.per_day);
    let open = || format!("{bought} of {most} within 24 hours");
    Check { key: "limits", ok: full.is_none(), word: full.map_or_else(open, |full| full.words()) }
}

/// Whether the credit pays for an hour of the replacement, as far as it is known now: an amount of long ago says
/// nothing, since what runs uses it up.
fn credit(balance: &Balance, needed: Option<MicroUsd>, now: Millis) -> Check {
    let old = balance.stale_error.is_some() || now.since(balance.as_of) > CREDIT_MS;
    let enough = match (balance.credit, needed) {
        (Some(credit), Some(price)) => credit >= price,
        (Some(credit), None) => credit.0 > 0,
        (None, _) => false,
    };
    let word = match balance.credit {
        Some(credit) if old => {
            let ago = now.since(balance.as_of).max(0) / 1_000;
            format!("not known: ${:.2} was read {ago} s ago", credit.usd())
        }
        Some(credit) => format!("${:.2}", credit.usd()),
        None => "unknown".into(),
    };
    Check { key: "credit", ok: enough && !old, word }
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
    use domain::failover::Kind;
    use domain::verdict::Cause;

    use super::*;
    use crate::testing::Bench;

    fn balance(credit: i64, as_of: i64, error: Option<&str>) -> Balance {
        Balance {
            credit: Some(MicroUsd(credit)),
            balance: None,
            threshold: None,
            email: None,
            as_of: Millis(as_of),
            stale_error: error.map(str::to_owned),
        }
    }

    #[test]
    fn an_old_credit_says_nothing_of_the_present_one() {
        let (now, price) = (Millis(1_000_000), Some(MicroUsd(400_000)));
        let check = |as_of, error| credit(&balance(50_000_000, as_of, error), price, now);
        assert!(check(now.0 - CREDIT_MS, None).ok);
        let old = check(now.0 - CREDIT_MS - 1, None);
        assert!(!old.ok && old.word.starts_with("not known: $50.00 was read 60 s ago"), "{old:?}");
        assert!(!check(now.0, Some("503")).ok, "it could not be read since");
        let short = credit(&balance(399_999, now.0, None), price, now);
        assert!(!short.ok && short.word == "$0.40", "{short:?}");
    }

    #[tokio::test]
    async fn a_failover_that_would_wait_for_a_persons_word_is_not_told_as_ready() {
        let bench = Bench::new().await;
        let machine = bench.machine().await;
        let store = &bench.context.store;
        let check = async || {
            let found = readiness(&bench.context, &bench.user, machine.gpu).await;
            let checks = found.expect("checked").checks;
            checks
                .into_iter()
                .find(|check| check.key == "limits")
                .map(|check| (check.ok, check.word))
        };
        let mut settings = FailoverSettings::default();
        settings.limits.per_day = 1;
        let now = bench.context.now();
        store.settings().put(&bench.user, &settings, None, now).await.expect("saved");
        assert_eq!(check().await, Some((true, "0 of 1 within 24 hours".into())));
        let drill = bench.failover(&machine, Kind::Drill, Cause::Drill).await;
        let bought = bench.purchase(&drill);
        store.intents().open_within(&bought, &settings.limits).await.expect("bought");
        assert_eq!(check().await, Some((false, "1 of 1 within 24 hours".into())));
        // Nothing is bought at all, so nothing of it stands in the way.
        settings.auto_recovery = false;
        store.settings().put(&bench.user, &settings, Some(now), now).await.expect("saved");
        assert_eq!(check().await, None);
    }

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
