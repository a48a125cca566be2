//! One field of a form: label, control, hint, and what is wrong with it.

use domain::view::problem::Problem;
use leptos::prelude::*;

use crate::text::field_text;
use crate::visit::Visit;

/// What is typed into.
pub(crate) enum Control {
    /// `<input>` of a type, with an `autocomplete` word.
    Text { kind: &'static str, autocomplete: &'static str },
    /// The code of a link, which the page's script takes from behind the `#` of its address.
    Code,
    /// A number within bounds.
    Number { min: Option<&'static str>, max: Option<&'static str>, step: &'static str },
    /// Several lines.
    Lines { rows: &'static str },
    /// One of these: value and name.
    Choice(Vec<(String, String)>),
}

/// A field.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: Option<String>,
    pub(crate) value: String,
    pub(crate) required: bool,
    pub(crate) unit: Option<&'static str>,
    pub(crate) control: Control,
}

/// Draws a field, with what `problem` says of it.
pub(crate) fn field(visit: &Visit, problem: Option<&Problem>, field: Field) -> AnyView {
    let Field { name, label, hint, value, required, unit, control } = field;
    let wrong = problem.and_then(|problem| wrong_with(visit, problem, name));
    let id = format!("field-{name}");
    let hint_id = format!("{id}-hint");
    let wrong_id = format!("{id}-wrong");
    let described = match (hint.is_some(), wrong.is_some()) {
        (true, true) => Some(format!("{wrong_id} {hint_id}")),
        (true, false) => Some(hint_id.clone()),
        (false, true) => Some(wrong_id.clone()),
        (false, false) => None,
    };
    let invalid = wrong.is_some().then_some("true");
    let control = match control {
        Control::Text { kind, autocomplete } => view! {
            <input id=id.clone() name=name type=kind autocomplete=autocomplete required=required value=value
                aria-describedby=described aria-invalid=invalid/>
        }
        .into_any(),
        Control::Code => view! {
            <input id=id.clone() name=name type="text" autocomplete="off" autocapitalize="none" spellcheck="false"
                maxlength="128" data-code="" required=required value=value
                aria-describedby=described aria-invalid=invalid/>
        }
        .into_any(),
        Control::Number { min, max, step } => view! {
            <input id=id.clone() name=name type="number" inputmode="decimal" min=min max=max step=step
                required=required value=value aria-describedby=described aria-invalid=invalid/>
        }
        .into_any(),
        Control::Lines { rows } => view! {
            <textarea id=id.clone() name=name rows=rows required=required spellcheck="false" autocomplete="off"
                aria-describedby=described aria-invalid=invalid>{value}</textarea>
        }
        .into_any(),
        Control::Choice(choices) => {
            let choices = choices
                .into_iter()
                .map(|(key, word)| view! { <option selected=key == value value=key>{word}</option> })
                .collect_view();
            view! {
                <select id=id.clone() name=name aria-describedby=described aria-invalid=invalid>{choices}</select>
            }
            .into_any()
        }
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <span class="control">{control}{unit.map(|unit| view! { <span class="unit">{unit}</span> })}</span>
            {wrong.map(|text| view! { <p class="wrong" id=wrong_id>{text}</p> })}
            {hint.map(|text| view! { <p class="hint" id=hint_id>{text}</p> })}
        </div>
    }
    .into_any()
}

/// A box to tick.
pub(crate) fn tick(
    name: &'static str,
    label: &'static str,
    hint: Option<String>,
    on: bool,
) -> AnyView {
    let id = format!("field-{name}");
    let hint_id = format!("{id}-hint");
    let described = hint.is_some().then(|| hint_id.clone());
    view! {
        <div class="field tick">
            <input id=id.clone() name=name type="checkbox" value="on" checked=on aria-describedby=described/>
            <label for=id>{label}</label>
            {hint.map(|text| view! { <p class="hint" id=hint_id>{text}</p> })}
        </div>
    }
    .into_any()
}

/// A field that nobody sees.
pub(crate) fn hidden(name: &'static str, value: impl Into<String>) -> AnyView {
    view! { <input type="hidden" name=name value=value.into()/> }.into_any()
}

fn wrong_with(visit: &Visit, problem: &Problem, name: &str) -> Option<String> {
    let found = problem.errors.as_ref()?.iter().find(|one| one.field == name)?;
    Some(field_text(found, visit.t()))
}
