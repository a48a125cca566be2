//! An association: a protected machine and its standby, across every GPU that it moves to.

use serde::{Deserialize, Serialize};

use crate::gpu::Endpoint;
use crate::id::{AssociationId, Epoch, FailoverId, GpuId, UserId};
use crate::offer::GpuSpec;
use crate::standby::Standby;
use crate::time::Millis;

crate::text_enum! {
    /// What an association is doing.
    pub enum AssociationState ("association state") {
        /// Its standby is being made or prepared.
        Preparing = "preparing",
        /// The first full copy is under way: not protected yet.
        FirstSync = "first_sync",
        /// The standby follows the GPU.
        Following = "following",
        /// Sync was switched off, or the GPU was paused by its user.
        Paused = "paused",
        /// The tripwire stopped sync; the standby's copy is kept as it was.
        Frozen = "frozen",
        /// A failover or planned move is under way.
        FailingOver = "failing_over",
        /// The user works on the standby.
        OnStandby = "on_standby",
        /// The standby can't follow; the reason says why.
        Degraded = "degraded",
        /// Being removed together with its standby.
        Deleting = "deleting",
    }
}

crate::text_enum! {
    /// Where the user's work runs now.
    pub enum Serving ("serving side") {
        /// On the GPU.
        Gpu = "gpu",
        /// On the CPU standby.
        Standby = "standby",
        /// Nowhere: paused, or lost without a standby.
        None = "none",
    }
}

/// Commands of the user's, run with `bash -c` on the side they name. Time-limited; a failing one is
/// shown and never blocks the safety of data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hooks {
    /// Run on the standby when it takes over.
    #[cfg_attr(feature = "openapi", schema(max_length = 8192, required = false))]
    pub on_standby: Option<String>,
    /// Run on the new GPU after its data is verified.
    #[cfg_attr(feature = "openapi", schema(max_length = 8192, required = false))]
    pub on_gpu: Option<String>,
    /// Run on the side that is about to be left, so that it stops writing.
    #[cfg_attr(feature = "openapi", schema(max_length = 8192, required = false))]
    pub before_switch: Option<String>,
}

/// How far the standby is behind. All from measurements; `None` is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncStatus {
    /// Completed syncs.
    pub count: i64,
    /// Start of the newest completed scan: everything written before it is on the standby.
    pub complete_to: Option<Millis>,
    /// End of the newest completed sync.
    pub last_sync_at: Option<Millis>,
    /// Files in the workspace at that scan.
    pub files: Option<i64>,
    /// Bytes in the workspace at that scan.
    pub bytes: Option<i64>,
    /// Files that changed since and are not on the standby yet.
    pub pending_files: Option<i64>,
    /// Their bytes.
    pub pending_bytes: Option<i64>,
    /// Why sync does not run or failed last, in words.
    pub problem: Option<String>,
}

/// A protected machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// Identity across failovers.
    pub id: AssociationId,
    /// Owner.
    pub user: UserId,
    /// The GPU that it runs on, or ran on last.
    pub gpu: GpuId,
    /// What people call it.
    pub name: String,
    /// Absolute path of the workspace on every side.
    pub workspace: String,
    /// Image for a replacement.
    pub image: Option<String>,
    /// Class of the machine, for a replacement.
    pub spec: GpuSpec,
    /// The user's commands.
    pub hooks: Hooks,
    /// What it is doing.
    pub state: AssociationState,
    /// Why, where the state needs a reason.
    pub reason: Option<String>,
    /// Where the user's work runs.
    pub serving: Serving,
    /// Whether the user wants the GPU to run (false: paused by the user).
    pub want_running: bool,
    /// Whether the standby shall follow.
    pub sync_enabled: bool,
    /// Fencing number.
    pub epoch: Epoch,
    /// Where the GPU answers SSH.
    pub gpu_endpoint: Option<Endpoint>,
    /// Its pinned host key.
    pub gpu_host_key: Option<String>,
    /// Its standby; none before it is asked for and after it is gone.
    pub standby: Option<Standby>,
    /// How far the standby is.
    pub sync: SyncStatus,
    /// The failover under way, if any.
    pub active_failover: Option<FailoverId>,
    /// When it was made.
    pub created_at: Millis,
}

/// The single place of the rule for a workspace path: absolute, no control character, not the root
/// and none of the system's folders.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_workspace(path: &str) -> Result<(), &'static str> {
    const SYSTEM: &[&str] = &[
        "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin",
        "/sys", "/usr", "/var",
    ];
    if !path.starts_with('/') {
        return Err("must be an absolute path");
    }
    if path.chars().any(char::is_control) || path.len() > 255 {
        return Err("must be at most 255 characters without control characters");
    }
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    if parts.peek().is_none() {
        return Err("must not be the root folder");
    }
    if path.split('/').any(|part| part == ".." || part == ".") {
        return Err("must not contain . or ..");
    }
    let trimmed = path.trim_end_matches('/');
    if SYSTEM.iter().any(|system| {
        trimmed == *system || trimmed.starts_with(&format!("{system}/")) && *system != "/root"
    }) {
        return Err("must not be one of the system's folders");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_workspace;

    #[test]
    fn only_a_plain_folder_of_its_own_is_a_workspace() {
        for good in ["/workspace", "/data/project one", "/root/work"] {
            assert_eq!(check_workspace(good), Ok(()), "{good}");
        }
        for bad in
            ["workspace", "/", "//", "/etc", "/usr/local", "/a/../etc", "/x\n", "/root/", "/."]
        {
            assert!(check_workspace(bad).is_err(), "{bad}");
        }
    }
}
