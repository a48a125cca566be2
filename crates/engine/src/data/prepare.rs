//! Making hosts able: the standby to follow, the GPU to let it in, and the tie between the two.

use std::time::Duration;

use domain::gpu::Endpoint;
use domain::id::Epoch;
use providers::ssh::Shell;

use super::DataError;
use super::wire::{ask, checked, script, with_endpoint};

/// Long, since packages may have to be installed.
const PREPARE: Duration = Duration::from_secs(300);
/// Longest public key, bytes.
const KEY: usize = 1024;
const TRUST: Duration = Duration::from_secs(60);

/// A standby that can follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandbyFacts {
    /// The public key with which it reaches GPUs: type, key, comment. Its private half never leaves it.
    pub public_key: String,
}

/// Makes a standby able to follow a GPU: its programs, its folders, its key. Again does no harm.
///
/// # Errors
/// [`DataError::Unprepared`] when it lacks a program that can't be installed.
pub async fn prepare_standby(standby: &Shell) -> Result<StandbyFacts, DataError> {
    const WHAT: &str = "preparing the standby";
    let answer = ask(standby, &script!("prepare_standby"), WHAT, Epoch(0), PREPARE).await?;
    // A line with more than a key would go into a GPU's authorized_keys as it is.
    let public_key = answer
        .some("public_key")
        .filter(|key| {
            key.len() <= KEY && key.starts_with("ssh-") && !key.contains(char::is_control)
        })
        .ok_or_else(|| DataError::failed(WHAT, "it has no key"))?;
    Ok(StandbyFacts { public_key })
}

/// Lets the standby into a GPU and makes that able to send and receive. Again does no harm. A workspace
/// that is missing is made where one is named: never on a GPU whose files the standby already holds,
/// since an empty folder would then look like the work.
///
/// # Errors
/// [`DataError::Unprepared`] when it lacks rsync and that can't be installed.
pub async fn prepare_gpu(
    gpu: &Shell,
    standby_public_key: &str,
    workspace: Option<&str>,
) -> Result<(), DataError> {
    let workspace = workspace.map(checked).transpose()?;
    let script =
        script!("prepare_gpu").arg(standby_public_key).arg(workspace.as_deref().unwrap_or(""));
    ask(gpu, &script, "preparing the GPU", Epoch(0), PREPARE).await?;
    Ok(())
}

/// Has the standby's copy follow this GPU and no other, known by this host key, from this epoch on.
/// A cycle of another GPU or an older epoch that is under way is ended first.
///
/// # Errors
/// [`DataError::StaleEpoch`] when the standby knows a newer one; nothing was changed then.
pub async fn trust_gpu(
    standby: &Shell,
    endpoint: &Endpoint,
    host_key: &str,
    epoch: Epoch,
) -> Result<(), DataError> {
    let script =
        with_endpoint(script!(standby "trust").arg(epoch.to_string()), endpoint).arg(host_key);
    ask(standby, &script, "tying the standby to the GPU", epoch, TRUST).await?;
    Ok(())
}
