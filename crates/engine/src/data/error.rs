//! Why something about the data could not be done.

use domain::id::Epoch;
use providers::ssh::SshError;

/// What went wrong, by what a caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The standby is at a newer epoch: the one who asks was fenced off. Nothing was changed.
    #[error("epoch {} is over, the standby is at {}", asked.0, recorded.0)]
    StaleEpoch {
        /// The epoch of the one who asked.
        asked: Epoch,
        /// The epoch on the standby.
        recorded: Epoch,
    },
    /// The standby's copy does not follow this GPU (any more). Nothing was changed.
    #[error("not trusted by the standby: {0}")]
    Untrusted(String),
    /// Something else holds the copy. Nothing was changed.
    #[error("busy: {0}")]
    Busy(String),
    /// A host lacks something that it needs.
    #[error("not prepared: {0}")]
    Unprepared(String),
    /// A host can't run `dumont-agent`, or a standby not keep points with it.
    #[error("dumont-agent does not run there: {0}")]
    Unfit(String),
    /// There is no such recovery point (any more).
    #[error("there is no recovery point {0}")]
    NoPoint(i64),
    /// It was tried and did not work out; trying again is safe.
    #[error("{what}: {word}")]
    Failed {
        /// What was tried.
        what: &'static str,
        /// The host's words.
        word: String,
    },
    /// The host said nothing for too long.
    #[error("{0}: no sign of life for too long")]
    Silent(&'static str),
    /// The host can't be talked to.
    #[error(transparent)]
    Ssh(#[from] SshError),
}

impl DataError {
    pub(super) fn failed(what: &'static str, word: impl Into<String>) -> Self {
        Self::Failed { what, word: word.into() }
    }
}
