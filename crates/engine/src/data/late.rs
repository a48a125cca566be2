//! What a GPU that was left still holds beyond the copy: fetched to the standby before it goes.

use std::time::Duration;

use domain::gpu::Endpoint;
use domain::id::Epoch;
use providers::ssh::Shell;

use super::DataError;
use super::wire::{ask, checked, script, with_endpoint};

/// The whole of a large workspace may have to be looked through.
const FETCH: Duration = Duration::from_secs(1_800);

/// What is asked of a GPU that was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Whether anything was written since the mark.
    Look,
    /// Sets the mark: what is fetched from now on is fetched after it.
    Mark,
}

/// Holds in place what runs on a GPU that was left, for good, and tells whether nothing was written in its
/// workspace since the mark, by its own clock. Where not all could be held, it is not known to be so.
///
/// # Errors
/// When the GPU can't be talked to, or no mark can be set there.
pub async fn hold_left(
    gpu: &Shell,
    workspace: &str,
    failover: &str,
    what: Hold,
) -> Result<bool, DataError> {
    const WHAT: &str = "holding what runs on the GPU that was left";
    let action = match what {
        Hold::Look => "look",
        Hold::Mark => "mark",
    };
    let script = script!("left").arg(action).arg(checked(workspace)?).arg(failover);
    let answer = ask(gpu, &script, WHAT, Epoch(0), FETCH).await?;
    tracing::debug!(failover, held = answer.text("held"), quiet = answer.text("quiet"), "held");
    Ok(answer.text("quiet") == "1")
}

/// Files that the copy did not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// Files and links.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Folder on the standby.
    pub path: String,
}

/// Fetches from a GPU that was left all files that differ from the standby's copy by size or time, into a
/// folder of the failover's own. The copy is not changed. Again goes on where it was cut off.
///
/// # Errors
/// [`DataError::Failed`] when they don't fit, or the transfer did not complete.
pub async fn fetch_late(
    standby: &Shell,
    workspace: &str,
    failover: &str,
    gpu: &Endpoint,
    host_key: &str,
) -> Result<Late, DataError> {
    const WHAT: &str = "fetching late writes";
    let script = script!(standby "late").arg(checked(workspace)?).arg(failover);
    let script = with_endpoint(script, gpu).arg(host_key);
    let answer = ask(standby, &script, WHAT, Epoch(0), FETCH).await?;
    Ok(Late {
        files: answer.number("files", WHAT)?,
        bytes: answer.number("bytes", WHAT)?,
        path: answer.text("path").to_owned(),
    })
}
