//! What becomes of a rental by hand that was cut off: by the end of the process that did it.

use crate::failover::IntentState;

/// How long a purchase and what follows it may take before nobody can be at it any more, ms.
pub const UNDER_WAY_MS: i64 = 120_000;
/// Age beyond which its user may have found and used it elsewhere, ms.
pub const USED_MS: i64 = 600_000;

/// What to do with a rental that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Whoever rents it may still be at it.
    Wait,
    /// It is bought: what its user asked for is done.
    Finish,
    /// Nobody was told of it, and whoever asked has had an error: it goes.
    Destroy,
    /// It is old enough to hold somebody's work: it stays, without a standby.
    Keep,
    /// Nothing was made; should it appear after all, it goes.
    GiveUp,
}

/// What to do with a rental of this age (from its recording, ms), and with whether a complete list shows
/// its instance.
#[must_use]
pub const fn left(state: IntentState, age_ms: i64, is_there: bool) -> Left {
    if age_ms < UNDER_WAY_MS {
        return Left::Wait;
    }
    match (state, is_there) {
        (IntentState::Bound, _) => Left::Finish,
        (_, false) => Left::GiveUp,
        (_, true) if age_ms < USED_MS => Left::Destroy,
        (_, true) => Left::Keep,
    }
}

/// Whether what came of a purchase is a machine of its user's, that is given what all their machines are.
///
/// Only a rental by hand that is finished is. Until then it is being bought; what a failover bought is its; and
/// what was refused, given up or discarded, or is gone, is on its way out, however long a list still shows it.
#[must_use]
pub const fn is_its_users(state: IntentState, of_failover: bool) -> bool {
    !of_failover && matches!(state, IntentState::Adopted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_on_its_way_in_or_out_is_a_new_machine() {
        for state in IntentState::ALL {
            assert_eq!(is_its_users(*state, false), *state == IntentState::Adopted, "{state}");
            assert!(!is_its_users(*state, true), "{state}");
        }
    }

    #[test]
    fn a_rental_that_was_cut_off_comes_to_an_end() {
        use IntentState::{Bound, Open};
        for is_there in [true, false] {
            assert_eq!(left(Open, UNDER_WAY_MS - 1, is_there), Left::Wait);
            assert_eq!(left(Bound, UNDER_WAY_MS - 1, is_there), Left::Wait);
            assert_eq!(left(Bound, UNDER_WAY_MS, is_there), Left::Finish);
        }
        assert_eq!(left(Open, UNDER_WAY_MS, false), Left::GiveUp);
        assert_eq!(left(Open, UNDER_WAY_MS, true), Left::Destroy);
        assert_eq!(left(Open, USED_MS - 1, true), Left::Destroy);
        assert_eq!(left(Open, USED_MS, true), Left::Keep);
    }
}
