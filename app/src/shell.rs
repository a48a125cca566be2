//! The HTML document around a page, or the page's content alone where a live page asks for it.

use domain::view::balance::Balance;
use leptos::prelude::*;

use crate::control_plane::Answer;
use crate::island::deck::Deck;
use crate::island::toasts::Toasts;
use crate::page::Page;
use crate::page::tab::Tab;
use crate::site::Assets;
use crate::ui::icon::sprite;
use crate::ui::live;
use crate::ui::top_bar::top_bar;
use crate::visit::Visit;

/// What surrounds a page.
pub(crate) struct Frame<'a> {
    pub(crate) assets: &'a Assets,
    /// The credit; `None` while the provider is asked.
    pub(crate) balance: Option<Answer<Balance>>,
    /// How many notifications were not read; `None` where it can't be told.
    pub(crate) unread: Option<i64>,
    /// How one's machines are, for the tab.
    pub(crate) tab: Tab,
    /// The content alone.
    pub(crate) part: bool,
}

/// Starts the islands: loads the WASM and calls the function that each island names.
pub(crate) const START: &str = include_str!("start.js");

/// The document.
pub(crate) fn html(visit: &Visit, page: Page, frame: Frame<'_>) -> String {
    let own = page.tab.clone();
    // It is renewed with the page that it is of.
    let body = match own.clone() {
        Some(Tab { words, icon }) => view! {
            <span hidden data-tab=words data-tab-icon=icon></span>
            {page.body}
        }
        .into_any(),
        None => page.body,
    };
    if frame.part {
        return body.to_html();
    }
    let t = visit.t();
    let Frame { assets, balance, unread, tab, .. } = frame;
    let title = format!("{} · Dumont", page.title);
    let Tab { words, icon } = own.unwrap_or_else(|| tab.clone());
    let main_class = if page.narrow { "narrow" } else { "" };
    let body = match page.live {
        Some(kinds) if visit.user.is_some() => live(None, kinds, body),
        _ => body,
    };
    let document = view! {
        <html lang=visit.lang.tag() data-theme=visit.theme.attribute()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="description" content=t.description/>
                <title data-title=title.clone()>{format!("{words}{title}")}</title>
                <link rel="icon" href=icon type="image/svg+xml"/>
                {assets.style.clone().map(|href| view! { <link rel="stylesheet" href=href/> })}
                {scripts(assets)}
            </head>
            <body data-keys=(!visit.keys).then_some("off") data-failed=t.dialog_failed>
                {sprite()}
                <a class="skip" href="#main">{t.skip}</a>
                {top_bar(visit, balance, unread, &tab)}
                <main id="main" class=main_class>{body}</main>
                {visit.user.is_some().then(|| view! { <Toasts/> })}
                <Deck/>
            </body>
        </html>
    };
    format!("<!DOCTYPE html>{}", document.to_html())
}

fn scripts(assets: &Assets) -> Option<AnyView> {
    let (script, wasm) = assets.islands.clone()?;
    Some(
        view! {
            <link rel="modulepreload" href=script.clone()/>
            <link rel="preload" href=wasm.clone() r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
            <script type="module" data-script=script data-wasm=wasm data-passkey=assets.passkey.clone() id="start" inner_html=START></script>
        }
        .into_any(),
    )
}
