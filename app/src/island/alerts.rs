//! Notifications of the browser itself, for whoever has Dumont open in a tab behind others: a switch,
//! and what is shown. The browser is asked for its leave when the switch is pressed, never before.
//!
//! The server draws every state of the switch (`data-is`); here all but the true one are hidden.

use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Notification, NotificationOptions, NotificationPermission, Storage};

use super::fetch;

/// Where this browser remembers that they are wanted.
const KEY: &str = "dumont_alerts";
/// A part of the switch that is shown in one state alone, which this attribute names.
const STATE: &str = "data-is";

/// Shows how the switch stands, where the page has one.
pub(crate) fn reflect() {
    let Ok(parts) = document().query_selector_all("[data-is]") else { return };
    let state = state();
    for place in 0..parts.length() {
        if let Some(part) = parts.item(place).and_then(|node| node.dyn_into::<Element>().ok()) {
            let shut = part.get_attribute(STATE).as_deref() != Some(state);
            _ = part.toggle_attribute_with_force("hidden", shut);
        }
    }
}

/// One of the switch's buttons was pressed.
pub(crate) fn press(button: &Element) {
    if button.get_attribute(STATE).as_deref() == Some("on") {
        remember(false);
        reflect();
        return;
    }
    spawn_local(async {
        if let Ok(asked) = Notification::request_permission() {
            _ = JsFuture::from(asked).await;
        }
        remember(Notification::permission() == NotificationPermission::Granted);
        reflect();
    });
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn remember(wanted: bool) {
    if let Some(storage) = storage() {
        _ = if wanted { storage.set_item(KEY, "on") } else { storage.remove_item(KEY) };
    }
}

fn state() -> &'static str {
    // Browsers have none at addresses that they don't trust.
    if !window().is_secure_context() {
        return "insecure";
    }
    let wanted = storage().and_then(|storage| storage.get_item(KEY).ok().flatten()).is_some();
    match Notification::permission() {
        NotificationPermission::Denied => "denied",
        NotificationPermission::Granted if wanted => "on",
        _ => "off",
    }
}

/// Shows a notification of the list (`address`) where they are on and nobody looks at the page. Several
/// tabs show it once, since it has a name.
pub(crate) fn show(address: String) {
    if !document().hidden() || state() != "on" {
        return;
    }
    spawn_local(async move {
        let Ok((200, html)) = fetch::part(&address).await else { return };
        let Ok(place) = document().create_element("div") else { return };
        place.set_inner_html(&html);
        let Ok(Some(sentence)) = place.query_selector(".toast p") else { return };
        let options = NotificationOptions::new();
        options.set_tag(&address);
        options.set_icon("/favicon.svg");
        let text = sentence.text_content().unwrap_or_default();
        let Ok(shown) = Notification::new_with_options(text.trim(), &options) else { return };
        let pressed = Closure::<dyn Fn()>::new(move || {
            _ = window().focus();
            _ = window().location().assign(&address);
        });
        shown.set_onclick(Some(pressed.as_ref().unchecked_ref()));
        pressed.forget();
    });
}
