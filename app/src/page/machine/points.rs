//! The recovery points of a machine's copy: which there are, of what they were made, what they lacked.

use domain::association::Serving;
use domain::id::GpuId;
use domain::point::{Lacks, PointKind, ReturnState};
use domain::view::machine::MachinePage;
use domain::view::points::{PointReturn, RecoveryPoint, RecoveryPoints};
use leptos::prelude::*;

use super::named;
use crate::control_plane::{Answer, ControlPlane};
use crate::format;
use crate::page::Page;
use crate::page::problem::done_word;
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::{self, fill, plural};
use crate::ui::{
    Tone, ago, badge, cell, heading, key_cell, notice, number_cell, properties, table, unknown,
};
use crate::visit::Visit;

pub(crate) async fn answer(
    gpu: GpuId,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let machine = plane.known_machine(gpu).await?;
    let found = plane.points(gpu).await?;
    let word = request.query.get("said").map(str::to_owned);
    Outcome::page(move |visit| page(visit, &machine, &found, word.as_deref()))
}

fn page(visit: &Visit, machine: &MachinePage, found: &RecoveryPoints, word: Option<&str>) -> Page {
    let t = visit.points();
    let back = Route::Machine(machine.row.gpu_instance_id).path();
    let state = view! { <a href=back>{named(visit, machine)}</a> };
    let body = view! {
        <div data-key="points">
            {heading(t.points.to_owned(), Some(state.into_any()), None)}
            {done_word(visit, word)}
            {found.last_return.as_ref().map(|back| returned(visit, back))}
            {if found.kept { kept(visit, machine, found) } else { not_kept(visit, found) }}
        </div>
    };
    Page::new(t.points, body.into_any()).live("association")
}

/// Where there are none, and what there is instead.
fn not_kept(visit: &Visit, found: &RecoveryPoints) -> AnyView {
    let t = visit.points();
    match found.why_rsync {
        Some(why) => {
            let why = text::why_rsync(why, visit.t());
            notice(Tone::Quiet, fill(t.points_rsync, &[("why", why)]), None)
        }
        None => notice(Tone::Quiet, t.points_unknown, None),
    }
}

fn kept(visit: &Visit, machine: &MachinePage, found: &RecoveryPoints) -> AnyView {
    let t = visit.points();
    let lang = visit.lang;
    let where_to = match found.serving {
        Serving::Gpu => Some(t.points_gpu),
        Serving::Standby => Some(t.points_standby),
        Serving::None => None,
    };
    let cut_off = visit.told(found.cut_off.as_ref()).map(|words| {
        notice(
            Tone::Warn,
            t.points_cut_off,
            Some(view! { <p class="words">{words}</p> }.into_any()),
        )
    });
    let count = |count: Option<i64>| {
        count.map_or_else(
            || unknown(visit.t().unknown),
            |count| format::count(count, lang).into_any(),
        )
    };
    let history = found
        .history_bytes
        .map_or_else(|| unknown(visit.t().unknown), |bytes| format::bytes(bytes, lang).into_any());
    let proven = found.proven_since.map_or_else(|| unknown(visit.t().unknown), |at| ago(visit, at));
    let gpu = machine.row.gpu_instance_id;
    let rows: Vec<AnyView> = found.points.iter().map(|point| row(visit, gpu, point)).collect();
    let columns = [
        (t.col_point, false),
        (visit.t().col_when, false),
        (t.col_made_of, false),
        (t.col_size, true),
        (t.col_changed, true),
        (t.col_lacked, false),
        (t.point_go_back, false),
    ];
    let listed = if rows.is_empty() {
        view! { <p class="muted">{t.points_none}</p> }.into_any()
    } else {
        table(t.points, &columns, rows)
    };
    view! {
        {where_to.map(|words| view! { <p>{words}</p> })}
        {cut_off}
        {properties(vec![
            (t.points_count, count(found.count)),
            (t.points_proven, proven),
            (t.points_history, history),
        ])}
        <p class="muted">{t.points_kept}</p>
        {listed}
    }
    .into_any()
}

fn row(visit: &Visit, gpu: GpuId, point: &RecoveryPoint) -> AnyView {
    let t = visit.points();
    let lang = visit.lang;
    let files = plural(point.files, visit.t().files_one, visit.t().files_many, lang);
    let size = format!("{files}, {}", format::bytes(point.bytes, lang));
    let href = Route::Point(gpu, point.id).path();
    let label = fill(t.point_look, &[("id", &point.id.to_string())]);
    view! {
        <tr data-key=point.id.to_string()>
            {key_cell(point.id.to_string())}
            {cell(visit.t().col_when, ago(visit, point.at))}
            {cell(t.col_made_of, view! {
                {kind(visit, point.kind)}
                {point.pinned.then(|| view! { " " {badge(Tone::Quiet, t.point_pinned)} })}
            })}
            {number_cell(t.col_size, size)}
            {number_cell(t.col_changed, format::count(point.changed, lang))}
            {cell(t.col_lacked, lacked(visit, point.lacks))}
            {cell(t.point_go_back, view! { <a href=href aria-label=label data-dialog="">{t.point_go_back}</a> })}
        </tr>
    }
    .into_any()
}

/// Of what it was made, and how its contents are known.
pub(super) const fn kind(visit: &Visit, kind: PointKind) -> &'static str {
    let t = visit.points();
    match kind {
        PointKind::Scan => t.kind_scan,
        PointKind::Watched => t.kind_watched,
        PointKind::Standby => t.kind_standby,
        PointKind::Back => t.kind_back,
    }
}

/// What it lacked when it was made; of one that was made of something else nobody knows.
fn lacked(visit: &Visit, lacks: Option<Lacks>) -> AnyView {
    let t = visit.points();
    let Some(lacks) = lacks else { return unknown(visit.t().unknown) };
    let all = [
        (lacks.in_flux, t.lacked_in_flux),
        (lacks.corrupt, t.lacked_corrupt),
        (lacks.not_protected, t.lacked_not_protected),
    ];
    let told: Vec<AnyView> = all
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| {
            let word = format!("{} × {word}", format::count(count, visit.lang));
            view! { {badge(Tone::Warn, word)} " " }.into_any()
        })
        .collect();
    if told.is_empty() { t.lacked_none.into_any() } else { told.into_any() }
}

/// What became of the newest way back.
pub(super) fn returned(visit: &Visit, back: &PointReturn) -> AnyView {
    let t = visit.points();
    let path = if back.path.is_empty() { t.path_all } else { back.path.as_str() };
    let of = [("id", back.point.to_string()), ("path", path.to_owned())];
    let filled = |template: &str, files: &str| {
        let [(id, point), (at, path)] = &of;
        fill(template, &[(id, point), (at, path), ("n", files)])
    };
    let problem = visit
        .told(back.problem.as_ref())
        .map(|words| view! { <p class="words">{words}</p> }.into_any());
    match back.state {
        ReturnState::Asked => {
            let tried = problem.map(|words| view! { <p>{t.return_tried}</p> {words} }.into_any());
            notice(Tone::Busy, filled(t.return_goes_on, ""), tried)
        }
        ReturnState::Done => {
            let files = back.files.map_or_else(
                || visit.t().unknown.to_owned(),
                |files| format::count(files, visit.lang),
            );
            let before = back.before.map(|before| {
                let words = fill(t.return_before, &[("id", &before.to_string())]);
                view! { <p>{words}</p> }.into_any()
            });
            notice(Tone::Ok, filled(t.return_done, &files), before)
        }
        ReturnState::Failed => notice(Tone::Warn, filled(t.return_failed, ""), problem),
    }
}
