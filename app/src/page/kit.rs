//! Every component in all its states on one page, to look at and to compare: debug builds alone have
//! its address. What it shows is made up, and it says so by being nobody's page.

use domain::failover::Kind;
use domain::view::problem::{FieldProblem, Problem};
use leptos::prelude::*;

use super::Page;
use crate::ui::chart::band::{Piece, band};
use crate::ui::chart::columns::{Column, columns};
use crate::ui::chart::lane::{Bar, Line, axis, lane};
use crate::ui::chart::line::line;
use crate::ui::{
    Control, Field, Tone, act_link, badge, card, cell, command, empty, field, go_link, gone_button,
    heading, key_cell, kind_badge, notice, number_cell, post_button, properties, said, stat, table,
    tabs, tick, twin, unknown,
};
use crate::visit::Visit;

const TONES: [Tone; 8] = [
    Tone::Ok,
    Tone::Busy,
    Tone::Gpu,
    Tone::NewGpu,
    Tone::Standby,
    Tone::Warn,
    Tone::Down,
    Tone::Quiet,
];

pub(super) fn page(visit: &Visit) -> Page {
    let t = visit.t();
    let state = view! { {kind_badge(visit, Kind::Real, true)} " " {t.machine_safe} };
    let actions = view! { {go_link("#more", t.machines_add, "primary")} {post_button("#more", t.save, "", Vec::new())} };
    let body = view! {
        {heading(t.machines, Some(state.into_any()), Some(actions.into_any()))}
        {badges(visit)}
        {notices(visit)}
        {buttons(visit)}
        {figures(visit)}
        {fields(visit)}
        {tables(visit)}
        {charts(visit)}
        {empty(t.machines_none, t.machines_none_what, Some(go_link("#more", t.machines_add, "primary")))}
    };
    Page::new(t.chart, body.into_any())
}

fn badges(visit: &Visit) -> AnyView {
    let t = visit.t();
    let tones = TONES.iter().map(|tone| badge(*tone, t.state)).collect_view();
    let kinds = Kind::ALL.iter().map(|kind| kind_badge(visit, *kind, true)).collect_view();
    card("badges", t.state, view! { <p class="actions">{tones}</p> <p>{kinds}</p> }.into_any())
}

fn notices(visit: &Visit) -> AnyView {
    let t = visit.t();
    let all = TONES.iter().map(|tone| notice(*tone, t.gcp_missing, None)).collect_view();
    let problem = problem("gcp_credentials_missing", 424);
    let body = view! { {all} {said(visit, Some(&problem))} };
    card("notices", t.evidence, body.into_any())
}

fn buttons(visit: &Visit) -> AnyView {
    let t = visit.t();
    let body = view! {
        <p class="actions">
            {go_link("#buttons", t.save, "primary")}
            {go_link("#buttons", t.save, "")}
            {act_link("/app/balance", t.act_drill, "danger")}
            {post_button("#buttons", t.revoke, "small danger", Vec::new())}
            {gone_button(t.act_drill, t.gate_never_synced, "why-kit".to_owned())}
        </p>
        {command("ssh -p 40022 root@203.0.113.7".to_owned(), t.copy, t.copied)}
        {tabs(t.kind_label, vec![
            ("#a".to_owned(), t.kinds_real.to_owned(), true),
            ("#b".to_owned(), t.kinds_drill.to_owned(), false),
        ])}
    };
    card("more", t.more_actions, body.into_any())
}

fn figures(visit: &Visit) -> AnyView {
    let t = visit.t();
    view! {
        <dl class="stats">
            {stat(t.to_cpu, "2.9 s".into_any(), None)}
            {stat(t.to_gpu, "74.2 s".into_any(), Some(t.median.into_any()))}
            {stat(t.lost_writes, unknown(t.unknown), None)}
            {stat(t.cost, "$0.0034".into_any(), Some(t.cost_what.into_any()))}
        </dl>
        {card("properties", t.hardware, properties(vec![
            (t.model, "RTX 4090".into_any()),
            (t.place, unknown(t.unknown)),
        ]))}
    }
    .into_any()
}

