//! Figures over many failovers. Kinds are never mixed, nor sandbox rows with real ones.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use crate::failover::{Kind, Phase};
use crate::time::{DAY_MS, Millis};
use crate::verdict::Cause;
use crate::view::failover::{Ending, FailoverStatus, PhaseWindow};
use crate::view::report::{FailoverReport, HistoryRow};

/// Which failovers a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Length of the period that ends now, days.
    pub days: i64,
    /// The only kind.
    pub kind: Kind,
    /// Sandbox rows, or real ones.
    pub sandbox: bool,
    /// Association id, GPU number or machine name.
    pub machine: Option<String>,
    /// Only this cause.
    pub cause: Option<Cause>,
}

impl Filter {
    /// The usual report: real failovers of the last 30 days.
    #[must_use]
    pub const fn usual(sandbox: bool) -> Self {
        Self { days: 30, kind: Kind::Real, sandbox, machine: None, cause: None }
    }

    /// The first moment of the period.
    #[must_use]
    pub const fn since(&self, now: Millis) -> Millis {
        now.plus(-self.days.saturating_mul(DAY_MS))
    }

    /// Whether a failover belongs into the report.
    #[must_use]
    pub fn admits(&self, row: &FailoverStatus, now: Millis) -> bool {
        let machine = self.machine.as_deref().is_none_or(|wanted| {
            wanted == row.association_id.as_str()
                || wanted == row.machine_name
                || wanted == row.gpu_instance_id.to_string()
                || row.new_gpu_id.is_some_and(|gpu| wanted == gpu.to_string())
        });
        row.kind == self.kind
            && row.sandbox == self.sandbox
            && row.started_at.0 >= self.since(now)
            && self.cause.is_none_or(|cause| cause == row.cause)
            && machine
    }
}

/// The report over these failovers, as of `now`.
#[must_use]
pub fn report<S: Borrow<FailoverStatus>>(
    all: &[S],
    filter: &Filter,
    now: Millis,
) -> FailoverReport {
    let mut rows: Vec<&FailoverStatus> =
        all.iter().map(Borrow::borrow).filter(|row| filter.admits(row, now)).collect();
    rows.sort_by(|a, b| {
        b.started_at.cmp(&a.started_at).then_with(|| b.failover_id.cmp(&a.failover_id))
    });
    let good: Vec<&FailoverStatus> =
        rows.iter().copied().filter(|row| row.success == Some(true)).collect();
    let ended: Vec<&FailoverStatus> =
        rows.iter().copied().filter(|row| row.success.is_some()).collect();
    let ended_as = |ending: Ending| rows.iter().filter(|row| row.ending == Some(ending)).count();
    let failed = ended_as(Ending::Failed) + ended_as(Ending::Unanswered);
    let on_standby = ended_as(Ending::OnStandby);
    let repair = sorted(good.iter().filter_map(|row| row.total_time_ms));
    let to_cpu = sorted(good.iter().filter_map(|row| row.time_to_cpu_ms));
    let mttr = mean(&repair);
    // In a drill nobody works on the standby.
    let standby: Vec<i64> = good
        .iter()
        .filter(|row| row.kind != Kind::Drill)
        .filter_map(|row| Some(row.total_time_ms?.saturating_sub(row.time_to_cpu_ms?).max(0)))
        .collect();
    FailoverReport {
        period_days: filter.days,
        kind: filter.kind,
        sandbox: filter.sandbox,
        as_of: now.into(),
        total_failovers: rows.len(),
        successful_failovers: good.len(),
        on_standby_failovers: on_standby,
        failed_failovers: failed,
        cancelled_failovers: ended_as(Ending::Cancelled),
        active_failovers: rows.len().saturating_sub(ended.len()),
        success_rate: share(good.len(), good.len() + on_standby + failed),
        mttr_ms: mttr,
        mttr_seconds: mttr.map(seconds),
        mttr_p50_ms: percentile(&repair, 50),
        mttr_p95_ms: percentile(&repair, 95),
        time_to_cpu_p50_ms: percentile(&to_cpu, 50),
        latency_by_phase_ms: by_phase(|phase| mean(&spent(&good, phase))),
        latency_by_phase_p50_ms: by_phase(|phase| {
            percentile(&sorted(spent(&good, phase).into_iter()), 50)
        }),
        provider_by_phase_ms: by_phase(|phase| {
            mean(&clock(&good, phase, |window| window.provider_ms))
        }),
        waiting_by_phase_ms: by_phase(|phase| {
            mean(&clock(&good, phase, |window| window.waiting_ms))
        }),
        own_by_phase_ms: by_phase(|phase| mean(&clock(&good, phase, |window| window.own_ms))),
        data_restored_count: ended.iter().filter(|row| row.data_restored == Some(true)).count(),
        data_restored_of: ended.iter().filter(|row| row.data_restored.is_some()).count(),
        gpus_provisioned_count: ended.iter().filter(|row| got_gpu(row)).count(),
        gpus_provisioned_of: ended.iter().filter(|row| row.options.new_gpu).count(),
        standby_time_ms: (!standby.is_empty()).then(|| standby.iter().sum()),
        cost_usd: (!rows.is_empty()).then(|| micro(rows.iter().map(|row| row.cost_usd).sum())),
        primary_cause: primary(&rows),
        trend: super::trend::trend(&rows, filter.days, now),
        history: rows.iter().map(|row| history_row(row)).collect(),
    }
}

