//! An authenticator app, written from RFC 6238 and not from the server's code.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// How long a code is the present one, ms.
pub(crate) const STEP_MS: i64 = 30_000;

/// An app that holds a secret.
pub(crate) struct App(Vec<u8>);

impl App {
    /// From a secret in base 32.
    pub(crate) fn of(secret: &str) -> Self {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits: String = secret
            .chars()
            .map(|letter| format!("{:05b}", letters.find(letter).expect("base 32")))
            .collect();
        let byte = |bits: &[u8]| {
            u8::from_str_radix(std::str::from_utf8(bits).expect("digits"), 2).expect("a byte")
        };
        Self(bits.as_bytes().chunks_exact(8).map(byte).collect())
    }

    /// The code of a step.
    pub(crate) fn code(&self, step: i64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("a key");
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let at = usize::from(digest[19] & 15);
        let word = u32::from_be_bytes(digest[at..at + 4].try_into().expect("four"));
        format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
    }
}
