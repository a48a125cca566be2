//! Settings → Sharing: who else may look at machines or operate them, and what others share.

use domain::grant::{GrantLevel, GrantState};
use domain::id::AssociationId;
use domain::view::access::SecondFactor;
use domain::view::grant::{GivenGrant, GivenGrants, NewGrant, ReceivedGrant};
use domain::view::machine::MachinesPage;
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::{confirm, parts};
use crate::control_plane::{Answer, ControlPlane};
use crate::form::Fields;
use crate::page::problem::done_word;
use crate::page::{Page, done};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::{fill, plural};
use crate::ui::{
    Control, Field, Tone, ago, badge, card, cell, clock_time, field, heading, key_cell,
    post_button, said, table, tick, unknown,
};
use crate::visit::Visit;

/// How long a grant lasts, days, as offered; 0 is until it is taken back.
const LIFETIMES: [i64; 5] = [7, 1, 30, 90, 0];

/// What the page shows beside what is stored.
#[derive(Default)]
struct Shown {
    word: Option<String>,
    refused: Option<Problem>,
    to: String,
    level: Option<GrantLevel>,
    all: bool,
    machines: Vec<String>,
    days: String,
}

impl Shown {
    /// What was typed.
    fn typed(form: &Fields) -> Self {
        let machines = form.0.iter().filter(|(name, _)| name == "machine");
        Self {
            to: form.text("to"),
            level: form.get("level").and_then(|word| word.parse().ok()),
            all: form.ticked("all_machines"),
            machines: machines.map(|(_, id)| id.clone()).collect(),
            days: form.text("days"),
            ..Self::default()
        }
    }
}

impl Shown {
    /// The same as a query, so that a confirmation leads back to it.
    fn query(&self) -> String {
        let mut pairs =
            vec![("to".to_owned(), self.to.clone()), ("days".to_owned(), self.days.clone())];
        pairs.extend(self.level.map(|level| ("level".to_owned(), level.to_string())));
        pairs.extend(self.all.then(|| ("all_machines".to_owned(), "on".to_owned())));
        pairs.extend(self.machines.iter().map(|id| ("machine".to_owned(), id.clone())));
        Fields(pairs).query_without(&[])
    }
}

/// What is stored.
struct Data {
    given: GivenGrants,
    received: Vec<ReceivedGrant>,
    machines: Vec<(String, String)>,
    confirmed: bool,
    factor: SecondFactor,
}

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let word = request.query.get("said").map(str::to_owned);
    // Of the machine whose page led here, or what was typed before a confirmation.
    let typed = Shown::typed(&request.query);
    show(plane, Shown { word, ..typed }).await
}

async fn show(plane: &dyn ControlPlane, shown: Shown) -> Answer<Outcome> {
    let confirmed = plane.confirmed();
    let data = Data {
        given: plane.given().await?,
        received: plane.received().await?,
        machines: own(&*plane.machines().await?),
        confirmed,
        factor: plane.second_factor().await?,
    };
    Outcome::page(move |visit| page(visit, &data, &shown))
}

/// Ids and names of the protected machines.
fn own(all: &MachinesPage) -> Vec<(String, String)> {
    let ties = all.machines.iter().filter_map(|row| Some((row, row.association.as_ref()?)));
    ties.map(|(row, tie)| (tie.association_id.to_string(), row.name.clone())).collect()
}

pub(crate) async fn give(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::Sharing.path());
    }
    let typed = Shown::typed(&request.form);
    let wanted = NewGrant {
        to: typed.to.clone(),
        level: typed.level.unwrap_or(GrantLevel::Read),
        all_machines: typed.all,
        machines: if typed.all {
            Vec::new()
        } else {
            typed.machines.iter().map(AssociationId::new).collect()
        },
        // What can't be read is refused rather than taken for ever.
        days: match typed.days.parse().unwrap_or(-1) {
            0 => None,
            days => Some(days),
        },
    };
    match plane.give(wanted).await {
        Ok(_) => done(&Route::Sharing, "grant_given"),
        Err(problem) => show(plane, Shown { refused: Some(problem), ..typed }).await,
    }
}