/// A failover as a list shows it.
#[must_use]
pub fn history_row(row: &FailoverStatus) -> HistoryRow {
    HistoryRow {
        failover_id: row.failover_id.clone(),
        association_id: row.association_id.clone(),
        machine_name: row.machine_name.clone(),
        gpu_instance_id: row.gpu_instance_id,
        kind: row.kind,
        cause: row.cause,
        state: row.state,
        phase: row.phase,
        started_at: row.started_at,
        completed_at: row.completed_at,
        success: row.success,
        ending: row.ending,
        new_gpu_id: row.new_gpu_id,
        data_restored: row.data_restored,
        time_to_cpu_ms: row.time_to_cpu_ms,
        total_time_ms: row.total_time_ms,
        provider_ms: row.provider_ms,
        waiting_ms: row.waiting_ms,
        own_ms: row.own_ms,
        rpo_ms: row.rpo_ms,
        files_verified: row.files_verified,
        cost_usd: row.cost_usd,
        sandbox: row.sandbox,
        error: row.error.clone(),
    }
}

/// Phases that last; `complete` and `failed` are points.
const LASTING: [Phase; 6] = [
    Phase::Detecting,
    Phase::GpuLost,
    Phase::FailoverToCpu,
    Phase::SearchingGpu,
    Phase::Provisioning,
    Phase::Restoring,
];

fn by_phase(figure: impl Fn(Phase) -> Option<i64>) -> BTreeMap<Phase, Option<i64>> {
    LASTING.iter().map(|phase| (*phase, figure(*phase))).collect()
}

fn spent(rows: &[&FailoverStatus], phase: Phase) -> Vec<i64> {
    rows.iter().filter_map(|row| row.phase_timings_ms.get(&phase).copied()).collect()
}

/// One of the clocks of a phase, of each row that ran it.
fn clock(rows: &[&FailoverStatus], phase: Phase, pick: fn(&PhaseWindow) -> i64) -> Vec<i64> {
    rows.iter()
        .filter_map(|row| row.phases.iter().find(|window| window.name == phase))
        .map(pick)
        .collect()
}

/// Whether it got a GPU: one that serves, or in a drill one that was rehearsed with.
fn got_gpu(row: &FailoverStatus) -> bool {
    row.new_gpu_id.is_some()
        || (row.kind == Kind::Drill
            && row.options.new_gpu
            && row.phase_timings_ms.contains_key(&Phase::Provisioning)
            && row.success == Some(true))
}

fn primary(rows: &[&FailoverStatus]) -> Option<Cause> {
    let mut counts: BTreeMap<Cause, (usize, Millis)> = BTreeMap::new();
    for row in rows {
        let entry = counts.entry(row.cause).or_default();
        entry.0 += 1;
        entry.1 = entry.1.max(row.started_at.0);
    }
    counts.into_iter().max_by_key(|(_, weight)| *weight).map(|(cause, _)| cause)
}

