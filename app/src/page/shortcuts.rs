//! What keys do, and the switch for those that are single letters.

use leptos::prelude::*;

use super::Page;
use crate::router::Route;
use crate::text::fill;
use crate::ui::hidden;
use crate::visit::Visit;

pub(super) fn page(visit: &Visit) -> Page {
    let t = visit.t();
    let go = |page: &str| fill(t.shortcut_go, &[("page", page)]);
    let lines = [
        (vec!["Ctrl", "K"], true, t.shortcut_palette.to_owned()),
        (vec!["g", "m"], false, go(t.nav_machines)),
        (vec!["g", "f"], false, go(t.nav_failovers)),
        (vec!["g", "s"], false, go(t.nav_settings)),
        (vec!["g", "n"], false, go(t.notes)),
        (vec!["/"], false, t.shortcut_search.to_owned()),
        (vec!["?"], false, t.shortcut_help.to_owned()),
    ]
    .into_iter()
    .map(|(keys, together, does)| {
        let between = if together { " + ".to_owned() } else { format!(" {} ", t.key_then) };
        let keys = keys
            .into_iter()
            .enumerate()
            .map(|(place, key)| view! { {(place > 0).then(|| between.clone())} <kbd>{key}</kbd> })
            .collect_view();
        view! { <div><dt>{does}</dt><dd>{keys}</dd></div> }
    })
    .collect_view();
    let choice = |value: &'static str, word, on: bool| {
        view! { <button type="submit" name="keys" value=value aria-pressed=if on { "true" } else { "false" }>{word}</button> }
    };
    let body = view! {
        <div class="ask">
            <h1 id="dialog-title">{t.shortcuts}</h1>
            <p>{t.shortcuts_what}</p>
            <dl class="properties keys">{lines}</dl>
            <form method="post" action=Route::Prefs.path() class="switch">
                <fieldset>
                    <legend>{t.shortcut_letters}</legend>
                    {hidden("back", Route::Shortcuts.path())}
                    {choice("on", t.on, visit.keys)}
                    {choice("off", t.off, !visit.keys)}
                </fieldset>
            </form>
            <div class="answers"><a class="button" href=Route::Machines.path() data-close="">{t.back}</a></div>
        </div>
    };
    Page::new(t.shortcuts, body.into_any()).narrow()
}
