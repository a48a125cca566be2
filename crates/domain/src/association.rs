//! An association: a protected machine and its standby, across every GPU that it moves to.

use serde::{Deserialize, Serialize};

use crate::gaps::{Drift, Gaps};
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

crate::text_enum! {
    /// By which means a standby follows.
    pub enum DataPath ("data path") {
        /// `dumont-agent`: recovery points with a hash of each file as it was read on the GPU.
        Agent = "agent",
        /// rsync: size and time stand for content, and a proof is against the standby's own copy.
        Rsync = "rsync",
    }
}

crate::text_enum! {
    /// Why a standby follows by rsync.
    pub enum WhyRsync ("reason for rsync") {
        /// This installation is set so.
        Off = "off",
        /// The GPU can't run `dumont-agent`.
        Gpu = "gpu",
        /// The standby can't run it, or not keep points with it.
        Standby = "standby",
        /// Other file systems are mounted below the workspace, which only rsync follows across.
        Mounts = "mounts",
        /// It could not be put on both hosts in time; that is tried again.
        NotPut = "not_put",
        /// This installation has no such program.
        NoProgram = "no_program",
    }
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
    /// By which means it follows; not known before it did.
    pub path: Option<DataPath>,
    /// Why by rsync, where it does.
    pub why_rsync: Option<WhyRsync>,
    /// What of the workspace the copy does not hold as it is; not known before the first sync, and by rsync.
    pub gaps: Option<Gaps>,
    /// The newest recovery point, where the standby keeps points.
    pub point: Option<i64>,
    /// What was last found to have been written to the copy on the standby, and when.
    pub drift: Option<(Millis, Drift)>,
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

/// Folders of the system; a workspace is none of them, nor below one.
const SYSTEM: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/proc",
    "/root/.ssh",
    "/run",
    "/sbin",
    "/snap",
    "/sys",
    "/usr",
    "/var",
];
/// Folders that hold more than work: what is below them may be one.
const SHARED: &[&str] = &["/home", "/root", "/tmp"];

/// The single place of the rule for a workspace path: absolute, without `.` and `..`, no control
/// character, not the root, none of the system's folders nor below one, and not the settings of whoever
/// logs in (a hidden folder right below a home). Gives the path as it is kept: without doubled slashes
/// and one at the end, which mean nothing and hide what the path is.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn workspace(path: &str) -> Result<String, &'static str> {
    if !path.starts_with('/') {
        return Err("must be an absolute path");
    }
    if path.chars().any(char::is_control) || path.len() > 255 {
        return Err("must be at most 255 characters without control characters");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| matches!(*part, "." | "..")) {
        return Err("must not contain . or ..");
    }
    if parts.is_empty() {
        return Err("must not be the root folder");
    }
    let hidden_in_home = match parts.as_slice() {
        ["root", below, ..] | ["home", _, below, ..] => below.starts_with('.'),
        _ => false,
    };
    let normal = format!("/{}", parts.join("/"));
    let is_system =
        SYSTEM.iter().any(|system| normal == *system || normal.starts_with(&format!("{system}/")));
    if is_system || hidden_in_home || SHARED.contains(&normal.as_str()) {
        return Err("must not be one of the system's folders");
    }
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use super::{SHARED, SYSTEM, workspace};

    #[test]
    fn a_folder_of_its_own_is_a_workspace_in_its_plainest_spelling() {
        for (path, kept) in [
            ("/workspace", "/workspace"),
            ("/workspace/", "/workspace"),
            ("//data///project one//", "/data/project one"),
            ("/root/work", "/root/work"),
            ("/home/ana/work/.cache", "/home/ana/work/.cache"),
            ("/variable", "/variable"),
            ("/etcetera/x", "/etcetera/x"),
        ] {
            assert_eq!(workspace(path).as_deref(), Ok(kept), "{path}");
        }
    }

    /// Each spelling of each folder: more slashes wherever there is one, something below, ways back.
    #[test]
    fn no_spelling_of_a_folder_of_the_system_is_a_workspace() {
        let spellings = |path: &str| {
            let parts = path.trim_start_matches('/');
            [
                format!("/{parts}"),
                format!("//{parts}"),
                format!("////{parts}//"),
                format!("/{}/", parts.replace('/', "//")),
                format!("/./{parts}"),
                format!("/workspace/../{parts}"),
                format!("/workspace/..//{parts}/"),
                format!("/{parts}/."),
            ]
        };
        for system in SYSTEM {
            for below in ["", "/dumont", "/lib/dumont/versions", "//x"] {
                for path in spellings(&format!("{system}{below}")) {
                    assert!(workspace(&path).is_err(), "{path}");
                }
            }
        }
        for path in
            SHARED.iter().copied().chain(["/root/.ssh", "/root/.config/x", "/home/ana/.ssh", "/"])
        {
            for path in spellings(path) {
                assert!(workspace(&path).is_err(), "{path}");
            }
        }
        for bad in ["", "workspace", "./workspace", "~", "~/work", "/x\n", "/a/../etc", "//"] {
            assert!(workspace(bad).is_err(), "{bad}");
        }
        assert!(workspace(&format!("/{}", "x".repeat(255))).is_err());
    }
}
