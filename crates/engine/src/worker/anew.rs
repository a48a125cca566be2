//! When a standby that lacks what it needs is to be prepared anew.
//!
//! It was ready once: it may come from before something was asked for, or have lost it. Preparing it may
//! install packages, so a standby that stays unfit is not worked on all the time.

use std::sync::{Mutex, PoisonError};

use domain::time::Millis;

const FIRST_PAUSE_MS: i64 = 60_000;
const LAST_PAUSE_MS: i64 = 3_600_000;

/// The pause before the next preparation: none for the first, then a minute, doubling to an hour.
#[derive(Debug, Default)]
pub(super) struct Anew(Mutex<Pause>);

#[derive(Debug, Default)]
struct Pause {
    next_at: Option<Millis>,
    ms: i64,
}

impl Anew {
    /// Whether it is due; if so, the next one is not for a while.
    pub(super) fn is_due(&self, now: Millis) -> bool {
        let mut pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pause.next_at.is_some_and(|at| now < at) {
            return false;
        }
        pause.ms = (pause.ms * 2).clamp(FIRST_PAUSE_MS, LAST_PAUSE_MS);
        pause.next_at = Some(now.plus(pause.ms));
        true
    }

    /// It works: what may come later is another trouble.
    pub(super) fn well(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Pause::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfit_standby_is_prepared_at_once_then_ever_more_seldom() {
        let anew = Anew::default();
        let mut due = Vec::new();
        for minute in 0..300 {
            if anew.is_due(Millis(minute * 60_000)) {
                due.push(minute);
            }
        }
        assert_eq!(due, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
        anew.well();
        assert!(anew.is_due(Millis(0)), "another trouble begins anew");
        assert!(!anew.is_due(Millis(59_999)));
    }
}
