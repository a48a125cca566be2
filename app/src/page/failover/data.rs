//! What became of the data, and of every instance and its money.

use domain::failover::{Kind, Role};
use domain::view::failover::{FailoverPage, FailoverStatus, Fate, TouchedInstance};
use leptos::prelude::*;

use crate::format;
use crate::page::gaps;
use crate::text::{self, fill};
use crate::ui::{
    Tone, ago, badge, cell, clock_time, key_cell, number_cell, properties, table, unknown,
};
use crate::visit::Visit;

pub(super) fn data(visit: &Visit, page: &FailoverPage) -> AnyView {
    let t = visit.t();
    let lang = visit.lang;
    let status = &page.status;
    let restored = match status.data_restored {
        Some(true) => badge(Tone::Ok, t.restored_yes),
        Some(false) => badge(Tone::Down, t.restored_no),
        None if status.options.new_gpu && status.options.restore => unknown(t.not_yet),
        None => unknown(t.restored_not_asked),
    };
    let proved = match (status.files_verified, status.bytes_verified) {
        (Some(files), Some(bytes)) => fill(
            t.files_bytes,
            &[("files", &format::count(files, lang)), ("bytes", &format::bytes(bytes, lang))],
        )
        .into_any(),
        _ => unknown(t.not_yet),
    };
    let point =
        status.recovery_point_at.map_or_else(|| unknown(t.unknown), |at| clock_time(visit, at));
    let mut rows = vec![
        (t.col_recovery_point, point),
        (loss_label(visit, status), loss(visit, status).0),
        (t.gaps, gaps::counts(visit, status.gaps.as_ref())),
        (t.restored, restored),
        (t.files_verified, proved),
    ];
    if let Some(ms) = status.freeze_ms {
        rows.push((t.frozen_for, format::span(ms, lang).into_any()));
    }
    view! { {properties(rows)} {lost(visit, page)} {gaps::named(visit, status.gaps.as_ref())} {hooks(visit, page)} }.into_any()
}

/// A drill loses nothing: it tells what a loss would have taken.
pub(super) const fn loss_label(visit: &Visit, status: &FailoverStatus) -> &'static str {
    let t = visit.t();
    if matches!(status.kind, Kind::Drill) { t.lost_writes_drill } else { t.lost_writes }
}

/// How much was lost, and what is known of it. *None* stands alone: never beside a span of time.
pub(super) fn loss(visit: &Visit, status: &FailoverStatus) -> (AnyView, Option<AnyView>) {
    let t = visit.t();
    let lang = visit.lang;
    let at_most = |ms| fill(t.at_most, &[("span", &format::span(ms, lang))]).into_any();
    let span = status.rpo_ms.map_or_else(|| unknown(t.unknown), at_most);
    match status.files_lost.as_deref() {
        Some([]) => (t.none_lost.into_any(), None),
        Some(files) => {
            let count = i64::try_from(files.len()).unwrap_or(i64::MAX);
            let named = text::plural(count, t.in_files_one, t.in_files_many, lang);
            (span, Some(named.into_any()))
        }
        None if status.rpo_ms.unwrap_or(0) == 0 => (unknown(t.unknown), None),
        None => (span, Some(t.files_unknown.into_any())),
    }
}

/// Lost writes by name.
fn lost(visit: &Visit, page: &FailoverPage) -> AnyView {
    let t = visit.t();
    let Some(files) = &page.status.files_lost else {
        return view! { <p class="muted">{t.lost_unknown}</p> }.into_any();
    };
    if files.is_empty() {
        return view! { <p>{t.lost_none}</p> }.into_any();
    }
    let names =
        files.iter().map(|name| view! { <li><code>{name.clone()}</code></li> }).collect_view();
    let title = if page.status.kind == Kind::Drill { t.lost_files_drill } else { t.lost_files };
    view! {
        <h3>{title}</h3>
        <ul class="files" tabindex="0" aria-label=title>{names}</ul>
        {page.status.files_lost_more.then(|| view! { <p class="muted">{t.lost_more}</p> })}
    }
    .into_any()
}

