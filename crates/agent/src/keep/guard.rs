//! Whether what a workspace lost may be lost here too: pure. Loss is counted by content, over a time and
//! not for one cycle alone, and a figure that is missing trips.

use serde::{Deserialize, Serialize};

/// Losses that are never too many, unless they leave nothing.
const ALWAYS_ALLOWED: u64 = 20;

/// How much may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Share of the files that there were when the time began, percent; 100 lifts the guard.
    pub percent: u64,
    /// The time over which losses are counted.
    pub window_seconds: u64,
    /// So many may go whatever their share: someone saw the number and said so.
    pub accepted: u64,
    /// Another folder in the root's place is taken for the workspace.
    pub accept_root: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { percent: 30, window_seconds: 600, accepted: 0, accept_root: false }
    }
}

/// What was counted; `None` where it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Files when the time began.
    pub base: Option<u64>,
    /// Of those, the ones lost by now, this cycle included: their path is gone, and their content from
    /// every path.
    pub lost: Option<u64>,
    /// Files lost by this cycle.
    pub now: Option<u64>,
    /// Files that are left after it.
    pub left: Option<u64>,
}

/// What the guard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It may go on.
    Pass,
    /// Too much would be lost: nothing is changed.
    TooMuchLost {
        /// Files lost over the time.
        lost: u64,
        /// Of so many.
        of: u64,
    },
    /// Nobody knows how much would be lost.
    NotCounted,
    /// Another folder stands in the root's place.
    RootReplaced,
}

/// Decides. As many as were accepted may go, the last one too.
#[must_use]
pub fn verdict(counted: &Counted, limits: &Limits) -> Verdict {
    if counted.now == Some(0) || limits.percent >= 100 {
        return Verdict::Pass;
    }
    let (Some(base), Some(lost), Some(_), Some(left)) =
        (counted.base, counted.lost, counted.now, counted.left)
    else {
        return Verdict::NotCounted;
    };
    let most = (base.saturating_mul(limits.percent) / 100).max(ALWAYS_ALLOWED).max(limits.accepted);
    if lost > most || (left == 0 && lost > limits.accepted) {
        return Verdict::TooMuchLost { lost, of: base };
    }
    Verdict::Pass
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(base: u64, lost: u64, left: u64) -> Counted {
        Counted { base: Some(base), lost: Some(lost), now: Some(lost.min(1)), left: Some(left) }
    }

    #[test]
    fn the_share_decides_and_a_few_files_never_do() {
        let limits = Limits::default();
        assert_eq!(verdict(&counted(30, 20, 10), &limits), Verdict::Pass);
        let trip = Verdict::TooMuchLost { lost: 21, of: 31 };
        assert_eq!(verdict(&counted(31, 21, 10), &limits), trip);
        assert_eq!(verdict(&counted(1000, 300, 700), &limits), Verdict::Pass);
        let trip = Verdict::TooMuchLost { lost: 301, of: 1000 };
        assert_eq!(verdict(&counted(1000, 301, 2000), &limits), trip, "new files make up for none");
    }

    #[test]
    fn an_emptied_workspace_trips_however_small_it_was() {
        let limits = Limits::default();
        let trip = Verdict::TooMuchLost { lost: 3, of: 3 };
        assert_eq!(verdict(&counted(3, 3, 0), &limits), trip);
        assert_eq!(verdict(&counted(3, 3, 0), &Limits { accepted: 3, ..limits }), Verdict::Pass);
        assert_eq!(verdict(&counted(3, 3, 0), &Limits { percent: 100, ..limits }), Verdict::Pass);
        assert_eq!(verdict(&counted(0, 0, 0), &limits), Verdict::Pass, "nothing is lost");
    }

    #[test]
    fn what_was_accepted_may_go_and_not_one_more() {
        let limits = Limits { accepted: 27, ..Limits::default() };
        assert_eq!(verdict(&counted(30, 27, 3), &limits), Verdict::Pass);
        assert_ne!(verdict(&counted(30, 28, 2), &limits), Verdict::Pass);
    }

    #[test]
    fn a_figure_that_is_missing_trips() {
        let whole = counted(150, 1, 149);
        let limits = Limits::default();
        assert_eq!(verdict(&whole, &limits), Verdict::Pass);
        for lacking in [
            Counted { base: None, ..whole },
            Counted { lost: None, ..whole },
            Counted { now: None, ..whole },
            Counted { left: None, ..whole },
            Counted::default(),
        ] {
            assert_eq!(verdict(&lacking, &limits), Verdict::NotCounted, "{lacking:?}");
        }
    }
}
