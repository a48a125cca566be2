//! Counts over time as stacked columns.

use leptos::prelude::*;

use super::share;
use crate::format::float;

/// A column: its layers from the bottom, each with the class that colours it, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) layers: Vec<(&'static str, usize)>,
    pub(crate) title: String,
}

/// Draws columns side by side. `top` is the count at the upper edge.
pub(crate) fn columns(all: &[Column], top: i64) -> AnyView {
    let count = i64::try_from(all.len()).unwrap_or(i64::MAX).max(1);
    let drawn = all
        .iter()
        .zip(0_i64..)
        .map(|(column, place)| {
            let mut below = 0;
            let layers = column
                .layers
                .iter()
                .filter(|(_, amount)| *amount > 0)
                .map(|(class, amount)| {
                    let amount = i64::try_from(*amount).unwrap_or(i64::MAX);
                    below += amount;
                    view! {
                        <rect class=*class x=inset(place, count) width=width(count)
                            y=share(top - below, top) height=share(amount, top)></rect>
                    }
                })
                .collect_view();
            // The whole field of a column says what it is, an empty one too.
            view! {
                <g>
                    <title>{column.title.clone()}</title>
                    <rect class="field-of" x=share(place, count) width=share(1, count) y="0" height="100%"></rect>
                    {layers}
                </g>
            }
        })
        .collect_view();
    view! {
        <svg class="columns-chart" width="100%" height="96" aria-hidden="true">
            <line class="tick" x1="0" x2="100%" y1="0.5" y2="0.5"></line>
            {drawn}
            <line class="base" x1="0" x2="100%" y1="100%" y2="100%"></line>
        </svg>
    }
    .into_any()
}

/// A sixth of a column's field is left free on both of its sides.
fn inset(place: i64, count: i64) -> String {
    format!("{:.3}%", (float(place) + 1.0 / 6.0) / float(count) * 100.0)
}

fn width(count: i64) -> String {
    format!("{:.3}%", 2.0 / 3.0 / float(count) * 100.0)
}
