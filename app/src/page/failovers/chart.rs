//! Mean length of each phase, as bars in a table: the chart and its figures are one.

use domain::failover::Phase;
use domain::view::report::FailoverReport;
use leptos::prelude::*;

use crate::format;
use crate::text;
use crate::ui::chart::lane::{Bar, lane};
use crate::ui::{cell, key_cell, number_cell, table, unknown};
use crate::visit::Visit;

/// The phases that have a length, in order.
pub(crate) const PHASES: [Phase; 6] = [
    Phase::Detecting,
    Phase::GpuLost,
    Phase::FailoverToCpu,
    Phase::SearchingGpu,
    Phase::Provisioning,
    Phase::Restoring,
];

pub(super) fn phases(visit: &Visit, report: &FailoverReport) -> AnyView {
    let t = visit.t();
    let mean = |phase: Phase| report.latency_by_phase_ms.get(&phase).copied().flatten();
    let provider = |phase: Phase| report.provider_by_phase_ms.get(&phase).copied().flatten();
    let waiting = |phase: Phase| report.waiting_by_phase_ms.get(&phase).copied().flatten();
    let ours = |phase: Phase| report.own_by_phase_ms.get(&phase).copied().flatten();
    let median = |phase: Phase| report.latency_by_phase_p50_ms.get(&phase).copied().flatten();
    let longest = PHASES.iter().filter_map(|phase| mean(*phase)).max().unwrap_or(0);
    if longest == 0 {
        return view! { <p class="muted">{t.phases_none}</p> }.into_any();
    }
    let span = |ms: Option<i64>| {
        ms.map_or_else(|| unknown(t.dash), |ms| format::span(ms, visit.lang).into_any())
    };
    let rows = PHASES
        .iter()
        .map(|phase| {
            let whole = mean(*phase);
            let theirs = provider(*phase);
            let (waits, own) = (waiting(*phase), ours(*phase));
            let parts = theirs.unwrap_or(0) + waits.unwrap_or(0) + own.unwrap_or(0);
            let bar = whole.map(|_| Bar {
                from: 0,
                to: parts,
                provider: theirs.unwrap_or(0),
                waiting: waits.unwrap_or(0),
                open: false,
                failed: false,
            });
            let bars: Vec<Bar> = bar.into_iter().collect();
            view! {
                <tr data-key=phase.to_string()>
                    {key_cell(text::phase(*phase, t))}
                    {cell(t.chart, lane(format!("phase-{phase}"), longest, &bars, &[]))}
                    {number_cell(t.median, span(median(*phase)))}
                    {number_cell(t.mean, span(whole))}
                    {number_cell(t.provider_time, span(theirs))}
                    {number_cell(t.waiting_time, span(waits))}
                    {number_cell(t.own_time, span(own))}
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        (t.phase, false),
        (t.chart, false),
        (t.median, true),
        (t.mean, true),
        (t.provider_time, true),
        (t.waiting_time, true),
        (t.own_time, true),
    ];
    view! { {table(t.phases_mean, &columns, rows)} {legend(visit)} }.into_any()
}

/// Which part of a bar is whose time.
pub(crate) fn legend(visit: &Visit) -> AnyView {
    let t = visit.t();
    view! {
        <p class="legend">
            <svg width="16" height="12" class="lane" aria-hidden="true"><rect class="own" width="16" height="12" rx="1"></rect></svg>
            {t.own_time}
            <svg width="16" height="12" class="lane" aria-hidden="true"><rect class="provider" y="3" width="16" height="6" rx="1"></rect></svg>
            {t.provider_time}
            <svg width="16" height="12" class="lane" aria-hidden="true"><rect class="waiting" y="5" width="16" height="2"></rect></svg>
            {t.waiting_time}
        </p>
    }
    .into_any()
}
