//! What can go wrong in the store, as far as a caller can act on it.

use domain::id::Epoch;

/// A failed operation on the store. Nothing was changed, unless it is `Unavailable` during a write:
/// then it may or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such row, or it is another user's.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The row is no longer in the state (or epoch) that the caller believed: re-read and decide
    /// again.
    #[error("stale write to {what}{}", expected.map(|epoch| format!(" (epoch {epoch})")).unwrap_or_default())]
    Stale {
        /// The kind of row.
        what: &'static str,
        /// The epoch that the caller believed, where the guard is one.
        expected: Option<Epoch>,
    },
    /// Another row stands against it; the word says which rule.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// A stored value is not what this version can read or write.
    #[error("unreadable value in {place}: {why}")]
    Corrupt {
        /// Column.
        place: &'static str,
        /// What is wrong with it; never the value of a secret.
        why: String,
    },
    /// A secret can't be sealed or opened.
    #[error("secret: {0}")]
    Key(#[from] KeyError),
    /// The address of the database is not one that can be used.
    #[error("database address: {0}")]
    Address(String),
    /// The schema could not be brought up to date.
    #[error("could not migrate the database")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The schema is another one, and may not be changed.
    #[error("its schema is version {found}, this program's is {known}{}", if found < known { "; `dumont serve` brings it up to date" } else { "" })]
    Schema {
        /// The newest migration that was applied.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The database did not answer, or refused.
    #[error("database unavailable")]
    Unavailable(#[source] sqlx::Error),
}

impl StoreError {
    /// A guard that found another state.
    pub(crate) const fn stale(what: &'static str) -> Self {
        Self::Stale { what, expected: None }
    }

    /// A guard that found another epoch.
    pub(crate) const fn stale_epoch(what: &'static str, expected: Epoch) -> Self {
        Self::Stale { what, expected: Some(expected) }
    }

    /// Names the rule that a unique index stands for; other errors as usual.
    pub(crate) fn on_unique(error: sqlx::Error, rule: &'static str) -> Self {
        match Self::from(error) {
            Self::Conflict(_) => Self::Conflict(rule),
            other => other,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(word) if word.is_unique_violation() => {
                Self::Conflict("it exists already")
            }
            sqlx::Error::Database(word) if word.is_foreign_key_violation() => {
                Self::NotFound("owner")
            }
            _ => Self::Unavailable(error),
        }
    }
}

/// Why a key or a sealed value can't be used. Never carries either.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file could not be read or written.
    #[error("key file {path}: {source}")]
    File {
        /// Where it is.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key file can be read by others.
    #[error("key file {path} has mode {mode:o}; it must be 600 (chmod 600 {path})")]
    LooseMode {
        /// Where it is.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// There is no key, or one is not 32 bytes in base64.
    #[error("a master key must be 32 bytes in base64")]
    Malformed,
    /// The value was sealed under a key that is not in the ring.
    #[error("sealed under the unknown key {0}")]
    UnknownKey(String),
    /// The value was changed, or belongs to another row.
    #[error("a sealed value does not belong where it was found")]
    Forged,
    /// Another process is changing the key file.
    #[error("another process is changing the key file")]
    Busy,
    /// The operation needs keys kept in a file.
    #[error("the master key is not kept in a file")]
    NotAFile,
}
