//! A part of a page that stays true: on a doorbell, and after a while, its content is asked for
//! again and takes the place of the old one without moving what is the same.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;
use web_sys::Element;

use super::bell::{self, Ring};
use super::{alerts, fetch, morph, said, tab};

/// Several doorbells in a row are answered once.
const GATHER: Duration = Duration::from_millis(120);
/// How soon after a try that failed.
const AGAIN_MS: u64 = 3_000;
/// How often without a doorbell, where the content does not say.
const USUAL_MS: u64 = 15_000;
/// Attribute by which the content says after how many milliseconds it is to be asked for again.
const REFRESH: &str = "data-refresh";

/// Attribute of an element around it: the kinds of doorbells that concern the content, with commas between
/// (all where it is empty).
const KINDS: &str = "data-kinds";
/// Attribute of the same: where the content is asked for; this page where nothing is said.
const ADDRESS: &str = "data-address";

/// The content. What renews it is said around it ([`crate::ui::live`]).
#[island]
pub fn Live(children: Children) -> impl IntoView {
    let holder: NodeRef<Div> = NodeRef::new();
    Effect::new(move || {
        let Some(element) = holder.get() else { return };
        // The server's content lies in an element of its own within the island.
        let Some(content) = element.first_element_child() else { return };
        let around = element.closest("[data-kinds]").ok().flatten();
        let said = |name| around.as_ref().and_then(|around| around.get_attribute(name));
        Renewal::begin(content, said(ADDRESS), said(KINDS).unwrap_or_default());
    });
    view! { <div class="live" node_ref=holder>{children()}</div> }
}

struct Renewal {
    content: Element,
    url: Option<String>,
    kinds: Vec<String>,
    /// The number of the timer that counts; older ones do nothing.
    timer: Cell<u64>,
    asking: Cell<bool>,
    /// Rung while it was being asked for.
    again: Cell<bool>,
}

impl Renewal {
    fn begin(content: Element, url: Option<String>, kinds: String) {
        let kinds = kinds.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
        let this = Rc::new(Self {
            content,
            url,
            kinds,
            timer: Cell::new(0),
            asking: Cell::new(false),
            again: Cell::new(false),
        });
        this.after(this.pause());
        let opened = Cell::new(false);
        bell::listen(move |ring| match ring {
            // What was missed while it was lost; the first time the content is fresh.
            Ring::Open if opened.replace(true) => this.after(GATHER),
            Ring::Event(event) if this.concerns(&event.kind) => this.after(GATHER),
            _ => {}
        });
    }

    fn concerns(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|known| known == kind)
    }

    /// The pause that the content asks for.
    fn pause(&self) -> Duration {
        let asked = self.content.query_selector(&format!("[{REFRESH}]")).ok().flatten();
        let asked = asked.and_then(|element| element.get_attribute(REFRESH)?.parse().ok());
        Duration::from_millis(asked.unwrap_or(USUAL_MS))
    }

    fn after(self: &Rc<Self>, pause: Duration) {
        let number = self.timer.get() + 1;
        self.timer.set(number);
        let this = Rc::clone(self);
        set_timeout(
            move || {
                if this.timer.get() == number {
                    this.ask();
                }
            },
            pause,
        );
    }

    fn ask(self: &Rc<Self>) {
        if document().hidden() {
            // Nobody looks; looked at again when the page is, at the latest after a moment.
            self.after(Duration::from_millis(1_000));
            return;
        }
        if self.asking.replace(true) {
            self.again.set(true);
            return;
        }
        let this = Rc::clone(self);
        spawn_local(async move {
            let pause = this.renew().await;
            this.asking.set(false);
            this.after(if this.again.take() { GATHER } else { pause });
        });
    }

    async fn renew(&self) -> Duration {
        let location = window().location();
        let here = || {
            let search = said::query(&location.search().unwrap_or_default());
            format!("{}{search}", location.pathname().unwrap_or_default())
        };
        let address = self.url.clone().unwrap_or_else(here);
        match fetch::part(&address).await {
            Ok((401 | 404, _)) => {
                // The session is over, or what is shown is no longer there or no longer shared: the page that
                // comes instead says so.
                _ = location.reload();
                Duration::from_millis(AGAIN_MS)
            }
            Ok((200, html)) => {
                morph::morph(&document(), &self.content, &html);
                tab::show();
                alerts::reflect();
                self.stale(false);
                self.pause()
            }
            _ => {
                self.stale(true);
                Duration::from_millis(AGAIN_MS)
            }
        }
    }

    fn stale(&self, yes: bool) {
        let holder = self.content.parent_element();
        if let Some(classes) = holder.and_then(|holder| holder.dyn_into::<Element>().ok()) {
            _ = classes.class_list().toggle_with_force("stale", yes);
        }
    }
}
