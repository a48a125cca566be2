//! How many files and connections this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is assumed where the system sets no bound.
const UNBOUNDED: u64 = 1 << 20;

/// Raises the bound as far as the system lets it be raised; how many there are now.
#[must_use]
pub fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(UNBOUNDED);
    let wanted = Rlimit { current: Some(hard), maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "the number of open files could not be raised");
    }
    let now = getrlimit(Resource::Nofile).current.unwrap_or(UNBOUNDED);
    usize::try_from(now).unwrap_or(usize::MAX)
}
