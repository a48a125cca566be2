//! The credit: a figure in the bar of every page, and a page with what it is made of.
//!
//! Four states that can't be taken for each other: being asked, known, known but old, and not known
//! with the reason. What is not known is never shown as zero.

use domain::view::balance::Balance;
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::Page;
use crate::control_plane::{Answer, ControlPlane};
use crate::format;
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::{fill, problem_text};
use crate::ui::{Tone, ago, heading, mark, properties, said, unknown};
use crate::visit::Visit;

/// Asked for again this soon while it is not known, ms.
const SOON: &str = "1500";
/// Asked for again this late when all is well, ms.
const LATE: &str = "60000";

/// A key that is missing is not a failure to be tried again soon.
fn pause(credit: Option<&Answer<Balance>>) -> &'static str {
    match credit {
        None => SOON,
        Some(Ok(_)) => LATE,
        Some(Err(_)) => "15000",
    }
}

/// The figure in the bar.
pub(crate) fn figure(visit: &Visit, credit: Option<&Answer<Balance>>) -> AnyView {
    let t = visit.t();
    let href = Route::Balance.path();
    let (class, content, title) = match credit {
        None => (
            "loading",
            view! { <span class="amount">"--"</span> }.into_any(),
            t.balance_asking.to_owned(),
        ),
        Some(Ok(balance)) => known(visit, balance),
        Some(Err(problem)) => unreadable(visit, problem),
    };
    view! {
        <a class=format!("balance {class}") href=href title=title data-refresh=pause(credit)>
            <span class="hidden">{t.balance} ": "</span>
            {content}
        </a>
    }
    .into_any()
}

fn known(visit: &Visit, balance: &Balance) -> (&'static str, AnyView, String) {
    let t = visit.t();
    let Some(credit) = balance.credit else {
        let content = view! { {mark(Tone::Warn)} <span class="amount">{t.unknown}</span> };
        return ("error", content.into_any(), t.balance_not_told.to_owned());
    };
    let amount = view! { <span class="amount">{format::usd(credit, visit.lang)}</span> };
    if balance.stale_error.is_some() {
        let age = format::coarse(visit.now.since(balance.as_of.0).max(0));
        let note = fill(t.balance_as_of, &[("span", &age)]);
        let content = view! { {mark(Tone::Warn)} {amount} <span class="note">{note}</span> };
        return ("old", content.into_any(), t.balance_old.to_owned());
    }
    let left =
        balance.hours_left.map(|hours| fill(t.balance_left, &[("span", &hours_left(hours))]));
    if balance.low == Some(true) {
        let content =
            view! { {mark(Tone::Warn)} {amount} <span class="note">{t.balance_low}</span> };
        return ("low", content.into_any(), t.balance_low_what.to_owned());
    }
    let content =
        view! { {amount} {left.clone().map(|left| view! { <span class="note">{left}</span> })} };
    ("known", content.into_any(), left.unwrap_or_else(|| t.balance.to_owned()))
}

fn unreadable(visit: &Visit, problem: &Problem) -> (&'static str, AnyView, String) {
    let t = visit.t();
    let missing = problem.code == "vast_api_key_missing";
    let word = if missing { t.balance_no_key } else { t.balance_failed };
    let content = view! { {mark(Tone::Warn)} <span class="amount">{word}</span> };
    ("error", content.into_any(), problem_text(problem, t).0)
}

/// `8 h` or `3 d`.
#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
fn hours_left(hours: f64) -> String {
    format::coarse((hours * 3_600_000.0) as i64)
}

/// The page, or the figure alone where the bar asks for it.
pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let credit = plane.balance().await;
    if request.part {
        return Outcome::page(move |visit| Page::new("", figure(visit, credit.as_ref())));
    }
    Outcome::page(move |visit| page(visit, credit.as_ref()))
}

fn page(visit: &Visit, credit: Option<&Answer<Balance>>) -> Page {
    let t = visit.t();
    let body = match credit {
        None => unknown(t.balance_asking),
        Some(Err(problem)) => said(visit, Some(problem)).into_any(),
        Some(Ok(balance)) => details(visit, balance),
    };
    let body = view! {
        {heading(t.balance, None, None)}
        <p class="big">{figure(visit, credit)}</p>
        {body}
    };
    Page::new(t.balance, body.into_any()).narrow()
}

fn details(visit: &Visit, balance: &Balance) -> AnyView {
    let t = visit.t();
    let money = |amount: Option<f64>| {
        amount
            .map_or_else(|| unknown(t.unknown), |amount| format::usd(amount, visit.lang).into_any())
    };
    let burn = balance.burn_per_hour.map_or_else(
        || unknown(t.unknown),
        |rate| fill(t.rate_hour, &[("amount", &format::rate(rate, visit.lang))]).into_any(),
    );
    let left = balance
        .hours_left
        .map_or_else(|| unknown(t.balance_nothing_runs), |hours| hours_left(hours).into_any());
    let account = balance.email.clone().map_or_else(|| unknown(t.unknown), IntoAny::into_any);
    view! {
        {balance.stale_error.clone().map(|words| view! { <p class="words">{words}</p> })}
        {properties(vec![
            (t.balance_credit, money(balance.credit)),
            (t.balance_burn, burn),
            (t.balance_lasts, left),
            (t.balance_warns_below, money(balance.balance_threshold)),
            (t.balance_account, account),
            (t.balance_read, ago(visit, balance.as_of)),
        ])}
    }
    .into_any()
}
