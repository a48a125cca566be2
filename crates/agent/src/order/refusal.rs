//! Why an order was not done.

use serde::{Deserialize, Serialize};

/// Why it was not done, by what a caller can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The standby is at a newer epoch. Nothing was changed.
    #[error("epoch {asked} is over, the standby is at {recorded}")]
    StaleEpoch {
        /// Of the one who asked.
        asked: u64,
        /// On the standby.
        recorded: u64,
    },
    /// The copy does not follow this GPU (any more). Nothing was changed.
    #[error("{0}")]
    Untrusted(String),
    /// Something else works on the copy. Nothing was changed.
    #[error("{0}")]
    Busy(String),
    /// There is no such folder on the GPU. Nothing was changed.
    #[error("the workspace is not there on the GPU: {0}")]
    WorkspaceMissing(String),
    /// The GPU could not be reached, or its side ended.
    #[error("{0}")]
    Unreachable(String),
    /// This standby can't keep points.
    #[error("{0}")]
    Unfit(String),
    /// There is no such point (any more).
    #[error("there is no recovery point {0}")]
    NoPoint(u64),
    /// It does not fit.
    #[error("{need} bytes are to come and {free} may be written")]
    NoRoom {
        /// Bytes that are to come.
        need: u64,
        /// Bytes that may be written.
        free: u64,
    },
    /// Contents of a point are not here any more: something on the standby wrote over them.
    #[error("{0} contents of that point are not here any more")]
    ContentsMissing(u64),
    /// Something of the copy could not be read while every writer was held: no point was made.
    #[error("{files} entries of the copy can't be read: {}", words.join(", "))]
    Unread {
        /// How many.
        files: u64,
        /// Some of them, with why.
        words: Vec<String>,
    },
    /// Contents that were to be used for the next point went away each time; no point was made.
    #[error("{0} contents on the standby went away while a point was made of them")]
    Unsteady(u64),
    /// The index is damaged; a sync makes a new one.
    #[error("{0}")]
    Damaged(String),
    /// It was tried and did not work out; trying again is safe.
    #[error("{0}")]
    Failed(String),
}
