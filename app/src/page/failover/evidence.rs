//! What the observers said when it was judged, in time from the last sign of life.

use domain::time::Millis;
use domain::view::Time;
use domain::view::failover::{FailoverPage, Witness};
use leptos::prelude::*;

use crate::format;
use crate::text::{self, fill};
use crate::ui::{Tone, cell, key_cell, mark, table, unknown};
use crate::visit::Visit;

pub(super) fn evidence(visit: &Visit, data: &FailoverPage) -> AnyView {
    let t = visit.t();
    let status = &data.status;
    let start = status.started_at.0;
    let told = |at: Option<Time>, template| {
        let span = format::span(at?.0.since(start).max(0), visit.lang);
        Some(view! { <p>{fill(template, &[("span", &span)])}</p> })
    };
    let said = if data.evidence.is_empty() {
        view! { <p class="muted">{t.evidence_asked}</p> }.into_any()
    } else {
        let rows = data.evidence.iter().map(|witness| line(visit, witness, start)).collect();
        let columns = [(t.col_observer, false), (t.col_last_seen, false), (t.col_word, false)];
        table(t.evidence, &columns, rows)
    };
    view! {
        <p>{t.col_cause} ": " <strong>{text::cause(status.cause, t)}</strong></p>
        {(status.reason != status.cause.to_string()).then(|| view! { <p class="words">{status.reason.clone()}</p> })}
        {told(data.suspect_at, t.suspect_after)}
        {told(data.confirmed_at, t.confirmed_after)}
        {said}
    }
    .into_any()
}

fn line(visit: &Visit, witness: &Witness, start: Millis) -> AnyView {
    let t = visit.t();
    let last = match (witness.able, witness.last_ok) {
        (false, None) => unknown(t.observer_blind),
        (true, None) => unknown(t.dash),
        (_, Some(at)) => from_start(visit, at, start),
    };
    let failing = witness.failing_since.map(|at| {
        view! { <p>{mark(Tone::Down)} " " {t.failing_since} " " {from_start(visit, at, start)}</p> }
    });
    view! {
        <tr data-key=witness.observer.clone()>
            {key_cell(text::observer(&witness.observer, t).to_owned())}
            {cell(t.col_last_seen, last)}
            {cell(t.col_word, view! { {failing} <p class="words">{visit.told(witness.word.as_ref())}</p> })}
        </tr>
    }
    .into_any()
}

/// `+1.0 s`, `−0.3 s`: from the last sign of life, with the time of day in the title.
fn from_start(visit: &Visit, at: Time, start: Millis) -> AnyView {
    let ms = at.0.since(start);
    let sign = if ms < 0 { "−" } else { "+" };
    let text = format!("{sign}{}", format::span(ms.abs(), visit.lang));
    view! { <time datetime=at.to_string() title=format::moment(at.0, visit.zone)>{text}</time> }
        .into_any()
}
