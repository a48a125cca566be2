//! The second step of a login: the code of the account's second factor.

use domain::view::problem::Problem;
use leptos::prelude::*;

use crate::control_plane::{Answer, ControlPlane};
use crate::form::encode;
use crate::page::Page;
use crate::page::settings::second_factor::code_field;
use crate::router::{Route, place};
use crate::site::{Outcome, Request};
use crate::ui::{hidden, said};
use crate::visit::Visit;

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let asked = place(request.form.get("next").or(request.query.get("next")));
    let next = asked.clone().unwrap_or_else(|| Route::Machines.path());
    if !request.post {
        return Outcome::page(move |visit| page(visit, &next, None));
    }
    match plane.log_in_with_code(request.form.text("code")).await {
        Ok(()) => Outcome::see(next),
        // It has waited too long: from the beginning.
        Err(problem) if problem.code == "unauthorized" => {
            let login = Route::Login.path();
            Outcome::see(
                asked.map_or_else(|| login.clone(), |to| format!("{login}?next={}", encode(&to))),
            )
        }
        Err(problem) => Outcome::page(move |visit| page(visit, &next, Some(&problem))),
    }
}

fn page(visit: &Visit, next: &str, problem: Option<&Problem>) -> Page {
    let (t, a) = (visit.t(), visit.access());
    let body = view! {
        <div class="entrance">
            <h1>{a.code_title}</h1>
            <p class="state">{a.code_what}</p>
            {said(visit, problem)}
            <form method="post" action=Route::LoginCode.path()>
                {hidden("next", next)}
                {code_field(visit, problem)}
                <button type="submit" class="button primary wide">{t.login_do}</button>
            </form>
            <p class="fine">{a.code_lost}</p>
        </div>
    };
    Page::new(a.code_title, body.into_any()).narrow().of(problem)
}
