//! Every attempt at every step, those that failed too.

use domain::failover::Outcome;
use domain::view::failover::{FailoverPage, JournalRow};
use leptos::prelude::*;

use crate::format;
use crate::text::{self, fill, plural};
use crate::ui::{Tone, badge, cell, key_cell, number_cell, table, unknown};
use crate::visit::Visit;

pub(super) fn journal(visit: &Visit, page: &FailoverPage) -> AnyView {
    let t = visit.t();
    let rows = page.journal.iter().rev().map(|row| line(visit, page, row)).collect();
    let columns = [
        (t.col_step, false),
        (t.begins, true),
        (t.col_took, true),
        (t.provider_time, true),
        (t.col_outcome, false),
        (t.col_what, false),
    ];
    let given_up = (page.status.rounds > 0)
        .then(|| plural(page.status.rounds, t.rounds_one, t.rounds_many, visit.lang));
    view! {
        <p class="muted">{t.journal_what} " " {given_up}</p>
        {table(t.journal, &columns, rows)}
    }
    .into_any()
}

fn line(visit: &Visit, page: &FailoverPage, row: &JournalRow) -> AnyView {
    let t = visit.t();
    let lang = visit.lang;
    let start = page.status.started_at.0;
    let began = format::span(row.started_at.0.since(start).max(0), lang);
    let took = row.ended_at.map(|end| format::span(end.0.since(row.started_at.0).max(0), lang));
    let running = !page.status.state.is_over();
    let (tone, word) = match row.outcome {
        Some(outcome) => (tone(outcome), text::outcome(outcome, t)),
        None if running => (Tone::Busy, t.under_way),
        None => (Tone::Quiet, t.unknown),
    };
    let again = row.retry_at.filter(|_| running && row.outcome == Some(Outcome::Retry)).map(|at| {
        let ahead = format::coarse(at.0.since(page.as_of.0).max(0));
        fill(t.again_in, &[("span", &ahead)])
    });
    let attempt = match (row.round, row.attempt) {
        (0, 1) => None,
        (0, attempt) => Some(fill(t.attempt, &[("n", &attempt.to_string())])),
        (round, attempt) => Some(fill(
            t.candidate_attempt,
            &[("round", &(round + 1).to_string()), ("n", &attempt.to_string())],
        )),
    };
    view! {
        <tr data-key=row.seq.to_string()>
            {key_cell(view! { {text::step(row.step, t)} {attempt.map(|text| view! { <span class="under">{text}</span> })} })}
            {number_cell(t.begins, view! { <time datetime=row.started_at.to_string() title=format::moment(row.started_at.0, visit.zone)>{began}</time> })}
            {number_cell(t.col_took, took.map_or_else(|| unknown(t.not_yet), IntoAny::into_any))}
            {number_cell(t.provider_time, format::span(row.provider_ms, lang))}
            {cell(t.col_outcome, badge(tone, word))}
            {cell(t.col_what, view! { <span class="words">{visit.told(row.error.as_ref())}</span> {again} })}
        </tr>
    }
    .into_any()
}

const fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Ok => Tone::Ok,
        Outcome::Retry | Outcome::NextRound | Outcome::Interrupted => Tone::Warn,
        Outcome::Failed => Tone::Down,
    }
}
