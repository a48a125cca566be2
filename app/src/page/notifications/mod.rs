//! What happened while nobody looked: a list, the bell in the bar of every page, and the words of a
//! toast. Each leads to the failover, the machine or the setting that it is about.

pub(crate) mod bell;
mod sentence;
mod toast;

use domain::id::NotificationId;
use domain::notification::{NewsKind, Severity};
use domain::view::notification::{Notification, NotificationQuery, Notifications};
use leptos::prelude::*;

use super::Page;
use crate::control_plane::{Answer, ControlPlane};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::{self, plural};
use crate::ui::{
    Tone, ago, badge, empty, go_link, gone_button, heading, kind_badge, mark, post_button,
};
use crate::visit::Visit;

/// How many a page shows.
const SHOWN: i64 = 50;

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let before = request.query.get("before").and_then(|text| text.parse().ok());
    let wanted = NotificationQuery { unread: None, before, limit: Some(SHOWN) };
    let found = plane.notifications(wanted).await?;
    Outcome::page(move |visit| page(visit, &found, before.is_some()))
}

/// The one that is followed is read; the reader goes on to what it is about. As a part it is the
/// words of a toast.
pub(crate) async fn one(
    id: NotificationId,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let found = plane.notification(id).await?;
    if request.part {
        return Outcome::page(move |visit| Page::new("", toast::toast(visit, &found)));
    }
    plane.read(id).await?;
    Outcome::see(subject(&found).path())
}

/// The form that marks all as read.
pub(crate) async fn read_all(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    if request.post {
        plane.read_all().await?;
    }
    Outcome::see(Route::Notifications.path())
}

/// What a notification is about.
fn subject(of: &Notification) -> Route {
    if let Some(failover) = &of.failover_id {
        return Route::Failover(failover.clone());
    }
    match (of.kind, of.gpu_instance_id) {
        (NewsKind::CredentialsRefused, _) => Route::Credentials,
        (NewsKind::CreditLow, _) => Route::Balance,
        (_, Some(gpu)) => Route::Machine(gpu),
        (_, None) => Route::Machines,
    }
}

const fn tone(one: &Notification) -> Tone {
    match one.severity {
        // That it is being seen to makes a loss no news like others.
        Severity::Notice if matches!(one.kind, NewsKind::FailoverStarted) => Tone::Warn,
        Severity::Good => Tone::Ok,
        Severity::Notice => Tone::Busy,
        Severity::Warning => Tone::Warn,
        Severity::Critical => Tone::Down,
    }
}

fn page(visit: &Visit, found: &Notifications, older: bool) -> Page {
    let t = visit.t();
    let state = if found.notifications.is_empty() && !older {
        None
    } else if found.unread_count == 0 {
        Some(t.notes_all_read.into_any())
    } else {
        let unread =
            plural(found.unread_count, t.notes_unread_one, t.notes_unread_many, visit.lang);
        Some(unread.into_any())
    };
    let content = if found.notifications.is_empty() {
        nothing(visit, older)
    } else {
        let rows = found.notifications.iter().map(|one| line(visit, one)).collect_view();
        view! { <ul class="notifications">{rows}</ul> {pager(visit, found, older)} }.into_any()
    };
    let action = state.is_some().then(|| mark_all(visit, found.unread_count));
    let body = view! {
        <div data-key="notifications">
            {heading(t.notes, state, action)}
            <p class="muted">{t.notes_what}</p>
            {alerts(visit)}
            {content}
        </div>
    };
    Page::new(t.notes, body.into_any()).live("notification").narrow()
}

/// The switch for the browser's own.
fn alerts(visit: &Visit) -> AnyView {
    let t = visit.t();
    let said = [
        ("on", t.alerts_on),
        ("off", t.alerts_off),
        ("denied", t.alerts_denied),
        ("insecure", t.alerts_insecure),
    ]
    .map(|(state, words)| view! { <span data-is=state hidden>{words}</span> })
    .collect_view();
    let turn = [("on", t.alerts_turn_off), ("off", t.alerts_turn_on)]
        .map(|(state, word)| {
            view! { <button type="button" class="button small" data-is=state hidden>{word}</button> }
        })
        .collect_view();
    view! {
        <section class="alerts" data-key="alerts" aria-labelledby="alerts-title">
            <div>
                <h2 id="alerts-title">{t.alerts}</h2>
                <p class="fine">{t.alerts_what}</p>
            </div>
            <div class="alerts-switch"><p role="status">{said}</p> {turn}</div>
        </section>
    }
    .into_any()
}

fn mark_all(visit: &Visit, unread: i64) -> AnyView {
    let t = visit.t();
    if unread > 0 {
        return post_button(Route::ReadNotifications.path(), t.notes_read_all, "", Vec::new());
    }
    gone_button(t.notes_read_all, t.notes_all_read, "why-not-read-all".to_owned())
}

fn nothing(visit: &Visit, older: bool) -> AnyView {
    let t = visit.t();
    if older {
        return view! { <p>{t.notes_no_older}</p> {to_newest(visit)} }.into_any();
    }
    empty(t.notes_none, t.notes_none_what, None)
}

fn line(visit: &Visit, one: &Notification) -> AnyView {
    let t = visit.t();
    let unread = one.read_at.is_none();
    let tone = tone(one);
    let class = format!("notification {}{}", tone.class(), if unread { " unread" } else { "" });
    view! {
        <li class=class data-key=one.id.to_string()>
            {mark(tone)}
            <div>
                <p><a href=Route::Notification(one.id).path()>{sentence::sentence(visit, one)}</a></p>
                <p class="fine">
                    <span class="severity">{text::severity(one.severity, t)}</span>
                    {marks(visit, one)}
                    {ago(visit, one.at)}
                </p>
            </div>
            {unread.then(|| badge(Tone::Busy, t.note_new))}
        </li>
    }
    .into_any()
}

/// Of which report it is, where it is of a failover, and whether of a sandbox.
fn marks(visit: &Visit, one: &Notification) -> AnyView {
    match one.figures.failover_kind {
        Some(kind) => kind_badge(visit, kind, one.sandbox),
        None => (one.sandbox && !visit.sandbox)
            .then(|| view! { <span class="kind sandbox">{visit.t().sandbox_mark}</span> })
            .into_any(),
    }
}

fn pager(visit: &Visit, found: &Notifications, older: bool) -> Option<AnyView> {
    let t = visit.t();
    let next = found.next_before.map(|before| {
        let href = format!("{}?before={before}", Route::Notifications.path());
        go_link(href, t.notes_older, "")
    });
    let first = older.then(|| to_newest(visit));
    let any = next.is_some() || first.is_some();
    any.then(|| {
        view! { <nav class="actions" aria-label=t.notes_pages>{first} {next}</nav> }.into_any()
    })
}

fn to_newest(visit: &Visit) -> AnyView {
    go_link(Route::Notifications.path(), visit.t().notes_newest, "")
}
