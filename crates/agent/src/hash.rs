//! What content is known by.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The BLAKE3 hash of a content, computed by who read it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Of all of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// 64 lower-case digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// Of a hasher that has been given everything.
    #[must_use]
    pub fn from_hasher(hasher: &blake3::Hasher) -> Self {
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_hex().get(..12).unwrap_or_default())
    }
}

/// Bytes that are compared and sent as one when a large file changed in place. Blocks begin at multiples
/// of it.
pub const BLOCK: usize = 1 << 20;

/// The hashes of a content's blocks of [`BLOCK`] bytes, the last one maybe shorter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Blocks(pub Vec<Hash>);
