//! Where a machine's work ran over time, from its failovers and the verdicts in which it was paused.

use crate::failover::Kind;
use crate::time::Millis;
use crate::verdict::Verdict;
use crate::view::failover::Ending;
use crate::view::machine::{Place, Stretch};
use crate::view::report::HistoryRow;

/// Something that moved the work, or stopped it.
#[derive(Debug, Clone, Copy)]
struct Turn<'a> {
    at: Millis,
    place: Place,
    cause: Option<&'a HistoryRow>,
}

/// What tells where the work runs.
#[derive(Debug, Clone, Copy)]
enum Event<'a> {
    /// A failover has it in hand.
    Taken(&'a HistoryRow),
    /// A failover brought it somewhere.
    Brought(&'a HistoryRow, Place),
    /// A failover let go of it.
    LetGo(&'a HistoryRow),
    /// What its GPU did.
    Seen(Verdict),
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
    let mut found: Vec<Stretch> = Vec::new();
    let mut here = Turn { at: begin, place: Place::Gpu, cause: None };
    for turn in turns(rows, verdicts) {
        if turn.at > begin && turn.at > here.at {
            push(&mut found, &here, turn.at.min(now));
        }
        here = Turn { at: turn.at.max(begin), ..turn };
    }
    push(&mut found, &here, now);
    found
}

/// For so long a process may have said nothing and yet have run, ms: each says so once a minute.
const SILENT_MS: i64 = 150_000;

/// The same with what nobody saw told as such: the times between `runs` (from when until when processes ran,
/// in any order) in which none did. What was before the first that is known of is left as it is.
#[must_use]
pub fn seen_by(found: Vec<Stretch>, runs: &[(Millis, Millis)], now: Millis) -> Vec<Stretch> {
    let gaps = gaps(runs, now);
    let mut told: Vec<Stretch> = Vec::new();
    for stretch in found {
        let (mut from, until) = (stretch.from.0, stretch.until.0);
        for (begin, end) in &gaps {
            let (begin, end) = ((*begin).max(from), (*end).min(until));
            if end <= begin {
                continue;
            }
            join(&mut told, Stretch { from: from.into(), until: begin.into(), ..stretch.clone() });
            let unseen = Stretch {
                from: begin.into(),
                until: end.into(),
                place: Place::Unseen,
                failover_id: None,
            };
            join(&mut told, unseen);
            from = end;
        }
        join(&mut told, Stretch { from: from.into(), ..stretch });
    }
    told
}

/// When no process ran, oldest first.
fn gaps(runs: &[(Millis, Millis)], now: Millis) -> Vec<(Millis, Millis)> {
    let mut runs = runs.to_vec();
    runs.sort_unstable();
    let mut gaps = Vec::new();
    let Some((_, mut until)) = runs.first().copied() else { return gaps };
    for (begin, end) in runs.into_iter().chain([(now, now)]) {
        if begin.since(until) > SILENT_MS {
            gaps.push((until, begin));
        }
        until = until.max(end);
    }
    gaps
}

/// Adds a stretch that follows on the last one.
fn join(told: &mut Vec<Stretch>, next: Stretch) {
    if next.until.0 <= next.from.0 {
        return;
    }
    match told.last_mut() {
        Some(last) if last.place == next.place => last.until = next.until,
        _ => told.push(next),
    }
}

/// Every change of place, in order.
fn turns<'a>(rows: &'a [HistoryRow], verdicts: &[(Millis, Verdict)]) -> Vec<Turn<'a>> {
    let mut moved: Vec<&HistoryRow> = rows.iter().filter(|row| row.kind != Kind::Drill).collect();
    moved.sort_by_key(|row| row.started_at);
    let mut events: Vec<(Millis, Event<'a>)> = moved.into_iter().flat_map(events_of).collect();
    events.extend(verdicts.iter().map(|(at, verdict)| (*at, Event::Seen(*verdict))));
    events.sort_by_key(|(at, _)| *at);
    let mut turns = Vec::new();
    // What the GPU does says where the work runs only while it runs there.
    let (mut on_gpu, mut place, mut before) = (Place::Gpu, Place::Gpu, None);
    for (at, event) in events {
        let (next, cause) = match event {
            Event::Taken(row) => {
                before = Some(place);
                (if row.kind == Kind::Real { Place::Nowhere } else { place }, Some(row))
            }
            Event::Brought(row, to) => {
                if to == Place::Gpu {
                    // It is another GPU: what was seen of the one before says nothing of it.
                    (on_gpu, before) = (Place::Gpu, None);
                }
                (to, Some(row))
            }
            Event::LetGo(row) => {
                let held = before.take();
                let stays = held == Some(Place::Standby) || row.time_to_cpu_ms.is_some();
                (if stays { Place::Standby } else { on_gpu }, None)
            }
            Event::Seen(verdict) => {
                on_gpu = seen(verdict, on_gpu);
                let away = before.is_some() || place == Place::Standby;
                (if away { place } else { on_gpu }, None)
            }
        };
        if next != place {
            place = next;
            turns.push(Turn { at, place, cause });
        }
    }
    turns
}

/// What a verdict makes of what was known of the GPU.
const fn seen(verdict: Verdict, before: Place) -> Place {
    match (verdict, before) {
        (Verdict::Paused, _) => Place::Paused,
        (Verdict::ConfirmedLost, _) => Place::Nowhere,
        // A suspicion, or no word, moves nothing.
        (Verdict::Suspect | Verdict::Unknown, Place::Nowhere | Place::Paused) => before,
        _ => Place::Gpu,
    }
}

/// When a failover took the work, where it brought it, and when it let go of it.
fn events_of(row: &HistoryRow) -> Vec<(Millis, Event<'_>)> {
    let start = row.started_at.0;
    let after = |ms: i64, event| (start.plus(ms), event);
    let cpu = row.time_to_cpu_ms.map(|ms| after(ms, Event::Brought(row, Place::Standby)));
    let gpu = row.total_time_ms.map(|ms| after(ms, Event::Brought(row, Place::Gpu)));
    // One that reached no GPU, or one that answered nobody, is over when it ended.
    let over = row.completed_at.filter(|_| gpu.is_none()).map(|at| {
        let unanswered = row.ending == Some(Ending::Unanswered);
        let end = if unanswered { Event::Brought(row, Place::Gpu) } else { Event::LetGo(row) };
        (at.0.max(start), end)
    });
    [Some((start, Event::Taken(row))), cpu, gpu, over].into_iter().flatten().collect()
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
    fn one_that_was_called_off_has_the_work_no_longer() {
        let mut off = row(1_000, Kind::Planned, None, None);
        (off.completed_at, off.ending) = (Some(at(1_500).into()), Some(Ending::Cancelled));
        let verdicts = [(at(2_000), Verdict::ConfirmedLost), (at(3_000), Verdict::Paused)];
        let found = whereabouts(&[off.clone()], &verdicts, at(0), at(5_000));
        assert_eq!(
            told(&found),
            [(0, Place::Gpu), (2_000, Place::Nowhere), (3_000, Place::Paused)]
        );
        off.kind = Kind::Real;
        let seen = [(at(1_100), Verdict::ConfirmedLost), (at(1_400), Verdict::Healthy)];
        let found = whereabouts(&[off.clone()], &seen, at(0), at(5_000));
        assert_eq!(told(&found), [(0, Place::Gpu), (1_000, Place::Nowhere), (1_500, Place::Gpu)]);
        let found = whereabouts(&[off.clone()], &seen[..1], at(0), at(5_000));
        assert_eq!(told(&found), [(0, Place::Gpu), (1_000, Place::Nowhere)], "lost all the same");
        (off.kind, off.started_at) = (Kind::Planned, at(3_000).into());
        off.completed_at = Some(at(3_500).into());
        let mut lost = row(1_000, Kind::Real, Some(100), None);
        (lost.completed_at, lost.ending) = (Some(at(2_000).into()), Some(Ending::OnStandby));
        let found = whereabouts(&[off, lost], &[], at(0), at(5_000));
        assert_eq!(found.last().map(|last| last.place), Some(Place::Standby), "not brought back");
    }

    #[test]
    fn a_gpu_that_answered_nobody_is_where_the_machine_is_all_the_same() {
        let mut silent = row(1_000, Kind::Real, Some(100), None);
        (silent.completed_at, silent.ending) = (Some(at(2_000).into()), Some(Ending::Unanswered));
        let verdicts = [(at(2_500), Verdict::ConfirmedLost)];
        let found = whereabouts(&[silent], &verdicts, at(0), at(5_000));
        assert_eq!(
            told(&found)[2..],
            [(1_100, Place::Standby), (2_000, Place::Gpu), (2_500, Place::Nowhere)]
        );
    }

    #[test]
    fn no_word_of_one_that_is_stopped_does_not_start_it() {
        let verdicts = [
            (at(500), Verdict::Paused),
            (at(600), Verdict::Unknown),
            (at(700), Verdict::Suspect),
            (at(800), Verdict::Healthy),
        ];
        let found = whereabouts(&[], &verdicts, at(0), at(1_000));
        assert_eq!(told(&found), [(0, Place::Gpu), (500, Place::Paused), (800, Place::Gpu)]);
    }

    #[test]
    fn what_nobody_saw_is_not_told_as_seen() {
        let minutes = |n: i64| at(n * 60_000);
        let rows = [row(20 * 60_000, Kind::Real, Some(60_000), Some(40 * 60_000))];
        let found = whereabouts(&rows, &[], minutes(0), minutes(100));
        let seen = |runs: &[(i64, i64)]| {
            let runs: Vec<_> = runs.iter().map(|(a, b)| (minutes(*a), minutes(*b))).collect();
            let told = seen_by(found.clone(), &runs, minutes(100));
            let places = told.iter().map(|one| (one.from.0.since(at(0)) / 60_000, one.place));
            places.collect::<Vec<_>>()
        };
        use Place::{Gpu, Nowhere, Standby, Unseen};
        let whole = [(0, Gpu), (20, Nowhere), (21, Standby), (60, Gpu)];
        assert_eq!(seen(&[]), whole, "of nothing noted nothing is told");
        assert_eq!(seen(&[(0, 98)]), whole, "each says so once a minute");
        assert_eq!(seen(&[(0, 50), (40, 70), (72, 100)]), whole, "another one ran meanwhile");
        assert_eq!(seen(&[(50, 99)]), whole, "before the first nothing was noted");
        let holes = [(0, Gpu), (20, Nowhere), (21, Standby), (30, Unseen), (90, Gpu)];
        assert_eq!(seen(&[(90, 100), (0, 30)]), holes);
        assert_eq!(seen(&[(0, 80)])[4..], [(80, Unseen)]);
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
