//! Buttons: links to a page that asks, forms that act, and those that can't be used now.

use leptos::prelude::*;

/// A link in a button's clothes.
pub(crate) fn go_link(href: impl Into<String>, word: &'static str, class: &'static str) -> AnyView {
    view! { <a class=format!("button {class}") href=href.into()>{word}</a> }.into_any()
}

/// A link to a page that asks before it acts; shown as a dialog where the browser can.
pub(crate) fn act_link(
    href: impl Into<String>,
    word: &'static str,
    class: &'static str,
) -> AnyView {
    view! { <a class=format!("button {class}") href=href.into() data-dialog="">{word}</a> }
        .into_any()
}

/// A form of one button.
pub(crate) fn post_button(
    action: impl Into<String>,
    word: &'static str,
    class: &'static str,
    fields: Vec<(&'static str, String)>,
) -> AnyView {
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view();
    view! {
        <form method="post" action=action.into() class="inline">
            {fields}
            <button type="submit" class=format!("button {class}")>{word}</button>
        </form>
    }
    .into_any()
}

/// A button that can't be used now for a reason that stands elsewhere.
pub(crate) fn shut_button(word: &'static str, reason: &'static str) -> AnyView {
    view! { <button type="button" class="button" disabled aria-describedby=reason>{word}</button> }
        .into_any()
}

/// A button that can't be used now, with the reason beside it.
pub(crate) fn gone_button(word: &'static str, reason: &'static str, id: String) -> AnyView {
    view! {
        <span class="gone">
            <button type="button" class="button" disabled aria-describedby=id.clone()>{word}</button>
            <small class="reason" id=id>{reason}</small>
        </span>
    }
    .into_any()
}
