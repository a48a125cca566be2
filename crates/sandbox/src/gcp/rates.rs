//! Compute's rate limits: calls per minute and project, refilled when the next minute begins.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Calls per minute that each group allows (Google's documented default).
const PER_MINUTE: u32 = 1500;

/// Calls that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Group {
    /// Everything that only looks.
    Read,
    /// Everything that changes something.
    Mutate,
}

impl Group {
    /// The name in the error message.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read => "ReadGroup",
            Self::Mutate => "MutateGroup",
        }
    }
}

/// The counts of the current minute.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<HashMap<(String, Group), (i64, u32)>>);

impl Rates {
    /// Counts a call; false when the minute's allowance is used up.
    pub(super) fn admit(&self, project: &str, group: Group, now_ms: i64) -> bool {
        let minute = now_ms.div_euclid(60_000);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((project.to_owned(), group)).or_insert((minute, 0));
        if count.0 != minute {
            *count = (minute, 0);
        }
        count.1 = count.1.saturating_add(1);
        count.1 <= PER_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowance_comes_back_with_the_next_minute() {
        let rates = Rates::default();
        for _ in 0..PER_MINUTE {
            assert!(rates.admit("p", Group::Read, 59_000));
        }
        assert!(!rates.admit("p", Group::Read, 59_999));
        assert!(rates.admit("p", Group::Mutate, 59_999));
        assert!(rates.admit("q", Group::Read, 59_999));
        assert!(rates.admit("p", Group::Read, 60_000));
    }
}