pub(crate) async fn change(
    route: &Route,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::Sharing.path());
    }
    let id = request.form.text("id");
    let (changed, word) = match route {
        Route::AcceptGrant => (plane.accept_grant(&id).await, "grant_accepted"),
        Route::DeclineGrant => (plane.decline_grant(&id).await, "grant_declined"),
        _ => (plane.revoke_grant(&id).await, "grant_revoked"),
    };
    match changed {
        Ok(()) => done(&Route::Sharing, word),
        Err(problem) => show(plane, Shown { refused: Some(problem), ..Shown::default() }).await,
    }
}

fn page(visit: &Visit, data: &Data, shown: &Shown) -> Page {
    let t = visit.t();
    let a = visit.access();
    let refused = shown.refused.as_ref();
    let next = format!("{}?{}", Route::Sharing.path(), shown.query());
    let body = view! {
        <div data-key="sharing">
            {heading(t.settings, None, None)}
            {parts(visit)}
            {done_word(visit, shown.word.as_deref())}
            {said(visit, refused)}
            {(!data.received.is_empty()).then(|| card("received", a.shared_received, received(visit, &data.received)))}
            {card("given", a.shared_given, given(visit, &data.given))}
            {if data.confirmed {
                card("give", a.shared_give, form(visit, data, shown))
            } else {
                card("confirm", t.confirm_title, confirm::form(visit, &next, &data.factor, None))
            }}
        </div>
    };
    Page::new(a.sharing, body.into_any()).of(refused)
}

fn given(visit: &Visit, given: &GivenGrants) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let rows: Vec<AnyView> = given.grants.iter().map(|one| given_line(visit, one)).collect();
    let columns = [
        (a.shared_to, false),
        (t.token_scope, false),
        (t.machines, false),
        (t.state, false),
        (t.col_ends, false),
        (t.revoke, false),
    ];
    let list = if rows.is_empty() {
        view! { <p class="muted">{a.shared_nobody}</p> }.into_any()
    } else {
        table(a.shared_given, &columns, rows)
    };
    view! { <p>{a.shared_what}</p> {list} }.into_any()
}

fn given_line(visit: &Visit, one: &GivenGrant) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let names = one.machines.iter().map(|machine| machine.name.as_str()).collect::<Vec<_>>();
    let machines = match (one.all_machines, names.is_empty()) {
        (true, _) => a.shared_all.into_any(),
        (false, true) => unknown(a.shared_gone),
        (false, false) => names.join(", ").into_any(),
    };
    let stands = matches!(one.state, GrantState::Offered | GrantState::Active);
    let id = vec![("id", one.id.clone())];
    let back = stands.then(|| post_button(Route::RevokeGrant.path(), t.revoke, "small danger", id));
    view! {
        <tr data-key=one.id.clone()>
            {key_cell(view! { {one.to.clone()} <span class="under">{one.accepted_by.clone()}</span> })}
            {cell(t.token_scope, level_word(visit, one.level))}
            {cell(t.machines, machines)}
            {cell(t.state, state(visit, one.state))}
            {cell(t.col_ends, one.expires_at.map_or_else(|| a.shared_until_revoked.into_any(), |at| clock_time(visit, at)))}
            {cell(t.revoke, back)}
        </tr>
    }
    .into_any()
}

fn state(visit: &Visit, state: GrantState) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let (tone, word) = match state {
        GrantState::Offered => (Tone::Busy, a.shared_offered),
        GrantState::Active => (Tone::Ok, t.invitation_accepted),
        GrantState::Revoked => (Tone::Quiet, t.invitation_revoked),
        GrantState::Declined => (Tone::Quiet, a.shared_declined),
        GrantState::Expired => (Tone::Quiet, t.invitation_expired),
    };
    badge(tone, word).into_any()
}

/// What a grant lets one do.
pub(crate) fn level_word(visit: &Visit, level: GrantLevel) -> &'static str {
    match level {
        GrantLevel::Read => visit.access().level_read,
        GrantLevel::Operate => visit.access().level_operate,
    }
}

fn received(visit: &Visit, grants: &[ReceivedGrant]) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let rows = grants.iter().map(|one| received_line(visit, one)).collect();
    let columns = [
        (a.shared_owner, false),
        (t.token_scope, false),
        (t.machines, false),
        (t.col_ends, false),
        (t.state, false),
    ];
    view! { <p>{a.shared_received_what}</p> {table(a.shared_received, &columns, rows)} }.into_any()
}

