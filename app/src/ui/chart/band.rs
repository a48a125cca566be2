//! A band of time in which a state changes: one colour and height for each state.

use leptos::prelude::*;

use super::share;

/// A stretch of the band, milliseconds from its begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// Names the state in the style sheet.
    pub(crate) class: &'static str,
    /// Said when pointed at.
    pub(crate) title: String,
}

/// Draws a band. `axis` is its length, ms; `marks` are lines across it with their words below.
pub(crate) fn band(axis: i64, pieces: &[Piece], marks: &[(i64, String)]) -> AnyView {
    // What was short is drawn last and gets a hair's breadth: it is still something that happened.
    let mut order: Vec<&Piece> = pieces.iter().collect();
    order.sort_by_key(|piece| piece.from - piece.to);
    let drawn = order
        .into_iter()
        .map(|piece| {
            let length = (piece.to - piece.from).max(axis / 240).max(1);
            view! {
                <rect class=piece.class x=share(piece.from, axis) width=share(length, axis) y="0" height="28">
                    <title>{piece.title.clone()}</title>
                </rect>
            }
        })
        .collect_view();
    let lines = marks
        .iter()
        .map(|(at, word)| {
            let x = share(*at, axis);
            view! {
                <line class="tick" x1=x.clone() x2=x.clone() y1="28" y2="33"></line>
                <text x=x y="45" text-anchor="middle">{word.clone()}</text>
            }
        })
        .collect_view();
    view! { <svg class="band" width="100%" height="50" aria-hidden="true">{drawn}{lines}</svg> }
        .into_any()
}
