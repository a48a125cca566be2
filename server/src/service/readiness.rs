//! Whether a machine could be failed over now, how, and what it would cost.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::failover::{Kind, Options};
use domain::id::{AssociationId, GpuId, UserId};
use domain::money::MicroUsd;
use domain::offer::{rank, replacement_filter};
use domain::route::route;
use domain::time::Millis;
use domain::view::failover::{FailoverStatus, SimulateFailover};
use domain::view::readiness::{
    DryRun, LastDrill, Readiness, ReadinessCheck, Strategies, Strategy, TestAnswer,
};
use store::FailoverQuery;

use super::instances::PATIENCE;
use super::whose::Whose;
use super::{credentials, failover, figures};
use crate::{Dumont, Fault};

/// How long an answer is good enough for a page that renews itself, ms.
const FRESH_MS: i64 = 5_000;
/// How long it is shown at once while a new one is worked out, ms.
const FORMER_MS: i64 = 60_000;
/// How long it is shown where no new one is to be had, ms.
const KEPT_MS: i64 = 300_000;
/// How long a page waits for a new one.
const GLANCE: Duration = Duration::from_millis(1_500);

/// When to ask again where nothing is known yet, seconds.
const AGAIN_S: u64 = 3;

/// Storage that a replacement is priced with where the lost machine's is unknown, GB.
const USUAL_DISK_GB: f64 = 40.0;

/// The newest answers, so that an open page does not work them out at every doorbell.
#[derive(Debug, Default)]
pub struct Recent(Mutex<HashMap<(UserId, GpuId), Known>>);

/// An answer.
#[derive(Debug, Clone)]
struct Known {
    at: Millis,
    found: Readiness,
    /// A new one is being worked out.
    renewing: bool,
}

impl Recent {
    fn known(&self) -> MutexGuard<'_, HashMap<(UserId, GpuId), Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, and whether the one who asks is to work out a new one.
    fn get(&self, user: &UserId, gpu: GpuId, now: Millis) -> (Option<Known>, bool) {
        let mut known = self.known();
        let Some(answer) = known.get_mut(&(user.clone(), gpu)) else { return (None, true) };
        // A clock that was set back makes nothing good for longer.
        let good = |span: i64| (0..span).contains(&now.since(answer.at));
        if good(FRESH_MS) || (good(FORMER_MS) && answer.renewing) {
            return (Some(answer.clone()), false);
        }
        answer.renewing = true;
        (Some(answer.clone()), true)
    }

    /// Keeps a new answer; `None` where there is none.
    fn put(&self, user: UserId, gpu: GpuId, now: Millis, found: Option<Readiness>) {
        let mut known = self.known();
        known.retain(|_, answer| (0..KEPT_MS).contains(&now.since(answer.at)));
        match (found, known.entry((user, gpu))) {
            (Some(found), entry) => {
                entry.insert_entry(Known { at: now, found, renewing: false });
            }
            (None, Entry::Occupied(mut answer)) => answer.get_mut().renewing = false,
            (None, Entry::Vacant(_)) => {}
        }
    }
}

/// What is ready and what blocks, as far as it can be told at once: a recent answer, else a new one
/// that does not take long. `None` while providers are still being asked for the first time.
pub async fn at_once(dumont: &Dumont, user: &UserId, gpu: GpuId) -> Option<Readiness> {
    glance(dumont, user, gpu, GLANCE).await.ok()
}

/// The same without waiting for anyone: what is known already. A new answer is worked out for who asks
/// next.
pub async fn known(dumont: &Dumont, user: &UserId, gpu: GpuId) -> Option<Readiness> {
    glance(dumont, user, gpu, Duration::ZERO).await.ok()
}

/// What is ready and what blocks: a recent answer, else a new one where it comes within about two
/// seconds, else the last one of the last five minutes. Each says when it was worked out.
///
/// # Errors
/// No association; `Unknown` while nothing is known yet, with when to ask again.
pub async fn soon(dumont: &Dumont, user: &UserId, gpu: GpuId) -> Result<Readiness, Fault> {
    glance(dumont, user, gpu, PATIENCE).await
}

async fn glance(
    dumont: &Dumont,
    user: &UserId,
    gpu: GpuId,
    patience: Duration,
) -> Result<Readiness, Fault> {
    let now = dumont.now();
    let (known, due) = dumont.recent.get(user, gpu, now);
    let former = known.as_ref().map(|known| known.found.clone());
    if !due {
        return former.ok_or(Fault::Unknown { after_s: AGAIN_S });
    }
    let (asking, owner) = (dumont.clone(), user.clone());
    let asked = tokio::spawn(async move {
        let found = readiness(&asking, &owner, gpu).await;
        if let Err(error) = &found {
            tracing::warn!(%error, "readiness is not known");
        }
        asking.recent.put(owner, gpu, asking.now(), found.as_ref().ok().cloned());
        found
    });
    let recent = known.as_ref().is_some_and(|known| now.since(known.at) < FORMER_MS);
    let patience = if recent { Duration::ZERO } else { patience };
    match tokio::time::timeout(patience, asked).await {
        Ok(Ok(Ok(found))) => Ok(found),
        Ok(Ok(Err(error))) if former.is_none() || error.status() == 404 => Err(error),
        _ => former.ok_or(Fault::Unknown { after_s: AGAIN_S }),
    }
}

