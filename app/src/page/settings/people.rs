//! Settings → People, for the administrator: who has an account, invitations, and links for those who
//! lost their password.

use domain::access::AccountRole;
use domain::view::access::SecondFactor;
use domain::view::people::{
    Account, Accounts, Invitation, InvitationState, Invitations, MadeLink, NewInvitation,
};
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::{confirm, parts};
use crate::control_plane::{Answer, ControlPlane};
use crate::form::Fields;
use crate::page::problem::done_word;
use crate::page::{Page, done};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::ui::{
    Control, Field, Tone, ago, badge, card, cell, clock_time, command, field, heading, key_cell,
    notice, post_button, said, table,
};
use crate::visit::Visit;

/// How long an invitation opens, days, as offered.
const LIFETIMES: [i64; 4] = [7, 1, 3, 30];

/// What the page shows beside what is stored.
#[derive(Default)]
struct Shown {
    word: Option<String>,
    refused: Option<Problem>,
    /// A link just made, and whether it replaces a password.
    made: Option<(MadeLink, bool)>,
    note: String,
    days: String,
}

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let word = request.query.get("said").map(str::to_owned);
    let typed = confirm::typed(request);
    let text = |name: &str| typed.map(|form| form.text(name)).unwrap_or_default();
    show(plane, Shown { word, note: text("note"), days: text("days"), ..Shown::default() }).await
}

async fn show(plane: &dyn ControlPlane, shown: Shown) -> Answer<Outcome> {
    let accounts = plane.accounts().await?;
    let invitations = plane.invitations().await?;
    let confirmed = plane.confirmed();
    let factor = plane.second_factor().await?;
    Outcome::page(move |visit| page(visit, &accounts, &invitations, &shown, (confirmed, &factor)))
}

/// The link is in this one answer and nowhere else, so it is not redirected.
pub(crate) async fn invite(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::People.path());
    }
    let (note, days) = (request.form.text("note"), request.form.text("days"));
    let wanted = NewInvitation { note: Some(note.clone()), days: days.parse().ok() };
    match plane.invite(wanted).await {
        Ok(made) => show(plane, Shown { made: Some((made, false)), ..Shown::default() }).await,
        Err(problem) => {
            show(plane, Shown { refused: Some(problem), note, days, ..Shown::default() }).await
        }
    }
}

pub(crate) async fn reset_link(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::People.path());
    }
    match plane.reset_link(&request.form.text("id")).await {
        Ok(made) => show(plane, Shown { made: Some((made, true)), ..Shown::default() }).await,
        Err(problem) => show(plane, Shown { refused: Some(problem), ..Shown::default() }).await,
    }
}

pub(crate) async fn revoke(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::People.path());
    }
    match plane.revoke_invitation(&request.form.text("id")).await {
        Ok(()) => done(&Route::People, "invitation_revoked"),
        Err(problem) => show(plane, Shown { refused: Some(problem), ..Shown::default() }).await,
    }
}

fn page(
    visit: &Visit,
    accounts: &Accounts,
    invitations: &Invitations,
    shown: &Shown,
    (confirmed, factor): (bool, &SecondFactor),
) -> Page {
    let t = visit.t();
    let refused = shown.refused.as_ref();
    let body = view! {
        {heading(t.settings, None, None)}
        {parts(visit)}
        {done_word(visit, shown.word.as_deref())}
        {said(visit, refused)}
        {shown.made.as_ref().map(|(made, reset)| made_link(visit, made, *reset))}
        {(!confirmed).then(|| confirm::ask(visit, &back(shown), factor))}
        {card("accounts", t.people, account_list(visit, accounts, confirmed))}
        {card("invitations", t.invitations, invitation_list(visit, invitations, shown, confirmed))}
    };
    Page::new(t.people, body.into_any()).of(refused)
}

/// Where a confirmation leads back to, with what was typed.
fn back(shown: &Shown) -> String {
    let path = Route::People.path();
    if shown.note.is_empty() && shown.days.is_empty() {
        return path;
    }
    let pairs = [("note", &shown.note), ("days", &shown.days)];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.clone()));
    confirm::back_with(&path, "", &Fields(pairs.to_vec()), &["note", "days"])
}

