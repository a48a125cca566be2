//! The bar on every page: where we are, whether the page is live, the credit, what was not read yet,
//! who is logged in.

use domain::view::balance::Balance;
use leptos::prelude::*;

use crate::control_plane::Answer;
use crate::island::dot::Dot;
use crate::page::balance;
use crate::page::notifications::bell;
use crate::page::tab::Tab;
use crate::router::Route;
use crate::text::{Lang, fill};
use crate::ui::{self, hidden};
use crate::visit::{Theme, Visit};

/// The mark of the product: a machine, and the one that stands behind it.
fn brand_mark() -> AnyView {
    view! {
        <svg class="brand-mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
            <rect class="behind" x="7" y="2" width="11" height="11" rx="2"></rect>
            <rect class="front" x="2" y="7" width="11" height="11" rx="2"></rect>
        </svg>
    }
    .into_any()
}

/// Draws the bar.
pub(crate) fn top_bar(
    visit: &Visit,
    credit: Option<Answer<Balance>>,
    unread: Option<i64>,
    tab: &Tab,
) -> AnyView {
    let t = visit.t();
    let inside = visit.user.is_some();
    let home = if inside { Route::Machines } else { Route::Root };
    view! {
        <header class="bar">
            <a class="brand" href=home.path()>{brand_mark()} <span>"Dumont"</span></a>
            {inside.then(|| navigation(visit))}
            <div class="bar-end">
                {visit.sandbox.then(|| view! { <span class="kind sandbox" title=t.sandbox_what>{t.sandbox_mark}</span> })}
                {inside.then(|| live(visit, credit.as_ref()))}
                {inside.then(|| bell::live(visit, unread, tab))}
                {menu(visit)}
            </div>
        </header>
    }
    .into_any()
}

/// Whether the page is live, and the credit.
fn live(visit: &Visit, credit: Option<&Answer<Balance>>) -> AnyView {
    let t = visit.t();
    let figure = balance::figure(visit, credit);
    let figure = ui::live(Some(Route::Balance.path()), "balance,instance", figure);
    view! {
        <Dot>
            <span class="dot begin" data-event=t.live_event>
                <span class="dot-mark" aria-hidden="true"></span>
                <span class="dot-word" role="status" data-on=t.live_on data-lost=t.live_lost data-offline=t.live_offline>
                    {t.live_begin}
                </span>
                <span class="dot-age" aria-hidden="true"></span>
            </span>
        </Dot>
        <div class="credit">{figure}</div>
    }
    .into_any()
}

fn navigation(visit: &Visit) -> AnyView {
    view! { <nav class="main-nav" aria-label=visit.t().nav_label>{places(visit)}</nav> }.into_any()
}

/// The zone of all times, by name where the browser said it.
fn zone(visit: &Visit) -> String {
    let now = visit.zone.name(visit.now);
    visit.zone_name.as_ref().map_or_else(|| now.clone(), |name| format!("{name} ({now})"))
}

/// In the bar; on a phone in the menu.
fn places(visit: &Visit) -> AnyView {
    let t = visit.t();
    let places = [
        (Route::Machines, t.nav_machines, "m", ["/app/machines", "/app/offers"].as_slice()),
        (Route::Failovers, t.nav_failovers, "f", &["/app/failover"]),
        (Route::Settings, t.nav_settings, "s", &["/app/settings"]),
    ];
    places
        .into_iter()
        .map(|(route, word, key, below)| {
            let href = route.path();
            let here =
                visit.path == href || below.iter().any(|start| visit.path.starts_with(start));
            view! { <a href=href aria-current=here.then_some("page") data-go=key>{word}</a> }
        })
        .collect_view()
        .into_any()
}

fn menu(visit: &Visit) -> AnyView {
    let t = visit.t();
    let inside = visit.user.is_some();
    let name = visit.user.as_ref().map(|user| user.username.clone());
    let label = name.clone().unwrap_or_else(|| t.menu_preferences.to_owned());
    view! {
        <details class="menu">
            <summary aria-label=format!("{} {label}", t.menu_label)>{label.clone()}</summary>
            <div class="menu-body">
                {inside.then(|| view! { <nav class="menu-nav" aria-label=t.nav_label>{places(visit)}</nav> })}
                {inside.then(|| view! {
                    <div class="menu-links">
                        <a href=Route::Account.path()>{t.nav_account}</a>
                        <a href=Route::Palette.path() data-palette="">{t.palette} <span><kbd>"Ctrl"</kbd> " " <kbd>"K"</kbd></span></a>
                        <a href=Route::Shortcuts.path() data-dialog="" data-help="">{t.shortcuts} <kbd>"?"</kbd></a>
                        <a href="/docs">{t.nav_docs}</a>
                    </div>
                })}
                {switch(visit, t.language, "lang", &[
                    ("pt-BR", t.language_pt, visit.lang == Lang::Pt),
                    ("en", t.language_en, visit.lang == Lang::En),
                ])}
                {switch(visit, t.theme, "theme", &[
                    ("auto", t.theme_auto, visit.theme == Theme::Auto),
                    ("light", t.theme_light, visit.theme == Theme::Light),
                    ("dark", t.theme_dark, visit.theme == Theme::Dark),
                ])}
                <p class="fine">{fill(t.times_in, &[("zone", &zone(visit))])}</p>
                {inside.then(|| view! {
                    <form method="post" action=Route::Logout.path()>
                        <button type="submit" class="button wide">{t.log_out}</button>
                    </form>
                })}
            </div>
        </details>
    }
    .into_any()
}

/// A choice of the look that takes effect at once and leads back to this page.
fn switch(
    visit: &Visit,
    label: &'static str,
    name: &'static str,
    choices: &[(&'static str, &'static str, bool)],
) -> AnyView {
    let buttons = choices
        .iter()
        .map(|(value, word, on)| {
            view! { <button type="submit" name=name value=*value aria-pressed=if *on { "true" } else { "false" }>{*word}</button> }
        })
        .collect_view();
    view! {
        <form method="post" action=Route::Prefs.path() class="switch">
            <fieldset>
                <legend>{label}</legend>
                {hidden("back", visit.path.clone())}
                {buttons}
            </fieldset>
        </form>
    }
    .into_any()
}
