//! Charts, drawn by the server as SVG that fits any width. Each stands beside a table with the same
//! figures, so a chart is decoration to a screen reader and hidden from it.

pub(crate) mod band;
pub(crate) mod columns;
pub(crate) mod lane;
pub(crate) mod line;

use crate::format::float;

/// Which part of a whole something is, as SVG takes it; never outside of it.
pub(crate) fn share(part: i64, whole: i64) -> String {
    format!("{:.3}%", float(part.clamp(0, whole.max(0))) / float(whole.max(1)) * 100.0)
}

/// The smallest round number that is not below `most`, for the top of an axis: 1, 2 or 5 and zeros.
pub(crate) const fn round_up(most: i64) -> i64 {
    let mut step = 1;
    loop {
        if most <= step {
            return step;
        }
        if most <= 2 * step {
            return 2 * step;
        }
        if most <= 5 * step {
            return 5 * step;
        }
        if step > i64::MAX / 100 {
            return most;
        }
        step *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_never_leaves_its_whole() {
        assert_eq!(share(-5, 100), "0.000%");
        assert_eq!(share(250, 100), "100.000%");
        assert_eq!(share(0, 0), "0.000%");
        assert_eq!(share(1, 8), "12.500%");
    }

    #[test]
    fn the_top_of_an_axis_is_round_and_not_below_what_it_shows() {
        for (most, top) in
            [(0, 1), (1, 1), (3, 5), (7, 10), (12, 20), (480, 500), (74_213, 100_000)]
        {
            assert_eq!(round_up(most), top);
        }
        assert_eq!(round_up(i64::MAX), i64::MAX);
    }
}
