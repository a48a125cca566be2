//! The question whether it is still the account's owner who sits there, before what would outlive
//! this login or reach beyond it.

use domain::view::access::SecondFactor;
use domain::view::account::Confirm;
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::proof;
use crate::control_plane::{Answer, ControlPlane};
use crate::form::Fields;
use crate::page::Page;
use crate::router::{Route, place};
use crate::site::{Outcome, Request};
use crate::ui::{Control, Field, card, field, heading, hidden, said};
use crate::visit::Visit;

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let next = place(request.form.get("next").or(request.query.get("next")));
    let next = next.unwrap_or_else(|| Route::Account.path());
    let factor = plane.second_factor().await?;
    if !request.post {
        return Outcome::page(move |visit| page(visit, &next, &factor, None));
    }
    let password = request.form.raw("password").unwrap_or_default().to_owned();
    let confirmed = match proof::sent(request, "code") {
        Ok((code, passkey)) => plane.confirm(Confirm { password, code, passkey }).await,
        Err(problem) => Err(problem),
    };
    match confirmed {
        Ok(()) => Outcome::see(next),
        Err(problem) => Outcome::page(move |visit| page(visit, &next, &factor, Some(&problem))),
    }
}

fn page(visit: &Visit, next: &str, factor: &SecondFactor, problem: Option<&Problem>) -> Page {
    let t = visit.t();
    let body = view! {
        {heading(t.confirm_title, None, None)}
        {said(visit, problem)}
        {form(visit, next, factor, problem)}
    };
    Page::new(t.confirm_title, body.into_any()).narrow().of(problem)
}

/// The form, in a card, on a page whose own forms would be refused.
pub(crate) fn ask(visit: &Visit, next: &str, factor: &SecondFactor) -> AnyView {
    card("confirm", visit.t().confirm_title, form(visit, next, factor, None))
}

/// The code of a refusal that a confirmation mends.
pub(crate) const NEEDED: &str = "confirmation_needed";
/// Says in an address that it carries what was typed.
const TYPED: &str = "typed";

/// Where a confirmation leads back to, with what was typed in the form that it stood in the way of: those of
/// its fields that are named, which are never secrets.
pub(crate) fn back_with(path: &str, query: &str, form: &Fields, names: &[&str]) -> String {
    let kept = form.0.iter().filter(|(name, _)| names.contains(&name.as_str()));
    let kept = Fields(kept.cloned().collect()).query_without(&[]);
    let parts = [query, &kept, "typed=1"];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{path}?{}", parts.join("&"))
}

/// What was typed: in the form that was sent, or before a confirmation that led back here.
pub(crate) fn typed(request: &Request) -> Option<&Fields> {
    if request.post {
        return Some(&request.form);
    }
    request.query.get(TYPED).map(|_| &request.query)
}

/// Whether a refusal is mended by it.
pub(crate) fn is_needed(refused: Option<&Problem>) -> bool {
    refused.is_some_and(|problem| problem.code == NEEDED)
}

/// The form alone; it leads on to `next`.
pub(crate) fn form(
    visit: &Visit,
    next: &str,
    factor: &SecondFactor,
    problem: Option<&Problem>,
) -> AnyView {
    let t = visit.t();
    let password = Field {
        name: "password",
        label: t.confirm_password,
        hint: None,
        value: String::new(),
        required: true,
        unit: None,
        control: Control::Text { kind: "password", autocomplete: "current-password" },
    };
    view! {
        <p>{t.confirm_what}</p>
        <form method="post" action=Route::Confirm.path()>
            {hidden("next", next)}
            {field(visit, problem, password)}
            {factor.enabled.then(|| proof::fields(visit, problem, factor, (proof::What::Confirm, "code")))}
            <div class="answers"><button type="submit" class="button primary">{t.confirm_do}</button></div>
        </form>
    }
    .into_any()
}
