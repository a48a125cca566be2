//! The one stream of doorbells that all islands of a page share.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::set_timeout;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{EventSource, MessageEvent};

const ADDRESS: &str = "/api/v1/events";
const AGAIN: Duration = Duration::from_secs(3);

/// Something changed; go and read it (`domain::view::event`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// What, for example `failover`.
    pub(crate) kind: String,
    /// Which one, where it has an id.
    pub(crate) id: String,
}

impl Event {
    /// Read by the browser: a reader of our own would be a fifth of the bundle.
    fn read(text: &str) -> Option<Self> {
        let read = js_sys::JSON::parse(text).ok()?;
        let word = |name| js_sys::Reflect::get(&read, &JsValue::from_str(name)).ok()?.as_string();
        Some(Self { kind: word("kind")?, id: word("id")? })
    }
}

/// What the stream tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ring {
    /// It is connected, perhaps again.
    Open,
    /// It is not connected; it is being tried again.
    Lost,
    /// Something changed.
    Event(Event),
}

type Listener = Rc<dyn Fn(&Ring)>;

thread_local! {
    static LISTENERS: RefCell<Vec<Listener>> = const { RefCell::new(Vec::new()) };
}

/// Calls `hear` for all that the stream tells, as long as the page is open. The first to listen
/// opens it.
pub(crate) fn listen(hear: impl Fn(&Ring) + 'static) {
    let first = LISTENERS.with_borrow_mut(|all| {
        all.push(Rc::new(hear));
        all.len() == 1
    });
    if first {
        connect();
    }
}

fn tell(ring: &Ring) {
    // A copy, so that a listener may add another.
    let all = LISTENERS.with_borrow(Clone::clone);
    for listener in all {
        listener(ring);
    }
}

fn connect() {
    let Ok(source) = EventSource::new(ADDRESS) else {
        tell(&Ring::Lost);
        set_timeout(connect, AGAIN);
        return;
    };
    let opened = Closure::<dyn Fn()>::new(|| tell(&Ring::Open));
    let heard = Closure::<dyn Fn(MessageEvent)>::new(|message: MessageEvent| {
        let text = message.data().as_string().unwrap_or_default();
        if let Some(event) = Event::read(&text) {
            tell(&Ring::Event(event));
        }
    });
    let kept = source.clone();
    let failed = Closure::<dyn Fn()>::new(move || {
        tell(&Ring::Lost);
        // A cut stream is opened again by the browser; one that was refused is not.
        if kept.ready_state() == EventSource::CLOSED {
            kept.set_onerror(None);
            set_timeout(connect, AGAIN);
        }
    });
    source.set_onopen(Some(opened.as_ref().unchecked_ref()));
    source.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    source.set_onerror(Some(failed.as_ref().unchecked_ref()));
    // They live as long as the page.
    opened.forget();
    heard.forget();
    failed.forget();
}
