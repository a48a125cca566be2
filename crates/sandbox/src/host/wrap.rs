//! What comes before bubblewrap in the process that becomes a host: its disk is mounted, and files that
//! bubblewrap reads from descriptors are opened.
//!
//! A shell does both and then becomes bubblewrap, so that the process stays the same one. The disk is
//! mounted in a mount namespace that only this host's processes are in: when the last is gone, however
//! it went, so is the mount, and no loop device is left behind.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// The descriptor of the user namespace.
pub(crate) const USERS_FD: &str = "3";
/// The descriptor of the seccomp program.
pub(crate) const FILTER_FD: &str = "4";

/// Mounting is tried again while the last boot's is still being undone.
const SCRIPT: &str = r#"set -e
if [ -n "$HOST_DISK" ]; then
  tries=0
  until mount -o loop,nodev,discard -- "$HOST_DISK" "$HOST_ROOT"; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ]
    sleep 0.1
  done
  rm -rf -- "$HOST_ROOT/run" "$HOST_ROOT/tmp"
  mkdir -m 755 -- "$HOST_ROOT/run"
  mkdir -m 1777 -- "$HOST_ROOT/tmp"
fi
[ -z "$HOST_USERS" ] || exec 3<"$HOST_USERS"
[ -z "$HOST_FILTER" ] || exec 4<"$HOST_FILTER"
exec bwrap "$@"
"#;

/// A container's command line with what comes before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// bubblewrap's own arguments.
    pub(crate) args: Vec<OsString>,
    /// The user namespace for [`USERS_FD`].
    pub(crate) users: Option<PathBuf>,
    /// The seccomp program for [`FILTER_FD`].
    pub(crate) filter: Option<PathBuf>,
    /// The file with the disk, and where it is mounted.
    pub(crate) disk: Option<(PathBuf, PathBuf)>,
}

impl From<Wrapped> for Command {
    fn from(wrapped: Wrapped) -> Self {
        let Wrapped { args, users, filter, disk } = wrapped;
        if users.is_none() && filter.is_none() && disk.is_none() {
            let mut command = Self::new("bwrap");
            command.args(args);
            return command;
        }
        let mut command = if disk.is_some() {
            let mut command = Self::new("unshare");
            command.args(["--mount", "--propagation", "private", "--", "sh"]);
            command
        } else {
            Self::new("sh")
        };
        let (file, root) = disk.unzip();
        for (name, path) in [
            ("HOST_USERS", users),
            ("HOST_FILTER", filter),
            ("HOST_DISK", file),
            ("HOST_ROOT", root),
        ] {
            command.env(name, path.unwrap_or_default());
        }
        command.args(["-c", SCRIPT, "sh"]).args(args);
        command
    }
}
