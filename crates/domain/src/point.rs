//! Recovery points of a standby's copy, and the way back to one.

use serde::{Deserialize, Serialize};

use crate::association::Serving;
use crate::id::Epoch;
use crate::time::Millis;

/// How many paths of a difference are named.
pub const LISTED: usize = 100;

/// Most characters of a path that may be gone back for.
const PATH: usize = 1_024;

crate::text_enum! {
    /// Of what a recovery point was made.
    pub enum PointKind ("kind of recovery point") {
        /// Everything on the GPU was looked at.
        Scan = "scan",
        /// What the GPU's kernel told to have changed was looked at.
        Watched = "watched",
        /// The copy as work on the standby left it, or as it was before points were kept.
        Standby = "standby",
        /// The copy was put back to an earlier point.
        Back = "back",
    }
}

/// What a point lacked of the workspace when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lacks {
    /// Files that never held still: their last whole version is in it, where there was one.
    pub in_flux: i64,
    /// Files that never arrived as they were read: their last version is in it.
    pub corrupt: i64,
    /// Entries that are not protected; what the user excluded is not counted.
    pub not_protected: i64,
}

/// A moment of the workspace that can be gone back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryPoint {
    /// Rises.
    pub id: i64,
    /// The epoch in which it was made.
    pub epoch: Epoch,
    /// When it was complete, by the standby's clock.
    pub at: Millis,
    /// Of what it was made.
    pub kind: PointKind,
    /// Files and links in it.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Entries that are new, different or gone since the point before.
    pub changed: i64,
    /// It stays, whatever its age: a drill uses it.
    pub pinned: bool,
    /// What it lacked; not known of one that was not made of what a GPU had.
    pub lacks: Option<Lacks>,
}

/// What is known of all points of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Points {
    /// The newest of them, the newest first.
    pub listed: Vec<RecoveryPoint>,
    /// How many there are.
    pub count: i64,
    /// Since when each file's content was read and hashed at least once where it was written; not known where
    /// there is none.
    pub proven_since: Option<Millis>,
    /// Bytes that earlier points take beside the copy.
    pub history_bytes: i64,
    /// Where the copy is not the newest point, as after a disk refused a step.
    pub cut_off: Option<String>,
}

/// What going back changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Change {
    /// Files that are there again.
    pub added: i64,
    /// Files that are as they were.
    pub changed: i64,
    /// Files that are not there any more.
    pub removed: i64,
    /// Bytes that are brought.
    pub bytes: i64,
}

impl Change {
    /// How many files.
    #[must_use]
    pub const fn files(self) -> i64 {
        self.added.saturating_add(self.changed).saturating_add(self.removed)
    }
}

/// What going back would change, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// How much.
    pub change: Change,
    /// Files whose content of then is not kept any more: going back is refused.
    pub missing: i64,
    /// Some of the paths, [`LISTED`] at most.
    pub listed: Vec<String>,
}

crate::text_enum! {
    /// What became of a way back.
    pub enum ReturnState ("state of a way back") {
        /// It is asked for, or under way.
        Asked = "asked",
        /// It is done.
        Done = "done",
        /// It was given up.
        Failed = "failed",
    }
}

/// A way back that a machine's user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// The epoch in which it was asked for; in another one nothing is done.
    pub epoch: Epoch,
    /// To which point.
    pub point: i64,
    /// When that was made, where it is known.
    pub point_at: Option<Millis>,
    /// At and below this path of the workspace; empty: all of it.
    pub path: String,
    /// Where the work was when it was asked for: what is put back is what works there.
    pub serving: Serving,
    /// When it was asked for.
    pub asked_at: Millis,
    /// What became of it.
    pub state: ReturnState,
    /// The point that holds what was there before.
    pub before: Option<i64>,
    /// The point that the copy was put back as.
    pub made: Option<i64>,
    /// What it changes, as far as that is known.
    pub change: Option<Change>,
    /// How often it was tried.
    pub tries: i64,
    /// Why it did not work out last.
    pub problem: Option<String>,
    /// When it ended.
    pub ended_at: Option<Millis>,
}

/// A path of the workspace that may be gone back for, as it is kept: relative, without a slash at either
/// end; empty for all.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn path(text: &str) -> Result<String, &'static str> {
    let path = text.trim_matches('/');
    if path.chars().count() > PATH || path.contains('\0') {
        return Err("must be at most 1024 characters");
    }
    let plain = |name: &str| !name.is_empty() && name != "." && name != "..";
    if !path.is_empty() && !path.split('/').all(plain) {
        return Err("must be a path below the workspace, without . and ..");
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_below_the_workspace() {
        for (text, kept) in
            [("", ""), ("/", ""), ("runs/7/", "runs/7"), ("/a b/\u{e9}", "a b/\u{e9}")]
        {
            assert_eq!(path(text).as_deref(), Ok(kept), "{text}");
        }
        for text in ["..", "a/../b", "./a", "a//b", "a\0b", &"x".repeat(PATH + 1)] {
            assert!(path(text).is_err(), "{text}");
        }
    }
}
