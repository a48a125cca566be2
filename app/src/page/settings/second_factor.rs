//! Settings → Account → Second factor: set up, its recovery codes, turned off.

use domain::view::access::{RemoveSecondFactor, SecondFactor};
use domain::view::passkey::{NewPasskey, Passkeys};
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::{confirm, parts, passkeys, proof};
use crate::control_plane::{Answer, ControlPlane, Enrolment};
use crate::page::problem::done_word;
use crate::page::{Page, done};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::ui::{
    Control, Field, Tone, card, clock_time, command, field, go_link, heading, hidden, notice,
    post_button, properties, said,
};
use crate::visit::Visit;

/// The code beside the question what to remove: the page may ask for one elsewhere too.
const REMOVE_CODE: &str = "factor_code";
/// The app, where something is to be removed; else it is the id of a passkey.
const APP: &str = "app";

/// What the page shows.
struct Shown {
    word: Option<String>,
    state: SecondFactor,
    passkeys: Passkeys,
    begun: Option<Enrolment>,
    confirmed: bool,
    /// What was asked for, and why it was not done.
    refused: Option<(String, Problem)>,
    made: Option<Made>,
}

impl Shown {
    /// What is wrong with the form of an act.
    fn wrong_with(&self, acts: &[&str]) -> Option<&Problem> {
        let (act, problem) = self.refused.as_ref()?;
        acts.contains(&act.as_str()).then_some(problem)
    }
}

/// Something that was just added or made, with its recovery codes.
struct Made {
    what: &'static str,
    codes: Vec<String>,
}

/// Recovery codes are in one answer and nowhere else, so it is not redirected.
pub(crate) async fn answer(
    visit: &Visit,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let a = visit.access();
    let act = if request.post { request.form.get("act").unwrap_or_default() } else { "" };
    let outcome = match act {
        "begin" => match plane.begin_second_factor().await {
            Ok(()) => return Outcome::see(Route::SecondFactor.path()),
            Err(problem) => Err(problem),
        },
        "activate" => plane
            .activate_second_factor(request.form.text("code"))
            .await
            .map(|made| Some(Made { what: a.app_added, codes: made.recovery_codes })),
        "add_passkey" => add_passkey(request, plane)
            .await
            .map(|codes| Some(Made { what: a.passkey_added, codes })),
        "rename_passkey" => {
            let (id, name) = (request.form.text("renamed"), request.form.text(passkeys::NEW_NAME));
            match plane.rename_passkey(&id, name).await {
                Ok(()) => return done(&Route::SecondFactor, "passkey_renamed"),
                Err(problem) => Err(named(problem, &[("name", passkeys::NEW_NAME)])),
            }
        }
        "codes" => plane
            .make_recovery_codes()
            .await
            .map(|made| Some(Made { what: "", codes: made.recovery_codes })),
        "remove" => match remove(request, plane).await {
            Ok((route, word)) => return done(&route, word),
            Err(problem) => Err(named(problem, &[("code", REMOVE_CODE)])),
        },
        _ => Ok(None),
    };
    let (made, refused) = match outcome {
        Ok(made) => (made, None),
        Err(problem) => (None, Some((act.to_owned(), problem))),
    };
    let state = plane.second_factor().await?;
    let begun = if state.app_since.is_some() { None } else { plane.enrolment().await? };
    let passkeys = plane.passkeys().await?;
    let word = request.query.get("said").map(str::to_owned);
    let confirmed = plane.confirmed();
    let shown = Shown { word, state, passkeys, begun, confirmed, refused, made };
    Outcome::page(move |visit| page(visit, &shown))
}

async fn add_passkey(request: &Request, plane: &dyn ControlPlane) -> Answer<Vec<String>> {
    let credential = proof::made(request)?;
    let name = request.form.text(passkeys::NAME);
    let Some(credential) = credential else {
        // Sent by a browser that has made none.
        return Err(proof::unreadable(request));
    };
    let added = plane.add_passkey(NewPasskey { name, credential }).await;
    added
        .map(|added| added.recovery_codes)
        .map_err(|problem| named(problem, &[("name", passkeys::NAME)]))
}

