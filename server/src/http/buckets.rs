//! Counts of tries in this process' memory: bounded in number, whatever is tried.
//!
//! A count is the time until which the tries so far are remembered; each moves it on by one interval.
//! Names are kept as keyed hashes. Where there is no room for another one, one that is kept is
//! forgotten: what must hold even then is counted in the database.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use domain::time::Millis;

use super::limit::Bound;

/// How often those at rest are looked for where there is no room, ms.
const SWEEP_MS: i64 = 1_000;

/// Counts that share a bound.
#[derive(Debug)]
pub(crate) struct Buckets {
    bound: Bound,
    most: usize,
    key: RandomState,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    busy_until: HashMap<u64, Millis>,
    swept_at: Millis,
}

impl Buckets {
    /// At most `most` of them at a time.
    pub(crate) fn new(bound: Bound, most: usize) -> Self {
        Self { bound, most, key: RandomState::new(), kept: Mutex::default() }
    }

    /// Counts a try.
    ///
    /// # Errors
    /// It is one too many; after so many ms it would not be.
    pub(crate) fn take(&self, name: &impl Hash, now: Millis) -> Result<(), i64> {
        let Bound { burst, every_ms } = self.bound;
        let (room, full) =
            (every_ms.saturating_mul(burst.saturating_sub(1)), every_ms.saturating_mul(burst));
        let name = self.key.hash_one(name);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What lies further ahead than a full bucket was counted by a clock that has been set back.
        let busy_until = kept.busy_until.get(&name).copied();
        let busy_until = busy_until.filter(|at| *at > now && *at <= now.plus(full)).unwrap_or(now);
        let ahead = busy_until.since(now);
        if ahead > room {
            return Err(ahead.saturating_sub(room));
        }
        if kept.busy_until.len() >= self.most && !kept.busy_until.contains_key(&name) {
            kept.make_room(self.most, now);
        }
        kept.busy_until.insert(name, busy_until.plus(every_ms));
        Ok(())
    }

    /// Forgets what was tried.
    pub(crate) fn forget(&self, name: &impl Hash) {
        let name = self.key.hash_one(name);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).busy_until.remove(&name);
    }

    /// Forgets those at rest.
    pub(crate) fn tidy(&self, now: Millis) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.busy_until.retain(|_, at| *at > now);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).busy_until.len()
    }
}

impl Kept {
    fn make_room(&mut self, most: usize, now: Millis) {
        if !(0..SWEEP_MS).contains(&now.since(self.swept_at)) {
            self.busy_until.retain(|_, at| *at > now);
            self.swept_at = now;
        }
        while self.busy_until.len() >= most {
            let Some(any) = self.busy_until.keys().next().copied() else { return };
            self.busy_until.remove(&any);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(most: usize) -> Buckets {
        Buckets::new(Bound { burst: 3, every_ms: 1_000 }, most)
    }

    #[test]
    fn so_many_go_through_and_then_one_in_a_while() {
        let one = buckets(10);
        for ms in [0, 1, 2] {
            assert_eq!(one.take(&"a", Millis(ms)), Ok(()), "{ms}");
        }
        assert_eq!((one.take(&"a", Millis(3)), one.take(&"a", Millis(3))), (Err(997), Err(997)));
        assert_eq!(one.take(&"b", Millis(3)), Ok(()));
        assert_eq!(one.take(&"a", Millis(1_000)), Ok(()));
        assert!(one.take(&"a", Millis(1_001)).is_err());
        one.forget(&"a");
        assert_eq!(one.take(&"a", Millis(1_001)), Ok(()));
        one.tidy(Millis(2_000));
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn a_clock_that_was_set_back_closes_nothing_for_long() {
        let one = buckets(10);
        for _ in 0..3 {
            assert_eq!(one.take(&"a", Millis(86_400_000)), Ok(()));
        }
        assert_eq!(one.take(&"a", Millis(0)), Ok(()));
    }

    #[test]
    fn there_are_never_more_than_there_may_be() {
        let one = buckets(1_000);
        for name in 0..100_000_u32 {
            assert_eq!(one.take(&name, Millis(0)), Ok(()));
            assert!(one.len() <= 1_000);
        }
        // One that is tried often enough is counted even so.
        let refused = (0..10).filter(|_| one.take(&"a", Millis(0)).is_err()).count();
        assert_eq!(refused, 7);
    }
}
