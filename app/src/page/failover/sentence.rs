//! The whole failover in one sentence.

use domain::failover::{FailoverState, Kind};
use domain::view::failover::{Ending, FailoverPage, FailoverStatus};
use leptos::prelude::*;

use crate::format;
use crate::text::{self, Lang, Texts, fill, plural};
use crate::visit::Visit;

pub(super) fn sentence(visit: &Visit, data: &FailoverPage) -> AnyView {
    tell(&data.status, data.as_of.0.since(data.status.started_at.0).max(0), visit.t(), visit.lang)
        .into_any()
}

/// What happened, as far as it is known. `age` is the time since it began, ms.
fn tell(status: &FailoverStatus, age: i64, t: &'static Texts, lang: Lang) -> String {
    let span = |ms: i64| format::span(ms, lang);
    let mut parts = vec![head(status, age, t, lang)];
    let drill = status.kind == Kind::Drill;
    match (status.time_to_cpu_ms, status.total_time_ms) {
        (Some(cpu), Some(gpu)) if status.success == Some(true) => {
            let template = if drill { t.sentence_both_drill } else { t.sentence_both };
            parts.push(fill(template, &[("cpu", &span(cpu)), ("gpu", &span(gpu))]));
        }
        (Some(cpu), _) => {
            let template = if drill { t.sentence_cpu_drill } else { t.sentence_cpu };
            parts.push(fill(template, &[("cpu", &span(cpu))]));
        }
        _ => {}
    }
    parts.extend(loss(status, t, lang));
    let left = status.gaps.as_ref().map_or(0, |gaps| gaps.lost);
    if left > 0 {
        parts.push(plural(left, t.sentence_gaps_one, t.sentence_gaps_many, lang));
    }
    parts.join(" ")
}

fn head(status: &FailoverStatus, age: i64, t: &'static Texts, lang: Lang) -> String {
    let total = status.total_time_ms.or(status.time_to_cpu_ms);
    match status.state {
        FailoverState::Running | FailoverState::Waiting | FailoverState::Cancelling => {
            let phase = text::phase(status.phase, t);
            fill(
                text::sentence_running(status.state, t),
                &[("phase", phase), ("span", &format::span(age, lang))],
            )
        }
        FailoverState::Complete => {
            let template = match (status.kind, status.ending) {
                (Kind::Drill, _) => t.sentence_drill_passed,
                (_, Some(Ending::OnStandby)) => t.sentence_stayed,
                (Kind::Planned, _) => t.sentence_moved,
                (Kind::Real, _) => t.sentence_recovered,
            };
            fill(
                template,
                &[(
                    "span",
                    &total.map_or_else(|| t.unknown.to_owned(), |ms| format::span(ms, lang)),
                )],
            )
        }
        FailoverState::Failed if status.ending == Some(Ending::OnStandby) => {
            t.sentence_failed_standby.to_owned()
        }
        FailoverState::Failed if status.ending == Some(Ending::Unanswered) => {
            t.sentence_unanswered.to_owned()
        }
        FailoverState::Failed => t.sentence_failed.to_owned(),
        FailoverState::Cancelled => t.sentence_cancelled.to_owned(),
    }
}

/// Which writes were lost: none, so many, or not known which.
fn loss(status: &FailoverStatus, t: &'static Texts, lang: Lang) -> Option<String> {
    status.time_to_cpu_ms?;
    let drill = status.kind == Kind::Drill;
    match (status.rpo_ms, status.files_lost.as_ref()) {
        (_, Some(files)) if files.is_empty() => Some(t.sentence_no_loss.to_owned()),
        // The last sync ran while something may have gone on writing.
        (_, None) if status.kind == Kind::Planned => Some(t.sentence_loss_unknown.to_owned()),
        (Some(rpo), Some(files)) => {
            let count = i64::try_from(files.len()).unwrap_or(i64::MAX);
            let more = if status.files_lost_more { "≥ " } else { "" };
            let files = format!("{more}{}", plural(count, t.files_one, t.files_many, lang));
            let template = if drill { t.sentence_loss_drill } else { t.sentence_loss };
            Some(fill(template, &[("span", &format::span(rpo, lang)), ("files", &files)]))
        }
        (Some(rpo), None) => {
            let template =
                if drill { t.sentence_loss_at_most_drill } else { t.sentence_loss_at_most };
            Some(fill(template, &[("span", &format::span(rpo, lang))]))
        }
        (None, _) => None,
    }
}
