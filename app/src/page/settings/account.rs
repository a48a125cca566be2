//! Settings → Account: password, logins, API tokens. Language and theme are in the bar's menu.

use domain::access::Scope;
use domain::time::DAY_MS;
use domain::view::Time;
use domain::view::access::{Browsers, SecondFactor};
use domain::view::account::{
    ChangePassword, CreatedToken, NewToken, Session, SessionKind, Sessions, Token, Tokens,
};
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::{browsers, confirm, parts, proof, second_factor};
use crate::control_plane::{Answer, ControlPlane};
use crate::form::Fields;
use crate::page::problem::done_word;
use crate::page::{Page, done};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::ui::{
    Control, Field, Tone, ago, ago_or, badge, card, cell, clock_time, command, field, heading,
    key_cell, notice, post_button, properties, said, table, unknown,
};
use crate::visit::Visit;

/// How long a token lasts, days, as offered; 0 is for ever, and has to be chosen.
const LIFETIMES: [i64; 4] = [90, 30, 365, 0];

/// The code beside a new password: the page may ask for one elsewhere too.
const PASSWORD_CODE: &str = "password_code";

/// What the page shows beside what is stored.
#[derive(Default)]
struct Shown {
    word: Option<String>,
    refused: Option<Problem>,
    made: Option<CreatedToken>,
    name: String,
    days: String,
    scope: Scope,
}

impl Shown {
    /// What was typed for a token.
    fn of(form: &Fields) -> Self {
        Self {
            name: form.text("name"),
            days: form.text("days"),
            scope: form.text("scope").parse().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Where a confirmation leads back to.
    fn back(&self) -> String {
        let path = Route::Account.path();
        if self.name.is_empty() && self.days.is_empty() {
            return path;
        }
        let pairs =
            [("name", &self.name), ("days", &self.days), ("scope", &self.scope.to_string())]
                .map(|(name, value)| (name.to_owned(), value.clone()));
        confirm::back_with(&path, "", &Fields(pairs.to_vec()), &["name", "days", "scope"])
    }
}

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let word = request.query.get("said").map(str::to_owned);
    let typed = confirm::typed(request).map(Shown::of).unwrap_or_default();
    show(plane, Shown { word, ..typed }).await
}

async fn show(plane: &dyn ControlPlane, shown: Shown) -> Answer<Outcome> {
    let tokens = plane.tokens().await?;
    let sessions = plane.sessions().await?;
    let browsers = plane.browsers().await?;
    let factor = plane.second_factor().await?;
    let confirmed = plane.confirmed();
    Outcome::page(move |visit| {
        page(visit, &tokens, &sessions, &browsers, &shown, confirmed, &factor)
    })
}

pub(crate) async fn password(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::Account.path());
    }
    let typed = |name: &str| request.form.raw(name).unwrap_or_default().to_owned();
    let changed = match proof::sent(request, PASSWORD_CODE) {
        Ok((code, passkey)) => {
            let wanted = ChangePassword {
                current_password: typed("current_password"),
                new_password: typed("new_password"),
                code,
                passkey,
            };
            plane.change_password(wanted).await
        }
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(()) => done(&Route::Account, "password"),
        Err(mut problem) => {
            let fields = problem.errors.iter_mut().flatten();
            for found in fields.filter(|found| found.field == "code") {
                found.field = PASSWORD_CODE.to_owned();
            }
            show(plane, Shown { refused: Some(problem), ..Shown::default() }).await
        }
    }
}

/// The token is in this one answer and nowhere else, so it is not redirected.
pub(crate) async fn new_token(
    visit: &Visit,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::Account.path());
    }
    let name = request.form.text("name");
    let days = request.form.text("days");
    let scope = request.form.text("scope").parse().unwrap_or_default();
    // For ever only where that was chosen; what can't be read gets the usual end.
    let lifetime: Option<i64> = days.parse().ok();
    let never_expires = lifetime == Some(0);
    let lifetime = lifetime.filter(|days| *days > 0);
    let expires_at = lifetime.map(|days| Time(visit.now.plus(days.min(3_650) * DAY_MS)));
    let wanted = NewToken { name: name.clone(), scope, expires_at, never_expires };
    match plane.create_token(wanted).await {
        Ok(made) => show(plane, Shown { made: Some(made), ..Shown::default() }).await,
        Err(problem) => {
            let shown = Shown { refused: Some(problem), name, days, scope, ..Shown::default() };
            show(plane, shown).await
        }
    }
}

