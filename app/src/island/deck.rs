//! Conveniences that any page may use: links that open as dialogs, buttons that copy, a warning
//! before unsaved changes are left. Without JavaScript each link leads to its own page instead.

use leptos::html::{Dialog, Div};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Event, HtmlDialogElement, HtmlElement, KeyboardEvent, MouseEvent};

use super::{alerts, clock, fetch, follow, keys, palette, said, zone};

/// How long a button says that it has copied.
const COPIED: std::time::Duration = std::time::Duration::from_secs(2);

/// The field of the list of machines, pages and acts.
const COMBOBOX: &str = ".palette [role=combobox]";

/// One for the whole page. What is said where the server does not answer stands on the body.
#[island]
pub fn Deck() -> impl IntoView {
    let dialog: NodeRef<Dialog> = NodeRef::new();
    let content: NodeRef<Div> = NodeRef::new();
    Effect::new(move || {
        let (Some(dialog), Some(content)) = (dialog.get(), content.get()) else { return };
        zone::remember();
        said::take();
        alerts::reflect();
        warn_of_unsaved();
        fill(document().document_element().as_ref());
        set_interval(count_down, std::time::Duration::from_secs(1));
        let body = document().body();
        let failed = body.and_then(|body| body.get_attribute("data-failed")).unwrap_or_default();
        let unfollowed = failed.clone();
        let pressed = (dialog.clone(), content.clone(), failed.clone());
        on("click", move |event| {
            let Some(target) = element(&event) else { return };
            let within = |what: &str| target.closest(what).ok().flatten();
            if let Some(link) = within("a[data-dialog]") {
                if plain(&event) {
                    event.prevent_default();
                    open(
                        &dialog,
                        &content,
                        link.get_attribute("href").unwrap_or_default(),
                        failed.clone(),
                    );
                }
            } else if within("a[data-palette]").is_some() {
                if plain(&event) {
                    event.prevent_default();
                    open(&dialog, &content, palette_address(), failed.clone());
                }
            } else if let Some(option) = within(".palette [role=option]") {
                go(&option, &dialog, &content, &failed);
            } else if within("[data-close]").is_some() && dialog.open() {
                event.prevent_default();
                dialog.close();
            } else if let Some(button) = within("button[data-is]") {
                alerts::press(&button);
            } else if let Some(button) = within("[data-copy]") {
                copy(button);
            } else if target.is_same_node(Some(&dialog)) {
                // The backdrop belongs to the dialog itself.
                dialog.close();
            }
            close_menus(Some(&target));
        });
        let (dialog, content, failed) = pressed;
        on("input", move |event| {
            let Some(field) = element(&event) else { return };
            if field.matches(COMBOBOX).unwrap_or(false) {
                palette::narrow();
            }
            follow::changed(&field, &unfollowed);
        });
        on("keydown", move |event| {
            let Some(pressed) = event.dyn_ref::<KeyboardEvent>() else { return };
            let Some(target) = element(&event) else { return };
            if pressed.key() == "Escape" {
                close_menus(None);
            } else if target.matches(COMBOBOX).unwrap_or(false) {
                if let Some(chosen) = palette::press(&pressed.key()) {
                    event.prevent_default();
                    if let Some(option) = chosen {
                        go(&option, &dialog, &content, &failed);
                    }
                }
            } else if let Some(asked) = keys::press(pressed, &target) {
                event.prevent_default();
                if asked == keys::Asked::Palette {
                    open(&dialog, &content, palette_address(), failed.clone());
                }
            }
        });
    });
    view! {
        <dialog class="deck" node_ref=dialog aria-labelledby="dialog-title">
            <div node_ref=content></div>
        </dialog>
    }
}

fn on(name: &str, act: impl Fn(Event) + 'static) {
    let listener = Closure::<dyn Fn(Event)>::new(act);
    _ = document().add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
    listener.forget();
}

/// A click without a key that asks for a new tab.
fn plain(event: &Event) -> bool {
    event.dyn_ref::<MouseEvent>().is_some_and(|click| {
        click.button() == 0 && !click.ctrl_key() && !click.meta_key() && !click.shift_key()
    })
}

fn open(dialog: &HtmlDialogElement, content: &HtmlElement, address: String, failed: String) {
    let (dialog, content) = (dialog.clone(), content.clone());
    content.set_inner_html("<p class=\"waiting\" aria-busy=\"true\"></p>");
    if !dialog.open() {
        _ = dialog.show_modal();
    }
    spawn_local(async move {
        match fetch::part(&address).await {
            Ok((401, _)) => _ = window().location().reload(),
            Ok((_, html)) => {
                content.set_inner_html(&html);
                fill(Some(&content));
                palette::narrow();
                let first = content.query_selector("[autofocus]").ok().flatten();
                if let Some(first) = first.and_then(|first| first.dyn_into::<HtmlElement>().ok()) {
                    _ = first.focus();
                }
            }
            Err(_) => content.set_text_content(Some(&failed)),
        }
    });
}

