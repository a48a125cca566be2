//! Asks before a GPU is rented: which, at what price, and whether it gets a standby.

use domain::view::access::SecondFactor;
use domain::view::configure::StandbyConfig;
use domain::view::instance::CreateInstance;
use domain::view::offer::{Offer, OfferQuery};
use domain::view::problem::Problem;
use leptos::prelude::*;

use super::{USUAL_DISK, model, read};
use crate::control_plane::{Answer, ControlPlane};
use crate::form::Fields;
use crate::format;
use crate::page::machines::{per_hour, per_month};
use crate::page::settings::confirm;
use crate::page::{Page, done};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::fill;
use crate::ui::{
    Control, Field, Tone, field, go_link, hidden, notice, properties, said, tick, unknown,
};
use crate::visit::Visit;

/// The image of a machine unless another is asked for: CUDA's own, with nothing else in it.
const USUAL_IMAGE: &str = "nvidia/cuda:12.6.3-base-ubuntu24.04";

/// What can be typed.
const FIELDS: &[&str] = &["label", "image", "disk_size", "standby"];

/// The problem's code where someone else was quicker.
const OFFER_GONE: &str = "offer_gone";

pub(crate) async fn answer(
    visit: &Visit,
    offer: i64,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let refused = if request.post {
        match rent(visit, offer, &request.form, plane).await {
            Ok(gpu) => return done(&Route::Machine(gpu), "rented"),
            Err(problem) => Some(problem),
        }
    } else {
        None
    };
    let mut wrong = Vec::new();
    // The same search again: only so is the price the one that was shown.
    let search = if request.post { search_of(&request.form) } else { without(&request.query) };
    let wanted = OfferQuery { limit: Some(64), ..read(&search, &mut wrong) };
    let found = plane.offers(wanted).await?;
    let found = found.offers.into_iter().find(|one| one.id == offer);
    let settings = plane.settings().await?;
    let factor = plane.second_factor().await?;
    let ask = (!plane.confirmed() && factor.enabled).then_some(factor);
    let form = confirm::typed(request).cloned();
    let taken = refused.as_ref().is_some_and(|problem| problem.code == OFFER_GONE);
    Outcome::page(move |visit| match &found {
        Some(found) if !taken => {
            let typed = Typed { search: &search, form: form.as_ref(), ask };
            page(visit, found, &typed, &settings.standby, refused.as_ref())
        }
        _ => gone(visit, &search, refused.as_ref()),
    })
}

async fn rent(
    visit: &Visit,
    offer: i64,
    form: &Fields,
    plane: &dyn ControlPlane,
) -> Answer<domain::id::GpuId> {
    let mut wrong = Vec::new();
    let disk = form.number("disk_size", &mut wrong).unwrap_or(USUAL_DISK);
    if !wrong.is_empty() {
        return Err(visit.unreadable(wrong));
    }
    let wanted = CreateInstance {
        image: Some(form.text("image")),
        disk_size: Some(disk),
        label: form.get("label").map(str::to_owned),
        skip_standby: !form.ticked("standby"),
        ..CreateInstance::of(offer)
    };
    plane.rent(wanted).await
}

/// The search of an address that a confirmation led back to.
fn without(query: &Fields) -> Fields {
    let typed = |name: &str| FIELDS.contains(&name) || name == "typed";
    Fields(query.0.iter().filter(|(name, _)| !typed(name)).cloned().collect())
}

/// The search that led here, carried by the form.
fn search_of(form: &Fields) -> Fields {
    let pairs = form.get("search").unwrap_or_default().split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((decode(name), decode(value)))
    });
    Fields(pairs.collect())
}

/// The opposite of [`crate::form::encode`].
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits: Vec<u8> = bytes.by_ref().take(2).collect();
        let value =
            std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.extend(value);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What came with the request.
struct Typed<'a> {
    search: &'a Fields,
    /// What was typed, where something was.
    form: Option<&'a Fields>,
    /// With what whoever asks has to prove who they are first.
    ask: Option<SecondFactor>,
}

