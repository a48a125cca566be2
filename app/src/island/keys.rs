//! Shortcuts: keys that lead where a link of the page leads. They rest while someone types or a dialog
//! is open, and single letters where they were switched off.

use std::cell::Cell;

use leptos::prelude::document;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::clock;

/// How long after `g` its second key may come, ms.
const SEQUENCE_MS: i64 = 1_500;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The list of machines, pages and acts.
    Palette,
    /// It was a link's, which was followed, or a field's, which has the focus.
    Done,
}

thread_local! {
    static LEADER: Cell<Option<i64>> = const { Cell::new(None) };
}

/// What a key means here; `None` where it means nothing.
pub(crate) fn press(event: &KeyboardEvent, target: &Element) -> Option<Asked> {
    let dialog = document().query_selector("dialog[open]").ok().flatten().is_some();
    let types = target.closest("input, textarea, select, [contenteditable]").ok().flatten();
    if event.default_prevented() || dialog || types.is_some() || event.alt_key() {
        return None;
    }
    let key = event.key();
    if event.ctrl_key() || event.meta_key() {
        let palette = key == "k";
        return palette.then_some(Asked::Palette);
    }
    let off = document().body().and_then(|body| body.get_attribute("data-keys"));
    if off.is_some() {
        return None;
    }
    let now = clock::now();
    let led = LEADER.take().is_some_and(|at| now - at < SEQUENCE_MS);
    match key.as_str() {
        "g" => {
            LEADER.set(Some(now));
            Some(Asked::Done)
        }
        "?" => follow("[data-help]"),
        "/" => focus("main input[type=search], main form.search input"),
        "m" | "f" | "s" | "n" if led => follow(&format!("[data-go={key}]")),
        _ => None,
    }
}

fn find(what: &str) -> Option<HtmlElement> {
    document().query_selector(what).ok().flatten()?.dyn_into().ok()
}

fn follow(what: &str) -> Option<Asked> {
    find(what)?.click();
    Some(Asked::Done)
}

fn focus(what: &str) -> Option<Asked> {
    find(what)?.focus().ok()?;
    Some(Asked::Done)
}
