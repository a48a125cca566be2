//! Money as whole micro-dollars, so that sums are exact and never drift.

/// A million micro-dollars make a dollar.
pub const MICRO_PER_USD: i64 = 1_000_000;

const MS_PER_HOUR: i128 = 3_600_000;

/// Dollars as a number for JSON; only for showing, never for sums.
#[must_use]
pub fn usd(micro: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown, not summed")]
    let dollars = micro as f64 / 1e6;
    dollars
}

/// The nearest whole micro-dollar; what is not a number becomes zero.
#[must_use]
pub fn micro(usd: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and no price comes near")]
    let micro = (usd * 1e6).round() as i64;
    micro
}

/// What `ms` milliseconds cost at an hourly rate, rounded down.
#[must_use]
pub fn cost(micro_per_hour: i64, ms: i64) -> i64 {
    let total = i128::from(micro_per_hour) * i128::from(ms.max(0)) / MS_PER_HOUR;
    i64::try_from(total).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_costs_its_rate_and_a_second_its_share() {
        assert_eq!(cost(micro(0.36), 3_600_000), 360_000);
        assert_eq!(cost(micro(0.36), 1_000), 100);
        assert_eq!(cost(micro(0.36), -5), 0);
        assert!((usd(250_000) - 0.25).abs() < 1e-9);
    }
}
