//! What the sandbox tells the program inside a host before it serves.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The file of it in the seat.
pub(crate) const FILE: &str = "plan.json";

/// How a host differs from an ordinary one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Plan {
    /// A folder whose files come before those of `/usr`, and take some of them away.
    pub(crate) usr: Option<String>,
    /// Folders in which nothing can be run.
    pub(crate) noexec: Vec<String>,
    /// Logins that may be under way at once.
    pub(crate) startups: Option<usize>,
    /// Sessions that one connection may have open.
    pub(crate) sessions: Option<usize>,
}

impl Plan {
    /// Reads it; a seat without one is an ordinary host's.
    pub(crate) fn read(seat: &Path) -> io::Result<Self> {
        match std::fs::read(seat.join(FILE)) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}
