//! Where a machine's work ran over time, from its failovers and the verdicts in which it was paused.

use crate::failover::Kind;
use crate::time::Millis;
use crate::verdict::Verdict;
use crate::view::machine::{Place, Stretch};
use crate::view::report::HistoryRow;

/// Something that moved the work, or stopped it.
#[derive(Debug, Clone, Copy)]
struct Turn<'a> {
    at: Millis,
    place: Place,
    cause: Option<&'a HistoryRow>,
}

/// The stretches from `begin` to `now`, oldest first, without gaps. `rows` are the machine's failovers
/// in any order; rehearsals among them moved nothing. `verdicts` are its recorded verdicts in any
/// order. At `begin` it is taken to run on its GPU, as it does when it is first protected.
#[must_use]
pub fn whereabouts(
    rows: &[HistoryRow],
    verdicts: &[(Millis, Verdict)],
    begin: Millis,
    now: Millis,
) -> Vec<Stretch> {
    let mut turns: Vec<Turn<'_>> = rows.iter().flat_map(moves).collect();
    let mut seen: Vec<(Millis, Verdict)> = verdicts.to_vec();
    seen.sort_by_key(|(at, _)| *at);
    // What the GPU does says where the work runs only while it runs there.
    let mut there = Place::Gpu;
    for (at, verdict) in seen {
        let place = match verdict {
            Verdict::Paused => Place::Paused,
            Verdict::ConfirmedLost => Place::Nowhere,
            // A suspicion, or no word, moves nothing.
            Verdict::Suspect | Verdict::Unknown if there == Place::Nowhere => Place::Nowhere,
            _ => Place::Gpu,
        };
        if place != there && !away(rows, at) {
            there = place;
            turns.push(Turn { at, place, cause: None });
        }
    }
    turns.sort_by_key(|turn| turn.at);
    let mut found: Vec<Stretch> = Vec::new();
    let mut here = Turn { at: begin, place: Place::Gpu, cause: None };
    for turn in turns {
        if turn.at > begin && turn.at > here.at {
            push(&mut found, &here, turn.at.min(now));
        }
        here = Turn { at: turn.at.max(begin), ..turn };
    }
    push(&mut found, &here, now);
    found
}

/// When a failover took the work away and where it brought it.
fn moves(row: &HistoryRow) -> Vec<Turn<'_>> {
    if row.kind == Kind::Drill {
        return Vec::new();
    }
    let start = row.started_at.0;
    let turn = |at, place| Turn { at, place, cause: Some(row) };
    let lost = (row.kind == Kind::Real).then(|| turn(start, Place::Nowhere));
    let cpu = row.time_to_cpu_ms.map(|ms| turn(start.plus(ms), Place::Standby));
    let gpu = row.total_time_ms.map(|ms| turn(start.plus(ms), Place::Gpu));
    [lost, cpu, gpu].into_iter().flatten().collect()
}

/// Whether a failover had the work then.
fn away(rows: &[HistoryRow], at: Millis) -> bool {
    let newest = rows
        .iter()
        .filter(|row| row.kind != Kind::Drill && row.started_at.0 <= at)
        .max_by_key(|row| row.started_at);
    newest.is_some_and(|row| row.total_time_ms.is_none_or(|ms| at < row.started_at.0.plus(ms)))
}

