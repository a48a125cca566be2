//! Where a second factor is proved: a code is typed, or the browser is asked for a passkey.

use domain::view::access::SecondFactor;
use domain::view::passkey::{AssertionCredential, RegistrationCredential};
use domain::view::problem::{FieldProblem, Problem};
use leptos::prelude::*;

use crate::control_plane::Answer;
use crate::site::Request;
use crate::ui::{Control, Field, field, hidden};
use crate::visit::Visit;

/// The field that a passkey is sent in.
pub(crate) const PASSKEY: &str = "passkey";
/// Where what is to be signed comes from.
const CHALLENGE: &str = "/api/v1/auth/passkeys/challenge";
const LOGIN_CHALLENGE: &str = "/api/v1/auth/login/passkey";
const BEGIN: &str = "/api/v1/auth/passkeys/begin";

/// What is proved.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    LogIn,
    Confirm,
    ChangePassword,
    Remove,
}

impl What {
    /// Where the challenge comes from, and for which use.
    const fn asked(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::LogIn => (LOGIN_CHALLENGE, None),
            Self::Confirm => (CHALLENGE, Some("confirm")),
            Self::ChangePassword => (CHALLENGE, Some("change_password")),
            Self::Remove => (CHALLENGE, Some("remove_factor")),
        }
    }
}

/// The passkey of a form that was made, if one came along.
///
/// # Errors
/// It is none.
pub(crate) fn made(request: &Request) -> Answer<Option<RegistrationCredential>> {
    let Some(sent) = request.form.get(PASSKEY) else { return Ok(None) };
    serde_json::from_str(sent).map(Some).map_err(|_| unreadable(request))
}

fn used(request: &Request) -> Answer<Option<AssertionCredential>> {
    let Some(sent) = request.form.get(PASSKEY) else { return Ok(None) };
    serde_json::from_str(sent).map(Some).map_err(|_| unreadable(request))
}

/// A code, or a passkey that was used.
pub(crate) type Sent = (Option<String>, Option<AssertionCredential>);

/// What a form proves: a passkey, or else the code in the field that is named.
///
/// # Errors
/// What is sent as a passkey is none.
pub(crate) fn sent(request: &Request, code: &str) -> Answer<Sent> {
    let passkey = used(request)?;
    // Whoever uses a passkey may have begun to type.
    let code = if passkey.is_some() { None } else { request.form.get(code).map(str::to_owned) };
    Ok((code, passkey))
}

/// What is said of a passkey that is none.
pub(crate) fn unreadable(request: &Request) -> Problem {
    let wrong = FieldProblem {
        field: PASSKEY.to_owned(),
        code: "wrong_passkey".to_owned(),
        message: "can't be read".to_owned(),
    };
    Problem {
        kind: "/problems/invalid".to_owned(),
        title: "Not acceptable as it is".to_owned(),
        status: 422,
        detail: "passkey can't be read".to_owned(),
        error: "passkey can't be read".to_owned(),
        code: "invalid".to_owned(),
        request_id: request.request_id.clone(),
        errors: Some(vec![wrong]),
    }
}

/// A field for a code, and a button for a passkey where the account has one here.
pub(crate) fn fields(
    visit: &Visit,
    problem: Option<&Problem>,
    factor: &SecondFactor,
    (what, code): (What, &'static str),
) -> AnyView {
    let a = visit.access();
    let (label, hint) = if factor.app_since.is_some() {
        (a.factor_code, a.factor_code_hint)
    } else {
        (a.factor_recovery_code, a.factor_recovery_hint)
    };
    let code = Field {
        name: code,
        label,
        hint: Some(hint.to_owned()),
        value: String::new(),
        required: true,
        unit: None,
        control: Control::Text { kind: "text", autocomplete: "one-time-code" },
    };
    let passkey = factor.passkey_here.then(|| {
        let (path, purpose) = what.asked();
        ceremony(visit, problem, a.passkey_use, ("get", path, purpose))
    });
    view! { {passkey} {field(visit, problem, code)} }.into_any()
}

/// A button that has the browser make a passkey.
pub(crate) fn make(visit: &Visit, problem: Option<&Problem>) -> AnyView {
    ceremony(visit, problem, visit.access().passkey_add, ("create", BEGIN, None))
}

fn ceremony(
    visit: &Visit,
    problem: Option<&Problem>,
    word: &'static str,
    (kind, path, purpose): (&'static str, &'static str, Option<&'static str>),
) -> AnyView {
    let a = visit.access();
    let none = if kind == "create" { a.passkey_not_made } else { a.passkey_not_used };
    let wrong = problem.and_then(|problem| wrong_with(visit, problem));
    view! {
        <div class="passkey" data-ceremony=kind data-options=path data-purpose=purpose data-none=none
            data-failed=a.passkey_failed data-unsupported=a.passkey_unsupported data-elsewhere=a.passkey_elsewhere>
            {hidden(PASSKEY, "")}
            <button type="button" class="button">{word}</button>
            <p class="hint plain">{a.passkey_no_script}</p>
            <p class="wrong" role="alert">{wrong}</p>
        </div>
    }
    .into_any()
}

fn wrong_with(visit: &Visit, problem: &Problem) -> Option<&'static str> {
    let a = visit.access();
    let found = problem.errors.as_ref()?.iter().find(|one| one.field == PASSKEY)?;
    Some(match found.code.as_str() {
        "passkey_expired" => a.passkey_expired,
        "passkey_copied" => a.passkey_copied,
        _ => a.wrong_passkey,
    })
}