/// How the user's own commands ended.
fn hooks(visit: &Visit, page: &FailoverPage) -> Option<AnyView> {
    let t = visit.t();
    if page.hooks.is_empty() {
        return None;
    }
    let runs = page
        .hooks
        .iter()
        .map(|run| {
            let good = run.result.status == Some(0);
            let word = run.result.status.map_or_else(
                || t.hook_cut.to_owned(),
                |status| fill(t.hook_ended, &[("status", &status.to_string())]),
            );
            view! {
                <li>
                    {text::step(run.step, t)} " " {badge(if good { Tone::Ok } else { Tone::Warn }, word)}
                    {(!run.result.output.is_empty()).then(|| view! {
                        <details><summary>{t.hook_output}</summary><pre>{run.result.output.clone()}</pre></details>
                    })}
                </li>
            }
        })
        .collect_view();
    Some(view! { <h3>{t.hooks}</h3> <ul class="plain">{runs}</ul> }.into_any())
}

/// Every instance that it touched, its part, its fate and its cost.
pub(super) fn instances(visit: &Visit, page: &FailoverPage) -> AnyView {
    let t = visit.t();
    if page.status.instances.is_empty() {
        return view! { <p class="muted">{t.instances_none}</p> }.into_any();
    }
    let rows = page.status.instances.iter().map(|one| line(visit, one)).collect();
    let columns = [(t.instance, false), (t.col_role, false), (t.col_fate, false), (t.cost, true)];
    view! {
        {table(t.instances, &columns, rows)}
        <p class="total">{t.stat_cost} ": " <strong>{format::usd(page.status.cost_usd, visit.lang)}</strong></p>
    }
    .into_any()
}

/// Each side has its colour, here as everywhere.
const fn part(role: Role) -> Tone {
    match role {
        Role::OldGpu => Tone::Gpu,
        Role::NewGpu => Tone::NewGpu,
        Role::Standby => Tone::Standby,
        Role::Candidate | Role::Rental => Tone::Quiet,
    }
}

fn line(visit: &Visit, one: &TouchedInstance) -> AnyView {
    let t = visit.t();
    let tone = match one.fate {
        // That it is still there says nothing of how it is.
        Fate::Kept => Tone::Quiet,
        Fate::Destroyed => Tone::Quiet,
        Fate::Pending => Tone::Busy,
        Fate::Unknown => Tone::Warn,
    };
    let rate = one
        .usd_per_hour
        .map(|rate| fill(t.rate_hour, &[("amount", &format::rate(rate, visit.lang))]));
    let cost = one
        .cost_usd
        .map_or_else(|| unknown(t.dash), |cost| format::usd(cost, visit.lang).into_any());
    view! {
        <tr data-key=one.id.to_string()>
            {key_cell(view! { <code>{one.id.to_string()}</code> <span class="under">{text::provider(one.provider)}</span> })}
            {cell(t.col_role, badge(part(one.role), text::role(one.role, t)))}
            {cell(t.col_fate, view! {
                {badge(tone, text::fate(one.fate, t))}
                {one.kept_until.map(|at| view! { <span class="under">{t.kept_until} " " {clock_time(visit, at)}</span> })}
                {one.late_writes.as_ref().filter(|late| late.files > 0).map(|late| view! { <span class="under">{fill(t.late_saved, &[("files", &format::count(late.files, visit.lang)), ("bytes", &format::bytes(late.bytes, visit.lang))])} " " <code>{late.path.clone()}</code></span> })}
                {one.late_writes.as_ref().filter(|late| one.fate == Fate::Destroyed && !late.settled).map(|late| view! { <span class="under">{t.late_unsettled} " " {clock_time(visit, late.at)}</span> })}
                {one.verified_gone_at.map(|at| view! { <span class="under">{t.verified_gone} " " {ago(visit, at)}</span> })}
            })}
            {number_cell(t.cost, view! { {cost} {rate.map(|rate| view! { <span class="under">{rate}</span> })} })}
        </tr>
    }
    .into_any()
}
