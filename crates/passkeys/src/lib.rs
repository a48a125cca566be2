//! What a relying party checks of a passkey (W3C Web Authentication): that it was made, and that it was used.
//!
//! Pure: bytes in, an answer out. That a challenge is used once, by whom and for what, is the caller's part;
//! so is the account of a credential. Attestation is not asked for: which make an authenticator is of changes
//! nothing here. Everything that is read comes from strangers, so each size is bounded and what is not exactly
//! as the standard has it is refused.

mod assertion;
mod authenticator;
mod cbor;
mod client;
mod key;
mod refusal;
mod registration;

pub use self::assertion::{Assertion, Used};
pub use self::client::challenge;
pub use self::key::{ALGORITHMS, PublicKey};
pub use self::refusal::Refusal;
pub use self::registration::{Registered, Registration};

/// Longest client data, bytes: what a browser writes is some 200.
const CLIENT_DATA: usize = 4_096;
/// Longest attestation object or authenticator data, bytes.
const DATA: usize = 8_192;
/// Longest identifier of a credential, bytes, as the standard has it.
pub const CREDENTIAL_ID: usize = 1_023;
/// Longest signature, bytes: of a key of 4,096 bits.
const SIGNATURE: usize = 512;

/// What a passkey must have been made or used for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'e> {
    /// The challenge that was given out.
    pub challenge: &'e [u8],
    /// Where the page was that asked: `https://dumont.example.org`.
    pub origin: &'e str,
    /// The name that the passkey belongs to: `dumont.example.org`.
    pub rp_id: &'e str,
}

fn bounded(bytes: &[u8], most: usize) -> Result<&[u8], Refusal> {
    if bytes.is_empty() || bytes.len() > most { Err(Refusal::Size) } else { Ok(bytes) }
}
