//! An address as a QR code: one path of an SVG, in units of a module.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

use crate::Fault;

/// Light modules around a code, so that readers find it.
const MARGIN: i32 = 4;

/// A QR code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// How many modules it is wide and high, with its margin.
    pub side: i32,
    /// The dark modules, as the data of a path.
    pub path: String,
}

/// Draws a text.
///
/// # Errors
/// It is too long.
pub fn drawing(text: &str) -> Result<Drawing, Fault> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|error| Fault::Internal(format!("a QR code: {error}")))?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|at| code.get_module(*at, y)).count();
            let run = i32::try_from(run).unwrap_or(0);
            if run > 0 {
                let _ = write!(path, "M{},{}h{run}v1h-{run}z", x + MARGIN, y + MARGIN);
            }
            x += run.max(1);
        }
    }
    Ok(Drawing { side: code.size() + 2 * MARGIN, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners() {
        let drawn = drawing("otpauth://totp/Dumont:a?secret=MZXW6YTB").expect("drawn");
        assert!(drawn.side >= 29 + 8, "{}", drawn.side);
        let far = drawn.side - MARGIN - 7;
        for corner in ["M4,4h7".to_owned(), format!("M{far},4h7"), format!("M4,{far}h7")] {
            assert!(drawn.path.contains(&corner), "{corner}: {}", drawn.path);
        }
    }
}
