//! Whether a machine could be failed over now, how, and what it would cost.

use domain::failover::{Kind, Options};
use domain::id::{AssociationId, GpuId, UserId};
use domain::money::MicroUsd;
use domain::offer::{rank, replacement_filter};
use domain::route::route;
use domain::view::failover::SimulateFailover;
use domain::view::readiness::{
    DryRun, LastDrill, Readiness, ReadinessCheck, Strategies, Strategy, TestAnswer,
};
use store::FailoverQuery;

use super::{credentials, failover, journal};
use crate::{Dumont, Fault};

/// Storage that a replacement is priced with where the lost machine's is unknown, GB.
const USUAL_DISK_GB: f64 = 40.0;

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
    let newest = dumont.store.failovers().list(user, &query).await?;
    let figures = journal::statuses(dumont, newest).await?;
    Ok(figures.into_iter().next().map(|drill| LastDrill {
        failover_id: drill.failover_id,
        started_at: drill.started_at,
        success: drill.success,
        total_time_ms: drill.total_time_ms,
    }))
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
    Ok(TestAnswer::DryRun(DryRun {
        dry_run: true,
        would_succeed: ready.ready && (best.is_some() || !options.new_gpu),
        steps: route(Kind::Real, &options).iter().map(|(step, _)| step.to_string()).collect(),
        blockers,
        estimated_cost_usd: best.map(MicroUsd::usd),
        offers_available: fitting.map(|offers| offers.len()),
    }))
}
