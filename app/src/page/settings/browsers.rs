//! Settings → Account: the browsers that the account knows.

use domain::view::access::{Browser, Browsers};
use leptos::prelude::*;

use crate::control_plane::{Answer, ControlPlane};
use crate::page::done;
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::ui::{Tone, ago, badge, card, cell, key_cell, post_button, table};
use crate::visit::Visit;

pub(crate) async fn forget(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::Account.path());
    }
    plane.forget_browser(&request.form.text("id")).await?;
    done(&Route::Account, "browser_forgotten")
}

pub(crate) fn list(visit: &Visit, browsers: &Browsers) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let rows: Vec<AnyView> = browsers.browsers.iter().map(|one| line(visit, one)).collect();
    let columns = [
        (t.browser, false),
        (t.col_made, false),
        (t.col_last_used, false),
        (a.browser_forget, false),
    ];
    let list = if rows.is_empty() {
        view! { <p class="muted">{a.browsers_none}</p> }.into_any()
    } else {
        table(a.browsers, &columns, rows)
    };
    card("browsers", a.browsers, view! { <p>{a.browsers_what}</p> {list} }.into_any())
}

fn line(visit: &Visit, browser: &Browser) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let agent = browser.user_agent.clone().unwrap_or_else(|| t.unknown.to_owned());
    let here = browser.current.then(|| badge(Tone::Ok, t.this_one));
    let id = vec![("id", browser.id.clone())];
    let forget = post_button(Route::ForgetBrowser.path(), a.browser_forget, "small danger", id);
    view! {
        <tr data-key=browser.id.clone()>
            {key_cell(view! { <span class="agent" title=agent.clone()>{agent.clone()}</span> {here} <span class="under">{browser.ip.clone()}</span> })}
            {cell(t.col_made, ago(visit, browser.created_at))}
            {cell(t.col_last_used, ago(visit, browser.last_used_at))}
            {cell(a.browser_forget, forget)}
        </tr>
    }
    .into_any()
}
