//! What is known of how a copy follows: what is seen of the GPU, and what was written to the copy itself.

use domain::gaps::{Sight, Unwatched};
use domain::view::gaps::Gaps;
use domain::view::standby::Association;
use leptos::prelude::*;

use crate::format;
use crate::text::fill;
use crate::ui::{Tone, ago, notice, unknown};
use crate::visit::Visit;

/// Of how many processes it is known what they have open.
pub(super) fn sight(visit: &Visit, gaps: Option<&Gaps>) -> AnyView {
    let t = visit.points();
    match gaps.and_then(|gaps| gaps.sight) {
        None => unknown(visit.t().unknown),
        Some(Sight::None) => t.sight_none.into_any(),
        Some(Sight::Part) => t.sight_part.into_any(),
        Some(Sight::All) => t.sight_all.into_any(),
    }
}

/// Whether changes are heard of as they happen, and why not.
pub(super) fn watched(visit: &Visit, gaps: Option<&Gaps>) -> AnyView {
    let t = visit.points();
    let Some(gaps) = gaps else { return unknown(visit.t().unknown) };
    let why = match gaps.unwatched {
        None => return t.watched_yes.into_any(),
        Some(Unwatched::Overflow) => t.unwatched_overflow,
        Some(Unwatched::Limit) => t.unwatched_limit,
        Some(Unwatched::Unavailable) => t.unwatched_unavailable,
        Some(Unwatched::TooMany) => t.unwatched_too_many,
        Some(Unwatched::Network) => t.unwatched_network,
        Some(Unwatched::RootReplaced) => t.unwatched_root_replaced,
    };
    fill(t.watched_no, &[("why", why)]).into_any()
}

/// What was last found to have been written to the copy.
pub(super) fn drift(visit: &Visit, tie: &Association) -> Option<AnyView> {
    let t = visit.points();
    let drift = tie.drift?;
    let count = |count: i64| format::count(count, visit.lang);
    let what = fill(
        t.drift_what,
        &[
            ("written", &count(drift.written)),
            ("removed", &count(drift.removed)),
            ("unread", &count(drift.unread)),
        ],
    );
    let point = drift.point.map(|id| fill(t.drift_point, &[("id", &id.to_string())]));
    let more = view! { <p>{what} " " {point} " " {tie.drift_at.map(|at| ago(visit, at))}</p> };
    Some(notice(Tone::Warn, t.drift, Some(more.into_any())))
}
