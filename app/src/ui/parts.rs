//! Headings, cards, figures and lists.

use leptos::prelude::*;

use crate::visit::Visit;

/// The head of a page: title, one sentence, and what can be done.
pub(crate) fn heading(
    title: impl Into<String>,
    state: Option<AnyView>,
    actions: Option<AnyView>,
) -> AnyView {
    view! {
        <header class="heading">
            <div>
                <h1>{title.into()}</h1>
                {state.map(|state| view! { <p class="state" aria-live="polite">{state}</p> })}
            </div>
            {actions.map(|actions| view! { <div class="actions">{actions}</div> })}
        </header>
    }
    .into_any()
}

/// A section with a heading.
pub(crate) fn card(id: &'static str, title: &'static str, body: AnyView) -> AnyView {
    let heading = format!("{id}-title");
    view! {
        <section class="card" id=id aria-labelledby=heading.clone()>
            <h2 id=heading.clone()>{title}</h2>
            {body}
        </section>
    }
    .into_any()
}

/// A figure: what it is, its value, and what it is made of.
pub(crate) fn stat(label: &'static str, value: AnyView, note: Option<AnyView>) -> AnyView {
    view! {
        <div class="stat">
            <dt>{label}</dt>
            <dd class="value">{value}</dd>
            {note.map(|note| view! { <dd class="note">{note}</dd> })}
        </div>
    }
    .into_any()
}

/// Names and values.
pub(crate) fn properties(rows: Vec<(&'static str, AnyView)>) -> AnyView {
    let rows = rows
        .into_iter()
        .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
        .collect_view();
    view! { <dl class="properties">{rows}</dl> }.into_any()
}

/// What a place without content says first.
pub(crate) fn empty(
    title: &'static str,
    text: impl Into<String>,
    action: Option<AnyView>,
) -> AnyView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{text.into()}</p>
            {action}
        </div>
    }
    .into_any()
}

/// Links of which one is where we are.
pub(crate) fn tabs(label: &'static str, links: Vec<(String, String, bool)>) -> AnyView {
    let links = links
        .into_iter()
        .map(|(href, word, here)| {
            view! { <a href=href aria-current=here.then_some("page")>{word}</a> }
        })
        .collect_view();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }.into_any()
}

/// The figures behind a chart, as a table to open.
pub(crate) fn twin(visit: &Visit, figures: AnyView) -> AnyView {
    view! { <details class="twin"><summary>{visit.t().chart_twin}</summary>{figures}</details> }
        .into_any()
}

/// What is not known: said, never shown as zero.
pub(crate) fn unknown(word: &'static str) -> AnyView {
    view! { <span class="unknown">{word}</span> }.into_any()
}

/// A command to be copied.
pub(crate) fn command(text: String, copy: &'static str, copied: &'static str) -> AnyView {
    view! {
        <span class="command">
            <code>{text.clone()}</code>
            <button type="button" class="button small" data-copy=text data-copied=copied>{copy}</button>
        </span>
    }
    .into_any()
}
