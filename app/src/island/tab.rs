//! The tab's title and icon follow what the server says of the machines, for whoever has the page open
//! behind others.

use leptos::prelude::document;

/// What stands before the title, on the element that says it.
const WORDS: &str = "data-tab";
/// The icon, on the same.
const ICON: &str = "data-tab-icon";
/// The title without it, on the title.
const TITLE: &str = "data-title";

/// Takes over what the page says of itself, else what the bar says of all machines.
pub(crate) fn show() {
    let document = document();
    let find = |what: &str| document.query_selector(what).ok().flatten();
    let Some(source) = find("main [data-tab]").or_else(|| find(".bar [data-tab]")) else { return };
    let words = source.get_attribute(WORDS).unwrap_or_default();
    if let Some(title) = find("title").and_then(|title| title.get_attribute(TITLE)) {
        let title = format!("{words}{title}");
        if document.title() != title {
            document.set_title(&title);
        }
    }
    let icon = source.get_attribute(ICON);
    if let (Some(link), Some(icon)) = (find("link[rel=icon]"), icon)
        && link.get_attribute("href").as_deref() != Some(icon.as_str())
    {
        _ = link.set_attribute("href", &icon);
    }
}
