//! Content that stays true while the page is open.

use leptos::prelude::*;

use crate::island::live::Live;

/// Content that is asked for again on doorbells of these kinds (with commas between; all where it is
/// empty), from an address of its own or from that of the page.
pub(crate) fn live(address: Option<String>, kinds: &'static str, content: AnyView) -> AnyView {
    view! { <div class="live-place" data-kinds=kinds data-address=address><Live>{content}</Live></div> }
        .into_any()
}