pub(crate) async fn revoke(
    route: &Route,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    if !request.post {
        return Outcome::see(Route::Account.path());
    }
    let id = request.form.text("id");
    let (ended, word) = if *route == Route::RevokeToken {
        (plane.revoke_token(&id).await, "token_revoked")
    } else {
        (plane.revoke_session(&id).await, "session_revoked")
    };
    match ended {
        Ok(()) => done(&Route::Account, word),
        Err(problem) => show(plane, Shown { refused: Some(problem), ..Shown::default() }).await,
    }
}

fn page(
    visit: &Visit,
    tokens: &Tokens,
    sessions: &Sessions,
    known: &Browsers,
    shown: &Shown,
    confirmed: bool,
    factor: &SecondFactor,
) -> Page {
    let t = visit.t();
    let refused = shown.refused.as_ref();
    let who = visit.user.as_ref().map(|user| {
        properties(vec![
            (t.username, user.username.clone().into_any()),
            (t.email, user.email.clone().into_any()),
        ])
    });
    let body = view! {
        {heading(t.settings, None, None)}
        {parts(visit)}
        {done_word(visit, shown.word.as_deref())}
        {said(visit, refused)}
        {shown.made.as_ref().map(|made| made_token(visit, made))}
        {card("account", t.nav_account, view! { {who} <p class="fine">{t.look_what}</p> }.into_any())}
        {card("tokens", t.tokens, token_list(visit, tokens, shown, confirmed))}
        {(!confirmed).then(|| confirm::ask(visit, &shown.back(), factor))}
        {card("sessions", t.sessions, session_list(visit, sessions))}
        {browsers::list(visit, known)}
        {second_factor::about(visit, factor)}
        {card("password", t.password, change(visit, refused, factor))}
    };
    Page::new(t.nav_account, body.into_any()).narrow().of(refused)
}

fn made_token(visit: &Visit, made: &CreatedToken) -> AnyView {
    let t = visit.t();
    let more = view! {
        <p>{command(made.token.clone(), t.copy, t.copied)}</p>
        <p class="fine">{t.token_once}</p>
    };
    notice(Tone::Ok, t.token_made, Some(more.into_any()))
}

fn token_list(visit: &Visit, tokens: &Tokens, shown: &Shown, confirmed: bool) -> AnyView {
    let t = visit.t();
    let rows: Vec<AnyView> = tokens.tokens.iter().map(|token| token_line(visit, token)).collect();
    let columns = [
        (t.name, false),
        (t.token_scope, false),
        (t.col_made, false),
        (t.col_last_used, false),
        (t.col_ends, false),
        (t.revoke, false),
    ];
    let list = if rows.is_empty() {
        view! { <p class="muted">{t.tokens_none}</p> }.into_any()
    } else {
        table(t.tokens, &columns, rows)
    };
    view! {
        <p>{t.tokens_what}</p>
        {list}
        {if confirmed { token_form(visit, shown) } else { view! { <p class="muted">{t.confirm_what}</p> }.into_any() }}
    }
    .into_any()
}

fn scope_word(visit: &Visit, scope: Scope) -> &'static str {
    let t = visit.t();
    match scope {
        Scope::Read => t.scope_read,
        Scope::Operate => t.scope_operate,
        Scope::Admin => t.scope_admin,
    }
}

