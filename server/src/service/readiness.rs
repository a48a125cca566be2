//! Whether a machine could be failed over now, how, and what it would cost.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
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

use super::{credentials, failover, figures};
use crate::{Dumont, Fault};

/// How long an answer is good enough for a page that renews itself, ms.
const FRESH_MS: i64 = 15_000;
/// How long a page waits for a new one.
const GLANCE: Duration = Duration::from_millis(1_500);

/// Storage that a replacement is priced with where the lost machine's is unknown, GB.
const USUAL_DISK_GB: f64 = 40.0;

/// The newest answers, so that an open page does not ask the market at every doorbell.
#[derive(Debug, Default)]
pub struct Recent(Mutex<HashMap<(UserId, GpuId), (Millis, Readiness)>>);

impl Recent {
    fn get(&self, user: &UserId, gpu: GpuId) -> Option<(Millis, Readiness)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(user.clone(), gpu)).cloned()
    }

    fn put(&self, user: UserId, gpu: GpuId, at: Millis, found: Readiness) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (then, _)| at.since(*then) < 20 * FRESH_MS);
        known.insert((user, gpu), (at, found));
    }
}

/// What is ready and what blocks, as far as it can be told at once: a recent answer, else a new one
/// that does not take long. `None` while providers are still being asked for the first time.
pub async fn at_once(dumont: &Dumont, user: &UserId, gpu: GpuId) -> Option<Readiness> {
    let known = dumont.recent.get(user, gpu);
    if let Some((at, found)) = &known
        && dumont.now().since(*at) < FRESH_MS
    {
        return Some(found.clone());
    }
    let (asking, owner) = (dumont.clone(), user.clone());
    let asked = tokio::spawn(async move {
        let found = readiness(&asking, &owner, gpu).await?;
        asking.recent.put(owner, gpu, asking.now(), found.clone());
        Ok::<_, Fault>(found)
    });
    match tokio::time::timeout(GLANCE, asked).await {
        Ok(Ok(Ok(found))) => Some(found),
        _ => known.map(|(_, found)| found),
    }
}

/// The GPU of a machine that is named by its GPU's number or by its association.
///
/// # Errors
/// `NotFound`.
pub async fn gpu_of(dumont: &Dumont, user: &UserId, machine: &str) -> Result<GpuId, Fault> {
    if let Ok(number) = machine.parse() {
        return Ok(GpuId(number));
    }
    Ok(dumont.store.associations().get(user, &AssociationId::new(machine)).await?.gpu)
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
        gpu_instance_id: gpu,
        ready: found.ready,
        blockers: checks.iter().filter(|check| !check.ok).map(|check| check.key.clone()).collect(),
        checks,
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
    user: &UserId,
    gpu: GpuId,
    dry_run: bool,
) -> Result<TestAnswer, Fault> {
    if !dry_run {
        let drill = failover::simulate(dumont, user, gpu, SimulateFailover::default()).await?;
        return Ok(TestAnswer::Started(drill));
    }
    Ok(TestAnswer::DryRun(self::dry_run(dumont, user, gpu).await?))
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
    let ready = readiness(dumont, user, gpu).await?;
    let options = Options { new_gpu: chosen.auto_recovery, ..Options::default() };
    let filter = replacement_filter(&tie.spec, &chosen.replacement_rule());
    let storage = tie.spec.disk_gb.unwrap_or(USUAL_DISK_GB);
    let avoid: Vec<i64> = tie.spec.machine_id.into_iter().collect();
    let offers = dumont.engine.offers(user, &filter, storage).await.ok();
    let fitting = offers.map(|offers| rank(&offers, &filter, &tie.spec, &avoid));
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
