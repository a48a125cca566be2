//! A measured value over time as a line, with the area below it.

use leptos::prelude::*;

use crate::format::float;

/// The inner field that points are put into; it is stretched to the chart.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 100.0;

/// A measured point: when, ms from the axis' begin, and how much.
pub(crate) type Point = (i64, i64);

/// Draws lines over one axis: `axis` is its length, ms, `top` the value at the upper edge. Between two
/// lines nothing is known, and nothing is drawn.
pub(crate) fn line(class: &'static str, axis: i64, top: i64, lines: &[Vec<Point>]) -> AnyView {
    let drawn = lines
        .iter()
        .filter(|points| !points.is_empty())
        .map(|points| {
            view! {
                <path class="area" d=area(points, axis, top)></path>
                <path class="line" d=path(points, axis, top) vector-effect="non-scaling-stroke"></path>
                <path class="dots" d=dots(points, axis, top) vector-effect="non-scaling-stroke"></path>
            }
        })
        .collect_view();
    view! {
        <svg class=format!("line-chart {class}") width="100%" height="96" aria-hidden="true"
            viewBox="0 0 1000 100" preserveAspectRatio="none">
            <line class="tick" x1="0" x2="1000" y1="0.5" y2="0.5" vector-effect="non-scaling-stroke"></line>
            {drawn}
            <line class="base" x1="0" x2="1000" y1="100" y2="100" vector-effect="non-scaling-stroke"></line>
        </svg>
    }
    .into_any()
}

fn place((at, value): Point, axis: i64, top: i64) -> (f64, f64) {
    let x = float(at.clamp(0, axis)) / float(axis.max(1)) * WIDTH;
    let y = HEIGHT - float(value.clamp(0, top)) / float(top.max(1)) * HEIGHT;
    (x, y)
}

fn path(points: &[Point], axis: i64, top: i64) -> String {
    let mut out = String::with_capacity(points.len() * 12);
    for point in points {
        let (x, y) = place(*point, axis, top);
        let letter = if out.is_empty() { 'M' } else { 'L' };
        out.push_str(&format!("{letter}{x:.1} {y:.1}"));
    }
    out
}

/// Each point by itself; a round end makes a dot of a line that has no length.
fn dots(points: &[Point], axis: i64, top: i64) -> String {
    points
        .iter()
        .map(|point| {
            let (x, y) = place(*point, axis, top);
            format!("M{x:.1} {y:.1}h.01")
        })
        .collect()
}

fn area(points: &[Point], axis: i64, top: i64) -> String {
    let ends = (points.first(), points.last());
    let (Some(first), Some(last)) = ends else { return String::new() };
    let (from, _) = place(*first, axis, top);
    let (to, _) = place(*last, axis, top);
    format!("{}L{to:.1} {HEIGHT:.0}L{from:.1} {HEIGHT:.0}Z", path(points, axis, top))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_through_its_points_and_stays_in_its_field() {
        assert_eq!(
            path(&[(0, 0), (50, 5), (100, 10)], 100, 10),
            "M0.0 100.0L500.0 50.0L1000.0 0.0"
        );
        assert_eq!(path(&[(-9, 99), (900, -1)], 100, 10), "M0.0 0.0L1000.0 100.0");
        assert_eq!(dots(&[(50, 5), (0, 0)], 100, 10), "M500.0 50.0h.01M0.0 100.0h.01");
    }

    #[test]
    fn an_area_ends_on_the_ground_below_its_line() {
        assert_eq!(area(&[(0, 10), (100, 10)], 100, 10), "M0.0 0.0L1000.0 0.0L1000.0 100L0.0 100Z");
        assert_eq!(area(&[], 100, 10), "");
    }
}
