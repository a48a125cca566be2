//! Money as whole micro-dollars. No floating point is stored or added up.

use serde::{Deserialize, Serialize};

use crate::time::HOUR_MS;

/// An amount, or a rate per hour where the name says so, in millionths of a US dollar.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MicroUsd(pub i64);

impl MicroUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From dollars as a provider writes them, rounded to the nearest millionth. Not a number and
    /// what does not fit become `None`.
    #[must_use]
    pub fn from_usd(usd: f64) -> Option<Self> {
        let micro = (usd * 1e6).round();
        #[expect(clippy::cast_possible_truncation, reason = "the range was just checked")]
        (micro.is_finite() && micro.abs() < 9e15).then_some(Self(micro as i64))
    }

    /// In dollars, for JSON and display.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "amounts stay far below 2^53 micro-dollars")]
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// What this hourly rate comes to over `ms` milliseconds, rounded down; a negative span costs
    /// nothing.
    #[must_use]
    pub fn over_ms(self, ms: i64) -> Self {
        let total = i128::from(self.0) * i128::from(ms.max(0)) / i128::from(HOUR_MS);
        Self(i64::try_from(total).unwrap_or(i64::MAX))
    }

    /// The sum, held at the ends of the range.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for MicroUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_over_half_an_hour_is_half() {
        let rate = MicroUsd::from_usd(0.4).expect("in range");
        assert_eq!(rate.over_ms(HOUR_MS / 2), MicroUsd(200_000));
        assert_eq!(rate.over_ms(-5), MicroUsd::ZERO);
        assert_eq!(MicroUsd::from_usd(f64::NAN), None);
    }
}
