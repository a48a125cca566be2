//! The second step of a login: the code of the account's second factor.

use domain::view::access::SecondFactor;
use domain::view::problem::Problem;
use leptos::prelude::*;

use crate::control_plane::{Answer, ControlPlane};
use crate::form::encode;
use crate::page::Page;
use crate::page::settings::proof;
use crate::router::{Route, place};
use crate::site::{Outcome, Request};
use crate::ui::{hidden, said};
use crate::visit::Visit;

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let asked = place(request.form.get("next").or(request.query.get("next")));
    let next = asked.clone().unwrap_or_else(|| Route::Machines.path());
    let login = || {
        let login = Route::Login.path();
        asked.as_ref().map_or_else(|| login.clone(), |to| format!("{login}?next={}", encode(to)))
    };
    let factor = match plane.asked_for().await {
        Ok(factor) => factor,
        // Nothing waits here any more.
        Err(problem) if problem.code == "unauthorized" => return Outcome::see(login()),
        Err(problem) => return Err(problem),
    };
    if !request.post {
        return Outcome::page(move |visit| page(visit, &next, &factor, None));
    }
    let entered = match proof::sent(request, "code") {
        Ok((_, Some(passkey))) => plane.log_in_with_passkey(passkey).await,
        Ok((code, None)) => plane.log_in_with_code(code.unwrap_or_default()).await,
        Err(problem) => Err(problem),
    };
    match entered {
        Ok(()) => Outcome::see(next),
        // It has waited too long: from the beginning.
        Err(problem) if problem.code == "unauthorized" => Outcome::see(login()),
        Err(problem) => Outcome::page(move |visit| page(visit, &next, &factor, Some(&problem))),
    }
}

fn page(visit: &Visit, next: &str, factor: &SecondFactor, problem: Option<&Problem>) -> Page {
    let (t, a) = (visit.t(), visit.access());
    let body = view! {
        <div class="entrance">
            <h1>{a.code_title}</h1>
            <p class="state">{a.code_what}</p>
            {said(visit, problem)}
            <form method="post" action=Route::LoginCode.path()>
                {hidden("next", next)}
                {proof::fields(visit, problem, factor, (proof::What::LogIn, "code"))}
                <button type="submit" class="button primary wide">{t.login_do}</button>
            </form>
            <p class="fine">{a.code_lost}</p>
        </div>
    };
    Page::new(a.code_title, body.into_any()).narrow().of(problem)
}
