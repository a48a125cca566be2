//! How far a machine's copy is, and the syncs that brought it there.

use domain::association::{AssociationState, DataPath, Serving};
use domain::view::machine::{MachinePage, SyncCycle};
use domain::view::standby::Association;
use leptos::prelude::*;

use super::drift;
use super::exposure::exposure;
use super::machines::copy;
use crate::format;
use crate::page::gaps;
use crate::router::Route;
use crate::text::{self, fill};
use crate::ui::{
    Tone, ago, ago_or, badge, card, cell, clock_time, key_cell, notice, number_cell, properties,
    table, unknown,
};
use crate::visit::Visit;

/// How many of the newest syncs the table has; the chart has all that are told.
const SHOWN: usize = 20;

/// How far the copy is.
pub(super) fn sync(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    let Some(tie) = &data.row.association else {
        return card("sync", t.sync, view! { <p class="muted">{t.not_protected}</p> }.into_any());
    };
    let size = |files: Option<i64>, bytes: Option<i64>| match (files, bytes) {
        (Some(files), Some(bytes)) => fill(
            t.files_bytes,
            &[
                ("files", &format::count(files, visit.lang)),
                ("bytes", &format::bytes(bytes, visit.lang)),
            ],
        )
        .into_any(),
        _ => unknown(t.unknown),
    };
    // What froze it stands above; while the work is on the standby nothing is copied that could fail.
    let quiet = tie.state == AssociationState::Frozen || tie.serving == Serving::Standby;
    let problem = visit.told(tie.sync_problem.as_ref()).filter(|_| !quiet).map(|words| {
        notice(Tone::Warn, t.sync_failed, Some(view! { <p class="words">{words}</p> }.into_any()))
    });
    // On the standby nothing is copied: what was counted last says nothing of what is written there.
    let waiting = if tie.serving == Serving::Standby {
        unknown(t.dash)
    } else {
        size(tie.pending_files, tie.pending_bytes)
    };
    let body = view! {
        {problem}
        {drift::drift(visit, tie)}
        {properties(vec![
            (t.sync_follows, follows(visit, tie)),
            (t.follows_by, means(visit, tie)),
            (t.gaps, gaps::counts(visit, tie.gaps.as_ref())),
            (visit.points().sight, drift::sight(visit, tie.gaps.as_ref())),
            (visit.points().watched, drift::watched(visit, tie.gaps.as_ref())),
            (t.col_copy, copy(visit, Some(tie))),
            (t.sync_waiting, waiting),
            (t.col_recovery_point, tie.recovery_point_at.map_or_else(|| unknown(t.none_yet), |at| clock_time(visit, at))),
            (t.sync_copied, size(tie.files, tie.bytes)),
            (t.sync_count, format::count(tie.sync_count, visit.lang).into_any()),
            (t.sync_last, ago_or(visit, tie.last_sync_at, t.never)),
            (t.workspace, view! { <code>{tie.workspace.clone()}</code> }.into_any()),
        ])}
        {gaps::named(visit, tie.gaps.as_ref())}
        <p><a href=Route::Points(data.row.gpu_instance_id).path()>{visit.points().points}</a></p>
        {(tie.follows_by == Some(DataPath::Rsync)).then(|| view! { <p class="muted">{t.rsync_promise}</p> })}
        {(tie.serving != Serving::Standby).then(|| exposure(visit, data))}
        {cycles(visit, &data.cycles)}
    };
    card("sync", t.sync, body.into_any())
}

/// Whether it follows now, and what it does instead where that was wanted.
fn follows(visit: &Visit, tie: &Association) -> AnyView {
    let t = visit.t();
    match (tie.sync_enabled, tie.state) {
        (false, _) => t.off.into_any(),
        (true, AssociationState::Following) if tie.follows => t.on.into_any(),
        (true, AssociationState::Following) => t.follows_not.into_any(),
        (true, state) => text::association(state, t).into_any(),
    }
}

/// By which means, and why by rsync.
fn means(visit: &Visit, tie: &Association) -> AnyView {
    let t = visit.t();
    match (tie.follows_by, tie.why_rsync) {
        (None, _) => unknown(t.unknown),
        (Some(DataPath::Agent), _) => t.by_agent.into_any(),
        (Some(DataPath::Rsync), why) => {
            let why = why.map_or(t.unknown, |why| text::why_rsync(why, t));
            fill(t.by_rsync, &[("why", why)]).into_any()
        }
    }
}

fn cycles(visit: &Visit, all: &[SyncCycle]) -> Option<AnyView> {
    let t = visit.t();
    if all.is_empty() {
        return None;
    }
    let number = |value: Option<i64>| {
        value.map_or_else(|| unknown(t.dash), |value| format::count(value, visit.lang).into_any())
    };
    let rows = all
        .iter()
        .take(SHOWN)
        .map(|cycle| {
            let took = cycle.ended_at.0.since(cycle.started_at.0).max(0);
            let tone = if cycle.outcome == "ok" { Tone::Ok } else { Tone::Warn };
            let sent = cycle
                .bytes_sent
                .map_or_else(|| unknown(t.dash), |sent| format::bytes(sent, visit.lang).into_any());
            view! {
                <tr data-key=cycle.started_at.to_string()>
                    {key_cell(ago(visit, cycle.started_at))}
                    {cell(t.col_outcome, view! {
                        {badge(tone, text::cycle(&cycle.outcome, t))}
                        <span class="words">{visit.told(cycle.error.as_ref())}</span>
                    })}
                    {number_cell(t.col_files_sent, number(cycle.files_sent))}
                    {number_cell(t.col_sent, sent)}
                    {number_cell(t.col_deleted, number(cycle.files_deleted))}
                    {number_cell(t.col_took, format::span(took, visit.lang))}
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [
        (t.col_when, false),
        (t.col_outcome, false),
        (t.col_files_sent, true),
        (t.col_sent, true),
        (t.col_deleted, true),
        (t.col_took, true),
    ];
    let body = view! { <details><summary>{t.sync_cycles}</summary>{table(t.sync_cycles, &columns, rows)}</details> };
    Some(body.into_any())
}
