//! Why keeping came to nothing.

use std::io;

use serde::{Deserialize, Serialize};

use crate::path::RelPath;
use crate::source::SourceError;

/// What went wrong. Trying again is safe: whatever was begun is finished or undone first.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The workspace could not be read, or the target not written.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The index refused.
    #[error("the index of recovery points: {0}")]
    Index(#[from] rusqlite::Error),
    /// The index holds what this version can't read.
    #[error("the index of recovery points is damaged: {0}")]
    Damaged(&'static str),
    /// The standby's disk refused.
    #[error("{what}: {error}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// The kernel's words.
        error: io::Error,
    },
    /// The one who asks was fenced off. Nothing was changed.
    #[error("epoch {asked} is over, the standby is at {recorded}")]
    StaleEpoch {
        /// The epoch of the one who asked.
        asked: u64,
        /// The epoch on the standby.
        recorded: u64,
    },
    /// Contents are kept by renaming, which ends at a file system's border.
    #[error("the copy and its recovery points are not on one file system")]
    Apart,
    /// No such recovery point is kept (any more).
    #[error("there is no recovery point {0}")]
    NoPoint(u64),
    /// Entries of the copy that could not be read while every writer was held: no point was made.
    #[error("{} entries of the copy can't be read", .0.len())]
    Unread(Vec<(RelPath, Unread)>),
    /// So many contents that were to be used for the next point went away, each time that they were
    /// fetched anew. No point was made.
    #[error("{0} contents on the standby went away while a point was made of them")]
    Unsteady(u64),
    /// It was told to stop before the next step.
    #[error("stopped before: {0}")]
    Stopped(&'static str),
}

/// Why an entry of the copy could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unread {
    /// It never held still, or a process has it open for writing.
    Flux,
    /// The kernel refused, with this number.
    Refused(i32),
    /// Another file system is mounted there.
    OtherFileSystem,
    /// Its path or its attributes are longer than is kept.
    TooLarge,
}

/// What keeping gives.
pub type Result<T> = std::result::Result<T, KeepError>;

impl KeepError {
    /// Whether the index itself is damaged: nothing can be done with it any more.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Damaged(_) => true,
            // A table that is not there, a column of another type.
            Self::Index(
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::QueryReturnedNoRows,
            ) => true,
            Self::Index(error) => {
                matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
                    || error.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown)
            }
            _ => false,
        }
    }
}

/// Says what was tried when the kernel refuses.
pub(super) trait What<T> {
    /// As [`KeepError::Disk`].
    fn what(self, what: &'static str) -> Result<T>;
}

impl<T> What<T> for io::Result<T> {
    fn what(self, what: &'static str) -> Result<T> {
        self.map_err(|error| KeepError::Disk { what, error })
    }
}

impl<T> What<T> for std::result::Result<T, rustix::io::Errno> {
    fn what(self, what: &'static str) -> Result<T> {
        self.map_err(|error| KeepError::Disk { what, error: error.into() })
    }
}
