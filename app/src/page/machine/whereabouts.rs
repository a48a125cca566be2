//! Where the machine's work ran in the last week: GPU, standby, nowhere, paused.

use domain::view::machine::{MachinePage, Place, Stretch};
use leptos::prelude::*;

use crate::format;
use crate::router::Route;
use crate::text::{self, fill};
use crate::ui::chart::band::{Piece, band};
use crate::ui::chart::lane::ticks;
use crate::ui::{badge, card, cell, clock_time, key_cell, number_cell, table, twin, unknown};
use crate::visit::Visit;

pub(super) fn whereabouts(visit: &Visit, data: &MachinePage) -> Option<AnyView> {
    let t = visit.t();
    let (first, last) = (data.whereabouts.first()?, data.whereabouts.last()?);
    let begin = first.from.0;
    let axis = last.until.0.since(begin).max(1);
    let pieces: Vec<Piece> = data
        .whereabouts
        .iter()
        .map(|stretch| Piece {
            from: stretch.from.0.since(begin),
            to: stretch.until.0.since(begin),
            class: stretch.place.as_str(),
            title: told(visit, stretch),
        })
        .collect();
    // Told as ages, from the right end.
    let marks: Vec<(i64, String)> =
        ticks(axis).into_iter().map(|ago| (axis - ago, format::coarse_minus(ago))).collect();
    let legend = Place::ALL
        .iter()
        .map(|place| {
            let spent: Vec<i64> = data
                .whereabouts
                .iter()
                .filter(|stretch| stretch.place == *place)
                .map(length)
                .collect();
            let told = if spent.is_empty() {
                unknown(t.dash)
            } else {
                format::span(spent.iter().sum(), visit.lang).into_any()
            };
            view! { <li>{badge(text::place_tone(*place), text::place(*place, t))} " " {told}</li> }
        })
        .collect_view();
    let body = view! {
        {band(axis, &pieces, &marks)}
        <ul class="places">{legend}</ul>
        {twin(visit, rows(visit, data))}
    };
    Some(card("whereabouts", t.whereabouts, body.into_any()))
}

fn length(stretch: &Stretch) -> i64 {
    stretch.until.0.since(stretch.from.0).max(0)
}

fn told(visit: &Visit, stretch: &Stretch) -> String {
    let t = visit.t();
    fill(
        t.whereabouts_piece,
        &[
            ("place", text::place(stretch.place, t)),
            ("from", &format::clock(stretch.from.0, visit.now, visit.zone, visit.lang)),
            ("span", &format::span(length(stretch), visit.lang)),
        ],
    )
}

fn rows(visit: &Visit, data: &MachinePage) -> AnyView {
    let t = visit.t();
    let rows = data
        .whereabouts
        .iter()
        .rev()
        .map(|stretch| {
            let why = stretch.failover_id.clone().map(|id| {
                view! { <a href=Route::Failover(id).path()>{t.whereabouts_failover}</a> }
            });
            view! {
                <tr data-key=stretch.from.to_string()>
                    {key_cell(badge(text::place_tone(stretch.place), text::place(stretch.place, t)))}
                    {cell(t.trend_from, clock_time(visit, stretch.from))}
                    {number_cell(t.col_took, format::span(length(stretch), visit.lang))}
                    {cell(t.col_what, why)}
                </tr>
            }
            .into_any()
        })
        .collect();
    let columns =
        [(t.col_serving, false), (t.trend_from, false), (t.col_took, true), (t.col_what, false)];
    table(t.whereabouts, &columns, rows)
}