/// What is ready and what blocks.
///
/// # Errors
/// No association.
pub async fn readiness(dumont: &Dumont, user: &UserId, gpu: GpuId) -> Result<Readiness, Fault> {
    let tie = dumont
        .store
        .associations()
        .by_gpu(user, gpu)
        .await?
        .ok_or(Fault::NotFound("association"))?;
    let found = dumont.engine.readiness(user, gpu).await?;
    let holds = |key: &str| found.checks.iter().any(|check| check.key == key && check.ok);
    let stands_by = ["standby_ready", "standby_answers", "synced"].into_iter().all(holds);
    let moves = stands_by && holds("auto_failover");
    let as_of = dumont.now().into();
    let checks: Vec<ReadinessCheck> = found
        .checks
        .into_iter()
        .map(|check| ReadinessCheck {
            key: check.key.to_owned(),
            ok: check.ok,
            message: check.word,
        })
        .collect();
    Ok(Readiness {
        machine_id: tie.id.clone(),
        gpu_instance_id: gpu,
        ready: found.ready,
        overall_ready: found.ready,
        effective_strategy: if moves { "cpu_standby" } else { "none" }.into(),
        cpu_standby_ready: stands_by,
        as_of,
        blockers: checks.iter().filter(|check| !check.ok).map(|check| check.key.clone()).collect(),
        checks,
        left_out: dumont.store.intents().left_out(user).await?.remove(&tie.gpu).unwrap_or_default(),
        last_drill: last_drill(dumont, user, &tie.id).await?,
    })
}

/// The newest drill of a machine.
///
/// # Errors
/// The database.
pub async fn last_drill(
    dumont: &Dumont,
    user: &UserId,
    machine: &AssociationId,
) -> Result<Option<LastDrill>, Fault> {
    let query = FailoverQuery {
        kind: Some(Kind::Drill),
        association: Some(machine.clone()),
        limit: Some(1),
        ..FailoverQuery::default()
    };
    let newest = dumont.store.failovers().ids(user, &query).await?;
    Ok(figures::of(dumont, user, &newest).await?.first().map(|drill| of_drill(drill)))
}

/// The newest drill of each of an account's machines that has had one.
///
/// # Errors
/// The database.
pub async fn last_drills(
    dumont: &Dumont,
    user: &UserId,
) -> Result<HashMap<AssociationId, LastDrill>, Fault> {
    let newest = dumont.store.failovers().newest_drills(user).await?;
    let drills = figures::of(dumont, user, &newest).await?;
    Ok(drills.iter().map(|drill| (drill.association_id.clone(), of_drill(drill))).collect())
}

fn of_drill(drill: &FailoverStatus) -> LastDrill {
    LastDrill {
        failover_id: drill.failover_id.clone(),
        started_at: drill.started_at,
        success: drill.success,
        total_time_ms: drill.total_time_ms,
        ending: drill.ending,
        data_restored: drill.data_restored,
    }
}

/// The ways to protect a machine.
///
/// # Errors
/// The database.
pub async fn strategies(dumont: &Dumont, user: &UserId) -> Result<Strategies, Fault> {
    let missing = credentials::lacking(dumont, user).await?;
    let strategies = vec![Strategy {
        id: "cpu_standby".into(),
        name: "CPU standby".into(),
        description: "A small VM on Google Cloud follows the workspace; when the GPU is lost the work goes on there while a new GPU is bought, restored and verified.".into(),
        available: missing.is_empty(),
        missing,
    }];
    Ok(Strategies { count: strategies.len(), strategies })
}

/// What a failover would do now; with `dry_run` false, a drill that really begins.
///
/// # Errors
/// No association; for a drill also as [`failover::simulate`].
pub async fn test(
    dumont: &Dumont,
    whose: &Whose,
    gpu: GpuId,
    dry_run: bool,
) -> Result<TestAnswer, Fault> {
    if !dry_run {
        let drill = failover::simulate(dumont, whose, gpu, SimulateFailover::default()).await?;
        return Ok(TestAnswer::Started(drill));
    }
    Ok(TestAnswer::DryRun(self::dry_run(dumont, &whose.owner, gpu).await?))
}

