//! Bringing a copy from the standby to a new GPU.

use std::time::Duration;

use domain::failover::RestoreOutput;
use domain::gpu::Endpoint;
use domain::id::Epoch;
use providers::ssh::{Script, Shell};

use super::wire::{Answer, Talk, checked, script, with_endpoint};
use super::{DataError, Progress};

const WHAT: &str = "restoring";
/// Longest silence. rsync gives up by itself on a silent GPU; scanning and comparing take their time.
const SILENCE: Duration = Duration::from_secs(900);

/// Makes the new GPU's workspace what `source` on the standby is. What the GPU has beyond that (from
/// its image) is removed: it has never served. The GPU is known by its host key. Again sends only what
/// changed since; the standby's side is never changed.
///
/// # Errors
/// [`DataError::Failed`] when the transfer did not complete; what arrived stays for the next try.
pub async fn restore(
    standby: &Shell,
    source: &str,
    gpu: &Endpoint,
    host_key: &str,
    workspace: &str,
) -> Result<RestoreOutput, DataError> {
    restore_with(standby, source, gpu, host_key, workspace, None, &mut |_| {}).await
}

/// As [`restore`], telling how far it is; where `whole` is given, first all that there is to send to a
/// GPU that has nothing yet.
///
/// # Errors
/// As [`restore`].
pub async fn restore_with(
    standby: &Shell,
    source: &str,
    gpu: &Endpoint,
    host_key: &str,
    workspace: &str,
    whole: Option<&mut (dyn FnMut(Progress) + Send)>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<RestoreOutput, DataError> {
    let script = with_endpoint(
        script!(standby "restore").arg(source).arg(checked(workspace)?).arg("pin"),
        gpu,
    )
    .arg(host_key);
    let script = if whole.is_some() { script.arg("count") } else { script };
    send(standby, script, whole, progress).await
}

/// Sends again what differs in content, whatever sizes and times say. For a GPU that was restored to
/// before.
///
/// # Errors
/// [`DataError::Untrusted`] when it was not; else as [`restore`].
pub async fn repair(
    standby: &Shell,
    source: &str,
    gpu: &Endpoint,
    workspace: &str,
) -> Result<RestoreOutput, DataError> {
    let script = with_endpoint(
        script!(standby "restore").arg(source).arg(checked(workspace)?).arg("known"),
        gpu,
    )
    .arg("content");
    send(standby, script, None, &mut |_| {}).await
}

/// Gives the GPU that the copy follows again what it deleted: exactly the deletions of this digest, which
/// the standby keeps since it was stopped for them. Nothing that is there on the GPU is touched.
///
/// # Errors
/// [`DataError::StaleEpoch`] and [`DataError::Untrusted`] when the standby no longer follows this GPU in
/// this epoch, [`DataError::Failed`] when the standby keeps another list, or not all of it was sent;
/// again sends the rest.
pub async fn bring_back(
    standby: &Shell,
    gpu: &Endpoint,
    workspace: &str,
    epoch: Epoch,
    digest: &str,
) -> Result<RestoreOutput, DataError> {
    let script =
        script!(standby "bring_back").arg(checked(workspace)?).arg(epoch.to_string()).arg(digest);
    let talk = Talk::start(standby, &with_endpoint(script, gpu), WHAT, SILENCE).await?;
    Ok(sent(&talk.end(epoch, &mut |_| {}).await?))
}

async fn send(
    standby: &Shell,
    script: Script,
    whole: Option<&mut (dyn FnMut(Progress) + Send)>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<RestoreOutput, DataError> {
    let mut talk = Talk::start(standby, &script, WHAT, SILENCE).await?;
    if let Some(whole) = whole
        && talk.until("count=ready", progress).await?
    {
        let number = |key| talk.answer.number(key, WHAT);
        whole(Progress { files: number("count_files")?, bytes: number("count_bytes")? });
    }
    Ok(sent(&talk.end(Epoch(0), progress).await?))
}

fn sent(answer: &Answer) -> RestoreOutput {
    RestoreOutput {
        files: answer.figures.sent.unwrap_or(0),
        bytes: answer.figures.sent_bytes.unwrap_or(0),
        frozen_at: None,
        point: None,
    }
}
