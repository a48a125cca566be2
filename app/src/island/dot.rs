//! Whether the page is live, and how long ago the last event was.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::bell::{self, Ring};

/// The words of the dot, in the language of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DotWords {
    /// Connected.
    pub live: String,
    /// Not connected.
    pub lost: String,
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
}

/// The dot. Without JavaScript there is nothing live to speak of, and it is not shown.
#[island]
pub fn Dot(words: DotWords) -> impl IntoView {
    let state = RwSignal::new(State::Begin);
    let (last, set_last) = signal(None::<f64>);
    let (now, set_now) = signal(0.0);
    Effect::new(move || {
        bell::listen(move |ring| match ring {
            Ring::Open => state.set(State::Live),
            Ring::Lost => state.set(State::Lost),
            Ring::Event(_) => {
                state.set(State::Live);
                set_last.set(Some(js_sys::Date::now()));
            }
        });
        set_interval(move || set_now.set(js_sys::Date::now()), std::time::Duration::from_secs(1));
    });
    let class = move || match state.get() {
        State::Begin => "dot begin",
        State::Live => "dot on",
        State::Lost => "dot lost",
    };
    let word = {
        let words = words.clone();
        move || match state.get() {
            State::Begin => words.begin.clone(),
            State::Live => words.live.clone(),
            State::Lost => words.lost.clone(),
        }
    };
    let age = move || last.get().map(|at| span((now.get() - at).max(0.0)));
    let title = move || age().map(|age| words.event.replace("{span}", &age));
    view! {
        <span class=class title=title>
            <span class="dot-mark" aria-hidden="true"></span>
            <span class="dot-word" role="status">{word}</span>
            <span class="dot-age" aria-hidden="true">{move || age().unwrap_or_default()}</span>
        </span>
    }
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
