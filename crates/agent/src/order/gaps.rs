//! What a recovery point lacks of the workspace: whatever is named here, it is not complete.

use serde::{Deserialize, Serialize};

use crate::entry::Unprotected;
use crate::source::{Blind, Sight};

/// Most gaps that are named, and about how many bytes their names take.
pub const GAPS_MAX: usize = 200;
/// See [`GAPS_MAX`].
pub const GAPS_BYTES: usize = 128 << 10;

/// What is not in the last point as it is in the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gaps {
    /// Files that never held still, or that a process rewrites in place: their last whole version is kept.
    pub flux: u64,
    /// Files that never arrived as they were read: their last version is kept.
    pub corrupt: u64,
    /// Entries that are not protected, those that the user excluded among them.
    pub unprotected: u64,
    /// Of these, the ones that the user excluded.
    pub excluded: u64,
    /// Entries with extended attributes that are not kept.
    pub attributes: u64,
    /// Entries that were found damaged here and are fetched anew.
    pub damaged: u64,
    /// Of how many of the host's processes it was known what they had open for writing.
    pub sight: Option<Sight>,
    /// Why changes are not heard of as they happen and everything is listed each time instead.
    pub unwatched: Option<Blind>,
    /// Some of them.
    pub named: Vec<Gap>,
}

impl Gaps {
    /// Whether the point lacks something that the user did not exclude.
    #[must_use]
    pub fn any(&self) -> bool {
        self.flux + self.corrupt + self.attributes + self.damaged > 0
            || self.unprotected > self.excluded
    }
}

/// An entry that the last point does not have as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Where; a path longer than 1,900 bytes is cut.
    pub path: Vec<u8>,
    /// Why.
    pub why: Why,
    /// Its bytes, where they are known.
    pub size: Option<u64>,
}

/// Why an entry is not in the point as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// It never holds still.
    Flux {
        /// Since when, by the standby's clock, ms since 1970.
        since_ms: i64,
    },
    /// It never arrived as it was read.
    Corrupt,
    /// It is not protected.
    Unprotected(Unprotected),
    /// Some of its attributes are not kept: their names.
    Attributes(Vec<Vec<u8>>),
    /// It was found damaged on the standby.
    Damaged,
}
