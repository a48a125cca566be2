//! The standby's copy becomes the place of work.

use std::time::Duration;

use domain::id::Epoch;
use providers::ssh::Shell;

use super::DataError;
use super::wire::{ask, checked, script};

/// Counting a large tree takes its time.
const TAKEOVER: Duration = Duration::from_secs(180);

/// The copy as it was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Files and links in it.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// The last sync that completed, as `<epoch>-<cycle>`; none where there was none.
    pub last_cycle: Option<String>,
    /// The sync that was cut off while it changed the copy, if one was: each file is whole, but some
    /// may be newer than the last complete sync.
    pub cut_off: Option<String>,
    /// Where that is of some paths alone: how many are not what the point says, and some of them. All else is.
    pub damaged: Option<(i64, Vec<String>)>,
}

/// Raises the epoch on the standby, so that nothing of an older one changes its copy any more, ends a
/// sync that is under way, and lets the copy follow no GPU until [`super::trust_gpu`] says which.
/// Again does no harm.
///
/// # Errors
/// [`DataError::StaleEpoch`] when the standby knows a newer epoch.
pub async fn takeover(standby: &Shell, workspace: &str, epoch: Epoch) -> Result<Taken, DataError> {
    const WHAT: &str = "taking over";
    let script = script!(standby "takeover").arg(checked(workspace)?).arg(epoch.to_string());
    let answer = ask(standby, &script, WHAT, epoch, TAKEOVER).await?;
    Ok(Taken {
        files: answer.number("files", WHAT)?,
        bytes: answer.number("bytes", WHAT)?,
        last_cycle: answer.some("last"),
        cut_off: answer.some("interrupted"),
        damaged: None,
    })
}
