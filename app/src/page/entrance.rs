//! The way in and out: first account, login, logout, and the look of pages for whoever looks.

pub(super) mod code;

use domain::view::account::{LoginRequest, SetupRequest};
use domain::view::problem::Problem;
use domain::view::settings::SettingsUpdate;
use leptos::prelude::*;

use super::Page;
use super::problem::done_word;
use crate::control_plane::{Answer, ControlPlane, Visitor};
use crate::form::encode;
use crate::router::{Route, place};
use crate::site::{Outcome, Reply, Request};
use crate::ui::{Control, Field, field, hidden, said};
use crate::visit::{KEYS_COOKIE, LANG_COOKIE, THEME_COOKIE, Visit};

/// What was typed; never the password.
#[derive(Debug, Clone, Default)]
struct Typed {
    token: String,
    email: String,
    username: String,
    next: String,
    said: Option<String>,
}

impl Typed {
    fn of(request: &Request) -> Self {
        let next = request.form.get("next").or(request.query.get("next"));
        Self {
            token: request.form.text("token"),
            email: request.form.text("email"),
            username: request.form.text("username"),
            next: place(next).unwrap_or_default(),
            said: request.query.get("said").map(str::to_owned),
        }
    }
}

pub(crate) async fn setup(
    visitor: &Visitor,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    if !visitor.empty {
        return Outcome::see(Route::Machines.path());
    }
    let typed = Typed::of(request);
    if !request.post {
        return Outcome::page(move |visit| setup_page(visit, typed, None));
    }
    let first = SetupRequest {
        token: typed.token.clone(),
        email: typed.email.clone(),
        username: typed.username.clone(),
        // A password may begin or end with a space.
        password: request.form.raw("password").unwrap_or_default().to_owned(),
    };
    match plane.set_up(first).await {
        Ok(()) => Outcome::see(Route::Credentials.path()),
        Err(problem) => Outcome::page(move |visit| setup_page(visit, typed, Some(&problem))),
    }
}

fn setup_page(visit: &Visit, typed: Typed, problem: Option<&Problem>) -> Page {
    let t = visit.t();
    let token = Field {
        control: Control::Code,
        ..text("token", t.setup_token, "", "", typed.token, Some(t.setup_token_hint))
    };
    let body = view! {
        <div class="entrance">
            <h1>{t.setup_title}</h1>
            <p class="state">{t.setup_what}</p>
            {said(visit, problem)}
            <form method="post" action=Route::Setup.path()>
                {field(visit, problem, token)}
                {field(visit, problem, text("email", t.email, "email", "email", typed.email, None))}
                {field(visit, problem, text("username", t.username, "text", "username", typed.username, Some(t.username_hint)))}
                {field(visit, problem, text("password", t.password, "password", "new-password", String::new(), Some(t.password_hint)))}
                <button type="submit" class="button primary wide">{t.setup_do}</button>
            </form>
        </div>
    };
    Page::new(t.setup_title, body.into_any()).narrow().of(problem)
}

pub(crate) async fn login(
    visitor: &Visitor,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let typed = Typed::of(request);
    let onward = if typed.next.is_empty() { Route::Machines.path() } else { typed.next.clone() };
    if !request.post {
        if visitor.user.is_some() {
            return Outcome::see(onward);
        }
        return Outcome::page(move |visit| login_page(visit, typed, None));
    }
    let login = LoginRequest {
        username: Some(typed.username.clone()),
        email: None,
        password: request.form.raw("password").unwrap_or_default().to_owned(),
        code: None,
    };
    match plane.log_in(login).await {
        Ok(()) => Outcome::see(onward),
        Err(problem) if problem.code == "code_needed" => {
            let code = Route::LoginCode.path();
            Outcome::see(format!("{code}?next={}", encode(&onward)))
        }
        Err(problem) => Outcome::page(move |visit| login_page(visit, typed, Some(&problem))),
    }
}

fn login_page(visit: &Visit, typed: Typed, problem: Option<&Problem>) -> Page {
    let t = visit.t();
    let body = view! {
        <div class="entrance">
            <h1>{t.login_title}</h1>
            {done_word(visit, typed.said.as_deref())}
            {said(visit, problem)}
            <form method="post" action=Route::Login.path()>
                {hidden("next", typed.next)}
                {field(visit, problem, text("username", t.login_name, "text", "username", typed.username, None))}
                {field(visit, problem, text("password", t.password, "password", "current-password", String::new(), None))}
                <button type="submit" class="button primary wide">{t.login_do}</button>
            </form>
            <p class="fine">{t.login_forgot}</p>
        </div>
    };
    Page::new(t.login_title, body.into_any()).narrow().of(problem)
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

pub(crate) async fn logout(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::Machines.path());
    }
    plane.log_out().await?;
    Outcome::see(Route::Login.path())
}

/// Language and theme: kept with the account, and in the browser for pages before the login.
pub(crate) async fn prefs(
    visitor: &Visitor,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let back = place(request.form.get("back")).unwrap_or_else(|| Route::Root.path());
    let mut reply = Reply::see(back);
    if !request.post {
        return Ok(Outcome::Reply(reply));
    }
    let lang = request.form.get("lang").filter(|lang| matches!(*lang, "pt-BR" | "en"));
    let theme =
        request.form.get("theme").filter(|theme| matches!(*theme, "auto" | "light" | "dark"));
    if visitor.user.is_some() && (lang.is_some() || theme.is_some()) {
        let kept = theme.map(|theme| Some(theme.to_owned()).filter(|theme| theme != "auto"));
        let locale = lang.map(|lang| Some(lang.to_owned()));
        plane.update(SettingsUpdate { locale, theme: kept, ..SettingsUpdate::default() }).await?;
    }
    let keys = request.form.get("keys").filter(|keys| matches!(*keys, "on" | "off"));
    let cookies = [(LANG_COOKIE, lang), (THEME_COOKIE, theme), (KEYS_COOKIE, keys)];
    reply.cookies =
        cookies.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
    Ok(Outcome::Reply(reply))
}
