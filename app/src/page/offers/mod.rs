//! The market: GPUs that can be rented now.

pub(crate) mod rent;

use domain::view::offer::{ORDERS, Offer, OfferQuery, Offers};
use domain::view::problem::{FieldProblem, Problem};
use leptos::prelude::*;

use super::Page;
use super::machines::{per_hour, per_month};
use crate::control_plane::{Answer, ControlPlane};
use crate::form::Fields;
use crate::format;
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text;
use crate::ui::{
    Control, Field, act_link, cell, empty, field, heading, key_cell, number_cell, said, table,
    tick, unknown,
};
use crate::visit::Visit;

/// Storage that a machine gets unless something else is asked for, GB.
pub(super) const USUAL_DISK: f64 = 40.0;

pub(crate) async fn answer(
    visit: &Visit,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let mut wrong = Vec::new();
    let wanted = read(&request.query, &mut wrong);
    let found =
        if wrong.is_empty() { plane.offers(wanted).await } else { Err(visit.unreadable(wrong)) };
    // A login that ended is not a search that failed.
    let found = match found {
        Err(problem) if problem.status == 401 => return Err(problem),
        other => other,
    };
    let query = request.query.clone();
    Outcome::page(move |visit| page(visit, &query, found.as_ref()))
}

/// The search as typed; a box that is not ticked is not sent, so only a search that was sent says
/// "unverified too".
pub(super) fn read(query: &Fields, wrong: &mut Vec<FieldProblem>) -> OfferQuery {
    OfferQuery {
        gpu_name: query.get("gpu_name").map(str::to_owned),
        num_gpus: query.whole("num_gpus", wrong),
        min_gpu_ram: query.number("min_gpu_ram", wrong),
        min_disk: query.number("min_disk", wrong).or(Some(USUAL_DISK)),
        min_inet_down: query.number("min_inet_down", wrong),
        max_price: query.number("max_price", wrong),
        // Typed in percent.
        min_reliability: query.number("min_reliability", wrong).map(|percent| percent / 100.0),
        region: query.get("region").map(str::to_owned),
        verified_only: Some(query.ticked("verified_only") || query.0.is_empty()),
        order_by: query.get("order_by").map(str::to_owned),
        limit: Some(40),
    }
}

fn page(visit: &Visit, query: &Fields, found: Result<&Offers, &Problem>) -> Page {
    let t = visit.t();
    let problem = found.err();
    let content = match found {
        Err(problem) => said(visit, Some(problem)).into_any(),
        Ok(found) if found.offers.is_empty() => empty(t.offers_none, t.offers_none_what, None),
        Ok(found) => list(visit, query, found),
    };
    let body = view! {
        {heading(t.offers, Some(t.offers_what.into_any()), None)}
        {search(visit, query, problem)}
        {content}
    };
    Page::new(t.offers, body.into_any()).of(problem)
}

fn search(visit: &Visit, query: &Fields, problem: Option<&Problem>) -> AnyView {
    let t = visit.t();
    let number = |name, label, unit, min, max, step| {
        let control = Control::Number { min: Some(min), max, step };
        field(
            visit,
            problem,
            Field {
                name,
                label,
                hint: None,
                value: query.text(name),
                required: false,
                unit,
                control,
            },
        )
    };
    let text = |name, label, hint: Option<&str>| {
        let control = Control::Text { kind: "text", autocomplete: "off" };
        let hint = hint.map(str::to_owned);
        field(
            visit,
            problem,
            Field {
                name,
                label,
                hint,
                value: query.text(name),
                required: false,
                unit: None,
                control,
            },
        )
    };
    let orders = ORDERS
        .iter()
        .map(|order| ((*order).to_owned(), text::order(order, t).to_owned()))
        .collect();
    let order = Field {
        name: "order_by",
        label: t.order_by,
        hint: None,
        value: query.get("order_by").unwrap_or("dph_total").to_owned(),
        required: false,
        unit: None,
        control: Control::Choice(orders),
    };
    view! {
        <form method="get" action=Route::Offers.path() class="search card">
            {text("gpu_name", t.model, None)}
            {number("num_gpus", t.num_gpus, None, "1", Some("64"), "1")}
            {number("min_gpu_ram", t.min_gpu_ram, Some("GB"), "0", None, "any")}
            {number("min_disk", t.min_disk, Some("GB"), "0", None, "any")}
            {number("max_price", t.max_price, Some(t.usd_hour), "0", None, "any")}
            {number("min_reliability", t.min_reliability, Some("%"), "0", Some("100"), "any")}
            {text("region", t.region, Some(t.region_hint))}
            {field(visit, problem, order)}
            {tick("verified_only", t.verified_only, None, query.ticked("verified_only") || query.0.is_empty())}
            <button type="submit" class="button primary" name="q" value="1">{t.search}</button>
        </form>
    }
    .into_any()
}

fn list(visit: &Visit, query: &Fields, found: &Offers) -> AnyView {
    let t = visit.t();
    let search = query.query_without(&["q"]);
    let rows = found.offers.iter().map(|offer| line(visit, offer, &search)).collect();
    let columns = [
        (t.model, false),
        (t.price, true),
        (t.min_gpu_ram, true),
        (t.cpu, true),
        (t.disk, true),
        (t.network, true),
        (t.reliability, true),
        (t.place, false),
        (t.rent, false),
    ];
    let count = i64::try_from(found.count).unwrap_or(i64::MAX);
    view! {
        <p class="muted">{text::plural(count, t.offers_one, t.offers_many, visit.lang)}</p>
        {table(t.offers, &columns, rows)}
    }
    .into_any()
}

fn line(visit: &Visit, offer: &Offer, search: &str) -> AnyView {
    let t = visit.t();
    let href = format!("{}?{search}", Route::Offer(offer.id).path());
    let name = model(offer);
    view! {
        <tr data-key=offer.id.to_string()>
            {key_cell(view! { {name} {offer.verified.then(|| view! { <span class="under">{t.verified}</span> })} })}
            {number_cell(t.price, view! {
                {per_hour(visit, offer.dph_total)}
                <span class="under">{per_month(visit, offer.dph_total)}</span>
            })}
            {number_cell(t.min_gpu_ram, format!("{} GB", format::decimal(offer.gpu_ram, 0, visit.lang)))}
            {number_cell(t.cpu, view! {
                {format::decimal(offer.cpu_cores, 0, visit.lang)} " " {t.cores}
                <span class="under">{format!("{} GB", format::decimal(offer.cpu_ram, 0, visit.lang))}</span>
            })}
            {number_cell(t.disk, format!("{} GB", format::decimal(offer.disk_space, 0, visit.lang)))}
            {number_cell(t.network, format!("{} Mb/s", format::decimal(offer.inet_down, 0, visit.lang)))}
            {number_cell(t.reliability, format::percent(offer.reliability * 100.0, visit.lang))}
            {cell(t.place, offer.geolocation.clone().map_or_else(|| unknown(t.unknown), IntoAny::into_any))}
            {cell(t.rent, act_link(href, t.rent, "small"))}
        </tr>
    }
    .into_any()
}

/// `2 × RTX 4090`.
pub(super) fn model(offer: &Offer) -> String {
    let count = if offer.num_gpus > 1 { format!("{} × ", offer.num_gpus) } else { String::new() };
    format!("{count}{}", offer.gpu_name)
}
