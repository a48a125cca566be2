//! A period cut into equal parts, so that a reader sees whether it gets better or worse.

use crate::time::{DAY_MS, Millis};
use crate::view::failover::{Ending, FailoverStatus};
use crate::view::report::TrendPart;

/// Parts of a period of so many days: days, or so many days each that there are at most 31.
const fn part_days(days: i64) -> i64 {
    if days <= 31 { 1 } else { (days + 30) / 31 }
}

/// The period that ends now in parts, oldest first; the first part may be shorter, the last one ends
/// now. A part in which nothing began is there with zero rows: that nothing happened is known.
#[must_use]
pub(super) fn trend(rows: &[&FailoverStatus], days: i64, now: Millis) -> Vec<TrendPart> {
    let length = part_days(days.max(1)) * DAY_MS;
    let begin = now.plus(-days.saturating_mul(DAY_MS));
    let mut parts = Vec::new();
    let mut until = now;
    while until > begin {
        let from = begin.max(until.plus(-length));
        parts.push(part(rows, from, until, until == now));
        until = from;
    }
    parts.reverse();
    parts
}

/// `from` belongs to the part, `until` to the next one, or to the last.
fn part(rows: &[&FailoverStatus], from: Millis, until: Millis, last: bool) -> TrendPart {
    let within = |row: &&&FailoverStatus| {
        let at = row.started_at.0;
        at >= from && (at < until || last)
    };
    let inside: Vec<&FailoverStatus> = rows.iter().filter(within).copied().collect();
    let good = inside.iter().filter(|row| row.success == Some(true));
    let mut repair: Vec<i64> = good.clone().filter_map(|row| row.total_time_ms).collect();
    repair.sort_unstable();
    let ended_as = |ending| inside.iter().filter(|row| row.ending == Some(ending)).count();
    let on_standby = ended_as(Ending::OnStandby);
    let failed = ended_as(Ending::Failed) + ended_as(Ending::Unanswered);
    let succeeded = good.count();
    TrendPart {
        from: from.into(),
        until: until.into(),
        succeeded,
        on_standby,
        failed,
        others: inside.len().saturating_sub(succeeded + on_standby + failed),
        mttr_p50_ms: super::summary::percentile(&repair, 50),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::failover_view;
    use super::super::testing::{Story, at};
    use super::*;
    use crate::failover::FailoverState;

    fn row(ago: i64, state: FailoverState, total: i64) -> FailoverStatus {
        let mut view = failover_view(&Story::lost_and_recovered().journal());
        view.started_at = at(-ago).into();
        view.state = state;
        view.ending = match state {
            FailoverState::Complete => Some(Ending::OnGpu),
            FailoverState::Failed => Some(Ending::Failed),
            FailoverState::Cancelled => Some(Ending::Cancelled),
            _ => None,
        };
        view.success = view.ending.map(Ending::is_success);
        view.total_time_ms = Some(total);
        view
    }

    #[test]
    fn a_month_has_days_and_a_quarter_has_parts_of_three_days() {
        assert_eq!(trend(&[], 30, at(0)).len(), 30);
        assert_eq!(trend(&[], 7, at(0)).len(), 7);
        let quarter = trend(&[], 90, at(0));
        assert_eq!(quarter.len(), 30);
        assert!(quarter.iter().all(|part| part.until.0.since(part.from.0) == 3 * DAY_MS));
    }

    #[test]
    fn each_part_counts_its_own_and_an_empty_one_has_no_time_to_repair() {
        let rows = [
            row(DAY_MS / 2, FailoverState::Complete, 9_000),
            row(DAY_MS / 3, FailoverState::Complete, 5_000),
            row(DAY_MS / 4, FailoverState::Failed, 1),
            row(DAY_MS * 3 / 2, FailoverState::Cancelled, 1),
        ];
        let rows: Vec<&FailoverStatus> = rows.iter().collect();
        let parts = trend(&rows, 7, at(0));
        let newest = parts.last().expect("a part");
        assert_eq!((newest.succeeded, newest.failed, newest.others), (2, 1, 0));
        assert_eq!(newest.mttr_p50_ms, Some(5_000));
        let before = parts.get(5).expect("a part");
        assert_eq!((before.succeeded, before.failed, before.others), (0, 0, 1));
        assert_eq!(before.mttr_p50_ms, None);
    }

    proptest! {
        #[test]
        fn every_row_of_the_period_is_in_exactly_one_part(
            days in 1_i64..=365,
            ages in prop::collection::vec(0_i64..400 * DAY_MS, 0..40),
        ) {
            let rows: Vec<FailoverStatus> =
                ages.iter().map(|ago| row(*ago, FailoverState::Complete, 1)).collect();
            let inside: Vec<&FailoverStatus> = rows
                .iter()
                .filter(|row| row.started_at.0 >= at(-days * DAY_MS))
                .collect();
            let parts = trend(&inside, days, at(0));
            prop_assert!(parts.len() <= 31);
            let counted: usize = parts.iter().map(|part| part.succeeded).sum();
            prop_assert_eq!(counted, inside.len());
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].until, pair[1].from);
            }
        }
    }
}
