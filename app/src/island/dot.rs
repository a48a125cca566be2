//! Whether the page is live, and how long ago the last event was.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

use super::bell::{self, Ring};

/// The words of the dot, in the language of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DotWords {
    /// Connected.
    pub live: String,
    /// Not connected.
    pub lost: String,
    /// The browser itself has no network.
    pub offline: String,
    /// Not connected yet.
    pub begin: String,
    /// The last event was `{span}` ago.
    pub event: String,
}

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
pub fn Dot(words: DotWords) -> impl IntoView {
    let state = RwSignal::new(State::Begin);
    let (last, set_last) = signal(None::<f64>);
    let (now, set_now) = signal(0.0);
    Effect::new(move || {
        bell::listen(move |ring| match ring {
            Ring::Open => state.set(if online() { State::Live } else { State::Offline }),
            Ring::Lost => state.set(if online() { State::Lost } else { State::Offline }),
            Ring::Event(_) => {
                state.set(if online() { State::Live } else { State::Offline });
                set_last.set(Some(js_sys::Date::now()));
            }
        });
        on("offline", move || state.set(State::Offline));
        on("online", move || {
            if state.get_untracked() == State::Offline {
                state.set(State::Lost);
            }
        });
        set_interval(move || set_now.set(js_sys::Date::now()), std::time::Duration::from_secs(1));
    });
    let class = move || match state.get() {
        State::Begin => "dot begin",
        State::Live => "dot on",
        State::Lost | State::Offline => "dot lost",
    };
    let word = {
        let words = words.clone();
        move || match state.get() {
            State::Begin => words.begin.clone(),
            State::Live => words.live.clone(),
            State::Lost => words.lost.clone(),
            State::Offline => words.offline.clone(),
        }
    };
    // An age that counts on beside *connection lost* would say that something still comes.
    let live = move || state.get() == State::Live;
    let age = move || last.get().filter(|_| live()).map(|at| span((now.get() - at).max(0.0)));
    let title = move || age().map(|age| words.event.replace("{span}", &age));
    view! {
        <span class=class title=title>
            <span class="dot-mark" aria-hidden="true"></span>
            <span class="dot-word" role="status">{word}</span>
            <span class="dot-age" aria-hidden="true">{move || age().unwrap_or_default()}</span>
        </span>
    }
}

fn online() -> bool {
    window().navigator().on_line()
}

fn on(name: &str, act: impl Fn() + 'static) {
    let listener = Closure::<dyn Fn()>::new(act);
    _ = window().add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
    // It lives as long as the page.
    listener.forget();
}

/// One unit: `3 s`, `5 min`, `2 h`.
fn span(ms: f64) -> String {
    let seconds = (ms / 1_000.0).floor();
    if seconds < 60.0 {
        format!("{seconds:.0} s")
    } else if seconds < 3_600.0 {
        format!("{:.0} min", (seconds / 60.0).floor())
    } else {
        format!("{:.0} h", (seconds / 3_600.0).floor())
    }
}