fn page(
    visit: &Visit,
    offer: &Offer,
    typed: &Typed<'_>,
    standby: &StandbyConfig,
    refused: Option<&Problem>,
) -> Page {
    let t = visit.t();
    let nothing = Fields::default();
    let (search, form) = (typed.search, typed.form.unwrap_or(&nothing));
    let input = |name, label, value: String, hint: Option<&'static str>, required| {
        let control = Control::Text { kind: "text", autocomplete: "off" };
        field(
            visit,
            refused,
            Field {
                name,
                label,
                hint: hint.map(str::to_owned),
                value,
                required,
                unit: None,
                control,
            },
        )
    };
    let disk = form
        .get("disk_size")
        .or(search.get("min_disk"))
        .map_or_else(|| format!("{USUAL_DISK:.0}"), str::to_owned);
    let image = form.get("image").unwrap_or(USUAL_IMAGE).to_owned();
    let protect = if typed.form.is_some() { form.ticked("standby") } else { standby.enabled };
    let monthly = standby
        .estimated_cost_monthly_usd
        .map(|usd| fill(t.standby_adds, &[("amount", &format::usd(usd, visit.lang))]));
    let hint = if standby.enabled { monthly } else { Some(t.standby_off.to_owned()) };
    let control = Control::Number { min: Some("8"), max: None, step: "1" };
    let disk = Field {
        name: "disk_size",
        label: t.disk,
        hint: Some(t.disk_hint.to_owned()),
        value: disk,
        required: true,
        unit: Some("GB"),
        control,
    };
    let ask = if let Some(factor) = &typed.ask {
        let path = Route::Offer(offer.id).path();
        let query = search.query_without(&[]);
        let here = match typed.form {
            Some(form) => confirm::back_with(&path, &query, form, FIELDS),
            None => format!("{path}?{query}"),
        };
        confirm::form(visit, &here, factor, None)
    } else {
        view! {
        <form method="post" action=Route::Offer(offer.id).path()>
            {hidden("search", search.query_without(&["q"]))}
            {input("label", t.machine_name, form.text("label"), None, false)}
            {input("image", t.image, image, None, true)}
            {field(visit, refused, disk)}
            {standby.enabled.then(|| tick("standby", t.standby_protect, hint.clone(), protect))}
            {(!standby.enabled).then(|| view! { <p class="hint">{hint}</p> })}
            <div class="answers">
                <button type="submit" class="button primary">
                    {fill(t.rent_do, &[("amount", &per_hour(visit, offer.dph_total))])}
                </button>
                <a class="button" href=back(search) data-close="">{t.back}</a>
            </div>
        </form>
        }
        .into_any()
    };
    let body = view! {
        <div class="ask">
            <h1 id="dialog-title">{t.rent_question}</h1>
            <p class="state">{model(offer)}</p>
            {said(visit, refused)}
            {properties(vec![
                (t.price, view! { <strong>{per_hour(visit, offer.dph_total)}</strong> " · " {per_month(visit, offer.dph_total)} }.into_any()),
                (t.reliability, format::percent(offer.reliability * 100.0, visit.lang).into_any()),
                (t.place, offer.geolocation.clone().map_or_else(|| unknown(t.unknown), IntoAny::into_any)),
            ])}
            <p class="fine">{t.rent_what}</p>
            {ask}
        </div>
    };
    Page::new(t.rent_question, body.into_any()).narrow().of(refused)
}

fn gone(visit: &Visit, search: &Fields, refused: Option<&Problem>) -> Page {
    let t = visit.t();
    let other = refused.filter(|problem| problem.code != OFFER_GONE);
    let body = view! {
        <div class="ask">
            <h1 id="dialog-title">{t.offer_gone}</h1>
            {said(visit, other)}
            {notice(Tone::Warn, t.offer_gone_what, None)}
            <div class="answers">{go_link(back(search), t.search_again, "primary")}</div>
        </div>
    };
    let page = Page::new(t.offer_gone, body.into_any()).narrow().of(refused);
    if refused.is_some() { page } else { Page { status: 404, ..page } }
}

fn back(search: &Fields) -> String {
    format!("{}?{}", Route::Offers.path(), search.query_without(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_survives_the_form() {
        let search =
            Fields(vec![("gpu_name".into(), "RTX 4090".into()), ("region".into(), "US,DE".into())]);
        let form = Fields(vec![("search".into(), search.query_without(&[]))]);
        assert_eq!(search_of(&form), search);
        assert_eq!(decode("%zz%4"), "\u{4}");
    }
}