fn fields(visit: &Visit) -> AnyView {
    let t = visit.t();
    let wrong = Problem {
        errors: Some(vec![FieldProblem {
            field: "gcp_disk_size".to_owned(),
            code: "out_of_range".to_owned(),
            message: "10..500".to_owned(),
        }]),
        ..problem("invalid", 422)
    };
    let one = |name, label, unit, control| Field {
        name,
        label,
        hint: Some(t.disk_range.to_owned()),
        value: "9000".to_owned(),
        required: true,
        unit,
        control,
    };
    let number = Control::Number { min: Some("10"), max: Some("500"), step: "1" };
    let choice = Control::Choice(vec![("9000".to_owned(), "europe-west1-b".to_owned())]);
    let text = Control::Text { kind: "text", autocomplete: "off" };
    let body = view! {
        <form method="get" action="#fields">
            <div class="fields">
                {field(visit, Some(&wrong), one("gcp_disk_size", t.disk, Some("GB"), number))}
                {field(visit, None, one("gcp_zone", t.zone, None, choice))}
                {field(visit, None, one("name", t.name, None, text))}
            </div>
            {field(visit, None, one("gcp_credentials", t.gcp_key, None, Control::Lines { rows: "3" }))}
            {tick("gcp_spot", t.spot_vm, Some(t.spot_hint.to_owned()), true)}
        </form>
    };
    card("fields", t.settings, body.into_any())
}

fn tables(visit: &Visit) -> AnyView {
    let t = visit.t();
    let columns = [(t.col_machine, false), (t.state, false), (t.cost, true)];
    let rows = TONES
        .iter()
        .map(|tone| {
            view! {
                <tr>
                    {key_cell(tone.class())}
                    {cell(t.state, badge(*tone, t.state))}
                    {number_cell(t.cost, "$0.412")}
                </tr>
            }
            .into_any()
        })
        .collect();
    card("tables", t.history, table(t.history, &columns, rows))
}

fn charts(visit: &Visit) -> AnyView {
    let t = visit.t();
    let length = 74_200;
    let bars = [
        Bar { from: 0, to: 2_900, provider: 800, waiting: 0, open: false, failed: false },
        Bar { from: 2_900, to: 40_000, provider: 36_000, waiting: 0, open: false, failed: true },
        Bar { from: 40_000, to: 74_200, provider: 30_000, waiting: 0, open: true, failed: false },
    ];
    let lines = [Line { at: 2_900, class: "cpu" }];
    let pieces: Vec<Piece> =
        [(0, "gpu"), (30, "nowhere"), (34, "standby"), (60, "gpu"), (90, "paused")]
            .iter()
            .map(|(from, class)| Piece { from: *from, to: 100, class, title: t.state.to_owned() })
            .collect();
    let counts: Vec<Column> = [(3, 0), (0, 0), (5, 1), (2, 2)]
        .iter()
        .map(|(good, bad)| Column {
            layers: vec![("good", *good), ("bad", *bad)],
            title: t.state.to_owned(),
        })
        .collect();
    let saw = vec![(0, 200), (300, 5_000), (300, 200), (600, 5_200), (600, 300), (900, 4_800)];
    let body = view! {
        {lane("phase-restoring".to_owned(), length, &bars, &lines)}
        {axis(length, visit.lang)}
        {band(100, &pieces, &[(50, t.time_now.to_owned())])}
        {columns(&counts, 10)}
        {line("age", 900, 10_000, &[saw])}
        {twin(visit, t.chart.into_any())}
    };
    card("charts", t.chart, body.into_any())
}

fn problem(code: &str, status: u16) -> Problem {
    Problem {
        kind: format!("/problems/{code}"),
        title: String::new(),
        status,
        detail: String::new(),
        error: String::new(),
        code: code.to_owned(),
        request_id: "0199".to_owned(),
        errors: None,
    }
}