/// Removes what was chosen; where that leads, and what is said there.
async fn remove(request: &Request, plane: &dyn ControlPlane) -> Answer<(Route, &'static str)> {
    let password = request.form.raw("password").unwrap_or_default().to_owned();
    let (code, passkey) = proof::sent(request, REMOVE_CODE)?;
    let wanted = RemoveSecondFactor { password, code, passkey };
    let which = request.form.text("which");
    let word = if which == APP {
        plane.remove_second_factor(wanted).await?;
        "app_removed"
    } else {
        plane.remove_passkey(&which, wanted).await?;
        "passkey_removed"
    };
    let left = plane.second_factor().await?.enabled;
    Ok(if left { (Route::SecondFactor, word) } else { (Route::Account, "factor_removed") })
}

/// A problem with its fields called as they are on this page.
fn named(mut problem: Problem, names: &[(&str, &str)]) -> Problem {
    for found in problem.errors.iter_mut().flatten() {
        if let Some((_, here)) = names.iter().find(|(field, _)| *field == found.field) {
            found.field = (*here).to_owned();
        }
    }
    problem
}

fn page(visit: &Visit, shown: &Shown) -> Page {
    let (t, a) = (visit.t(), visit.access());
    let refused = shown.refused.as_ref().map(|(_, problem)| problem);
    let adding = shown.wrong_with(&["add_passkey", "rename_passkey"]);
    let ask =
        (!shown.confirmed).then(|| confirm::ask(visit, &Route::SecondFactor.path(), &shown.state));
    let body = view! {
        {heading(t.settings, None, None)}
        {parts(visit)}
        <h2>{a.factor}</h2>
        {done_word(visit, shown.word.as_deref())}
        {said(visit, refused)}
        {shown.made.as_ref().map(|made| just_made(visit, made))}
        <p>{a.factor_what}</p>
        {shown.state.enabled.then(|| facts(visit, &shown.state))}
        {ask}
        {passkeys::about(visit, &shown.passkeys, shown.confirmed, adding)}
        {card(APP, a.app, app(visit, shown))}
        {shown.state.enabled.then(|| on(visit, shown))}
    };
    Page::new(a.factor, body.into_any()).narrow().of(refused)
}

/// The authenticator app: on, being set up, or to be begun.
fn app(visit: &Visit, shown: &Shown) -> AnyView {
    let a = visit.access();
    if let Some(since) = shown.state.app_since {
        return properties(vec![(a.factor_since, clock_time(visit, since).into_any())]);
    }
    if !shown.confirmed {
        return view! { <p class="muted">{a.app_off}</p> }.into_any();
    }
    if let Some(begun) = &shown.begun {
        return setting_up(visit, begun, shown.wrong_with(&["activate"]));
    }
    let begin = vec![("act", "begin".to_owned())];
    view! {
        <p class="muted">{a.app_off}</p>
        {post_button(Route::SecondFactor.path(), a.factor_begin, "primary", begin)}
    }
    .into_any()
}

fn just_made(visit: &Visit, just: &Made) -> AnyView {
    if just.codes.is_empty() {
        return notice(Tone::Ok, just.what, None);
    }
    made(visit, &just.codes)
}

fn made(visit: &Visit, codes: &[String]) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let rows = codes.iter().map(|code| view! { <li><code>{code.clone()}</code></li> });
    let all = codes.join("\n");
    let more = view! {
        <ol class="recovery">{rows.collect_view()}</ol>
        <p><button type="button" class="button small" data-copy=all data-copied=t.copied>{t.copy}</button></p>
        <p class="fine">{a.recovery_once}</p>
    };
    notice(Tone::Ok, a.recovery_made, Some(more.into_any()))
}

