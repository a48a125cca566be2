//! The failover report: one kind, one period, every figure from the journal.

pub(crate) mod chart;
pub(crate) mod history;
mod trend;

use domain::failover::Kind;
use domain::verdict::Cause;
use domain::view::failover::ActiveFailovers;
use domain::view::problem::Problem;
use domain::view::report::{FailoverReport, ReportQuery};
use leptos::prelude::*;

pub(crate) use self::history::history_table;
use super::Page;
use crate::control_plane::{Answer, ControlPlane};
use crate::form::{Fields, encode};
use crate::format;
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::{self, fill};
use crate::ui::{
    Control, Field, Pages, card, clock_time, empty, field, heading, kind_badge, pager, said, stat,
    tabs, unknown,
};
use crate::visit::Visit;

/// The periods on offer, days.
const PERIODS: [i64; 3] = [7, 30, 90];

/// What the report is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    days: i64,
    kind: Kind,
    machine: String,
    cause: String,
}

impl Wanted {
    fn read(query: &Fields) -> Self {
        let days = query.get("days").and_then(|text| text.parse().ok());
        Self {
            days: days.filter(|days| (1..=365).contains(days)).unwrap_or(30),
            kind: query.get("kind").and_then(|word| word.parse().ok()).unwrap_or(Kind::Real),
            machine: query.text("machine"),
            cause: query
                .get("cause")
                .filter(|word| word.parse::<Cause>().is_ok())
                .unwrap_or_default()
                .to_owned(),
        }
    }

    fn query(&self) -> ReportQuery {
        let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        ReportQuery {
            days: Some(self.days),
            kind: Some(self.kind.to_string()),
            machine: named(&self.machine),
            cause: named(&self.cause),
            format: None,
        }
    }

    fn words(&self) -> String {
        let mut words = format!("days={}&kind={}", self.days, self.kind);
        for (name, value) in [("machine", &self.machine), ("cause", &self.cause)] {
            if !value.is_empty() {
                words.push_str(&format!("&{name}={}", encode(value)));
            }
        }
        words
    }

    fn page(&self) -> String {
        format!("{}?{}", Route::Failovers.path(), self.words())
    }

    fn export(&self, format: &str) -> String {
        format!("/api/v1/standby/failover/report?{}&format={format}", self.words())
    }
}

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let wanted = Wanted::read(&request.query);
    let query = request.query.clone();
    let active = plane.active().await?;
    let report = plane.report(wanted.query()).await;
    let report = match report {
        Err(problem) if problem.status != 422 => return Err(problem),
        other => other,
    };
    Outcome::page(move |visit| page(visit, &wanted, &query, &active, report.as_deref()))
}

fn page(
    visit: &Visit,
    wanted: &Wanted,
    query: &Fields,
    active: &ActiveFailovers,
    report: Result<&FailoverReport, &Problem>,
) -> Page {
    let problem = report.err();
    let title = text::kinds(wanted.kind, visit.t());
    let state = report.ok().map(|report| sentence(visit, report));
    let refresh = if active.active_count > 0 { "1000" } else { "15000" };
    let content = match report {
        Err(problem) => said(visit, Some(problem)).into_any(),
        Ok(report) if report.history.is_empty() => nothing(visit, wanted),
        Ok(report) => {
            let pages = Pages::read(query, report.history.len());
            figures(visit, report, history(visit, wanted, report, &pages))
        }
    };
    let body = view! {
        <div data-key="failovers" data-refresh=refresh class="report">
            {heading(title, state, Some(exports(visit, wanted)))}
            {under_way(visit, active)}
            {filters(visit, wanted, problem)}
            {content}
        </div>
    };
    Page::new(title, body.into_any()).live("failover").of(problem)
}

fn sentence(visit: &Visit, report: &FailoverReport) -> AnyView {
    view! { {kind_badge(visit, report.kind, report.sandbox)} " " {summed(visit, report)} }
        .into_any()
}

