//! What the engine said, in the reader's language, with others' words in it marked as theirs.

use leptos::prelude::*;

use crate::text::parts;
use crate::visit::Visit;

/// Our own words, and those of a provider or a host as a quotation in the language that they came in.
pub(crate) fn words(visit: &Visit, said: &str) -> AnyView {
    let whose = visit.t().as_it_was_said;
    parts(said, visit.lang)
        .into_iter()
        .map(|part| {
            if part.quoted {
                view! { <q lang="en" title=whose>{part.text}</q> }.into_any()
            } else {
                part.text.into_any()
            }
        })
        .collect_view()
        .into_any()
}
