//! How far a transfer is, how fast it goes, and how long it will take: from measurements alone.
//!
//! A running step keeps its first and its newest measurement. What can't be told from these two is
//! unknown: there is no rate before enough was measured, and no rest of time without a total.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// Between first and newest measurement at least so long, before a rate is told, ms.
const ENOUGH_MS: i64 = 2_000;
/// Without a new measurement for so long, nothing is foretold, ms.
const SILENT_MS: i64 = 10_000;

/// What was moved up to a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// When.
    pub at: Millis,
    /// Files.
    pub files: i64,
    /// Bytes, where they are counted.
    pub bytes: Option<i64>,
}

/// All that is to be moved; `None` where it is not known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Whole {
    /// Files.
    pub files: Option<i64>,
    /// Bytes.
    pub bytes: Option<i64>,
}

/// The measurements of one transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// All of it.
    #[serde(default)]
    pub whole: Whole,
    /// The first one.
    pub first: Measure,
    /// The newest one.
    pub last: Measure,
}

/// What can be told of a transfer at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// All of it, as far as that is known and still holds.
    pub whole: Whole,
    /// Bytes in a second, where they were measured long enough.
    pub bytes_per_second: Option<i64>,
    /// Files in a second, in thousandths, where they were measured long enough.
    pub millifiles_per_second: Option<i64>,
    /// How long the rest will take, ms.
    pub left_ms: Option<i64>,
}

impl Progress {
    /// Begins with a first measurement.
    #[must_use]
    pub const fn begin(whole: Whole, first: Measure) -> Self {
        Self { whole, first, last: first }
    }

    /// With a newer measurement. Nothing that was moved is ever un-moved.
    #[must_use]
    pub fn with(self, now: Measure) -> Self {
        let last = Measure {
            at: now.at.max(self.last.at),
            files: now.files.max(self.last.files),
            bytes: now.bytes.max(self.last.bytes),
        };
        Self { last, ..self }
    }

    /// What can be told of it now.
    #[must_use]
    pub fn pace(&self, now: Millis) -> Pace {
        let span = self.last.at.since(self.first.at);
        let enough = span >= ENOUGH_MS;
        let bytes = self.last.bytes.zip(self.first.bytes).map(|(last, first)| last - first);
        let files = self.last.files - self.first.files;
        let whole = Whole {
            files: self.whole.files.filter(|all| *all >= self.last.files),
            bytes: self.whole.bytes.filter(|all| self.last.bytes.is_none_or(|last| *all >= last)),
        };
        // Bytes foretell better than files, which can be of any size.
        let rest = match (whole.bytes, self.last.bytes, bytes) {
            (Some(all), Some(last), Some(moved)) => Some((all - last, moved)),
            (_, None, _) => whole.files.map(|all| (all - self.last.files, files)),
            _ => None,
        };
        let silent = now.since(self.last.at) > SILENT_MS;
        let left_ms =
            rest.filter(|(_, moved)| enough && *moved > 0 && !silent).map(|(rest, moved)| {
                let needed = i128::from(rest) * i128::from(span) / i128::from(moved);
                let needed = i64::try_from(needed).unwrap_or(i64::MAX);
                (needed - now.since(self.last.at).max(0)).max(0)
            });
        Pace {
            whole,
            bytes_per_second: bytes.filter(|_| enough).map(|moved| per(moved, 1_000, span)),
            millifiles_per_second: enough.then(|| per(files, 1_000_000, span)),
            left_ms,
        }
    }
}

/// `moved` in `span` ms, as `unit` to the second times 1,000 ms.
fn per(moved: i64, unit: i64, span: i64) -> i64 {
    let rate = i128::from(moved.max(0)) * i128::from(unit) / i128::from(span.max(1));
    i64::try_from(rate).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64, files: i64, bytes: i64) -> Measure {
        Measure { at: Millis(ms), files, bytes: Some(bytes) }
    }

    const ALL: Whole = Whole { files: Some(100), bytes: Some(1_000_000) };

    #[test]
    fn a_steady_transfer_tells_its_rate_and_its_rest() {
        let begun = Progress::begin(ALL, at(1_000, 0, 0));
        let half = begun.with(at(6_000, 50, 500_000));
        let pace = half.pace(Millis(6_000));
        assert_eq!(pace.bytes_per_second, Some(100_000));
        assert_eq!(pace.millifiles_per_second, Some(10_000));
        assert_eq!(pace.left_ms, Some(5_000));
        assert_eq!(half.pace(Millis(8_000)).left_ms, Some(3_000), "time goes on without news");
    }

    #[test]
    fn nothing_is_foretold_before_enough_was_measured() {
        let begun = Progress::begin(ALL, at(0, 0, 0));
        for progress in [begun, begun.with(at(1_999, 90, 900_000))] {
            let pace = progress.pace(progress.last.at);
            assert_eq!((pace.bytes_per_second, pace.left_ms), (None, None));
        }
        let still = begun.with(at(9_000, 0, 0));
        assert_eq!(
            still.pace(Millis(9_000)).bytes_per_second,
            Some(0),
            "measured, and nothing moved"
        );
        assert_eq!(still.pace(Millis(9_000)).left_ms, None);
    }

    #[test]
    fn without_a_total_or_after_long_silence_there_is_no_rest_of_time() {
        let open = Progress::begin(Whole::default(), at(0, 0, 0)).with(at(4_000, 3, 8_000));
        let pace = open.pace(Millis(4_000));
        assert_eq!((pace.bytes_per_second, pace.left_ms), (Some(2_000), None));
        let silent = Progress::begin(ALL, at(0, 0, 0)).with(at(4_000, 3, 8_000));
        assert_eq!(silent.pace(Millis(14_001)).left_ms, None);
    }

    #[test]
    fn a_total_that_was_exceeded_is_none() {
        let more = Progress::begin(ALL, at(0, 0, 0)).with(at(4_000, 101, 1_000_001));
        let pace = more.pace(Millis(4_000));
        assert_eq!((pace.whole, pace.left_ms), (Whole::default(), None));
    }

    #[test]
    fn where_bytes_are_not_counted_files_foretell() {
        let count = |ms, files| Measure { at: Millis(ms), files, bytes: None };
        let progress = Progress::begin(ALL, count(0, 0)).with(count(4_000, 80));
        let pace = progress.pace(Millis(4_000));
        assert_eq!((pace.bytes_per_second, pace.left_ms), (None, Some(1_000)));
    }

    proptest! {
        #[test]
        fn no_measurements_make_it_go_back_or_foretell_a_negative_time(
            steps in proptest::collection::vec((0_i64..60_000, 0_i64..1_000, 0_i64..10_000_000), 1..12),
            ahead in -5_000_i64..30_000,
        ) {
            let mut progress = Progress::begin(ALL, at(0, 0, 0));
            for (ms, files, bytes) in steps {
                let next = progress.with(at(ms, files, bytes));
                prop_assert!(next.last.files >= progress.last.files && next.last.bytes >= progress.last.bytes);
                prop_assert!(next.last.at >= progress.last.at);
                progress = next;
            }
            let pace = progress.pace(progress.last.at.plus(ahead));
            prop_assert!(pace.left_ms.is_none_or(|left| left >= 0));
            prop_assert!(pace.bytes_per_second.is_none_or(|rate| rate >= 0));
        }
    }
}
