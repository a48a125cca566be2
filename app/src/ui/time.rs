//! Points in time: relative to be read, exact in the element and its title.

use domain::view::Time;
use leptos::prelude::*;

use super::parts::unknown;
use crate::format;
use crate::visit::Visit;

/// `3 s ago`.
pub(crate) fn ago(visit: &Visit, at: Time) -> AnyView {
    stamp(visit, at, format::relative(at.0, visit.now, visit.lang))
}

/// `3 s ago`, or the word for never.
pub(crate) fn ago_or(visit: &Visit, at: Option<Time>, otherwise: &'static str) -> AnyView {
    at.map_or_else(|| unknown(otherwise), |at| ago(visit, at))
}

/// `14:02`, with the day where it is another.
pub(crate) fn clock_time(visit: &Visit, at: Time) -> AnyView {
    stamp(visit, at, format::clock(at.0, visit.now, visit.zone, visit.lang))
}

/// `2026-11-23 14:02:07 UTC−03:00`, in full.
pub(crate) fn full_time(visit: &Visit, at: Time) -> AnyView {
    stamp(visit, at, format::exact(at.0, visit.zone))
}

/// A point in time, in words of the caller's.
pub(crate) fn stamp(visit: &Visit, at: Time, text: String) -> AnyView {
    let exact = format::exact(at.0, visit.zone);
    view! { <time datetime=at.to_string() title=exact>{text}</time> }.into_any()
}
