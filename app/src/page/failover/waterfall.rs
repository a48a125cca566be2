//! The phases on one time axis, our own time and the providers' told apart. It is a table: each
//! lane stands beside its figures.

use domain::failover::{FailoverState, Outcome, Phase};
use domain::time::Millis;
use domain::view::failover::{FailoverPage, JournalRow, PhaseWindow};
use leptos::prelude::*;

use crate::format;
use crate::page::failovers::chart::{PHASES, legend};
use crate::text;
use crate::ui::chart::lane::{Bar, Line, axis, lane};
use crate::ui::{Tone, cell, key_cell, mark, number_cell, table, unknown};
use crate::visit::Visit;

pub(super) fn waterfall(visit: &Visit, data: &FailoverPage) -> AnyView {
    let t = visit.t();
    let start = data.status.started_at.0;
    let length = length(data);
    let lines: Vec<Line> =
        [(data.status.time_to_cpu_ms, "cpu"), (data.status.total_time_ms, "gpu")]
            .into_iter()
            .filter_map(|(at, class)| Some(Line { at: at?, class }))
            .collect();
    let span = |ms: i64| {
        view! { <span title=format::precise(ms, visit.lang)>{format::span(ms, visit.lang)}</span> }
            .into_any()
    };
    let rows = PHASES
        .iter()
        .map(|phase| {
            let window = data.status.phases.iter().find(|window| window.name == *phase);
            let rows: Vec<&JournalRow> =
                data.journal.iter().filter(|row| row.phase == Some(*phase)).collect();
            let bars: Vec<Bar> = rows
                .iter()
                .map(|row| bar(row, *phase, start, data.as_of.0))
                .chain(rows.iter().enumerate().filter_map(|(place, row)| {
                    let next = rows.get(place + 1).map(|next| next.started_at.0);
                    pause(row, next, start, data)
                }))
                .collect();
            let whole = window.map(|window| window.ended_at.map_or(data.as_of, |end| end).0.since(window.started_at.0).max(0));
            let theirs = window.map(|window| window.provider_ms);
            let waits = window.map(|window| window.waiting_ms);
            let own = window.map(|window| window.own_ms);
            let stands = state(window, &rows, &data.status.state);
            let dash = || unknown(t.dash);
            view! {
                <tr data-key=phase.to_string() class=stands.1>
                    {key_cell(view! { {progress(visit, stands)} {text::phase(*phase, t)} })}
                    {cell(t.chart, lane(format!("phase-{phase}"), length, &bars, &lines))}
                    {number_cell(t.begins, window.map_or_else(dash, |window| span(window.started_at.0.since(start).max(0))))}
                    {number_cell(t.col_took, whole.map_or_else(dash, span))}
                    {number_cell(t.provider_time, theirs.map_or_else(dash, span))}
                    {number_cell(t.waiting_time, waits.map_or_else(dash, span))}
                    {number_cell(t.own_time, own.map_or_else(dash, span))}
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        (t.phase, false),
        (t.chart, false),
        (t.begins, true),
        (t.col_took, true),
        (t.provider_time, true),
        (t.waiting_time, true),
        (t.own_time, true),
    ];
    view! {
        <div class="waterfall">
            {table(t.timeline, &columns, rows)}
            <div class="axis-row">{axis(length, visit.lang)}</div>
            {legend(visit)}
            {marks(visit)}
            <p class="fine">{t.timeline_what}</p>
        </div>
    }
    .into_any()
}

/// The whole axis: to the end of the last phase, or to now while it goes on.
fn length(data: &FailoverPage) -> i64 {
    let status = &data.status;
    let last = status
        .phases
        .iter()
        .map(|window| window.ended_at.unwrap_or(data.as_of).0)
        .max()
        .unwrap_or(data.as_of.0);
    let end = if status.state.is_over() { last } else { last.max(data.as_of.0) };
    end.since(status.started_at.0).max(1)
}

/// Detection begins with the last proof of life, before its own record.
fn bar(row: &JournalRow, phase: Phase, start: Millis, now: Millis) -> Bar {
    let from = if phase == Phase::Detecting { 0 } else { row.started_at.0.since(start).max(0) };
    let to = row.ended_at.map_or(now, |end| end.0).since(start).max(from);
    let failed = matches!(
        row.outcome,
        Some(Outcome::Failed | Outcome::NextRound | Outcome::Interrupted | Outcome::Retry)
    );
    Bar { from, to, provider: row.provider_ms, waiting: 0, open: row.ended_at.is_none(), failed }
}

/// The pause after an attempt that is to be repeated: others must give something first.
fn pause(
    row: &JournalRow,
    next: Option<Millis>,
    start: Millis,
    data: &FailoverPage,
) -> Option<Bar> {
    if row.outcome != Some(Outcome::Retry) {
        return None;
    }
    let until = match next {
        Some(next) => next,
        None if data.status.state.is_over() => return None,
        None => data.as_of.0,
    };
    let from = row.ended_at?.0.since(start).max(0);
    let to = row.retry_at?.0.min(until).since(start).max(from);
    Some(Bar { from, to, provider: 0, waiting: to - from, open: false, failed: false })
}

/// The rest of the legend: how attempts look that run or did not end well, and what the lines mark.
fn marks(visit: &Visit) -> AnyView {
    let t = visit.t();
    view! {
        <p class="legend">
            <svg width="16" height="12" class="lane" aria-hidden="true"><rect class="own open" width="16" height="12" rx="1"></rect></svg>
            {t.legend_runs}
            <svg width="16" height="12" class="lane" aria-hidden="true"><rect class="own failed" width="16" height="12" rx="1"></rect></svg>
            {t.legend_failed}
            <svg width="16" height="12" class="lane" aria-hidden="true"><line class="tick cpu" x1="8" x2="8" y1="0" y2="12"></line></svg>
            {t.legend_cpu}
            <svg width="16" height="12" class="lane" aria-hidden="true"><line class="tick gpu" x1="8" x2="8" y1="0" y2="12"></line></svg>
            {t.legend_gpu}
        </p>
    }
    .into_any()
}

/// A phase that runs, is done, was left, or is still to come.
fn state(
    window: Option<&PhaseWindow>,
    rows: &[&JournalRow],
    state: &FailoverState,
) -> (Tone, &'static str) {
    let last = rows.iter().max_by_key(|row| row.seq);
    let failed = last.is_some_and(|row| row.outcome != Some(Outcome::Ok));
    match window {
        // One that ended without its step being done was left, however it is drawn.
        Some(window) if window.ended_at.is_some() && !(failed && state.is_over()) => {
            (Tone::Ok, "done")
        }
        Some(_) if state.is_over() => (Tone::Down, "left"),
        Some(_) => (Tone::Busy, "runs"),
        None => (Tone::Quiet, "to-come"),
    }
}

fn progress(visit: &Visit, (tone, class): (Tone, &'static str)) -> AnyView {
    let t = visit.t();
    let word = match class {
        "done" => t.phase_done,
        "left" => t.phase_left,
        "runs" => t.phase_runs,
        _ => t.phase_to_come,
    };
    view! { {mark(tone)} <span class="hidden">{word} ": "</span> }.into_any()
}
