//! A lane of a waterfall: bars on a time axis, drawn by percentages so that it fits any width.
//!
//! Each bar has our own time thick, the providers' thin, and waiting for others thinner still. The order
//! within a bar is not known and not claimed: a bar shows shares.

use leptos::prelude::*;

use super::share;

/// One bar, milliseconds on the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// Of it, until providers had answered.
    pub(crate) provider: i64,
    /// Of it, waiting for others.
    pub(crate) waiting: i64,
    /// Goes on.
    pub(crate) open: bool,
    /// Did not end well.
    pub(crate) failed: bool,
}

/// A line across a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: i64,
    pub(crate) class: &'static str,
}

/// Draws a lane. `axis` is the whole length, ms.
pub(crate) fn lane(class: String, axis: i64, bars: &[Bar], lines: &[Line]) -> AnyView {
    let lines = lines
        .iter()
        .map(|line| {
            let x = share(line.at, axis);
            view! { <line class=format!("tick {}", line.class) x1=x.clone() x2=x y1="0" y2="100%"></line> }
        })
        .collect_view();
    let bars = bars.iter().map(|bar| drawn(bar, axis)).collect_view();
    view! {
        <svg class=format!("lane {class}") width="100%" height="20" aria-hidden="true">{lines}{bars}</svg>
    }
    .into_any()
}

fn drawn(bar: &Bar, axis: i64) -> AnyView {
    let length = (bar.to - bar.from).max(0);
    let provider = bar.provider.clamp(0, length);
    let waiting = bar.waiting.clamp(0, length - provider);
    let own = length - provider - waiting;
    // A bar of no length is still something that happened: it gets a hair's breadth.
    let least = (axis / 400).max(1);
    let state = match (bar.failed, bar.open) {
        (true, _) => "failed",
        (false, true) => "open",
        (false, false) => "",
    };
    view! {
        <rect class=format!("own {state}") x=share(bar.from, axis) y="4" height="12" rx="1"
            width=share(if provider + waiting == 0 { own.max(least) } else { own }, axis)></rect>
        {(provider > 0).then(|| view! {
            <rect class=format!("provider {state}") x=share(bar.from + own, axis) y="7" height="6" rx="1"
                width=share(provider.max(least), axis)></rect>
        })}
        {(waiting > 0).then(|| view! {
            <rect class="waiting" x=share(bar.from + own + provider, axis) y="9" height="2"
                width=share(waiting.max(least), axis)></rect>
        })}
    }
    .into_any()
}

/// The steps of an axis: five at most, at round spans.
pub(crate) fn ticks(axis: i64) -> Vec<i64> {
    const ROUND: &[i64] = &[
        10,
        20,
        50,
        100,
        200,
        500,
        1_000,
        2_000,
        5_000,
        10_000,
        15_000,
        30_000,
        60_000,
        120_000,
        300_000,
        600_000,
        1_800_000,
        3_600_000,
        7_200_000,
        21_600_000,
        86_400_000,
        172_800_000,
        604_800_000,
    ];
    let step = ROUND.iter().copied().find(|step| axis / step <= 5).unwrap_or(axis.max(1));
    let mut found = Vec::new();
    let mut at = step;
    while at < axis {
        found.push(at);
        at += step;
    }
    found
}

/// The axis below the lanes.
pub(crate) fn axis(axis: i64, lang: crate::text::Lang) -> AnyView {
    let marks = ticks(axis)
        .into_iter()
        .map(|at| {
            let x = share(at, axis);
            view! {
                <line class="tick" x1=x.clone() x2=x.clone() y1="0" y2="4"></line>
                <text x=x y="15" text-anchor="middle">{crate::format::span(at, lang)}</text>
            }
        })
        .collect_view();
    view! { <svg class="axis" width="100%" height="18" aria-hidden="true">{marks}</svg> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_few_ticks_at_round_times_within_it() {
        assert_eq!(ticks(74_200), [15_000, 30_000, 45_000, 60_000]);
        assert_eq!(ticks(0), Vec::<i64>::new());
        for axis in [37, 980, 5_100, 400_000, 90_000_000] {
            let found = ticks(axis);
            assert!(found.len() <= 5 && found.iter().all(|at| *at < axis), "{axis}: {found:?}");
        }
    }
}
