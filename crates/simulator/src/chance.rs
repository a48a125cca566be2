//! Chance from a seed.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::ports::Chance;
use uuid::Uuid;

/// A stream of numbers (`splitmix64`).
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn roll(&self) -> u64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of so many.
    pub(crate) fn of(&self, count: u64) -> u64 {
        self.roll() % count.max(1)
    }

    /// Between two numbers, both included.
    pub(crate) fn between(&self, low: u64, high: u64) -> u64 {
        low + self.of(high.saturating_sub(low) + 1)
    }
}

/// One process's share: ids rise with each.
#[derive(Debug)]
pub(crate) struct Share {
    dice: Dice,
    ids: AtomicU64,
    process: u64,
}

impl Share {
    pub(crate) const fn new(seed: u64, process: u64) -> Self {
        Self { dice: Dice::new(seed ^ (process << 48)), ids: AtomicU64::new(0), process }
    }
}

impl Chance for Share {
    fn id(&self) -> Uuid {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let head = u128::from(id) << 80 | u128::from(self.process) << 64;
        Uuid::from_u128(head | u128::from(self.dice.roll() >> 16))
    }

    fn number(&self) -> u64 {
        self.dice.roll()
    }
}
