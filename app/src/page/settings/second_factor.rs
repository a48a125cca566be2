//! Settings → Account → Second factor: set up, its recovery codes, turned off.

use domain::view::access::{RecoveryCodes, RemoveSecondFactor, SecondFactor};
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::{confirm, parts};
use crate::control_plane::{Answer, ControlPlane, Enrolment};
use crate::page::{Page, done};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::ui::{
    Control, Field, Tone, card, clock_time, command, field, go_link, heading, hidden, notice,
    post_button, properties, said,
};
use crate::visit::Visit;

/// What the page shows.
struct Shown {
    state: SecondFactor,
    begun: Option<Enrolment>,
    confirmed: bool,
    refused: Option<Problem>,
    codes: Option<RecoveryCodes>,
}

/// Recovery codes are in one answer and nowhere else, so it is not redirected.
pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let code = || request.form.text("code");
    let act = if request.post { request.form.get("act").unwrap_or_default() } else { "" };
    let outcome = match act {
        "begin" => match plane.begin_second_factor().await {
            Ok(()) => return Outcome::see(Route::SecondFactor.path()),
            Err(problem) => Err(problem),
        },
        "activate" => plane.activate_second_factor(code()).await.map(Some),
        "codes" => plane.make_recovery_codes().await.map(Some),
        "remove" => {
            let password = request.form.raw("password").unwrap_or_default().to_owned();
            let wanted = RemoveSecondFactor { password, code: Some(code()) };
            match plane.remove_second_factor(wanted).await {
                Ok(()) => return done(&Route::Account, "factor_removed"),
                Err(problem) => Err(problem),
            }
        }
        _ => Ok(None),
    };
    let (codes, refused) = match outcome {
        Ok(codes) => (codes, None),
        Err(problem) => (None, Some(problem)),
    };
    let state = plane.second_factor().await?;
    let begun = if state.enabled { None } else { plane.enrolment().await? };
    let shown = Shown { state, begun, confirmed: plane.confirmed(), refused, codes };
    Outcome::page(move |visit| page(visit, &shown))
}

fn page(visit: &Visit, shown: &Shown) -> Page {
    let (t, a) = (visit.t(), visit.access());
    let refused = shown.refused.as_ref();
    let ask = (!shown.confirmed)
        .then(|| confirm::ask(visit, &Route::SecondFactor.path(), shown.state.enabled));
    let steps = if shown.state.enabled {
        on(visit, shown)
    } else if !shown.confirmed {
        ().into_any()
    } else if let Some(begun) = &shown.begun {
        setting_up(visit, begun, refused)
    } else {
        let begin = vec![("act", "begin".to_owned())];
        post_button(Route::SecondFactor.path(), a.factor_begin, "primary", begin)
    };
    let body = view! {
        {heading(t.settings, None, None)}
        {parts(visit)}
        <h2>{a.factor}</h2>
        {said(visit, refused)}
        {shown.codes.as_ref().map(|codes| made(visit, codes))}
        <p>{a.factor_what}</p>
        {ask}
        {steps}
    };
    Page::new(a.factor, body.into_any()).narrow().of(refused)
}

fn made(visit: &Visit, codes: &RecoveryCodes) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let rows =
        codes.recovery_codes.iter().map(|code| view! { <li><code>{code.clone()}</code></li> });
    let all = codes.recovery_codes.join("\n");
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
    let refused = shown.refused.as_ref();
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
    // One form for each thing on a page: with the question for the password there is none for this.
    let remove = shown.confirmed.then(|| {
        let form = view! {
            <form method="post" action=Route::SecondFactor.path()>
                {hidden("act", "remove")}
                {field(visit, refused, password)}
                {code_field(visit, refused)}
                <div class="answers"><button type="submit" class="button danger">{a.factor_remove}</button></div>
            </form>
        };
        card("remove", a.factor_remove, form.into_any())
    });
    view! {
        {facts(visit, &shown.state)}
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

/// Where a code is typed.
pub(crate) fn code_field(visit: &Visit, problem: Option<&Problem>) -> AnyView {
    code_field_named(visit, problem, "code")
}

/// The same on a page that may have another one.
pub(crate) fn code_field_named(
    visit: &Visit,
    problem: Option<&Problem>,
    name: &'static str,
) -> AnyView {
    let a = visit.access();
    let code = Field {
        name,
        label: a.factor_code,
        hint: Some(a.factor_code_hint.to_owned()),
        value: String::new(),
        required: true,
        unit: None,
        control: Control::Text { kind: "text", autocomplete: "one-time-code" },
    };
    field(visit, problem, code)
}
