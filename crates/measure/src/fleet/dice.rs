//! Chance that a seed repeats (SplitMix64).

/// A sequence of numbers.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to below `high`.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(1).max(1);
        low.saturating_add(i64::try_from(self.next() % span).unwrap_or(0))
    }

    /// True so many times of a hundred.
    pub(super) fn percent(&mut self, of_hundred: i64) -> bool {
        self.between(0, 100) < of_hundred
    }

    /// One of them.
    pub(super) fn pick<T: Copy>(&mut self, first: T, others: &[T]) -> T {
        let count = i64::try_from(others.len()).unwrap_or(0);
        let index = usize::try_from(self.between(-1, count)).ok();
        index.and_then(|index| others.get(index)).copied().unwrap_or(first)
    }

    /// An id as the product draws them: a UUID that begins with the time.
    pub(super) fn id(&mut self, at: domain::time::Millis) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
            (at.0 >> 16) & 0xffff_ffff,
            at.0 & 0xffff,
            a & 0xfff,
            0x8000 | ((a >> 12) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }
}