/// What a failover would do and cost now; asks the market and spends nothing.
///
/// # Errors
/// No association.
pub async fn dry_run(dumont: &Dumont, user: &UserId, gpu: GpuId) -> Result<DryRun, Fault> {
    let tie = dumont
        .store
        .associations()
        .by_gpu(user, gpu)
        .await?
        .ok_or(Fault::NotFound("association"))?;
    let chosen = dumont.store.settings().get(user).await?;
    let ready = soon(dumont, user, gpu).await?;
    let options = Options { new_gpu: chosen.auto_recovery, ..Options::default() };
    let filter = replacement_filter(&tie.spec, &chosen.replacement_rule());
    let storage = tie.spec.disk_gb.unwrap_or(USUAL_DISK_GB);
    let avoid: Vec<i64> = tie.spec.machine_id.into_iter().collect();
    let offers = dumont.engine.offers(user, &filter, storage, PATIENCE).await.ok();
    let fitting = offers.map(|(_, offers)| rank(&offers, &filter, &tie.spec, &avoid));
    let best = fitting.as_ref().and_then(|offers| offers.first()).map(|offer| offer.usd_per_hour);
    let blockers: Vec<String> = ready
        .checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| format!("{}: {}", check.key, check.message))
        .collect();
    Ok(DryRun {
        dry_run: true,
        would_succeed: ready.ready && (best.is_some() || !options.new_gpu),
        steps: route(Kind::Real, &options).iter().map(|(step, _)| step.to_string()).collect(),
        blockers,
        estimated_cost_usd: best.map(MicroUsd::usd),
        offers_available: fitting.map(|offers| offers.len()),
    })
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::testing::{Bench, passed};

    fn answer() -> Readiness {
        Readiness {
            machine_id: AssociationId::new("m"),
            gpu_instance_id: GpuId(7),
            ready: true,
            overall_ready: true,
            effective_strategy: "cpu_standby".into(),
            cpu_standby_ready: true,
            as_of: Millis(0).into(),
            blockers: Vec::new(),
            left_out: Vec::new(),
            checks: Vec::new(),
            last_drill: None,
        }
    }

    #[test]
    fn one_of_many_works_out_a_new_answer_while_the_others_see_the_former() {
        let recent = Recent::default();
        let ana = UserId::new("ana");
        let ask = |now| {
            let (known, due) = recent.get(&ana, GpuId(7), Millis(now));
            (known.is_some(), due)
        };
        let put = |now, found| recent.put(ana.clone(), GpuId(7), Millis(now), found);
        assert_eq!(ask(0), (false, true));
        put(0, Some(answer()));
        assert_eq!(ask(FRESH_MS - 1), (true, false));
        assert_eq!(ask(FRESH_MS), (true, true), "one works out a new one");
        assert_eq!(ask(FRESH_MS + 1), (true, false), "the next sees the former");
        assert_eq!(ask(FORMER_MS), (true, true), "for so long only");
        put(FORMER_MS + 1, None);
        assert_eq!(ask(FORMER_MS + 2), (true, true), "it failed, so the next tries");
        put(FORMER_MS + 3, Some(answer()));
        assert_eq!(ask(FORMER_MS + 4), (true, false));
        assert_eq!(ask(0), (true, true), "the clock was set back");
        put(FORMER_MS + KEPT_MS + 3, None);
        assert_eq!(ask(FORMER_MS + KEPT_MS + 4), (false, true), "too old to be told");
        assert!(
            recent.get(&UserId::new("bob"), GpuId(7), Millis(1)).1,
            "another account has its own"
        );
    }

    #[tokio::test]
    async fn providers_that_keep_their_answers_are_waited_for_so_long_and_what_is_known_is_told() {
        let bench = Bench::new().await;
        let machine = bench.machine().await;
        let (dumont, user) = (&bench.dumont, &bench.user);
        let ask = async || {
            let began = Instant::now();
            let told = soon(dumont, user, machine.gpu).await;
            (told, passed(began))
        };
        let (unknown, waited) = ask().await;
        let unknown = unknown.expect_err("nothing is known");
        assert_eq!((unknown.status(), waited), (429, PATIENCE));
        assert!(unknown.retry_after().is_some_and(|after_s| after_s > 0), "{unknown:?}");
        // Nor does a page wait.
        let began = Instant::now();
        assert_eq!(at_once(dumont, user, machine.gpu).await, None);
        assert_eq!(passed(began), GLANCE);
        assert_eq!(known(dumont, user, machine.gpu).await, None);
        assert_eq!(passed(began), GLANCE, "a dialog waits for nobody");

        let found = Readiness { as_of: dumont.now().into(), ..answer() };
        dumont.recent.put(user.clone(), machine.gpu, dumont.now(), Some(found.clone()));
        for (age, longest) in [
            (FRESH_MS - 1, Duration::ZERO),
            (FORMER_MS - 1, Duration::ZERO),
            (FORMER_MS, PATIENCE),
            (KEPT_MS - 1, PATIENCE),
        ] {
            bench.pass(found.as_of.0.0 + age - dumont.now().0);
            let (told, waited) = ask().await;
            let told = told.expect("the former");
            assert_eq!((told.as_of, waited), (found.as_of, longest), "{age} ms old");
        }
    }
}
