//! The keyboard in the list of machines, pages and acts: the focus stays in the field, and what is chosen
//! is told by `aria-activedescendant`. The list itself is the server's (`page::palette`).

use leptos::prelude::document;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlInputElement};

const OPTION: &str = ".palette [role=option]";
const FIELD: &str = ".palette [role=combobox]";
const SELECTED: &str = "aria-selected";

/// The options that are not hidden.
fn shown() -> Vec<Element> {
    let Ok(all) = document().query_selector_all(OPTION) else { return Vec::new() };
    (0..all.length())
        .filter_map(|place| all.item(place)?.dyn_into::<Element>().ok())
        .filter(|option| !option.has_attribute("hidden"))
        .collect()
}

fn field() -> Option<HtmlInputElement> {
    document().query_selector(FIELD).ok().flatten()?.dyn_into().ok()
}

fn is_chosen(option: &Element) -> bool {
    option.get_attribute(SELECTED).as_deref() == Some("true")
}

/// Chooses the option at this place, and no other.
fn choose(shown: &[Element], place: usize) {
    let Some(field) = field() else { return };
    _ = field.remove_attribute("aria-activedescendant");
    for (at, option) in shown.iter().enumerate() {
        _ = option.set_attribute(SELECTED, if at == place { "true" } else { "false" });
        if at == place {
            _ = field.set_attribute("aria-activedescendant", &option.id());
            option.scroll_into_view_with_bool(false);
        }
    }
}

/// Shows the options that have all words of the field, and chooses the first.
pub(crate) fn narrow() {
    let Some(field) = field() else { return };
    // The browser's own small letters: the tables for them would be a part of the bundle.
    let typed = String::from(js_sys::JsString::from(field.value()).to_lower_case());
    let Ok(all) = document().query_selector_all(OPTION) else { return };
    for place in 0..all.length() {
        let Some(option) = all.item(place).and_then(|node| node.dyn_into::<Element>().ok()) else {
            continue;
        };
        let found_by = option.get_attribute("data-find").unwrap_or_default();
        let fits = typed.split(' ').all(|word| found_by.contains(word));
        _ = option.toggle_attribute_with_force("hidden", !fits);
        _ = option.set_attribute(SELECTED, "false");
    }
    let shown = shown();
    choose(&shown, 0);
    if let Ok(Some(status)) = document().query_selector(".palette [data-none]") {
        let none = status.get_attribute("data-none").filter(|_| shown.is_empty());
        status.set_text_content(none.as_deref());
    }
}

/// Moves the choice, or gives what is chosen; `None` where the key is not one of the list's.
pub(crate) fn press(key: &str) -> Option<Option<Element>> {
    let shown = shown();
    let last = shown.len().checked_sub(1);
    let now = shown.iter().position(is_chosen);
    let place = match (key, now, last) {
        ("Enter", Some(now), _) => return Some(shown.get(now).cloned()),
        ("ArrowDown", Some(now), Some(last)) if now < last => now + 1,
        ("ArrowDown", ..) => 0,
        ("ArrowUp", Some(now), Some(last)) => now.checked_sub(1).unwrap_or(last),
        ("ArrowUp", None, Some(last)) => last,
        ("Enter" | "ArrowUp", ..) => return Some(None),
        _ => return None,
    };
    choose(&shown, place);
    Some(None)
}