fn token_form(visit: &Visit, shown: &Shown) -> AnyView {
    let t = visit.t();
    let refused = shown.refused.as_ref();
    let lifetimes = LIFETIMES
        .iter()
        .map(|days| {
            let word = if *days == 0 {
                t.token_for_ever.to_owned()
            } else {
                crate::text::plural(*days, t.days_one, t.days_many, visit.lang)
            };
            (days.to_string(), word)
        })
        .collect();
    let name = Field {
        name: "name",
        label: t.token_name,
        hint: Some(t.token_name_hint.to_owned()),
        value: shown.name.clone(),
        required: true,
        unit: None,
        control: Control::Text { kind: "text", autocomplete: "off" },
    };
    let days = Field {
        name: "days",
        label: t.token_lifetime,
        hint: None,
        value: if shown.days.is_empty() { "90".to_owned() } else { shown.days.clone() },
        required: true,
        unit: None,
        control: Control::Choice(lifetimes),
    };
    let scopes = Scope::ALL.iter();
    let scope = Field {
        name: "scope",
        label: t.token_scope,
        hint: None,
        value: shown.scope.to_string(),
        required: true,
        unit: None,
        control: Control::Choice(
            scopes.map(|one| (one.to_string(), scope_word(visit, *one).to_owned())).collect(),
        ),
    };
    view! {
        <form method="post" action=Route::NewToken.path() class="row">
            {field(visit, refused, name)}
            {field(visit, refused, scope)}
            {field(visit, refused, days)}
            <button type="submit" class="button primary">{t.token_make}</button>
        </form>
    }
    .into_any()
}

fn token_line(visit: &Visit, token: &Token) -> AnyView {
    let t = visit.t();
    let id = vec![("id", token.id.clone())];
    let last = format!("…{}", token.last4);
    view! {
        <tr data-key=token.id.clone()>
            {key_cell(view! { {token.name.clone()} <span class="under"><code>{last}</code></span> })}
            {cell(t.token_scope, scope_word(visit, token.scope))}
            {cell(t.col_made, ago(visit, token.created_at))}
            {cell(t.col_last_used, ago_or(visit, token.last_used_at, t.never))}
            {cell(t.col_ends, token.expires_at.map_or_else(|| unknown(t.token_for_ever), |at| clock_time(visit, at)))}
            {cell(t.revoke, post_button(Route::RevokeToken.path(), t.revoke, "small danger", id))}
        </tr>
    }
    .into_any()
}

fn session_list(visit: &Visit, sessions: &Sessions) -> AnyView {
    let t = visit.t();
    let rows = sessions.sessions.iter().map(|session| session_line(visit, session)).collect();
    let columns =
        [(t.browser, false), (t.col_made, false), (t.col_last_used, false), (t.revoke, false)];
    view! { <p>{t.sessions_what}</p> {table(t.sessions, &columns, rows)} }.into_any()
}

fn session_line(visit: &Visit, session: &Session) -> AnyView {
    let t = visit.t();
    let browser = session.user_agent.clone().unwrap_or_else(|| t.unknown.to_owned());
    let program = (session.kind == SessionKind::Api).then(|| badge(Tone::Quiet, t.session_api));
    let here = session.current.then(|| badge(Tone::Ok, t.this_one));
    let id = vec![("id", session.id.clone())];
    let end = (!session.current)
        .then(|| post_button(Route::RevokeSession.path(), t.revoke, "small danger", id));
    view! {
        <tr data-key=session.id.clone()>
            {key_cell(view! { <span class="agent" title=browser.clone()>{browser.clone()}</span> {program} {here} <span class="under">{session.ip.clone()}</span> })}
            {cell(t.col_made, ago(visit, session.created_at))}
            {cell(t.col_last_used, ago_or(visit, session.last_seen_at, t.unknown))}
            {cell(t.revoke, end)}
        </tr>
    }
    .into_any()
}

fn change(visit: &Visit, refused: Option<&Problem>, factor: &SecondFactor) -> AnyView {
    let t = visit.t();
    let input = |name, label, autocomplete, hint: Option<&str>| {
        let control = Control::Text { kind: "password", autocomplete };
        field(
            visit,
            refused,
            Field {
                name,
                label,
                hint: hint.map(str::to_owned),
                value: String::new(),
                required: true,
                unit: None,
                control,
            },
        )
    };
    view! {
        <p>{t.password_what}</p>
        <form method="post" action=Route::Password.path()>
            {input("current_password", t.password_current, "current-password", None)}
            {input("new_password", t.password_new, "new-password", Some(t.password_hint))}
            {factor.enabled.then(|| proof::fields(visit, refused, factor, (proof::What::ChangePassword, PASSWORD_CODE)))}
            <div class="answers"><button type="submit" class="button">{t.password_change}</button></div>
        </form>
    }
    .into_any()
}
