//! Time as a parameter, so that tests and simulations decide it.

use serde::{Deserialize, Serialize};

/// A moment or a time stamp of a file: nanoseconds since the Unix epoch. Files may be older than that.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Nanos(pub i128);

impl Nanos {
    /// From the two figures of `stat`.
    #[must_use]
    pub fn of(seconds: i64, nanoseconds: i64) -> Self {
        Self(i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds))
    }

    /// Whole seconds, rounded down, and the nanoseconds beyond them.
    #[must_use]
    pub fn split(self) -> (i64, i64) {
        let seconds = self.0.div_euclid(1_000_000_000);
        let rest = self.0.rem_euclid(1_000_000_000);
        (i64::try_from(seconds).unwrap_or(i64::MAX), i64::try_from(rest).unwrap_or(0))
    }

    /// Time since `earlier`; nothing where that is later, as after a step of the clock.
    #[must_use]
    pub fn since(self, earlier: Self) -> std::time::Duration {
        let nanos = u64::try_from(self.0.saturating_sub(earlier.0).max(0)).unwrap_or(u64::MAX);
        std::time::Duration::from_nanos(nanos)
    }
}

/// Where the present comes from.
pub trait Clock: Send + Sync {
    /// Now, by the clock that stamps files on this host.
    fn now(&self) -> Nanos;
}

/// The host's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> Nanos {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        Nanos::of(now.tv_sec, now.tv_nsec)
    }
}
