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
    let rows = fold(&page.journal).iter().rev().map(|run| line(visit, page, run)).collect();
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

/// Attempts at a step that ended in the same way, one after the other.
struct Run<'a> {
    first: &'a JournalRow,
    last: &'a JournalRow,
    count: i64,
    took_ms: i64,
    provider_ms: i64,
}

/// Repeated attempts as one line each, in the order of their last one. Steps that run beside each
/// other do not part a run.
fn fold(rows: &[JournalRow]) -> Vec<Run<'_>> {
    let mut found: Vec<Run<'_>> = Vec::new();
    for row in rows {
        let took = row.ended_at.map_or(0, |end| end.0.since(row.started_at.0).max(0));
        let before = found.iter().rposition(|run| run.last.step == row.step);
        let same = before.filter(|place| {
            found.get(*place).is_some_and(|run| {
                row.outcome == Some(Outcome::Retry)
                    && (run.last.outcome, run.last.round, &run.last.error)
                        == (row.outcome, row.round, &row.error)
            })
        });
        match same {
            Some(place) => {
                let run = found.remove(place);
                found.push(Run {
                    last: row,
                    count: run.count + 1,
                    took_ms: run.took_ms + took,
                    provider_ms: run.provider_ms + row.provider_ms,
                    ..run
                });
            }
            None => found.push(Run {
                first: row,
                last: row,
                count: 1,
                took_ms: took,
                provider_ms: row.provider_ms,
            }),
        }
    }
    found
}

fn line(visit: &Visit, page: &FailoverPage, run: &Run<'_>) -> AnyView {
    let t = visit.t();
    let row = run.last;
    let lang = visit.lang;
    let start = page.status.started_at.0;
    let first = run.first.started_at;
    let began = format::span(first.0.since(start).max(0), lang);
    let took = row.ended_at.map(|_| format::span(run.took_ms, lang));
    let times = (run.count > 1).then(|| format!("× {}", format::count(run.count, lang)));
    let running = !page.status.state.is_over();
    let repeated = page.journal.iter().any(|one| one.step == row.step && one.seq > row.seq);
    let (tone, word) = match row.outcome {
        // Over before it was: nothing is repeated any more.
        Some(Outcome::Retry) if !running && !repeated => (Tone::Quiet, t.outcome_interrupted),
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
    // What stands on top of the page is said once.
    let above = row.error.is_some() && row.error == page.status.error;
    let why = if above { Some(t.as_above.into_any()) } else { visit.told(row.error.as_ref()) };
    let told = (why.is_some() || again.is_some()).then(|| {
        view! { {why.map(|why| view! { <span class="words">{why}</span> " " })} {again} }
    });
    view! {
        <tr data-key=run.first.seq.to_string()>
            {key_cell(view! { {text::step(row.step, t)} {times.map(|times| view! { " " <strong>{times}</strong> })} {attempt.map(|text| view! { <span class="under">{text}</span> })} })}
            {number_cell(t.begins, view! { <time datetime=first.to_string() title=format::moment(first.0, visit.zone)>{began}</time> })}
            {number_cell(t.col_took, took.map_or_else(|| unknown(t.not_yet), IntoAny::into_any))}
            {number_cell(t.provider_time, format::span(run.provider_ms, lang))}
            {cell(t.col_outcome, badge(tone, word))}
            {cell(t.col_what, told)}
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

#[cfg(test)]
mod tests {
    use domain::failover::StepName;
    use domain::time::Millis;
    use domain::view::Time;

    use super::*;

    fn row(seq: i64, step: StepName, outcome: Outcome, error: &str) -> JournalRow {
        JournalRow {
            seq,
            step,
            phase: step.phase(),
            round: 0,
            attempt: seq,
            started_at: Time(Millis(seq * 10)),
            ended_at: Some(Time(Millis(seq * 10 + 4))),
            outcome: Some(outcome),
            retry_at: None,
            provider_ms: 1,
            error: Some(error.to_owned()),
        }
    }

    #[test]
    fn what_ended_alike_is_one_line_and_what_did_not_is_its_own() {
        use Outcome::{Ok, Retry};
        let rows = [
            row(1, StepName::Search, Retry, "no offer"),
            row(2, StepName::Takeover, Retry, "busy"),
            row(3, StepName::Search, Retry, "no offer"),
            row(4, StepName::Search, Retry, "no credit"),
            row(5, StepName::Search, Retry, "no credit"),
            row(6, StepName::Search, Ok, ""),
        ];
        let told: Vec<(i64, i64, i64, i64)> = fold(&rows)
            .iter()
            .map(|run| (run.first.seq, run.last.seq, run.count, run.took_ms))
            .collect();
        assert_eq!(told, [(2, 2, 1, 4), (1, 3, 2, 8), (4, 5, 2, 8), (6, 6, 1, 4)]);
    }
}