/// The report in one sentence.
pub(crate) fn summed(visit: &Visit, report: &FailoverReport) -> String {
    let t = visit.t();
    let number = |count: usize| format::count(i64::try_from(count).unwrap_or(i64::MAX), visit.lang);
    let days = format::count(report.period_days, visit.lang);
    if report.total_failovers == 0 {
        return fill(text::none_in(report.kind, t), &[("days", &days)]);
    }
    fill(
        text::some_in(report.kind, t),
        &[
            ("days", &days),
            ("total", &number(report.total_failovers)),
            ("good", &number(report.successful_failovers)),
            ("standby", &number(report.on_standby_failovers)),
            ("failed", &number(report.failed_failovers)),
        ],
    )
}

/// Failovers that go on now, of any kind: always on top, each with its kind.
fn under_way(visit: &Visit, active: &ActiveFailovers) -> Option<AnyView> {
    let t = visit.t();
    if active.failovers.is_empty() {
        return None;
    }
    let lines = active
        .failovers
        .iter()
        .map(|status| {
            let href = Route::Failover(status.failover_id.clone()).path();
            view! {
                <li data-key=status.failover_id.to_string()>
                    {kind_badge(visit, status.kind, status.sandbox)} " "
                    <a href=href>{status.machine_name.clone()}</a> " · "
                    {text::phase(status.phase, t)} " " {t.since} " " {clock_time(visit, status.started_at)}
                </li>
            }
        })
        .collect_view();
    Some(card("under-way", t.under_way_now, view! { <ul class="plain">{lines}</ul> }.into_any()))
}

fn exports(visit: &Visit, wanted: &Wanted) -> AnyView {
    let t = visit.t();
    view! {
        <a class="button" href=wanted.export("csv") download="">{t.export_csv}</a>
        <a class="button" href=wanted.export("json")>{t.export_json}</a>
    }
    .into_any()
}

fn filters(visit: &Visit, wanted: &Wanted, problem: Option<&Problem>) -> AnyView {
    let t = visit.t();
    let kinds = Kind::ALL
        .iter()
        .map(|kind| {
            let there = Wanted { kind: *kind, cause: String::new(), ..wanted.clone() };
            (there.page(), text::kinds(*kind, t).to_owned(), *kind == wanted.kind)
        })
        .collect();
    let periods = PERIODS
        .iter()
        .map(|days| {
            let there = Wanted { days: *days, ..wanted.clone() };
            (there.page(), fill(t.last_days, &[("days", &days.to_string())]), *days == wanted.days)
        })
        .collect();
    let mut causes = vec![(String::new(), t.cause_any.to_owned())];
    causes.extend(
        Cause::ALL.iter().map(|cause| (cause.to_string(), text::cause(*cause, t).to_owned())),
    );
    let machine = Field {
        name: "machine",
        label: t.col_machine,
        hint: None,
        value: wanted.machine.clone(),
        required: false,
        unit: None,
        control: Control::Text { kind: "text", autocomplete: "off" },
    };
    let cause = Field {
        name: "cause",
        label: t.col_cause,
        hint: None,
        value: wanted.cause.clone(),
        required: false,
        unit: None,
        control: Control::Choice(causes),
    };
    view! {
        <div class="filters">
            {tabs(t.kind_label, kinds)}
            {tabs(t.period_label, periods)}
            <form method="get" action=Route::Failovers.path() class="narrowing">
                <input type="hidden" name="days" value=wanted.days.to_string()/>
                <input type="hidden" name="kind" value=wanted.kind.to_string()/>
                {field(visit, problem, machine)}
                {field(visit, problem, cause)}
                <button type="submit" class="button">{t.filter}</button>
            </form>
        </div>
    }
    .into_any()
}

