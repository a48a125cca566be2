//! How old the newest complete copy was at each moment: what a loss at that moment would have taken.

use domain::time::Millis;
use domain::view::machine::{MachinePage, SyncCycle};
use leptos::prelude::*;

use crate::format;
use crate::text::fill;
use crate::ui::chart::line::{Point, line};
use crate::ui::chart::round_up;
use crate::visit::Visit;

/// The chart; its figures stand in the table of syncs.
pub(super) fn exposure(visit: &Visit, data: &MachinePage) -> Option<AnyView> {
    let t = visit.t();
    let points = ages(&data.cycles, data.now.0);
    let begin = points.first()?.0;
    let axis = data.now.0.since(begin);
    let most = points.iter().map(|(_, age)| *age).max()?;
    let top = round_up(most);
    let drawn: Vec<Point> = points.iter().map(|(at, age)| (at.since(begin), *age)).collect();
    let told = fill(t.exposure_most, &[("span", &format::span(most, visit.lang))]);
    Some(
        view! {
            <figure class="chart exposure">
                <figcaption>{t.exposure} <span class="scale">{format::span(top, visit.lang)}</span></figcaption>
                {line("age", axis, top, &[drawn])}
                <p class="ends" aria-hidden="true">
                    <span>{format::coarse_minus(axis)}</span> <span>{t.time_now}</span>
                </p>
                <p class="fine">{told}</p>
            </figure>
        }
        .into_any(),
    )
}

/// A saw: the age grows with time, and falls to a sync's own length when that sync is complete.
/// `cycles` come newest first.
fn ages(cycles: &[SyncCycle], now: Millis) -> Vec<(Millis, i64)> {
    let mut points = Vec::new();
    let mut complete_to: Option<Millis> = None;
    for cycle in cycles.iter().rev().filter(|cycle| cycle.outcome == "ok") {
        let (from, done) = (cycle.started_at.0, cycle.ended_at.0);
        if let Some(before) = complete_to {
            points.push((done, done.since(before).max(0)));
        }
        points.push((done, done.since(from).max(0)));
        complete_to = Some(from);
    }
    if let Some(before) = complete_to {
        points.push((now, now.since(before).max(0)));
    }
    points
}

#[cfg(test)]
mod tests {
    use domain::view::Time;

    use super::*;

    fn cycle(from: i64, done: i64, outcome: &str) -> SyncCycle {
        SyncCycle {
            started_at: Time(Millis(from)),
            ended_at: Time(Millis(done)),
            source: "interval".into(),
            outcome: outcome.into(),
            files_total: None,
            bytes_total: None,
            files_sent: None,
            bytes_sent: None,
            files_deleted: None,
            error: None,
        }
    }

    #[test]
    fn a_sync_that_failed_makes_no_copy_younger() {
        let cycles = [cycle(300, 320, "ok"), cycle(200, 210, "failed"), cycle(100, 110, "ok")];
        let found = ages(&cycles, Millis(400));
        let told: Vec<(i64, i64)> = found.iter().map(|(at, age)| (at.0, *age)).collect();
        assert_eq!(told, [(110, 10), (320, 220), (320, 20), (400, 100)]);
        assert!(ages(&[cycle(1, 2, "failed")], Millis(9)).is_empty());
    }
}
