//! Which recovery points stay: pure. Near ones densely, far ones thinly, the last one always.

use std::collections::HashSet;

use crate::clock::Nanos;

const SECOND: i128 = 1_000_000_000;
/// Younger than the first figure, one point is kept of each of the second: seconds.
const STEPS: [(i128, i128); 4] = [(60, 0), (3_600, 60), (86_400, 3_600), (14 * 86_400, 86_400)];

/// A point, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aged {
    /// Which.
    pub id: u64,
    /// When it was complete.
    pub received: Nanos,
    /// It stays whatever its age.
    pub pinned: bool,
}

/// The points that go by now: of the last minute every one stays, of the last hour the last one of each
/// minute, of the last day that of each hour, of the last 14 days that of each day. Minutes, hours and
/// days are those of the clock, so that what stays now stays later. `points` are in their order.
#[must_use]
pub fn thin(points: &[Aged], now: Nanos) -> Vec<u64> {
    let mut taken = HashSet::new();
    let mut gone = Vec::new();
    for (place, point) in points.iter().rev().enumerate() {
        let age = now.0.saturating_sub(point.received.0).max(0) / SECOND;
        let step = STEPS.iter().find(|(younger, _)| age < *younger);
        let stays = match step {
            Some((_, 0)) => true,
            Some((_, each)) => taken.insert((*each, point.received.0.div_euclid(SECOND * each))),
            None => false,
        };
        if !stays && place != 0 && !point.pinned {
            gone.push(point.id);
        }
    }
    gone.reverse();
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(id: u64, seconds: i128) -> Aged {
        Aged { id, received: Nanos(seconds * SECOND), pinned: false }
    }

    #[test]
    fn a_point_each_second_leaves_as_many_as_promised() {
        let mut kept: Vec<Aged> = Vec::new();
        let end = 15 * 86_400;
        for second in 0..end {
            // Densely only at the end: the rest is the same with fewer.
            if second % 20 == 0 || second > end - 200 {
                kept.push(at(u64::try_from(second).unwrap(), second));
            }
            if second % 60 == 0 || second == end - 1 {
                let gone = thin(&kept, Nanos(second * SECOND));
                kept.retain(|point| !gone.contains(&point.id));
            }
        }
        let age = |point: &Aged| end - 1 - point.received.0 / SECOND;
        let younger = |most: i128| kept.iter().filter(|point| age(point) < most).count();
        assert_eq!(younger(60), 60, "each of the last 60 s");
        assert!((118..=121).contains(&younger(3_600)), "{}", younger(3_600));
        assert!((140..=145).contains(&younger(86_400)), "{}", younger(86_400));
        assert!((152..=160).contains(&kept.len()), "{}", kept.len());
        let oldest = kept.iter().map(age).max().unwrap();
        assert!((13 * 86_400..14 * 86_400).contains(&oldest), "{oldest}");
    }

    #[test]
    fn the_last_point_and_pinned_ones_stay_whatever_their_age() {
        let year = Nanos(365 * 86_400 * SECOND);
        let pinned = Aged { pinned: true, ..at(1, 10) };
        assert_eq!(thin(&[pinned, at(2, 20), at(3, 30)], year), [2]);
        assert_eq!(thin(&[], year), Vec::<u64>::new());
    }

    #[test]
    fn thinning_again_takes_nothing_more() {
        let points: Vec<Aged> = (0..5_000).map(|second| at(second, second.into())).collect();
        let now = Nanos(5_000 * SECOND);
        let gone = thin(&points, now);
        let left: Vec<Aged> =
            points.into_iter().filter(|point| !gone.contains(&point.id)).collect();
        assert_eq!(thin(&left, now), Vec::<u64>::new());
    }
}