/// Asks for the parts that are told later (`data-fill` says where), each once. What was closed or replaced
/// meanwhile is left alone.
fn fill(within: Option<&Element>) {
    let Some(Ok(places)) = within.map(|within| within.query_selector_all("[data-fill]")) else {
        return;
    };
    for index in 0..places.length() {
        let place = places.item(index).and_then(|node| node.dyn_into::<Element>().ok());
        let Some((place, address)) =
            place.and_then(|place| Some((place.clone(), place.get_attribute("data-fill")?)))
        else {
            continue;
        };
        _ = place.remove_attribute("data-fill");
        spawn_local(async move {
            if let Ok((200, html)) = fetch::part(&address).await
                && place.is_connected()
            {
                place.set_inner_html(&html);
                _ = place.remove_attribute("aria-busy");
            }
        });
    }
}

/// Counts down what is left (`data-left`, ms from when it was drawn). A page that is renewed says anew.
fn count_down() {
    let Ok(clocks) = document().query_selector_all("[data-left]") else { return };
    let now = clock::now();
    for index in 0..clocks.length() {
        let clock = clocks.item(index).and_then(|node| node.dyn_into::<Element>().ok());
        let Some(clock) = clock else { continue };
        let read = |name| clock.get_attribute(name).and_then(|text| text.parse::<i64>().ok());
        let Some(left) = read("data-left") else { continue };
        let until = read("data-until").unwrap_or_else(|| {
            let until = now + left;
            _ = clock.set_attribute("data-until", &until.to_string());
            until
        });
        let seconds = ((until - now).max(0) + 999) / 1_000;
        let text = format!("{}:{:02}", seconds / 60, seconds % 60);
        if clock.text_content().as_deref() != Some(text.as_str()) {
            clock.set_text_content(Some(&text));
        }
    }
}

/// The list, with what can be done on this page.
fn palette_address() -> String {
    let path = window().location().pathname().unwrap_or_default();
    format!("/app/palette?here={}", js_sys::encode_uri_component(&path))
}

/// Where an option of the list leads: to a page, or to a question in the dialog.
fn go(option: &Element, dialog: &HtmlDialogElement, content: &HtmlElement, failed: &str) {
    let Some(address) = option.get_attribute("data-href") else { return };
    if option.has_attribute("data-asks") {
        open(dialog, content, address, failed.to_owned());
    } else {
        dialog.close();
        _ = window().location().assign(&address);
    }
}

fn element(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

fn copy(button: Element) {
    let Some(text) = button.get_attribute("data-copy") else { return };
    let said = button.get_attribute("data-copied").unwrap_or_default();
    spawn_local(async move {
        let done = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
        if done.is_ok() {
            let before = button.text_content();
            button.set_text_content(Some(&said));
            set_timeout(move || button.set_text_content(before.as_deref()), COPIED);
        }
    });
}

/// Menus close when something else is clicked, and on Escape. Focus that was inside one goes back to
/// what opened it.
fn close_menus(clicked: Option<&Element>) {
    let Ok(open) = document().query_selector_all("details.menu[open]") else { return };
    for index in 0..open.length() {
        let Some(menu) = open.item(index).and_then(|node| node.dyn_into::<Element>().ok()) else {
            continue;
        };
        let holds =
            |element: Option<&Element>| element.is_some_and(|element| menu.contains(Some(element)));
        if holds(clicked) {
            continue;
        }
        let opener = menu.query_selector("summary").ok().flatten();
        if let Some(opener) = opener.and_then(|opener| opener.dyn_into::<HtmlElement>().ok())
            && holds(document().active_element().as_ref())
            && clicked.is_none()
        {
            _ = opener.focus();
        }
        _ = menu.remove_attribute("open");
    }
}

/// A form that asks for it (`data-guard`) is not left with changes that were not sent.
fn warn_of_unsaved() {
    let dirty = std::rc::Rc::new(std::cell::Cell::new(false));
    let guarded = |event: &Event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        target.and_then(|target| target.closest("form[data-guard]").ok().flatten()).is_some()
    };
    let changed = dirty.clone();
    on("input", move |event| {
        if guarded(&event) {
            changed.set(true);
        }
    });
    let sent = dirty.clone();
    on("submit", move |_| sent.set(false));
    let leave = Closure::<dyn Fn(Event)>::new(move |event: Event| {
        if dirty.get() {
            event.prevent_default();
        }
    });
    _ = window().add_event_listener_with_callback("beforeunload", leave.as_ref().unchecked_ref());
    leave.forget();
}
