//! Codes that change every half minute: RFC 6238 over HMAC-SHA-1 with six digits, as every app makes
//! them.

use domain::time::Millis;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// How long a code is the present one, ms.
const STEP_MS: i64 = 30_000;
/// Digits of a code.
const DIGITS: usize = 6;
/// How many steps a clock may be behind or ahead.
const SKEW: i64 = 1;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step of a time.
pub(super) fn step(now: Millis) -> i64 {
    now.0.div_euclid(STEP_MS)
}

/// The step whose code this is, of those near the present one.
pub(super) fn matching(secret: &[u8], code: &str, now: Millis) -> Option<i64> {
    let digits = code.len() == DIGITS && code.bytes().all(|letter| letter.is_ascii_digit());
    let typed: u32 = digits.then(|| code.parse().ok()).flatten()?;
    let here = step(now);
    (here.saturating_sub(SKEW)..=here.saturating_add(SKEW))
        .find(|step| code_of(secret, *step) == Some(typed))
}

/// The code of a step (RFC 4226, 5.3).
pub(super) fn code_of(secret: &[u8], step: i64) -> Option<u32> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest.last()? & 0x0f);
    let part: [u8; 4] = digest.get(offset..offset.checked_add(4)?)?.try_into().ok()?;
    Some((u32::from_be_bytes(part) & 0x7fff_ffff) % 1_000_000)
}

/// Bytes in base 32 (RFC 4648) without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(letter(held << (5 - bits)));
    }
    text
}

fn letter(five: u32) -> char {
    ALPHABET.get((five & 31) as usize).copied().map_or('A', char::from)
}

/// Bytes from base 32; none where it is none.
pub(super) fn unbase32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for found in text.bytes() {
        let five = ALPHABET.iter().position(|known| *known == found.to_ascii_uppercase())?;
        held = (held << 5) | u32::try_from(five).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
        held &= (1 << bits) - 1;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn the_codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six of its eight digits.
        let table = [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ];
        for (seconds, code) in table {
            assert_eq!(code_of(SECRET, step(Millis(seconds * 1_000))), Some(code), "{seconds}");
        }
        // RFC 4226, appendix D.
        for (counter, code) in [(0, 755_224), (1, 287_082), (9, 520_489)] {
            assert_eq!(code_of(SECRET, counter), Some(code));
        }
    }

    #[test]
    fn a_code_fits_for_a_step_before_and_after_and_in_its_own_form_alone() {
        let at = |seconds: i64| Millis(seconds * 1_000);
        for (seconds, fits) in [(29, true), (59, true), (89, true), (119, false), (1_000, false)] {
            assert_eq!(matching(SECRET, "287082", at(seconds)), fits.then_some(1), "{seconds}");
        }
        assert_eq!(matching(SECRET, "081804", at(1_111_111_109)), Some(37_037_036));
        for other in ["81804", "0081804", "+81804", " 81804", "", "28708a"] {
            assert_eq!(matching(SECRET, other, at(1_111_111_109)), None, "{other}");
        }
    }

    #[test]
    fn base_32_is_that_of_the_standard() {
        for (plain, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(plain.as_bytes()), text);
            assert_eq!(unbase32(text).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(unbase32("mzxw6"), Some(b"foo".to_vec()));
        assert_eq!(unbase32("M1"), None);
    }
}
