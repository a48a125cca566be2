//! Settings → APIs & Credentials: a secret goes in, is tried, and is never shown again.

use domain::standby::PERMISSIONS;
use domain::view::access::SecondFactor;
use domain::view::problem::Problem;
use domain::view::settings::{SecretState, SecretStatus, Settings, SettingsUpdate};
use leptos::prelude::*;

use super::{confirm, parts};
use crate::control_plane::{Answer, ControlPlane};
use crate::form::Fields;
use crate::page::problem::done_word;
use crate::page::{Page, done};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::{Texts, fill};
use crate::ui::{Control, Field, Tone, ago, badge, card, field, heading, hidden, properties, said};
use crate::visit::Visit;

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let mut refused = None;
    if request.post {
        let removed = request.form.get("remove").is_some();
        match plane.update(read(&request.form)).await {
            Ok(_) => {
                return done(
                    &Route::Credentials,
                    if removed { "key_removed" } else { "key_stored" },
                );
            }
            Err(problem) => refused = Some(problem),
        }
    }
    let settings = plane.settings().await?;
    let confirmed = plane.confirmed();
    let factor = plane.second_factor().await?;
    let word = request.query.get("said").map(str::to_owned);
    Outcome::page(move |visit| {
        page(visit, &settings, refused.as_ref(), word.as_deref(), confirmed, &factor)
    })
}

/// The form holds one credential, or the name of the one to remove.
fn read(form: &Fields) -> SettingsUpdate {
    let removed = form.get("remove");
    let sent = |name: &str| form.raw(name).map(|text| text.trim().to_owned());
    SettingsUpdate {
        vast_api_key: if removed == Some("vast_api_key") {
            Some(None)
        } else {
            sent("vast_api_key").map(Some)
        },
        gcp_credentials: if removed == Some("gcp_credentials") {
            Some(None)
        } else {
            sent("gcp_credentials").map(|text| Some(serde_json::Value::String(text)))
        },
        ..SettingsUpdate::default()
    }
}

fn page(
    visit: &Visit,
    settings: &Settings,
    refused: Option<&Problem>,
    word: Option<&str>,
    confirmed: bool,
    factor: &SecondFactor,
) -> Page {
    let t = visit.t();
    let body = view! {
        {heading(t.settings, None, None)}
        {parts(visit)}
        {done_word(visit, word)}
        {said(visit, refused)}
        {(!confirmed).then(|| confirm::ask(visit, &Route::Credentials.path(), factor))}
        {card("vast", t.vast_title, vast(visit, &settings.vast_api_key, refused, confirmed))}
        {card("gcp", t.gcp_title, gcp(visit, &settings.gcp_credentials, refused, confirmed))}
        <p class="fine">{t.secrets_what}</p>
    };
    Page::new(t.nav_credentials, body.into_any()).narrow().of(refused)
}

fn vast(
    visit: &Visit,
    status: &SecretStatus,
    refused: Option<&Problem>,
    confirmed: bool,
) -> AnyView {
    let t = visit.t();
    let control = Control::Text { kind: "password", autocomplete: "off" };
    let input = Field {
        name: "vast_api_key",
        label: t.vast_key,
        hint: Some(t.vast_key_hint.to_owned()),
        value: String::new(),
        required: true,
        unit: None,
        control,
    };
    let change = confirmed.then(|| view! {
        <form method="post" action=Route::Credentials.path()>
            {field(visit, refused, input)}
            <div class="answers"><button type="submit" class="button primary">{store_word(status, t)}</button></div>
        </form>
        {remove(visit, status, "vast_api_key")}
    });
    view! {
        <p>{t.vast_what}</p>
        {known(visit, status)}
        {change}
    }
    .into_any()
}

fn gcp(
    visit: &Visit,
    status: &SecretStatus,
    refused: Option<&Problem>,
    confirmed: bool,
) -> AnyView {
    let t = visit.t();
    let input = Field {
        name: "gcp_credentials",
        label: t.gcp_key,
        hint: Some(t.gcp_key_hint.to_owned()),
        value: String::new(),
        required: true,
        unit: None,
        control: Control::Lines { rows: "6" },
    };
    let permissions =
        PERMISSIONS.iter().map(|name| view! { <li><code>{*name}</code></li> }).collect_view();
    let change = confirmed.then(|| view! {
        <form method="post" action=Route::Credentials.path()>
            {field(visit, refused, input)}
            <div class="answers"><button type="submit" class="button primary">{store_word(status, t)}</button></div>
        </form>
        {remove(visit, status, "gcp_credentials")}
    });
    view! {
        <p>{t.gcp_what}</p>
        {known(visit, status)}
        {change}
        <details><summary>{t.gcp_permissions}</summary><ul class="files" tabindex="0" aria-label=t.gcp_permissions>{permissions}</ul></details>
    }
    .into_any()
}

const fn store_word(status: &SecretStatus, t: &'static Texts) -> &'static str {
    if status.is_set { t.key_replace } else { t.key_store }
}

/// What is known of the stored one; never its value.
fn known(visit: &Visit, status: &SecretStatus) -> AnyView {
    let t = visit.t();
    let (tone, word) = match status.status {
        SecretState::Missing => (Tone::Quiet, t.key_missing),
        SecretState::Ok => (Tone::Ok, t.key_ok),
        SecretState::Refused => (Tone::Down, t.key_refused),
        SecretState::Unchecked => (Tone::Warn, t.key_unchecked),
    };
    let mut rows = vec![(
        t.state,
        view! { {badge(tone, word)} <span class="words">{status.message.clone()}</span> }
            .into_any(),
    )];
    if let Some(account) = status.account.clone() {
        rows.push((t.key_account, account.into_any()));
    }
    if let Some(last) = status.last4.clone() {
        rows.push((
            t.key_ends,
            view! { <code>{fill("…{last}", &[("last", &last)])}</code> }.into_any(),
        ));
    }
    if let Some(at) = status.checked_at {
        rows.push((t.key_checked, ago(visit, at)));
    }
    if status.from_environment {
        rows.push((t.key_source, t.key_environment.into_any()));
    }
    properties(rows)
}

fn remove(visit: &Visit, status: &SecretStatus, name: &'static str) -> Option<AnyView> {
    let t = visit.t();
    if !status.is_set || status.from_environment {
        return None;
    }
    Some(
        view! {
            <details class="consent">
                <summary>{t.key_remove}</summary>
                <p>{t.key_remove_what}</p>
                <form method="post" action=Route::Credentials.path()>
                    {hidden("remove", name)}
                    <button type="submit" class="button danger">{t.key_remove_do}</button>
                </form>
            </details>
        }
        .into_any(),
    )
}
