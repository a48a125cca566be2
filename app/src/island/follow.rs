//! What is told of a form follows it: an element with `data-follow` (an address) is asked for anew with
//! the fields that it names (`data-fields`) whenever something in its form changes. What it shows is the
//! server's, as everywhere.

use std::cell::Cell;
use std::time::Duration;

use leptos::prelude::{document, set_timeout};
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, FormData, HtmlFormElement};

use super::fetch;

/// Several keys in a row are asked about once.
const GATHER: Duration = Duration::from_millis(150);

thread_local! {
    /// The number of the newest change: answers to older ones are not shown.
    static NEWEST: Cell<u64> = const { Cell::new(0) };
}

/// Something in a form was changed. `failed` is shown where the server does not answer: what is there
/// is of other values.
pub(crate) fn changed(target: &Element, failed: &str) {
    let form = target.closest("form").ok().flatten();
    let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) else { return };
    let Ok(Some(place)) = form.query_selector("[data-follow]") else { return };
    _ = place.set_attribute("aria-busy", "true");
    let number = NEWEST.get() + 1;
    NEWEST.set(number);
    let failed = failed.to_owned();
    set_timeout(
        move || {
            if NEWEST.get() == number {
                spawn_local(ask(form, place, number, failed));
            }
        },
        GATHER,
    );
}

async fn ask(form: HtmlFormElement, place: Element, number: u64, failed: String) {
    let Some(address) = address(&form, &place) else { return };
    let answer = fetch::part(&address).await;
    if NEWEST.get() != number || !document().contains(Some(&place)) {
        return;
    }
    match answer {
        Ok((200, html)) => place.set_inner_html(&html),
        _ => place.set_text_content(Some(&failed)),
    }
    _ = place.remove_attribute("aria-busy");
}

fn address(form: &HtmlFormElement, place: &Element) -> Option<String> {
    let data = FormData::new_with_form(form).ok()?;
    let mut address = place.get_attribute("data-follow")?;
    let mut mark = '?';
    for name in place.get_attribute("data-fields")?.split(' ') {
        if let Some(value) = data.get(name).as_string() {
            address.push(mark);
            address.push_str(name);
            address.push('=');
            address.push_str(&String::from(js_sys::encode_uri_component(&value)));
            mark = '&';
        }
    }
    Some(address)
}
