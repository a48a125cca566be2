//! Machines, pages and acts by name: a list to choose from with the keyboard. As a part it is the content
//! of a dialog (`island::palette`); as a page, for who has no script, the same as plain links.

use domain::view::failover::FailoverPage;
use domain::view::machine::{MachinePage, MachinesPage};
use leptos::prelude::*;

use super::{Page, failover, machine};
use crate::control_plane::{Answer, ControlPlane};
use crate::router::{FailoverAct, MachineAct, Route};
use crate::site::{Outcome, Request};
use crate::text;
use crate::ui::heading;
use crate::visit::Visit;

/// One thing to choose.
struct Choice {
    group: &'static str,
    word: String,
    /// What is beside it: a machine's number, whose act it is.
    beside: String,
    href: String,
    /// It asks in a dialog.
    asks: bool,
}

/// What the page that it was opened on is about.
enum Here {
    Machine(Box<MachinePage>),
    Failover(Box<FailoverPage>),
    Elsewhere,
}

pub(crate) async fn answer(
    visit: &Visit,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let machines = plane.machines().await.ok();
    let here = match request.query.get("here").and_then(Route::read) {
        Some(Route::Machine(gpu)) => plane.machine(gpu).await.map(Box::new).map(Here::Machine),
        Some(Route::Failover(id)) => plane.failover(&id).await.map(Box::new).map(Here::Failover),
        _ => Ok(Here::Elsewhere),
    };
    let mut choices = acts(visit, &here.unwrap_or(Here::Elsewhere));
    choices.extend(named(visit, machines.as_deref()));
    choices.extend(pages(visit));
    let part = request.part;
    Outcome::page(move |visit| {
        let t = visit.t();
        let body = if part { listbox(visit, &choices) } else { links(visit, &choices) };
        Page::new(t.palette, body).narrow()
    })
}

/// What can be done where it was opened, and can be done now.
fn acts(visit: &Visit, here: &Here) -> Vec<Choice> {
    let t = visit.t();
    let choice = |word: &str, beside: &str, route: Route| Choice {
        group: t.palette_acts,
        word: word.to_owned(),
        beside: beside.to_owned(),
        href: route.path(),
        asks: true,
    };
    match here {
        Here::Machine(data) => machine::open_acts(data)
            .into_iter()
            .map(|act: MachineAct| {
                let route = Route::MachineAct(data.row.gpu_instance_id, act);
                choice(machine::word(act, data, t), &data.row.name, route)
            })
            .collect(),
        Here::Failover(data) => failover::acts(data)
            .into_iter()
            .map(|act: FailoverAct| {
                let route = Route::FailoverAct(data.status.failover_id.clone(), act);
                choice(text::failover_act(act, t), &data.status.machine_name, route)
            })
            .collect(),
        Here::Elsewhere => Vec::new(),
    }
}

fn named(visit: &Visit, machines: Option<&MachinesPage>) -> Vec<Choice> {
    let t = visit.t();
    let own = machines.iter().flat_map(|page| page.machines.iter());
    own.chain(machines.iter().flat_map(|page| page.shared.iter().map(|one| &one.row)))
        .filter(|row| row.errand.is_none())
        .map(|row| Choice {
            group: t.machines,
            word: row.name.clone(),
            beside: row.gpu_instance_id.to_string(),
            href: Route::Machine(row.gpu_instance_id).path(),
            asks: false,
        })
        .collect()
}

fn pages(visit: &Visit) -> Vec<Choice> {
    let t = visit.t();
    [
        (t.nav_machines, Route::Machines.path()),
        (t.machines_add, Route::Offers.path()),
        (t.kinds_real, format!("{}?kind=real", Route::Failovers.path())),
        (t.kinds_drill, format!("{}?kind=drill", Route::Failovers.path())),
        (t.kinds_planned, format!("{}?kind=planned", Route::Failovers.path())),
        (t.notes, Route::Notifications.path()),
        (t.nav_failover_settings, Route::Settings.path()),
        (t.nav_credentials, Route::Credentials.path()),
        (t.nav_account, Route::Account.path()),
        (visit.access().sharing, Route::Sharing.path()),
        (t.audit, Route::Audit.path()),
        (t.balance, Route::Balance.path()),
        (t.shortcuts, Route::Shortcuts.path()),
        (t.nav_docs, "/docs".to_owned()),
    ]
    .into_iter()
    .map(|(word, href)| Choice {
        group: t.palette_pages,
        word: word.to_owned(),
        beside: String::new(),
        asks: href == Route::Shortcuts.path(),
        href,
    })
    .collect()
}

fn listbox(visit: &Visit, choices: &[Choice]) -> AnyView {
    let t = visit.t();
    let options = choices
        .iter()
        .enumerate()
        .map(|(place, one)| {
            let found_by = format!("{} {} {}", one.word, one.beside, one.group).to_lowercase();
            view! {
                <li role="option" id=format!("choice-{place}") aria-selected="false" data-find=found_by
                    data-href=one.href.clone() data-asks=one.asks.then_some("")>
                    <span>{one.word.clone()} {(!one.beside.is_empty()).then(|| view! { " " <span class="muted">{one.beside.clone()}</span> })}</span>
                    <small>{one.group}</small>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="palette">
            <h1 id="dialog-title" class="hidden">{t.palette}</h1>
            <input type="text" role="combobox" aria-expanded="true" aria-controls="choices" aria-autocomplete="list"
                aria-label=t.palette_hint placeholder=t.palette_hint autocomplete="off" spellcheck="false" autofocus/>
            <ul role="listbox" id="choices" aria-label=t.palette>{options}</ul>
            <p class="muted" role="status" data-none=t.palette_none></p>
        </div>
    }
    .into_any()
}

fn links(visit: &Visit, choices: &[Choice]) -> AnyView {
    let t = visit.t();
    let groups = [t.palette_acts, t.machines, t.palette_pages]
        .into_iter()
        .filter(|group| choices.iter().any(|one| one.group == *group))
        .map(|group| {
            let lines = choices
                .iter()
                .filter(|one| one.group == group)
                .map(|one| view! { <li><a href=one.href.clone()>{one.word.clone()}</a> " " <span class="muted">{one.beside.clone()}</span></li> })
                .collect_view();
            view! { <h2>{group}</h2> <ul class="plain">{lines}</ul> }
        })
        .collect_view();
    view! { <div>{heading(t.palette, None, None)} {groups}</div> }.into_any()
}
