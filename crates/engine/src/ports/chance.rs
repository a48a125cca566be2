//! New ids and random numbers.

use uuid::Uuid;

/// Where what must be new or spread comes from.
pub trait Chance: Send + Sync + std::fmt::Debug {
    /// An id that nothing else has. Later ones are larger, as far as the clock goes.
    fn id(&self) -> Uuid;

    /// Any number.
    fn number(&self) -> u64;
}

/// The system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    #[expect(clippy::disallowed_methods, reason = "this is where ids come from")]
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }

    #[expect(clippy::disallowed_methods, reason = "this is where chance comes from")]
    fn number(&self) -> u64 {
        rand::random()
    }
}