fn received_line(visit: &Visit, one: &ReceivedGrant) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let machines = if one.all_machines {
        a.shared_all.to_owned()
    } else {
        let count = i64::try_from(one.machine_count).unwrap_or(i64::MAX);
        plural(count, a.shared_machines_one, a.shared_machines_many, visit.lang)
    };
    let id = || vec![("id", one.id.clone())];
    let offered = one.state == GrantState::Offered;
    let accept = offered
        .then(|| post_button(Route::AcceptGrant.path(), a.shared_accept, "small primary", id()));
    let word = if offered { a.shared_decline } else { a.shared_leave };
    view! {
        <tr data-key=one.id.clone()>
            {key_cell(view! { {one.owner.clone()} <span class="under">{ago(visit, one.created_at)}</span> })}
            {cell(t.token_scope, level_word(visit, one.level))}
            {cell(t.machines, machines)}
            {cell(t.col_ends, one.expires_at.map_or_else(|| a.shared_until_revoked.into_any(), |at| clock_time(visit, at)))}
            {cell(t.state, view! { {state(visit, one.state)} {accept} {post_button(Route::DeclineGrant.path(), word, "small", id())} })}
        </tr>
    }
    .into_any()
}

fn form(visit: &Visit, data: &Data, shown: &Shown) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let refused = shown.refused.as_ref();
    let to = Field {
        name: "to",
        label: a.shared_to,
        hint: Some(a.shared_to_hint.to_owned()),
        value: shown.to.clone(),
        required: true,
        unit: None,
        control: Control::Text { kind: "text", autocomplete: "off" },
    };
    let level = Field {
        name: "level",
        label: t.token_scope,
        hint: Some(a.level_hint.to_owned()),
        value: shown.level.unwrap_or(GrantLevel::Read).to_string(),
        required: true,
        unit: None,
        control: Control::Choice(
            GrantLevel::ALL
                .iter()
                .map(|one| (one.to_string(), level_word(visit, *one).to_owned()))
                .collect(),
        ),
    };
    let lifetimes = LIFETIMES.iter().map(|days| {
        let word = match days {
            0 => a.shared_until_revoked.to_owned(),
            days => plural(*days, t.days_one, t.days_many, visit.lang),
        };
        (days.to_string(), word)
    });
    let days = Field {
        name: "days",
        label: t.token_lifetime,
        hint: None,
        value: if shown.days.is_empty() { "7".to_owned() } else { shown.days.clone() },
        required: true,
        unit: None,
        control: Control::Choice(lifetimes.collect()),
    };
    let machines = data
        .machines
        .iter()
        .map(|(id, name)| {
            let on = shown.machines.contains(id);
            let label = format!("field-machine-{id}");
            view! {
                <div class="field tick">
                    <input id=label.clone() name="machine" type="checkbox" value=id.clone() checked=on/>
                    <label for=label>{name.clone()}</label>
                </div>
            }
        })
        .collect_view();
    let wrong = refused.and_then(|problem| {
        let errors = problem.errors.as_ref()?;
        errors.iter().find(|one| one.field == "machines").map(|_| a.shared_choose)
    });
    view! {
        <form method="post" action=Route::GiveGrant.path()>
            {field(visit, refused, to)}
            {field(visit, refused, level)}
            <fieldset>
                <legend>{t.machines}</legend>
                {wrong.map(|words| view! { <p class="wrong">{words}</p> })}
                {machines}
                {tick("all_machines", a.shared_all_tick, Some(a.shared_all_hint.to_owned()), shown.all)}
            </fieldset>
            {field(visit, refused, days)}
            <div class="answers"><button type="submit" class="button primary">{a.shared_offer}</button></div>
        </form>
    }
    .into_any()
}

/// Whose a machine or a failover is, on its page, and what may be done with it.
pub(crate) fn whose(
    visit: &Visit,
    shared: Option<&domain::view::grant::SharedBy>,
) -> Option<AnyView> {
    let shared = shared?;
    let words = match shared.level {
        GrantLevel::Read => visit.access().shared_by_read,
        GrantLevel::Operate => visit.access().shared_by_operate,
    };
    let words = fill(words, &[("owner", &shared.owner)]);
    Some(view! { <p class="shared-by">{badge(Tone::Quiet, words)}</p> }.into_any())
}
