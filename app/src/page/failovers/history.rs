//! Failovers in a list, newest first.

use domain::failover::FailoverState;
use domain::view::report::HistoryRow;
use leptos::prelude::*;

use crate::format;
use crate::router::Route;
use crate::text;
use crate::ui::{Tone, badge, cell, clock_time, key_cell, kind_badge, number_cell, table, unknown};
use crate::visit::Visit;

/// How a failover stands, to the eye.
pub(crate) const fn state_tone(state: FailoverState) -> Tone {
    match state {
        FailoverState::Running => Tone::Busy,
        FailoverState::Waiting | FailoverState::Cancelling => Tone::Warn,
        FailoverState::Complete => Tone::Ok,
        FailoverState::Failed => Tone::Down,
        FailoverState::Cancelled => Tone::Quiet,
    }
}

/// The list; with the machine's name where they are of several.
pub(crate) fn history_table(visit: &Visit, rows: &[HistoryRow], machines: bool) -> AnyView {
    let t = visit.t();
    let lines = rows.iter().map(|row| line(visit, row, machines)).collect();
    let mut columns = vec![(t.col_when, false), (t.kind_label, false)];
    if machines {
        columns.push((t.col_machine, false));
    }
    columns.extend([
        (t.col_cause, false),
        (t.col_outcome, false),
        (t.to_cpu, true),
        (t.to_gpu, true),
        (t.lost_writes, true),
        (t.files_verified, true),
        (t.cost, true),
    ]);
    table(t.history, &columns, lines)
}

fn line(visit: &Visit, row: &HistoryRow, machines: bool) -> AnyView {
    let t = visit.t();
    let lang = visit.lang;
    let span = |ms: Option<i64>| {
        ms.map_or_else(|| unknown(t.dash), |ms| format::span(ms, lang).into_any())
    };
    let href = Route::Failover(row.failover_id.clone()).path();
    let machine = machines.then(|| {
        cell(t.col_machine, view! {
            <a href=Route::Machine(row.new_gpu_id.unwrap_or(row.gpu_instance_id)).path()>{row.machine_name.clone()}</a>
        })
    });
    let files = row
        .files_verified
        .map_or_else(|| unknown(t.dash), |count| format::count(count, lang).into_any());
    let lost = match row.rpo_ms {
        None => unknown(t.dash),
        Some(0) => t.none_lost.into_any(),
        Some(ms) => format!("≤ {}", format::span(ms, lang)).into_any(),
    };
    view! {
        <tr data-key=row.failover_id.to_string()>
            {key_cell(view! { <a href=href>{clock_time(visit, row.started_at)}</a> })}
            {cell(t.kind_label, kind_badge(visit, row.kind, row.sandbox))}
            {machine}
            {cell(t.col_cause, text::cause(row.cause, t))}
            {cell(t.col_outcome, view! {
                {badge(state_tone(row.state), text::failover_state(row.state, t))}
                <span class="words">{visit.told(row.error.as_ref())}</span>
            })}
            {number_cell(t.to_cpu, span(row.time_to_cpu_ms))}
            {number_cell(t.to_gpu, span(row.total_time_ms))}
            {number_cell(t.lost_writes, lost)}
            {number_cell(t.files_verified, files)}
            {number_cell(t.cost, format::usd(row.cost_usd, lang))}
        </tr>
    }
    .into_any()
}
