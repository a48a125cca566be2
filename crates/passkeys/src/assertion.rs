//! A passkey that was used.

use ring::digest::{SHA256, digest};

use crate::Expected;
use crate::authenticator::Data;
use crate::client::{Ceremony, check};
use crate::key::PublicKey;
use crate::refusal::Refusal;

/// What a browser sends of a passkey that was used.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    /// `clientDataJSON`.
    pub client_data: &'a [u8],
    /// `authenticatorData`.
    pub data: &'a [u8],
    /// The signature over both.
    pub signature: &'a [u8],
}

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// How often it says to have been used; 0 for ever where it does not count.
    pub counter: u32,
    /// Whether the authenticator has verified who was there.
    pub verified: bool,
}

impl Assertion<'_> {
    /// Checks it against the key of its credential. Whether the counter has gone on is the caller's to
    /// check, where it is kept.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn check(&self, key: &PublicKey, expected: &Expected<'_>) -> Result<Used, Refusal> {
        check(self.client_data, Ceremony::Get, expected)?;
        let data = Data::read(self.data)?;
        data.check(expected)?;
        if data.credential.is_some() {
            return Err(Refusal::Data);
        }
        let signed = [self.data, digest(&SHA256, self.client_data).as_ref()].concat();
        key.verify(&signed, self.signature)?;
        Ok(Used { counter: data.counter, verified: data.verified() })
    }
}
