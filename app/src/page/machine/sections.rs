//! The sections of a machine's page.

use domain::association::{AssociationState, Serving};
use domain::pricing::MONTH_HOURS;
use domain::view::failover::Witness;
use domain::view::machine::MachinePage;
use domain::view::standby::Association;
use leptos::prelude::*;

use super::machines::{copy, drilled, per_hour, per_month, place, tied};
use crate::form::encode;
use crate::format;
use crate::page::failovers::history_table;
use crate::router::Route;
use crate::text::{self, fill};
use crate::ui::{
    Tone, ago, ago_or, badge, card, cell, command, key_cell, mark, notice, properties, stat, table,
    unknown,
};
use crate::visit::Visit;

/// What must be seen before all else: a frozen copy, a standby that can't follow.
pub(super) fn alarm(visit: &Visit, data: &MachinePage) -> Option<AnyView> {
    let t = visit.t();
    let tie = data.row.association.as_ref()?;
    if data.row.active.is_none() && super::lost(data) {
        let (what, act) = match tie.recovery_point_at {
            Some(_) => (t.alarm_lost, t.alarm_lost_do),
            None => (t.alarm_lost_bare, t.alarm_lost_bare_do),
        };
        return Some(notice(Tone::Down, what, Some(view! { <p>{act}</p> }.into_any())));
    }
    let (tone, text) = match tie.state {
        AssociationState::Frozen => (Tone::Down, t.alarm_frozen),
        AssociationState::Degraded => (Tone::Warn, t.alarm_degraded),
        _ => return None,
    };
    let words = visit.told(tie.reason.as_ref().or(tie.sync_problem.as_ref()));
    let more = words.map(|words| view! { <p class="words">{words}</p> }.into_any());
    Some(notice(tone, text, more))
}

/// Whether there is such an alarm, which says why.
pub(super) fn alarms(data: &MachinePage) -> bool {
    data.row.association.as_ref().is_some_and(|tie| {
        matches!(tie.state, AssociationState::Frozen | AssociationState::Degraded)
    })
}

/// On the standby there is no GPU that could be lost: what stands in for it then is said instead.
fn alone(visit: &Visit, data: &MachinePage) -> Option<AnyView> {
    let t = visit.t();
    let tie = data.row.association.as_ref().filter(|_| data.row.serving == Serving::Standby)?;
    let spot = tie.cpu_standby.as_ref().is_some_and(|vm| vm.spot).then_some(t.standby_alone_spot);
    let body = view! {
        <p>{mark(Tone::Warn)} " " {t.standby_alone}</p>
        {spot.map(|words| view! { <p>{words}</p> })}
        <p>{t.standby_alone_do}</p>
    };
    Some(card("readiness", t.standby, body.into_any()))
}

/// The four answers of 3 a.m.: where am I, is my data safe, was it rehearsed, what does it cost.
pub(super) fn figures(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    let row = &data.row;
    let tie = row.association.as_ref();
    let month = row.total_dph.map(|total| per_month(visit, total).into_any());
    view! {
        <dl class="stats">
            {stat(t.col_serving, place(visit, row), tie.map(|tie| tied(visit, tie)))}
            {stat(t.col_copy, copy(visit, tie), None)}
            {stat(t.col_last_drill, drilled(visit, row.last_drill.as_ref()), None)}
            {stat(t.col_cost, row.total_dph.map_or_else(|| unknown(t.unknown), |total| per_hour(visit, total).into_any()), month)}
        </dl>
    }
    .into_any()
}

