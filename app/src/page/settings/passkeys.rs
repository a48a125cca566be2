//! Settings → Account → Second factor: its passkeys.

use domain::view::passkey::{Passkey, Passkeys};
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::proof;
use crate::router::Route;
use crate::ui::{Control, Field, ago, ago_or, card, cell, field, hidden, key_cell, table};
use crate::visit::Visit;

/// The field of a new passkey's name, on a page with other names.
pub(super) const NAME: &str = "passkey_name";
/// The field of another name for one.
pub(super) const NEW_NAME: &str = "new_name";

/// The card: which there are, and forms where whoever looks has just confirmed who they are.
pub(super) fn about(
    visit: &Visit,
    passkeys: &Passkeys,
    confirmed: bool,
    refused: Option<&Problem>,
) -> AnyView {
    let a = visit.access();
    let rows: Vec<AnyView> = passkeys.passkeys.iter().map(|one| line(visit, one)).collect();
    let columns = [
        (a.passkeys, false),
        (a.passkey_site, false),
        (visit.t().col_made, false),
        (visit.t().col_last_used, false),
    ];
    let list = if rows.is_empty() {
        view! { <p class="muted">{a.passkeys_none}</p> }.into_any()
    } else {
        table(a.passkeys, &columns, rows)
    };
    let add = match (&passkeys.site, confirmed) {
        (None, _) => view! { <p class="hint">{a.passkeys_not_here}</p> }.into_any(),
        (Some(_), true) => add(visit, refused),
        (Some(_), false) => ().into_any(),
    };
    let rename = (confirmed && passkeys.count > 0).then(|| rename(visit, passkeys, refused));
    let body = view! { <p>{a.passkeys_what}</p> {list} {add} {rename} };
    card("passkeys", a.passkeys, body.into_any())
}

fn line(visit: &Visit, passkey: &Passkey) -> AnyView {
    let (t, a) = (visit.t(), visit.access());
    let name = domain::name::shown(&passkey.name);
    view! {
        <tr data-key=passkey.id.clone()>
            {key_cell(name)}
            {cell(a.passkey_site, passkey.site.clone())}
            {cell(t.col_made, ago(visit, passkey.created_at))}
            {cell(t.col_last_used, ago_or(visit, passkey.last_used_at, t.never))}
        </tr>
    }
    .into_any()
}

fn add(visit: &Visit, refused: Option<&Problem>) -> AnyView {
    let a = visit.access();
    let name = name_field(NAME, a.passkey_name, Some(a.passkey_name_hint));
    view! {
        <form method="post" action=Route::SecondFactor.path()>
            {hidden("act", "add_passkey")}
            {field(visit, refused, name)}
            {proof::make(visit, refused)}
        </form>
    }
    .into_any()
}

fn rename(visit: &Visit, passkeys: &Passkeys, refused: Option<&Problem>) -> AnyView {
    let a = visit.access();
    let which = Field {
        name: "renamed",
        label: a.factor_which,
        hint: None,
        value: String::new(),
        required: true,
        unit: None,
        control: Control::Choice(choices(passkeys)),
    };
    view! {
        <form method="post" action=Route::SecondFactor.path()>
            {hidden("act", "rename_passkey")}
            {field(visit, refused, which)}
            {field(visit, refused, name_field(NEW_NAME, a.passkey_new_name, None))}
            <div class="answers"><button type="submit" class="button">{a.passkey_rename}</button></div>
        </form>
    }
    .into_any()
}

/// Ids and names.
pub(super) fn choices(passkeys: &Passkeys) -> Vec<(String, String)> {
    let all = passkeys.passkeys.iter();
    all.map(|one| (one.id.clone(), domain::name::shown(&one.name))).collect()
}

fn name_field(name: &'static str, label: &'static str, hint: Option<&'static str>) -> Field {
    Field {
        name,
        label,
        hint: hint.map(str::to_owned),
        value: String::new(),
        required: true,
        unit: None,
        control: Control::Text { kind: "text", autocomplete: "off" },
    }
}