/// An empty report says that nothing happened, not that nothing succeeded.
fn nothing(visit: &Visit, wanted: &Wanted) -> AnyView {
    let t = visit.t();
    let text = match wanted.kind {
        Kind::Real => t.report_empty_real,
        Kind::Drill => t.report_empty_drill,
        Kind::Planned => t.report_empty_planned,
    };
    empty(t.report_empty, text, None)
}

/// One page of all the failovers of the period.
fn history(visit: &Visit, wanted: &Wanted, report: &FailoverReport, pages: &Pages) -> AnyView {
    view! {
        {history_table(visit, pages.rows(&report.history), true)}
        {pager(visit, pages, &wanted.page())}
    }
    .into_any()
}

fn figures(visit: &Visit, report: &FailoverReport, history: AnyView) -> AnyView {
    let t = visit.t();
    let lang = visit.lang;
    let span = |ms: Option<i64>| {
        ms.map_or_else(|| unknown(t.unknown), |ms| format::span(ms, lang).into_any())
    };
    let number = |count: usize| format::count(i64::try_from(count).unwrap_or(i64::MAX), lang);
    let of = |count: usize, all: usize| {
        if all == 0 {
            unknown(t.none_asked)
        } else {
            format!("{} / {}", number(count), number(all)).into_any()
        }
    };
    let rate = report
        .success_rate
        .map_or_else(|| unknown(t.unknown), |rate| format::percent(rate, lang).into_any());
    let ended = fill(
        if report.kind == Kind::Drill { t.report_ended_drill } else { t.report_ended },
        &[
            ("good", &number(report.successful_failovers)),
            ("standby", &number(report.on_standby_failovers)),
            ("failed", &number(report.failed_failovers)),
        ],
    );
    let others = fill(
        t.report_others,
        &[
            ("cancelled", &number(report.cancelled_failovers)),
            ("active", &number(report.active_failovers)),
        ],
    );
    let quantiles = match (report.mttr_ms, report.mttr_p95_ms) {
        (Some(mean), Some(most)) => Some(fill(
            t.quantiles,
            &[("mean", &format::span(mean, lang)), ("p95", &format::span(most, lang))],
        )),
        _ => None,
    };
    let detection =
        report.latency_by_phase_p50_ms.get(&domain::failover::Phase::Detecting).copied().flatten();
    let cause = report
        .primary_cause
        .map_or_else(|| unknown(t.unknown), |cause| text::cause(cause, t).into_any());
    let cost = report
        .cost_usd
        .map_or_else(|| unknown(t.unknown), |cost| format::usd(cost, lang).into_any());
    view! {
        <dl class="stats">
            {stat(t.stat_total, number(report.total_failovers).into_any(), Some(view! { {ended} <br/> {others} }.into_any()))}
            {stat(
                if report.kind == Kind::Drill { t.stat_rate_drill } else { t.stat_rate },
                rate,
                Some(t.stat_rate_what.into_any()),
            )}
            {stat(t.stat_mttr, span(report.mttr_p50_ms), quantiles.map(IntoAny::into_any))}
            {stat(t.stat_cpu, span(report.time_to_cpu_p50_ms), Some(t.median.into_any()))}
            {stat(t.stat_detection, span(detection), Some(t.median.into_any()))}
            {stat(t.stat_restored, of(report.data_restored_count, report.data_restored_of), Some(t.stat_restored_what.into_any()))}
            {stat(t.stat_gpus, of(report.gpus_provisioned_count, report.gpus_provisioned_of), None)}
            {stat(t.stat_standby_time, span(report.standby_time_ms), Some(t.stat_standby_time_what.into_any()))}
            {stat(t.stat_cause, cause, None)}
            {stat(t.stat_cost, cost, Some(t.stat_cost_what.into_any()))}
        </dl>
        {card("trend", t.trend, trend::trend(visit, report))}
        {card("phases", t.phases_mean, chart::phases(visit, report))}
        {card("history", t.history, history)}
    }
    .into_any()
}