fn sorted(values: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut found: Vec<i64> = values.collect();
    found.sort_unstable();
    found
}

fn mean(values: &[i64]) -> Option<i64> {
    let count = i128::try_from(values.len()).ok().filter(|count| *count > 0)?;
    let sum: i128 = values.iter().map(|value| i128::from(*value)).sum();
    // Rounded to the nearest millisecond.
    i64::try_from((sum + count / 2).div_euclid(count)).ok()
}

/// Nearest rank: the smallest value that at least `percent` of the values do not exceed.
pub(super) fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[expect(clippy::cast_precision_loss, reason = "counts and spans stay far below 2^53")]
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 1000.0).round() / 10.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts and spans stay far below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// Dollars to the millionth, so that sums of floats do not show their last digits.
fn micro(usd: f64) -> f64 {
    (usd * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::failover_view;
    use super::super::testing::{Story, at};
    use super::*;
    use crate::failover::FailoverState;
    use crate::time::DAY_MS;

    fn status(total_ms: i64, state: FailoverState, cause: Cause) -> FailoverStatus {
        let story = Story::lost_and_recovered();
        let mut view = failover_view(&story.journal());
        view.state = state;
        view.ending = match state {
            FailoverState::Complete => Some(Ending::OnGpu),
            FailoverState::Failed => Some(Ending::Failed),
            FailoverState::Cancelled => Some(Ending::Cancelled),
            _ => None,
        };
        view.success = view.ending.map(Ending::is_success);
        view.total_time_ms = Some(total_ms);
        view.cause = cause;
        view
    }

    fn filter() -> Filter {
        Filter::usual(true)
    }

    #[test]
    fn an_empty_report_knows_nothing_and_says_so() {
        let empty = report::<FailoverStatus>(&[], &filter(), at(0));
        assert_eq!((empty.total_failovers, empty.success_rate, empty.mttr_ms), (0, None, None));
        assert_eq!(
            (empty.mttr_p50_ms, empty.mttr_p95_ms, empty.time_to_cpu_p50_ms),
            (None, None, None)
        );
        assert_eq!(
            (empty.cost_usd, empty.primary_cause, empty.standby_time_ms),
            (None, None, None)
        );
        assert!(empty.latency_by_phase_ms.values().all(Option::is_none));
        assert_eq!(empty.latency_by_phase_ms.len(), 6);
    }

    #[test]
    fn failures_and_cancellations_do_not_count_into_the_time_to_repair() {
        let rows = [
            status(10_000, FailoverState::Complete, Cause::Outbid),
            status(20_000, FailoverState::Complete, Cause::Outbid),
            status(999_000, FailoverState::Failed, Cause::Silent),
            status(888_000, FailoverState::Cancelled, Cause::Silent),
            status(777_000, FailoverState::Running, Cause::Silent),
        ];
        let found = report(&rows, &filter(), at(DAY_MS));
        assert_eq!(
            (found.total_failovers, found.successful_failovers, found.failed_failovers),
            (5, 2, 1)
        );
        assert_eq!((found.cancelled_failovers, found.active_failovers), (1, 1));
        assert_eq!((found.mttr_ms, found.mttr_seconds), (Some(15_000), Some(15.0)));
        assert_eq!((found.mttr_p50_ms, found.mttr_p95_ms), (Some(10_000), Some(20_000)));
        assert_eq!(found.success_rate, Some(66.7));
        assert_eq!(found.primary_cause, Some(Cause::Silent));
    }

    #[test]
    fn what_ended_on_the_standby_is_neither_a_success_nor_a_failure() {
        let mut stayed = status(1, FailoverState::Complete, Cause::Outbid);
        stayed.ending = Some(Ending::OnStandby);
        stayed.success = Some(false);
        stayed.total_time_ms = None;
        let rows = [status(10_000, FailoverState::Complete, Cause::Outbid), stayed];
        let found = report(&rows, &filter(), at(DAY_MS));
        assert_eq!(
            (found.successful_failovers, found.on_standby_failovers, found.failed_failovers),
            (1, 1, 0)
        );
        assert_eq!((found.success_rate, found.mttr_p50_ms), (Some(50.0), Some(10_000)));
        let ended: usize = found.trend.iter().map(|part| part.on_standby).sum();
        assert_eq!(ended, 1);
    }

    #[test]
    fn a_headline_is_a_median_and_a_mean_is_named_as_one() {
        let rows: Vec<FailoverStatus> = [1_000, 1_000, 100_000]
            .into_iter()
            .map(|ms| {
                let mut row = status(ms, FailoverState::Complete, Cause::Outbid);
                row.phase_timings_ms.insert(Phase::Detecting, ms);
                row
            })
            .collect();
        let found = report(&rows, &filter(), at(DAY_MS));
        assert_eq!((found.mttr_p50_ms, found.mttr_ms), (Some(1_000), Some(34_000)));
        assert_eq!(found.latency_by_phase_p50_ms[&Phase::Detecting], Some(1_000));
        assert_eq!(found.latency_by_phase_ms[&Phase::Detecting], Some(34_000));
    }

    #[test]
    fn kinds_and_sandboxes_are_never_mixed_and_old_ones_are_left_out() {
        let mut drill = status(1, FailoverState::Complete, Cause::Drill);
        drill.kind = Kind::Drill;
        let mut live = status(2, FailoverState::Complete, Cause::Outbid);
        live.sandbox = false;
        let ours = status(3, FailoverState::Complete, Cause::Outbid);
        let rows = [drill, live, ours];
        assert_eq!(report(&rows, &filter(), at(DAY_MS)).mttr_ms, Some(3));
        assert_eq!(report(&rows, &Filter::usual(false), at(DAY_MS)).mttr_ms, Some(2));
        let drills = Filter { kind: Kind::Drill, ..filter() };
        let rehearsed = report(&rows, &drills, at(DAY_MS));
        assert_eq!((rehearsed.mttr_ms, rehearsed.standby_time_ms), (Some(1), None));
        assert_eq!(report(&rows, &filter(), at(31 * DAY_MS)).total_failovers, 0);
    }

    #[test]
    fn a_machine_is_found_by_any_of_its_names() {
        let rows = [status(3, FailoverState::Complete, Cause::Outbid)];
        for name in ["assoc", "trainer", "42", "77"] {
            let wanted = Filter { machine: Some(name.into()), ..filter() };
            assert_eq!(report(&rows, &wanted, at(DAY_MS)).total_failovers, 1, "{name}");
        }
        let other = Filter { machine: Some("4".into()), ..filter() };
        assert_eq!(report(&rows, &other, at(DAY_MS)).total_failovers, 0);
    }

    proptest! {
        #[test]
        fn figures_lie_between_the_least_and_the_most(times in prop::collection::vec(0_i64..10_000_000, 1..60)) {
            let rows: Vec<FailoverStatus> =
                times.iter().map(|ms| status(*ms, FailoverState::Complete, Cause::Outbid)).collect();
            let found = report(&rows, &filter(), at(DAY_MS));
            let (low, high) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
            for figure in [found.mttr_ms, found.mttr_p50_ms, found.mttr_p95_ms] {
                prop_assert!((low..=high).contains(&figure.unwrap()));
            }
            prop_assert!(found.mttr_p50_ms <= found.mttr_p95_ms);
            prop_assert_eq!(found.history.len(), times.len());
            prop_assert_eq!(found.success_rate, Some(100.0));
        }

        #[test]
        fn the_order_of_the_rows_changes_nothing(times in prop::collection::vec(0_i64..1_000_000, 0..20), turn in 0_usize..20) {
            let rows: Vec<FailoverStatus> = times
                .iter()
                .enumerate()
                .map(|(index, ms)| {
                    let mut row = status(*ms, FailoverState::Complete, Cause::Outbid);
                    row.failover_id = crate::id::FailoverId::new(format!("f{index}"));
                    row
                })
                .collect();
            let mut turned = rows.clone();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
            }
            prop_assert_eq!(report(&rows, &filter(), at(1)), report(&turned, &filter(), at(1)));
        }
    }
}
