//! Says what happens while a page is open: a few sentences at its edge, each for a while, made by the
//! server in the language of the page.
//!
//! Nothing is said where it can't be heard: neither under an open dialog, which holds the focus, nor
//! while nobody looks. What is not said at all still stands in the list, and the bell counts it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

use super::bell::{self, Ring};
use super::{alerts, fetch};

/// The doorbell's kind.
const KIND: &str = "notification";
/// Where each is asked for, and where the list is, which needs no toasts.
const LIST: &str = "/app/notifications";
/// At most so many at once; the others wait.
const SHOWN: u32 = 3;
/// More than these do not wait: the oldest are left to the list.
const WAITING: usize = 10;
/// How long each stays.
const STAYS: Duration = Duration::from_secs(10);
/// How long one stays that is pointed at or holds the focus, before it is looked at again.
const LONGER: Duration = Duration::from_secs(3);
/// Class of one that is over.
const OVER: &str = "over";
/// How soon it is tried again to say something.
const AGAIN: Duration = Duration::from_secs(1);

/// One for the whole page.
#[island]
pub fn Toasts() -> impl IntoView {
    let holder: NodeRef<Div> = NodeRef::new();
    Effect::new(move || {
        if let Some(holder) = holder.get() {
            Shelf::begin(holder.unchecked_into());
        }
    });
    view! { <div class="toasts" role="status" node_ref=holder></div> }
}

struct Shelf {
    holder: Element,
    waiting: RefCell<VecDeque<String>>,
    /// One is being asked for, or a later try is arranged.
    busy: Cell<bool>,
}

impl Shelf {
    fn begin(holder: Element) {
        let this = Rc::new(Self { holder, waiting: RefCell::default(), busy: Cell::new(false) });
        let heard = Rc::clone(&this);
        bell::listen(move |ring| {
            if let Ring::Event(event) = ring
                && event.kind == KIND
                && !event.id.is_empty()
            {
                heard.hear(&event.id);
            }
        });
        let clicked = Rc::clone(&this);
        this.on("click", move |event| {
            if let Some(target) = element(&event)
                && target.closest("[data-dismiss]").ok().flatten().is_some()
            {
                clicked.dismiss(&target);
            }
        });
        let pressed = Rc::clone(&this);
        this.on("keydown", move |event| {
            let escape =
                event.dyn_ref::<KeyboardEvent>().is_some_and(|press| press.key() == "Escape");
            if let Some(target) = element(&event)
                && escape
            {
                pressed.dismiss(&target);
            }
        });
    }

    fn on(&self, name: &str, act: impl Fn(Event) + 'static) {
        let listener = Closure::<dyn Fn(Event)>::new(act);
        _ = self.holder.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        listener.forget();
    }

    fn hear(self: &Rc<Self>, id: &str) {
        alerts::show(format!("{LIST}/{id}"));
        if window().location().pathname().is_ok_and(|path| path == LIST) {
            return;
        }
        {
            let mut waiting = self.waiting.borrow_mut();
            if waiting.iter().any(|other| other == id) {
                return;
            }
            if waiting.len() >= WAITING {
                waiting.pop_front();
            }
            waiting.push_back(id.to_owned());
        }
        self.fill();
    }

    /// Says the next one, where there is room and someone to hear it.
    fn fill(self: &Rc<Self>) {
        let nothing = self.waiting.borrow().is_empty();
        if nothing || self.busy.get() || self.holder.child_element_count() >= SHOWN {
            return;
        }
        self.busy.set(true);
        let this = Rc::clone(self);
        if document().hidden() || dialog_open() {
            set_timeout(
                move || {
                    this.busy.set(false);
                    this.fill();
                },
                AGAIN,
            );
            return;
        }
        let next = self.waiting.borrow_mut().pop_front();
        spawn_local(async move {
            if let Some(id) = next
                && let Ok((200, html)) = fetch::part(&format!("{LIST}/{id}")).await
            {
                this.say(&html);
            }
            this.busy.set(false);
            this.fill();
        });
    }

    fn say(self: &Rc<Self>, html: &str) {
        let Ok(place) = document().create_element("div") else { return };
        place.set_inner_html(html);
        // One that was read meanwhile has no words.
        if !matches!(place.query_selector(".toast"), Ok(Some(_))) {
            return;
        }
        if self.holder.append_child(&place).is_ok() {
            self.leave_after(place, STAYS);
        }
    }

    fn leave_after(self: &Rc<Self>, place: Element, pause: Duration) {
        let this = Rc::clone(self);
        set_timeout(
            move || {
                if !place.is_connected() {
                    return;
                }
                let active = document().active_element();
                let held = place.matches(":hover").unwrap_or(false)
                    || active.is_some_and(|active| place.contains(Some(&active)));
                if held {
                    this.leave_after(place, LONGER);
                } else {
                    _ = place.class_list().add_1(OVER);
                    this.clear();
                }
            },
            pause,
        );
    }

    /// Removes those that are over and have nothing above them, so that none moves by itself.
    fn clear(self: &Rc<Self>) {
        while let Some(newest) = self.holder.last_element_child()
            && newest.class_list().contains(OVER)
        {
            newest.remove();
        }
        self.fill();
    }

    /// Removes the toast around an element; the focus goes to the one after it, if any.
    fn dismiss(self: &Rc<Self>, within: &Element) {
        let Some(toast) = within.closest(".toasts > div").ok().flatten() else { return };
        toast.remove();
        let next = self.holder.query_selector(":scope > :not(.over) [data-dismiss]").ok().flatten();
        if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
            _ = next.focus();
        }
        self.clear();
    }
}

fn element(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

fn dialog_open() -> bool {
    document().query_selector("dialog[open]").ok().flatten().is_some()
}
