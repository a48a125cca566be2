//! Failovers, drills and their report.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use domain::id::FailoverId;
use domain::view::Done;
use domain::view::failover::{
    ActiveFailovers, FailoverStarted, FailoverStatus, SimulateFailover, StartFailover,
};
use domain::view::readiness::{Readiness, Strategies, TestAnswer, TestQuery};
use domain::view::report::{FailoverReport, ReportQuery};

use crate::http::extract::{Machine, OptionalBody, Params, Segments};
use crate::http::identity::{Caller, Owner};
use crate::service::whose::{Shown as _, Whose};
use crate::service::{failover, machines, readiness, report};
use crate::{Dumont, Fault};

/// Rehearses a failover; the running GPU is not touched. Progress is read under the id.
#[utoipa::path(post, path = "/standby/failover/simulate/{machine_id}", tag = "failover", params(("machine_id" = String, Path)), request_body = SimulateFailover, responses((status = 200, body = FailoverStarted)))]
pub async fn simulate(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
    OptionalBody(asked): OptionalBody<SimulateFailover>,
) -> Result<Json<FailoverStarted>, Fault> {
    let id = machines::find(&dumont, &whose.owner, &whose.machine(machine)).await?.gpu;
    Ok(Json(failover::simulate(&dumont, &whose, id, asked).await?))
}

/// Moves a machine away from its GPU now: planned when it answers, real when it does not.
#[utoipa::path(post, path = "/standby/failover/start/{machine_id}", tag = "failover", params(("machine_id" = String, Path)), request_body = StartFailover, responses((status = 200, body = FailoverStarted)))]
pub async fn start(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
    OptionalBody(asked): OptionalBody<StartFailover>,
) -> Result<Json<FailoverStarted>, Fault> {
    let id = machines::find(&dumont, &whose.owner, &whose.machine(machine)).await?.gpu;
    Ok(Json(failover::start(&dumont, &whose, id, asked).await?))
}

/// Asks a failover to stop and clean up.
#[utoipa::path(post, path = "/standby/failover/{failover_id}/cancel", tag = "failover", params(("failover_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn cancel(
    State(dumont): State<Dumont>,
    whose: Whose,
    Segments(id): Segments<FailoverId>,
) -> Result<Json<Done>, Fault> {
    failover::cancel(&dumont, &whose.owner, &id).await?;
    Ok(Json(Done::new("the failover is being stopped; what it made is cleaned up")))
}

/// Moves a machine that runs on its standby to a new GPU.
#[utoipa::path(post, path = "/standby/failover/{failover_id}/failback", tag = "failover", params(("failover_id" = String, Path)), request_body = StartFailover, responses((status = 200, body = FailoverStarted)))]
pub async fn fail_back(
    State(dumont): State<Dumont>,
    whose: Whose,
    Segments(id): Segments<FailoverId>,
    OptionalBody(_asked): OptionalBody<StartFailover>,
) -> Result<Json<FailoverStarted>, Fault> {
    Ok(Json(failover::fail_back(&dumont, &whose, &id).await?))
}

/// Moves a machine from its standby to a new GPU, whichever failover brought it there.
#[utoipa::path(post, path = "/standby/associations/{machine_id}/back-to-gpu", tag = "failover", params(("machine_id" = String, Path)), responses((status = 200, body = FailoverStarted)))]
pub async fn back_to_gpu(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
) -> Result<Json<FailoverStarted>, Fault> {
    let id = machines::find(&dumont, &whose.owner, &whose.machine(machine)).await?.gpu;
    Ok(Json(failover::back_to_gpu(&dumont, &whose, id).await?))
}