/// Adds a stretch; one that goes on in the same place makes the last one longer.
fn push(found: &mut Vec<Stretch>, here: &Turn<'_>, until: Millis) {
    if until <= here.at {
        return;
    }
    if let Some(last) = found.last_mut()
        && last.place == here.place
    {
        last.until = until.into();
        return;
    }
    found.push(Stretch {
        from: here.at.into(),
        until: until.into(),
        place: here.place,
        failover_id: here.cause.map(|row| row.failover_id.clone()),
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{Story, at};
    use super::super::{failover_view, history_row};
    use super::*;

    fn row(start: i64, kind: Kind, cpu: Option<i64>, gpu: Option<i64>) -> HistoryRow {
        let mut row = history_row(&failover_view(&Story::lost_and_recovered().journal()));
        row.started_at = at(start).into();
        row.kind = kind;
        row.time_to_cpu_ms = cpu;
        row.total_time_ms = gpu;
        row
    }

    fn told(found: &[Stretch]) -> Vec<(i64, Place)> {
        found.iter().map(|stretch| (stretch.from.0.since(at(0)), stretch.place)).collect()
    }

    #[test]
    fn a_loss_leads_nowhere_then_to_the_standby_then_to_a_gpu() {
        let rows = [row(1_000, Kind::Real, Some(100), Some(900))];
        let found = whereabouts(&rows, &[], at(0), at(5_000));
        assert_eq!(
            told(&found),
            [
                (0, Place::Gpu),
                (1_000, Place::Nowhere),
                (1_100, Place::Standby),
                (1_900, Place::Gpu)
            ]
        );
        assert_eq!(found.last().map(|last| last.until.0), Some(at(5_000)));
        assert!(found.get(1).is_some_and(|lost| lost.failover_id.is_some()));
    }

    #[test]
    fn a_planned_move_is_never_nowhere_and_a_drill_moves_nothing() {
        let rows = [
            row(1_000, Kind::Planned, Some(100), Some(900)),
            row(2_500, Kind::Drill, Some(100), Some(900)),
        ];
        let found = whereabouts(&rows, &[], at(0), at(5_000));
        assert_eq!(told(&found), [(0, Place::Gpu), (1_100, Place::Standby), (1_900, Place::Gpu)]);
    }

    #[test]
    fn one_that_found_no_gpu_stays_on_the_standby_until_the_next_brings_it_back() {
        let rows =
            [row(3_000, Kind::Planned, None, Some(500)), row(1_000, Kind::Real, Some(100), None)];
        let found = whereabouts(&rows, &[], at(0), at(5_000));
        assert_eq!(
            told(&found),
            [
                (0, Place::Gpu),
                (1_000, Place::Nowhere),
                (1_100, Place::Standby),
                (3_500, Place::Gpu)
            ]
        );
    }

    #[test]
    fn a_pause_counts_only_while_the_work_is_on_its_gpu() {
        let verdicts = [
            (at(500), Verdict::Paused),
            (at(800), Verdict::Healthy),
            (at(1_500), Verdict::Paused),
            (at(2_500), Verdict::Healthy),
        ];
        let rows = [row(1_000, Kind::Real, Some(100), Some(900))];
        let found = whereabouts(&rows, &verdicts, at(0), at(5_000));
        assert_eq!(
            told(&found),
            [
                (0, Place::Gpu),
                (500, Place::Paused),
                (800, Place::Gpu),
                (1_000, Place::Nowhere),
                (1_100, Place::Standby),
                (1_900, Place::Gpu)
            ]
        );
    }

    #[test]
    fn one_that_is_lost_runs_nowhere_until_it_is_heard_again() {
        let verdicts = [
            (at(400), Verdict::Suspect),
            (at(500), Verdict::ConfirmedLost),
            (at(600), Verdict::Unknown),
            (at(800), Verdict::Healthy),
        ];
        let found = whereabouts(&[], &verdicts, at(0), at(1_000));
        assert_eq!(told(&found), [(0, Place::Gpu), (500, Place::Nowhere), (800, Place::Gpu)]);
    }

    #[test]
    fn what_began_before_is_cut_off() {
        let rows = [row(-1_000, Kind::Real, Some(100), None)];
        let found = whereabouts(&rows, &[], at(0), at(5_000));
        assert_eq!(told(&found), [(0, Place::Standby)]);
    }

    proptest! {
        #[test]
        fn stretches_cover_the_time_without_gaps(
            starts in prop::collection::vec((-10_000_i64..10_000, 0_i64..3_000, 0_i64..3_000), 0..12),
            pauses in prop::collection::vec((0_i64..10_000, any::<bool>()), 0..6),
        ) {
            let rows: Vec<HistoryRow> = starts
                .iter()
                .map(|(start, cpu, more)| row(*start, Kind::Real, Some(*cpu), Some(cpu + more)))
                .collect();
            let verdicts: Vec<(Millis, Verdict)> = pauses
                .iter()
                .map(|(ms, on)| (at(*ms), if *on { Verdict::Paused } else { Verdict::Healthy }))
                .collect();
            let found = whereabouts(&rows, &verdicts, at(0), at(10_000));
            prop_assert_eq!(found.first().map(|first| first.from.0), Some(at(0)));
            prop_assert_eq!(found.last().map(|last| last.until.0), Some(at(10_000)));
            for pair in found.windows(2) {
                prop_assert_eq!(pair[0].until, pair[1].from);
                prop_assert!(pair[0].place != pair[1].place);
            }
        }
    }
}
