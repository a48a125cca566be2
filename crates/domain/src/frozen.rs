//! Why a copy is frozen, as it is recorded: in words that hold the figures that were judged, and as the
//! set of deletions that was held back.

use serde::{Deserialize, Serialize};

use crate::association::{Association, AssociationState};
use crate::id::Epoch;
use crate::time::Millis;

/// How many of them are kept by name.
pub const LISTED: usize = 200;

/// One of the deletions that were held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Deletion {
    /// Path below the workspace; one of a folder ends with a slash.
    pub path: String,
    /// Bytes of the standby's copy; `null` of a folder, and where they are not known.
    pub bytes: Option<i64>,
}

/// The deletions that a sync would have made: all of them, as a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletions {
    /// SHA-256 of all paths, sorted, as lower-case hexadecimal: stands for exactly this set.
    pub digest: String,
    /// How many files and links.
    pub files: i64,
    /// How many folders.
    pub folders: i64,
    /// Bytes of the standby's copies of all of them, where they are known.
    pub bytes: Option<i64>,
    /// The first of them by name, [`LISTED`] at most.
    pub listed: Vec<Deletion>,
}

impl Deletions {
    /// How many are not listed.
    #[must_use]
    pub fn more(&self) -> i64 {
        let listed = i64::try_from(self.listed.len()).unwrap_or(i64::MAX);
        self.files.saturating_add(self.folders).saturating_sub(listed).max(0)
    }
}

crate::text_enum! {
    /// What its user said of deletions that were held back.
    pub enum Decision ("decision") {
        /// The standby shall delete exactly these.
        Accept = "accept",
        /// The GPU shall have these again, from the standby's copy.
        Restore = "restore",
    }
}

/// Deletions that are held back, and what was said of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The epoch in which they were seen.
    pub epoch: Epoch,
    /// What they are.
    pub deletions: Deletions,
    /// When they were seen.
    pub seen_at: Millis,
    /// What was said of them; none while nothing was.
    pub decision: Option<Decision>,
    /// Why that could not be done, where it was tried.
    pub problem: Option<String>,
}

/// Deletions that were too many to be made unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Files that the standby would have deleted.
    pub would_delete: i64,
    /// Files on the standby.
    pub of: i64,
}

const BEFORE: &str = "the GPU's workspace lost ";
const AFTER: &str = " files at once; the standby keeps them until you say otherwise";

impl Loss {
    /// The words that are recorded.
    #[must_use]
    pub fn words(self) -> String {
        format!("{BEFORE}{} of {}{AFTER}", self.would_delete, self.of)
    }

    /// The figures of recorded words.
    #[must_use]
    pub fn read(words: &str) -> Option<Self> {
        let (would_delete, of) =
            words.strip_prefix(BEFORE)?.strip_suffix(AFTER)?.split_once(" of ")?;
        Some(Self { would_delete: would_delete.parse().ok()?, of: of.parse().ok()? })
    }
}

/// How many files a frozen machine's standby would have deleted; `None` where it is not frozen, or for
/// another reason.
#[must_use]
pub fn deletions(of: &Association) -> Option<i64> {
    if of.state != AssociationState::Frozen {
        return None;
    }
    Loss::read(of.reason.as_deref()?).map(|loss| loss.would_delete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_is_read_again_and_nothing_else_is() {
        let loss = Loss { would_delete: 27, of: 30 };
        assert_eq!(Loss::read(&loss.words()), Some(loss));
        for other in ["", "27 of 30", "the workspace is not there on the GPU", BEFORE] {
            assert_eq!(Loss::read(other), None, "{other}");
        }
        let odd = loss.words().replace("27", "many");
        assert_eq!(Loss::read(&odd), None);
    }
}