/// Ends a failover's pause before its next attempt; 409 when nothing of it waits. Where it waits for a
/// word to buy beyond the limits, this is that word: 403 `owners_word_needed` for anyone but its owner.
#[utoipa::path(post, path = "/standby/failover/{failover_id}/retry", tag = "failover", params(("failover_id" = String, Path)), responses((status = 200, body = Done)))]
pub async fn retry_now(
    State(dumont): State<Dumont>,
    Caller(who): Caller,
    whose: Whose,
    Segments(id): Segments<FailoverId>,
) -> Result<Json<Done>, Fault> {
    let shown = failover::waits_for(&dumont, &whose.owner, &id).await?;
    failover::retry_now(&dumont, &who, &whose, &id, shown).await?;
    Ok(Json(Done::new("it is tried again now")))
}

/// The figures of one failover, computed from its journal.
#[utoipa::path(get, path = "/standby/failover/status/{failover_id}", tag = "failover", params(("failover_id" = String, Path)), responses((status = 200, body = FailoverStatus)))]
pub async fn status(
    State(dumont): State<Dumont>,
    whose: Whose,
    Segments(id): Segments<FailoverId>,
) -> Result<Json<FailoverStatus>, Fault> {
    Ok(Json(failover::status(&dumont, &whose.owner, &id).await?.shown(&whose)))
}

/// The failovers that go on now.
#[utoipa::path(get, path = "/standby/failover/active", tag = "failover", responses((status = 200, body = ActiveFailovers)))]
pub async fn active(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<ActiveFailovers>, Fault> {
    Ok(Json(failover::active(&dumont, &user).await?))
}

/// The report of a period, as JSON or CSV. Kinds are never mixed.
#[utoipa::path(get, path = "/standby/failover/report", tag = "failover", params(ReportQuery), responses((status = 200, content((FailoverReport = "application/json"), (String = "text/csv")))))]
pub async fn report(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
    Params(query): Params<ReportQuery>,
) -> Result<Response, Fault> {
    let format = query.format.as_deref().unwrap_or("json");
    if !matches!(format, "json" | "csv" | "") {
        return Err(Fault::field("format", "unknown", "must be json or csv"));
    }
    let report = report::report(&dumont, &user, &query).await?;
    if format != "csv" {
        return Ok(Json(&*report).into_response());
    }
    let name =
        format!("attachment; filename=\"failovers-{}-{}d.csv\"", report.kind, report.period_days);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, report::csv(&report)).into_response())
}

/// The ways to protect a machine.
#[utoipa::path(get, path = "/failover/strategies", tag = "failover", responses((status = 200, body = Strategies)))]
pub async fn strategies(
    State(dumont): State<Dumont>,
    Owner(user): Owner,
) -> Result<Json<Strategies>, Fault> {
    Ok(Json(readiness::strategies(&dumont, &user).await?))
}

/// What is ready for a failover of a machine, what blocks one, and its last drill. As it was
/// a moment ago (`as_of`) where the provider does not let it be looked at now.
#[utoipa::path(get, path = "/failover/readiness/{machine_id}", tag = "failover", params(("machine_id" = String, Path)), responses((status = 200, body = Readiness)))]
pub async fn readiness(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
) -> Result<Json<Readiness>, Fault> {
    let gpu = machines::find(&dumont, &whose.owner, &whose.machine(machine)).await?.gpu;
    Ok(Json(readiness::soon(&dumont, &whose.owner, gpu).await?.shown(&whose)))
}

/// What a failover would do now; with `dry_run=false`, a drill that really begins.
#[utoipa::path(post, path = "/failover/test/{machine_id}", tag = "failover", params(("machine_id" = String, Path), TestQuery), responses((status = 200, body = TestAnswer)))]
pub async fn test(
    State(dumont): State<Dumont>,
    whose: Whose,
    Machine(machine): Machine,
    Params(query): Params<TestQuery>,
) -> Result<Json<TestAnswer>, Fault> {
    let gpu = machines::find(&dumont, &whose.owner, &whose.machine(machine)).await?.gpu;
    Ok(Json(
        readiness::test(&dumont, &whose, gpu, query.dry_run.unwrap_or(true)).await?.shown(&whose),
    ))
}
