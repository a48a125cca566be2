//! Coming in by a link: the account of an invitation, and another password for one that is lost.
//!
//! The link's code stands behind the `#`, so the server sees it in the form alone. The page's script
//! puts it into its field; without scripts it is pasted.

use domain::view::people::{JoinRequest, ResetRequest};
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::{Page, done};
use crate::control_plane::{Answer, ControlPlane};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::ui::{Control, Field, field, said};
use crate::visit::Visit;

/// What was typed; never the password.
#[derive(Debug, Clone, Default)]
struct Typed {
    code: String,
    email: String,
    username: String,
}

impl Typed {
    fn of(request: &Request) -> Self {
        Self {
            code: request.form.text("code"),
            email: request.form.text("email"),
            username: request.form.text("username"),
        }
    }
}

pub(crate) async fn join(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let typed = Typed::of(request);
    if !request.post {
        return Outcome::page(move |visit| join_page(visit, typed, None));
    }
    let asked = JoinRequest {
        code: typed.code.clone(),
        email: typed.email.clone(),
        username: typed.username.clone(),
        // A password may begin or end with a space.
        password: request.form.raw("password").unwrap_or_default().to_owned(),
    };
    match plane.join(asked).await {
        Ok(()) => Outcome::see(Route::Credentials.path()),
        Err(problem) => Outcome::page(move |visit| join_page(visit, typed, Some(&problem))),
    }
}

pub(crate) async fn reset(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let typed = Typed::of(request);
    if !request.post {
        return Outcome::page(move |visit| reset_page(visit, typed, None));
    }
    let asked = ResetRequest {
        code: typed.code.clone(),
        new_password: request.form.raw("new_password").unwrap_or_default().to_owned(),
    };
    match plane.reset(asked).await {
        Ok(()) => done(&Route::Login, "reset"),
        Err(problem) => Outcome::page(move |visit| reset_page(visit, typed, Some(&problem))),
    }
}

fn join_page(visit: &Visit, typed: Typed, problem: Option<&Problem>) -> Page {
    let t = visit.t();
    let body = view! {
        <div class="entrance">
            <h1>{t.join_title}</h1>
            <p class="state">{t.join_what}</p>
            {said(visit, problem)}
            <form method="post" action=Route::Join.path()>
                {field(visit, problem, code(visit, typed.code))}
                {field(visit, problem, text("email", t.email, "email", "email", typed.email, None))}
                {field(visit, problem, text("username", t.username, "text", "username", typed.username, Some(t.username_hint)))}
                {field(visit, problem, text("password", t.password, "password", "new-password", String::new(), Some(t.password_hint)))}
                <button type="submit" class="button primary wide">{t.setup_do}</button>
            </form>
        </div>
    };
    Page::new(t.join_title, body.into_any()).narrow().of(problem)
}

fn reset_page(visit: &Visit, typed: Typed, problem: Option<&Problem>) -> Page {
    let t = visit.t();
    let body = view! {
        <div class="entrance">
            <h1>{t.reset_title}</h1>
            <p class="state">{t.reset_what}</p>
            {said(visit, problem)}
            <form method="post" action=Route::Reset.path()>
                {field(visit, problem, code(visit, typed.code))}
                {field(visit, problem, text("new_password", t.password_new, "password", "new-password", String::new(), Some(t.password_hint)))}
                <button type="submit" class="button primary wide">{t.reset_do}</button>
            </form>
        </div>
    };
    Page::new(t.reset_title, body.into_any()).narrow().of(problem)
}

fn code(visit: &Visit, value: String) -> Field {
    let t = visit.t();
    Field {
        control: Control::Code,
        ..text("code", t.link_code, "", "", value, Some(t.link_code_hint))
    }
}

fn text(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    value: String,
    hint: Option<&'static str>,
) -> Field {
    Field {
        name,
        label,
        hint: hint.map(str::to_owned),
        value,
        required: true,
        unit: None,
        control: Control::Text { kind, autocomplete },
    }
}
