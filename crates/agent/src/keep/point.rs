//! A recovery point, and what is known of a path of the live copy.

use serde::{Deserialize, Serialize};

use crate::clock::Nanos;
use crate::entry::{Entry, Identity};

/// How what changed was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Everything was listed.
    Scan,
    /// Only what the watch told was.
    Watched,
    /// The copy as the standby's own job left it.
    Standby,
    /// The copy was put back to an earlier point.
    Back,
}

/// A moment of the workspace that can be gone back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Rises.
    pub id: u64,
    /// The epoch in which it was taken.
    pub epoch: u64,
    /// All that was written before, by the workspace's clock, is in it.
    pub began: Nanos,
    /// When it was complete here, by this host's clock.
    pub received: Nanos,
    /// How what changed was found.
    pub kind: Kind,
    /// Files and links in it.
    pub files: u64,
    /// Bytes of its files, holes counted.
    pub bytes: u64,
    /// Entries that are new or different since the point before, or gone.
    pub changed: u64,
    /// It stays, whatever its age.
    pub pinned: bool,
}

/// What a point that was made of a workspace did not have as it was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lacks {
    /// Files that never held still: their last whole version is in it.
    pub flux: u64,
    /// Files that never arrived as they were read: their last version is in it.
    pub corrupt: u64,
    /// Entries that are not protected, those that the user excluded not counted.
    pub unprotected: u64,
}

/// What is known of a path of the live copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Live {
    /// As in the last point.
    pub(super) entry: Entry,
    /// As the workspace's host last said, where that is the host of now.
    pub(super) source: Option<Identity>,
    /// It was read so shortly after a change that a later one may leave the same time stamps.
    pub(super) racy: bool,
    /// It was copied through SQLite's backup; what was beside it then.
    pub(super) database: Option<Beside>,
    /// As it was left here; a difference means that something here wrote to it.
    pub(super) placed: Option<Identity>,
    /// When its content was last read and hashed on the workspace's host.
    pub(super) proven: Nanos,
}

/// What stood beside a database when it was copied: its write-ahead log or rollback journal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Beside(pub(super) Option<Identity>);