/// Each condition of a failover, and which does not hold.
pub(super) fn readiness(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    if let Some(alone) = alone(visit, data) {
        return alone;
    }
    let Some(found) = &data.readiness else {
        let protected = data.row.association.is_some();
        let words = if protected { t.readiness_unknown } else { t.readiness_unprotected };
        return card("readiness", t.readiness, view! { <p class="muted">{words}</p> }.into_any());
    };
    let lines = found
        .checks
        .iter()
        .map(|check| {
            let (tone, state) =
                if check.ok { (Tone::Ok, t.check_ok) } else { (Tone::Down, t.check_blocks) };
            view! {
                <li class=tone.class()>
                    {mark(tone)} <span class="hidden">{state} ": "</span>
                    <span>{text::check(&check.key, t)}</span>
                    <span class="words">{amount(visit, &check.message).unwrap_or_else(|| visit.said(&check.message))}</span>
                </li>
            }
        })
        .collect_view();
    let sentence = if found.ready { t.readiness_ready } else { t.readiness_blocked };
    let body = view! {
        <p>{sentence}</p>
        <ul class="checks">{lines}</ul>
        <p class="fine">{t.readiness_seen} " " {ago(visit, found.as_of)}</p>
    };
    card("readiness", t.readiness, body.into_any())
}

/// An amount or an age as the reader writes it, where the words are one.
fn amount(visit: &Visit, words: &str) -> Option<String> {
    if let Some(seconds) = words.strip_suffix(" s ago") {
        let at = visit.now.plus(seconds.parse::<i64>().ok()?.checked_mul(-1_000)?);
        return Some(format::relative(at, visit.now, visit.lang));
    }
    let usd = words.strip_prefix('$')?.parse().ok()?;
    Some(format::usd(usd, visit.lang))
}

/// What each observer says now.
pub(super) fn observers(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    // While the work is elsewhere nobody judges the GPU, and that it is not judged is no verdict.
    let verdict = if data.row.serving == Serving::Standby {
        Some(view! { <p>{badge(Tone::Quiet, t.not_watched)}</p> }.into_any())
    } else {
        data.row.verdict.map(|verdict| {
            view! { <p>{badge(text::verdict_tone(verdict), text::verdict(verdict, t))}</p> }
                .into_any()
        })
    };
    let body = if data.observers.is_empty() {
        view! { <p class="muted">{t.observers_none}</p> }.into_any()
    } else {
        view! { {verdict} {witnesses(visit, &data.observers)} }.into_any()
    };
    let changes = (!data.verdicts.is_empty()).then(|| {
        let lines = data
            .verdicts
            .iter()
            .map(|row| view! { <li>{badge(text::verdict_tone(row.verdict), text::verdict(row.verdict, t))} " " {ago(visit, row.at)}</li> })
            .collect_view();
        view! { <details><summary>{t.verdict_changes}</summary><ul class="plain">{lines}</ul></details> }
    });
    card("observers", t.observers, view! { {body} {changes} }.into_any())
}

