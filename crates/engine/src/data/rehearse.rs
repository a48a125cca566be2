//! A drill's own copy: pinned beside the live one, which goes on following.

use std::time::Duration;

use domain::id::Epoch;
use providers::ssh::Shell;

use super::DataError;
use super::wire::{ask, checked, script};

/// A sync that is under way is waited for.
const REHEARSE: Duration = Duration::from_secs(600);
const FORGET: Duration = Duration::from_secs(300);

/// A pinned copy on the standby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// Its folder.
    pub source: String,
    /// Files and links in it.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
}

/// Pins the copy as the last complete sync left it. Unchanged files are shared with the live copy;
/// later syncs do not show through. Again gives the same copy.
///
/// # Errors
/// [`DataError::Failed`] while the last sync was cut off and not mended yet, [`DataError::Busy`].
pub async fn rehearse(standby: &Shell, workspace: &str, drill: &str) -> Result<Pinned, DataError> {
    const WHAT: &str = "pinning the copy";
    let script = script!(standby "rehearse").arg(checked(workspace)?).arg(drill);
    let answer = ask(standby, &script, WHAT, Epoch(0), REHEARSE).await?;
    Ok(Pinned {
        source: answer.text("source").to_owned(),
        files: answer.number("files", WHAT)?,
        bytes: answer.number("bytes", WHAT)?,
    })
}

/// Removes a drill's copy. Fine when there is none.
///
/// # Errors
/// [`DataError::Failed`] when it is still there.
pub async fn forget_rehearsal(standby: &Shell, drill: &str) -> Result<(), DataError> {
    let script = script!("forget").arg(drill);
    ask(standby, &script, "removing the drill's copy", Epoch(0), FORGET).await?;
    Ok(())
}