fn setting_up(visit: &Visit, begun: &Enrolment, refused: Option<&Problem>) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let side = begun.side;
    let grouped: Vec<&str> =
        (0..begun.secret.len()).step_by(4).filter_map(|at| begun.secret.get(at..at + 4)).collect();
    let again = vec![("act", "begin".to_owned())];
    view! {
        <p>{a.factor_scan}</p>
        // Dark on light whatever the theme is: readers expect it so.
        <svg class="qr" role="img" aria-label=a.factor_qr viewBox=format!("0 0 {side} {side}") shape-rendering="crispEdges">
            <rect width=side height=side fill="#fff"/>
            <path d=begun.path.clone() fill="#000"/>
        </svg>
        <p>{a.factor_secret}": "{command(grouped.join(" "), t.copy, t.copied)}</p>
        <form method="post" action=Route::SecondFactor.path()>
            {hidden("act", "activate")}
            {code_field(visit, refused)}
            <div class="answers"><button type="submit" class="button primary">{a.factor_activate}</button></div>
        </form>
        <div class="answers">{post_button(Route::SecondFactor.path(), a.factor_begin_again, "small", again)}</div>
    }
    .into_any()
}

fn on(visit: &Visit, shown: &Shown) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let refused = shown.wrong_with(&["remove"]);
    let make = shown.confirmed.then(|| {
        let act = vec![("act", "codes".to_owned())];
        view! {
            <p>{a.recovery_make_what}</p>
            {post_button(Route::SecondFactor.path(), a.recovery_make, "", act)}
        }
        .into_any()
    });
    let make = make.unwrap_or_else(|| view! { <p class="muted">{t.confirm_what}</p> }.into_any());
    let password = Field {
        name: "password",
        label: t.confirm_password,
        hint: None,
        value: String::new(),
        required: true,
        unit: None,
        control: Control::Text { kind: "password", autocomplete: "current-password" },
    };
    let app = shown.state.app_since.map(|_| (APP.to_owned(), a.app.to_owned()));
    let choices = app.into_iter().chain(passkeys::choices(&shown.passkeys)).collect();
    let which = Field {
        name: "which",
        label: a.factor_which,
        hint: None,
        value: String::new(),
        required: true,
        unit: None,
        control: Control::Choice(choices),
    };
    // One form for each thing on a page: with the question for the password there is none for this.
    let remove = shown.confirmed.then(|| {
        let form = view! {
            <p>{a.factor_remove_what}</p>
            <form method="post" action=Route::SecondFactor.path()>
                {hidden("act", "remove")}
                {field(visit, refused, which)}
                {field(visit, refused, password)}
                {proof::fields(visit, refused, &shown.state, (proof::What::Remove, REMOVE_CODE))}
                <div class="answers"><button type="submit" class="button danger">{a.factor_remove}</button></div>
            </form>
        };
        card("remove", a.factor_remove, form.into_any())
    });
    view! {
        {card("recovery", a.recovery_make, make)}
        {remove}
    }
    .into_any()
}

fn facts(visit: &Visit, state: &SecondFactor) -> AnyView {
    let a = visit.access();
    let since = state.since.map(|at| clock_time(visit, at));
    properties(vec![
        (a.factor_since, since.into_any()),
        (a.factor_codes_left, state.recovery_codes_left.to_string().into_any()),
    ])
}

/// The card on the account's page.
pub(crate) fn about(visit: &Visit, state: &SecondFactor) -> AnyView {
    let a = visit.access();
    let (what, word) = if state.enabled {
        (facts(visit, state), a.factor_manage)
    } else {
        (view! { <p class="muted">{a.factor_off}</p> }.into_any(), a.factor_set_up)
    };
    let body =
        view! { <p>{a.factor_what}</p> {what} {go_link(Route::SecondFactor.path(), word, "")} };
    card("factor", a.factor, body.into_any())
}

/// Where the app's code is typed that proves that it has the secret.
fn code_field(visit: &Visit, problem: Option<&Problem>) -> AnyView {
    let a = visit.access();
    let code = Field {
        name: "code",
        label: a.factor_code,
        hint: None,
        value: String::new(),
        required: true,
        unit: None,
        control: Control::Text { kind: "text", autocomplete: "one-time-code" },
    };
    field(visit, problem, code)
}