fn witnesses(visit: &Visit, all: &[Witness]) -> AnyView {
    let t = visit.t();
    let rows = all
        .iter()
        .map(|witness| {
            let last = match (witness.able, witness.last_ok, witness.observer.as_str()) {
                (false, None, _) => unknown(t.observer_blind),
                // It judges, and is not judged by signs of life.
                (true, None, "self") => unknown(t.dash),
                (_, at, _) => ago_or(visit, at, t.never),
            };
            let failing = witness.failing_since.map(|at| {
                view! { <p>{mark(Tone::Down)} " " {t.failing_since} " " {ago(visit, at)}</p> }
            });
            let word = visit.told(witness.word.as_ref().filter(|word| !word.is_empty()));
            let said = (failing.is_some() || word.is_some()).then(|| {
                view! { {failing} {word.map(|word| view! { <p class="words">{word}</p> })} }
            });
            view! {
                <tr data-key=witness.observer.clone()>
                    {key_cell(text::observer(&witness.observer, t).to_owned())}
                    {cell(t.col_last_seen, last)}
                    {cell(t.col_word, said)}
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns = [(t.col_observer, false), (t.col_last_seen, false), (t.col_word, false)];
    table(t.observers, &columns, rows)
}

/// What both machines are, how to get in, and what each part costs.
pub(super) fn hardware(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    let body = view! {
        <h3>{t.gpu}</h3>
        {gpu(visit, data)}
        <h3>{t.standby}</h3>
        {data.row.association.as_ref().map_or_else(|| unknown(t.not_protected), |tie| vm(visit, tie))}
    };
    card("hardware", t.hardware, body.into_any())
}

fn gpu(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    let Some(found) = &data.row.instance else {
        return view! { <p>{unknown(t.not_listed)}</p> }.into_any();
    };
    let word = |value: Option<String>| value.map_or_else(|| unknown(t.unknown), IntoAny::into_any);
    let memory =
        |gb: Option<f64>| gb.map(|gb| format!("{} GB", format::decimal(gb, 0, visit.lang)));
    let model = found.gpu_name.clone().map(|name| {
        let count = found
            .num_gpus
            .filter(|count| *count > 1)
            .map(|count| format!("{count} × "))
            .unwrap_or_default();
        let ram = memory(found.gpu_ram).map(|ram| format!(" · {ram}")).unwrap_or_default();
        format!("{count}{name}{ram}")
    });
    let login = found
        .ssh_host
        .as_ref()
        .zip(found.ssh_port)
        .map(|(host, port)| format!("ssh -p {port} root@{host}"));
    properties(vec![
        (t.model, word(model)),
        (t.state, text::gpu_state(found.status, t).into_any()),
        (t.disk, word(memory(found.disk_space))),
        (t.place, word(found.geolocation.clone())),
        (t.rental, if found.is_bid { t.rental_bid.into_any() } else { t.rental_demand.into_any() }),
        (t.price, found.dph_total.map_or_else(|| unknown(t.unknown), |rate| priced(visit, rate))),
        (
            t.login,
            login.map_or_else(|| unknown(t.unknown), |login| command(login, t.copy, t.copied)),
        ),
    ])
}

fn vm(visit: &Visit, tie: &Association) -> AnyView {
    let t = visit.t();
    let Some(vm) = &tie.cpu_standby else {
        return view! { <p>{unknown(t.no_vm_yet)}</p> }.into_any();
    };
    let login =
        vm.ip.as_ref().zip(vm.ssh_port).map(|(host, port)| format!("ssh -p {port} root@{host}"));
    let state = view! { {text::vm(vm.status, t)} <span class="words">{visit.told(vm.reason.as_ref())}</span> };
    properties(vec![
        (t.name, view! { <code>{vm.name.clone()}</code> }.into_any()),
        (t.state, state.into_any()),
        (t.col_copy, copy(visit, Some(tie))),
        (
            t.model,
            format!("{} · {}", vm.machine_type, if vm.spot { t.spot } else { t.standard })
                .into_any(),
        ),
        (t.disk, format!("{} GB", format::count(vm.disk_gb, visit.lang)).into_any()),
        (t.place, vm.zone.clone().into_any()),
        (t.price, priced(visit, vm.dph_total)),
        (
            t.login,
            login.map_or_else(|| unknown(t.unknown), |login| command(login, t.copy, t.copied)),
        ),
    ])
}

fn priced(visit: &Visit, rate: f64) -> AnyView {
    let month = format::usd(rate * MONTH_HOURS, visit.lang);
    let month = fill(visit.t().month_of, &[("amount", &month)]);
    view! { {per_hour(visit, rate)} <span class="muted">" · " {month}</span> }.into_any()
}

/// Its newest failovers, drills and moves, each with its kind.
pub(super) fn history(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    let body = if data.history.is_empty() {
        view! { <p class="muted">{t.history_none}</p> }.into_any()
    } else {
        let report = format!("{}?machine={}", Route::Failovers.path(), encode(&data.row.name));
        view! {
            {history_table(visit, &data.history, false)}
            <p><a href=report>{t.history_report}</a></p>
        }
        .into_any()
    };
    card("history", t.history, body)
}
