//! What the authenticator says and signs: for which name, who was there, how often it was used.

use ring::digest::{SHA256, digest};

use crate::cbor::{Malformed, Reader};
use crate::key::PublicKey;
use crate::refusal::Refusal;
use crate::{CREDENTIAL_ID, DATA, Expected, bounded};

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const MAY_BE_COPIED: u8 = 1 << 3;
const IS_COPIED: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;
/// Bytes of the make of an authenticator, which is not asked for.
const MAKE: usize = 16;

/// Authenticator data.
#[derive(Debug)]
pub(crate) struct Data<'b> {
    name: &'b [u8],
    flags: u8,
    pub(crate) counter: u32,
    pub(crate) credential: Option<Credential<'b>>,
}

/// The credential that was made.
#[derive(Debug)]
pub(crate) struct Credential<'b> {
    pub(crate) id: &'b [u8],
    pub(crate) key: PublicKey,
    /// The key as it was written.
    pub(crate) cose: &'b [u8],
}

impl<'b> Data<'b> {
    pub(crate) fn read(bytes: &'b [u8]) -> Result<Self, Refusal> {
        let malformed = |_: Malformed| Refusal::Data;
        let mut reader = Reader::new(bounded(bytes, DATA)?);
        let name = reader.take(32).map_err(malformed)?;
        let head = reader.take(5).map_err(malformed)?;
        let [flags, counter @ ..] = head else { return Err(Refusal::Data) };
        let flags = *flags;
        let counter = u32::from_be_bytes(counter.try_into().map_err(|_| Refusal::Data)?);
        let credential =
            if flags & HAS_CREDENTIAL == 0 { None } else { Some(credential(&mut reader)?) };
        if flags & HAS_EXTENSIONS != 0 {
            // None were asked for; some authenticators tell of theirs all the same.
            reader.pass_map().map_err(malformed)?;
        }
        reader.end().map_err(malformed)?;
        Ok(Self { name, flags, counter, credential })
    }

    /// Checks what has to be so in both ceremonies. Whether the authenticator has verified who was there is
    /// told, and not asked for: the password stands beside it.
    pub(crate) fn check(&self, expected: &Expected<'_>) -> Result<(), Refusal> {
        if self.name != digest(&SHA256, expected.rp_id.as_bytes()).as_ref() {
            return Err(Refusal::RelyingParty);
        }
        if self.flags & PRESENT == 0 {
            return Err(Refusal::Absent);
        }
        if self.flags & IS_COPIED != 0 && self.flags & MAY_BE_COPIED == 0 {
            return Err(Refusal::Data);
        }
        Ok(())
    }

    /// Whether the authenticator has verified who was there, by a PIN or a finger.
    pub(crate) const fn verified(&self) -> bool {
        self.flags & VERIFIED != 0
    }
}

fn credential<'b>(reader: &mut Reader<'b>) -> Result<Credential<'b>, Refusal> {
    let malformed = |_: Malformed| Refusal::Data;
    reader.take(MAKE).map_err(malformed)?;
    let length = reader.take(2).map_err(malformed)?;
    let length: [u8; 2] = length.try_into().map_err(|_| Refusal::Data)?;
    let length = usize::from(u16::from_be_bytes(length));
    if length == 0 || length > CREDENTIAL_ID {
        return Err(Refusal::Credential);
    }
    let id = reader.take(length).map_err(malformed)?;
    let before = reader.rest();
    let key = PublicKey::parse(reader)?;
    let cose = before.get(..before.len() - reader.rest().len()).ok_or(Refusal::Data)?;
    Ok(Credential { id, key, cose })
}
