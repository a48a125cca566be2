//! What a page must say before all else: a problem, a warning, or that something was done.

use domain::view::problem::Problem;
use leptos::prelude::*;

use super::badge::{Tone, mark};
use crate::text::problem_text;
use crate::visit::Visit;

/// A notice; `more` is what to do.
pub(crate) fn notice(tone: Tone, text: impl Into<String>, more: Option<AnyView>) -> AnyView {
    let role = if matches!(tone, Tone::Down | Tone::Warn) { "alert" } else { "status" };
    view! {
        <div class=format!("notice {}", tone.class()) role=role>
            {mark(tone)}
            <div><p>{text.into()}</p>{more}</div>
        </div>
    }
    .into_any()
}

/// What went wrong with a form, with the request's id.
pub(crate) fn said(visit: &Visit, problem: Option<&Problem>) -> Option<AnyView> {
    let problem = problem?;
    let t = visit.t();
    let (what, provider) = problem_text(problem, t);
    let link = if problem.status == 424 {
        let href = crate::router::Route::Credentials.path();
        let field =
            problem.errors.as_ref().and_then(|all| all.first()).map(|one| one.field.clone());
        let href = field.map_or(href.clone(), |field| format!("{href}#field-{field}"));
        Some(view! { <p><a href=href>{t.problem_to_credentials}</a></p> })
    } else {
        None
    };
    let more = view! {
        {provider.map(|words| view! { <p class="words">{words}</p> })}
        {link}
        <p class="fine">{t.problem_request} " " <code>{problem.request_id.clone()}</code></p>
    };
    Some(notice(Tone::Down, what, Some(more.into_any())))
}
