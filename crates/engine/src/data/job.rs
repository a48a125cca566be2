//! What the user's command left running on the standby: held, let go on, ended.
//!
//! Its processes are known by a mark in their environment, which they pass on, however they detach
//! themselves. Work of a person who logged in is not ours to stop and is left alone.

use std::time::Duration;

use domain::id::Epoch;
use providers::ssh::Shell;

use super::DataError;
use super::wire::{ask, script};

const JOB: Duration = Duration::from_secs(60);

/// Holds the job in place, so that nothing of it writes. Gives how many processes there are.
///
/// # Errors
/// When the standby can't be talked to.
pub async fn freeze_writes(standby: &Shell) -> Result<i64, DataError> {
    act(standby, "freeze", "holding the job on the standby").await
}

/// Lets the job go on.
///
/// # Errors
/// When the standby can't be talked to.
pub async fn thaw_writes(standby: &Shell) -> Result<i64, DataError> {
    act(standby, "thaw", "letting the job on the standby go on").await
}

/// Ends the job: asked to first, killed after 5 s.
///
/// # Errors
/// [`DataError::Failed`] when it can't be ended.
pub async fn end_standby_job(standby: &Shell) -> Result<i64, DataError> {
    act(standby, "end", "ending the job on the standby").await
}

async fn act(standby: &Shell, action: &'static str, what: &'static str) -> Result<i64, DataError> {
    let answer = ask(standby, &script!("job").arg(action), what, Epoch(0), JOB).await?;
    answer.number("processes", what)
}
