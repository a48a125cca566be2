//! The bell in the bar: a link to the list, with how many were not read.

use leptos::prelude::*;

use crate::control_plane::{Answer, ControlPlane};
use crate::page::Page;
use crate::page::tab::{self, Tab};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::plural;
use crate::ui;
use crate::visit::Visit;

/// Without a doorbell, asked for again this late, ms.
const LATE: &str = "60000";
/// More than these are not counted in the bar.
const MOST: i64 = 99;

/// The bell alone, for the bar that renews it; else the list itself.
pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    if !request.part {
        return Outcome::see(Route::Notifications.path());
    }
    let unread = plane.unread().await.ok();
    let machines = plane.machines().await.ok();
    Outcome::page(move |visit| {
        // Where they can't be told the tab keeps what it says.
        let tab = machines.as_deref().map(|machines| tab::all(visit, Some(machines)));
        Page::new("", bell(visit, unread, tab.as_ref()))
    })
}

/// The bell, kept true. `unread` is `None` where it can't be told.
/// What it says of the machines goes into the tab.
pub(crate) fn live(visit: &Visit, unread: Option<i64>, tab: &Tab) -> AnyView {
    const KINDS: &str = "notification,association,failover,instance";
    let bell = ui::live(Some(Route::Bell.path()), KINDS, bell(visit, unread, Some(tab)));
    view! { <div class="bell-place">{bell}</div> }.into_any()
}

fn bell(visit: &Visit, unread: Option<i64>, tab: Option<&Tab>) -> AnyView {
    let t = visit.t();
    let told = match unread {
        None => t.unknown.to_owned(),
        Some(0) => t.notes_all_read.to_owned(),
        Some(count) => plural(count, t.notes_unread_one, t.notes_unread_many, visit.lang),
    };
    let count = unread
        .filter(|count| *count > 0)
        .map(|count| if count > MOST { format!("{MOST}+") } else { count.to_string() });
    let title = format!("{}: {told}", t.notes);
    let here = (visit.path == Route::Notifications.path()).then_some("page");
    view! {
        <a class="bell" href=Route::Notifications.path() title=title
            aria-current=here data-refresh=LATE data-go="n" data-tab=tab.map(|tab| tab.words.clone())
            data-tab-icon=tab.map(|tab| tab.icon)>
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d="M8 1.500a4.500 4.500 0 0 0-4.500 4.500c0 3.500-1.500 4.500-1.500 5.500h12c0-1-1.500-2-1.500-5.500A4.500 4.500 0 0 0 8 1.500ZM6.500 13a1.500 1.500 0 0 0 3 0"></path>
            </svg>
            <span class="hidden">{t.notes} ": " {told}</span>
            {count.map(|count| view! { <span class="count" aria-hidden="true">{count}</span> })}
        </a>
    }
    .into_any()
}
