//! Public keys as authenticators write them (COSE), of the three kinds that are asked for.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

use crate::cbor::{Reader, Value};
use crate::refusal::Refusal;
use crate::{SIGNATURE, bounded};

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;
/// The kinds of keys by their COSE numbers, the most wanted first: ES256, which everything has, Ed25519, and
/// RS256, which some PCs have alone.
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

/// Entries of a key, and the longest of them.
const ENTRIES: u64 = 5;
const COORDINATE: usize = 32;
/// Bytes of an RSA modulus: 2,048 to 4,096 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

const KIND: i64 = 1;
const ALGORITHM: i64 = 3;
const FIRST: i64 = -1;
const SECOND: i64 = -2;
const THIRD: i64 = -3;
const OCTET_PAIR: i64 = 1;
const CURVE_POINT: i64 = 2;
const RSA: i64 = 3;
const P_256: i64 = 1;
const ED_25519: i64 = 6;

/// A public key of a kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// ECDSA on P-256 with SHA-256: the point, not compressed.
    Es256([u8; 65]),
    /// Ed25519.
    Ed25519([u8; 32]),
    /// RSA with SHA-256 and the padding of PKCS #1 1.5.
    Rs256 {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads a key that stands alone, as it was kept.
    ///
    /// # Errors
    /// `Key`.
    pub fn read(cose: &[u8]) -> Result<Self, Refusal> {
        let mut reader = Reader::new(cose);
        let key = Self::parse(&mut reader)?;
        reader.end().map_err(|_| Refusal::Key)?;
        Ok(key)
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
        let entries = entries(reader)?;
        let get = |label| entries.iter().find(|(key, _)| *key == label).map(|(_, value)| *value);
        let int = |label| match get(label) {
            Some(Value::Int(number)) => Some(number),
            _ => None,
        };
        let bytes = |label| match get(label) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        let kind = (int(KIND), int(ALGORITHM), entries.len());
        let key = match kind {
            (Some(CURVE_POINT), Some(ES256), 5) if int(FIRST) == Some(P_256) => {
                bytes(SECOND).zip(bytes(THIRD)).and_then(|(x, y)| point(x, y)).map(Self::Es256)
            }
            (Some(OCTET_PAIR), Some(EDDSA), 4) if int(FIRST) == Some(ED_25519) => {
                bytes(SECOND).and_then(|x| x.try_into().ok()).map(Self::Ed25519)
            }
            (Some(RSA), Some(RS256), 4) => bytes(FIRST)
                .zip(bytes(SECOND))
                .filter(|(n, e)| MODULUS.contains(&n.len()) && (1..=4).contains(&e.len()))
                .map(|(n, e)| Self::Rs256 { n: n.to_vec(), e: e.to_vec() }),
            _ => None,
        };
        key.ok_or(Refusal::Key)
    }

    /// Its kind, by its COSE number.
    #[must_use]
    pub const fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => ES256,
            Self::Ed25519(_) => EDDSA,
            Self::Rs256 { .. } => RS256,
        }
    }

    /// Checks a signature.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let signature = bounded(signature, SIGNATURE)?;
        let fits = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        fits.map_err(|_| Refusal::Signature)
    }
}

/// The entries of a key, each label once.
fn entries<'b>(reader: &mut Reader<'b>) -> Result<Vec<(i64, Value<'b>)>, Refusal> {
    let count = reader.map(ENTRIES).map_err(|_| Refusal::Key)?;
    let mut entries: Vec<(i64, Value<'b>)> = Vec::new();
    for _ in 0..count {
        let label = reader.int().map_err(|_| Refusal::Key)?;
        let value = reader.value().map_err(|_| Refusal::Key)?;
        if entries.iter().any(|(key, _)| *key == label) {
            return Err(Refusal::Key);
        }
        entries.push((label, value));
    }
    Ok(entries)
}

fn point(x: &[u8], y: &[u8]) -> Option<[u8; 65]> {
    if x.len() != COORDINATE || y.len() != COORDINATE {
        return None;
    }
    [&[4], x, y].concat().try_into().ok()
}