fn made_link(visit: &Visit, made: &MadeLink, reset: bool) -> AnyView {
    let t = visit.t();
    let (title, what) =
        if reset { (t.reset_made, t.reset_once) } else { (t.invitation_made, t.invitation_once) };
    let more = view! {
        <p>{command(made.link.clone(), t.copy, t.copied)}</p>
        <p class="fine">{what}</p>
    };
    notice(Tone::Ok, title, Some(more.into_any()))
}

fn account_list(visit: &Visit, accounts: &Accounts, confirmed: bool) -> AnyView {
    let t = visit.t();
    let rows = accounts.accounts.iter().map(|one| account_line(visit, one, confirmed)).collect();
    let columns = [(t.username, false), (t.col_made, false), (t.reset_link, false)];
    view! { <p>{t.people_what}</p> {table(t.people, &columns, rows)} }.into_any()
}

fn account_line(visit: &Visit, account: &Account, confirmed: bool) -> AnyView {
    let t = visit.t();
    let id = vec![("id", account.id.clone())];
    let runs =
        (account.role == AccountRole::Administrator).then(|| badge(Tone::Quiet, t.administrator));
    let link =
        confirmed.then(|| post_button(Route::ResetLink.path(), t.reset_link_make, "small", id));
    view! {
        <tr data-key=account.id.clone()>
            {key_cell(view! { {account.username.clone()} " " {runs} <span class="under">{account.email.clone()}</span> })}
            {cell(t.col_made, ago(visit, account.created_at))}
            {cell(t.reset_link, link)}
        </tr>
    }
    .into_any()
}

fn invitation_list(
    visit: &Visit,
    invitations: &Invitations,
    shown: &Shown,
    confirmed: bool,
) -> AnyView {
    let t = visit.t();
    let rows: Vec<AnyView> =
        invitations.invitations.iter().map(|one| invitation_line(visit, one)).collect();
    let columns =
        [(t.invitation_note, false), (t.state, false), (t.col_ends, false), (t.revoke, false)];
    let list = if rows.is_empty() {
        view! { <p class="muted">{t.invitations_none}</p> }.into_any()
    } else {
        table(t.invitations, &columns, rows)
    };
    let form = confirmed.then(|| invitation_form(visit, shown));
    view! { <p>{t.invitations_what}</p> {list} {form} }.into_any()
}

fn invitation_line(visit: &Visit, invitation: &Invitation) -> AnyView {
    let t = visit.t();
    let (tone, word) = match invitation.state {
        InvitationState::Open => (Tone::Busy, t.invitation_open),
        InvitationState::Accepted => (Tone::Ok, t.invitation_accepted),
        InvitationState::Revoked => (Tone::Quiet, t.invitation_revoked),
        InvitationState::Expired => (Tone::Quiet, t.invitation_expired),
    };
    let id = vec![("id", invitation.id.clone())];
    let back = (invitation.state == InvitationState::Open)
        .then(|| post_button(Route::RevokeInvitation.path(), t.revoke, "small danger", id));
    let note = invitation.note.clone().unwrap_or_else(|| t.invitation_nobody.to_owned());
    let by = invitation.made_by.clone().unwrap_or_else(|| t.credential_command_line.to_owned());
    view! {
        <tr data-key=invitation.id.clone()>
            {key_cell(view! { {note} <span class="under">{by}</span> })}
            {cell(t.state, view! { {badge(tone, word)} <span class="under">{invitation.accepted_by.clone()}</span> })}
            {cell(t.col_ends, clock_time(visit, invitation.expires_at))}
            {cell(t.revoke, back)}
        </tr>
    }
    .into_any()
}

fn invitation_form(visit: &Visit, shown: &Shown) -> AnyView {
    let t = visit.t();
    let refused = shown.refused.as_ref();
    let note = Field {
        name: "note",
        label: t.invitation_note,
        hint: Some(t.invitation_note_hint.to_owned()),
        value: shown.note.clone(),
        required: false,
        unit: None,
        control: Control::Text { kind: "text", autocomplete: "off" },
    };
    let lifetimes = LIFETIMES.iter().map(|days| {
        (days.to_string(), crate::text::plural(*days, t.days_one, t.days_many, visit.lang))
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
    view! {
        <form method="post" action=Route::Invite.path() class="row">
            {field(visit, refused, note)}
            {field(visit, refused, days)}
            <button type="submit" class="button primary">{t.invitation_make}</button>
        </form>
    }
    .into_any()
}
