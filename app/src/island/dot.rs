//! Whether the page is live, and how long ago the last event was.
//!
//! The words are the server's: on the element that shows them, by state (`data-on`, `data-lost`,
//! `data-offline`), and for the age (`data-event`, with `{span}` in it).

use std::cell::Cell;
use std::rc::Rc;

use leptos::html::Span;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::Element;

use super::bell::{self, Ring};
use super::clock;

/// Where the stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    Live,
    Lost,
    Offline,
}

/// The dot. Without JavaScript there is nothing live to speak of, and it is not shown.
#[island]
pub fn Dot(children: Children) -> impl IntoView {
    let holder: NodeRef<Span> = NodeRef::new();
    Effect::new(move || {
        let Some(element) = holder.get() else { return };
        let find = |what: &str| element.query_selector(what).ok().flatten();
        if let (Some(whole), Some(word), Some(age)) =
            (find(".dot"), find(".dot-word"), find(".dot-age"))
        {
            Shown::begin(whole, word, age);
        }
    });
    view! { <span node_ref=holder>{children()}</span> }
}

struct Shown {
    whole: Element,
    word: Element,
    age: Element,
    state: Cell<State>,
    /// When the last event came.
    last: Cell<Option<i64>>,
}

impl Shown {
    fn begin(whole: Element, word: Element, age: Element) {
        let (state, last) = (Cell::new(State::Begin), Cell::new(None));
        let this = Rc::new(Self { whole, word, age, state, last });
        let heard = Rc::clone(&this);
        bell::listen(move |ring| {
            if matches!(ring, Ring::Event(_)) {
                heard.last.set(Some(clock::now()));
            }
            heard.stands(match ring {
                _ if !window().navigator().on_line() => State::Offline,
                Ring::Lost => State::Lost,
                Ring::Open | Ring::Event(_) => State::Live,
            });
        });
        let cut = Rc::clone(&this);
        on("offline", move || cut.stands(State::Offline));
        let back = Rc::clone(&this);
        on("online", move || {
            if back.state.get() == State::Offline {
                back.stands(State::Lost);
            }
        });
        set_interval(move || this.count(), std::time::Duration::from_secs(1));
    }

    fn stands(&self, state: State) {
        if self.state.replace(state) != state {
            let (class, words) = match state {
                State::Begin => return,
                State::Live => ("dot on", "data-on"),
                State::Lost => ("dot lost", "data-lost"),
                State::Offline => ("dot lost", "data-offline"),
            };
            self.whole.set_class_name(class);
            self.word.set_text_content(self.word.get_attribute(words).as_deref());
        }
        self.count();
    }

    /// An age that counts on beside *connection lost* would say that something still comes.
    fn count(&self) {
        let last = self.last.get().filter(|_| self.state.get() == State::Live);
        let age = last.map(|at| span(clock::now() - at)).unwrap_or_default();
        if self.age.text_content().as_deref() == Some(age.as_str()) {
            return;
        }
        self.age.set_text_content(Some(&age));
        let told = self.whole.get_attribute("data-event").filter(|_| !age.is_empty());
        match told.as_deref().and_then(|words| words.split_once("{span}")) {
            Some((before, after)) => {
                _ = self.whole.set_attribute("title", &[before, &age, after].concat());
            }
            None => _ = self.whole.remove_attribute("title"),
        }
    }
}

fn on(name: &str, act: impl Fn() + 'static) {
    let listener = Closure::<dyn Fn()>::new(act);
    _ = window().add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
    // It lives as long as the page.
    listener.forget();
}

/// One unit: `3 s`, `5 min`, `2 h`.
fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn an_age_has_one_unit() {
        for (ms, told) in [
            (-5, "0 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (3_599_999, "59 min"),
            (7_200_000, "2 h"),
        ] {
            assert_eq!(span(ms), told);
        }
    }
}
