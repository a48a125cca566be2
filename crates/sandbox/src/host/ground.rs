//! What this machine lets a host be made of: namespaces, users, and disks of their own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::HostError;

/// Users that a host has where this program runs as root: 0 to this, each its own outside as well.
const USERS: u32 = 65_536;

/// How this machine lets a container be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// With a user namespace; needs no privilege.
    UserNamespace,
    /// As root on a machine that allows no user namespaces.
    Root,
}

/// What works here.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) isolation: Isolation,
    /// A user namespace with every user, made once and shared by all hosts; without it a host's files
    /// all belong to its root.
    users: Option<Arc<File>>,
}

impl Ground {
    /// Without a range of users.
    pub(crate) const fn plain(isolation: Isolation) -> Self {
        Self { isolation, users: None }
    }

    /// Finds out.
    pub(crate) fn probe() -> Result<Self, HostError> {
        let mut why = String::new();
        for isolation in [Isolation::UserNamespace, Isolation::Root] {
            match tried(&Self::plain(isolation)) {
                Ok(()) => return Ok(Self::plain(isolation).with_users()),
                Err(error) => why = error,
            }
        }
        Err(HostError::Unable(why))
    }

    /// With a range of users, if that works.
    fn with_users(self) -> Self {
        if self.isolation == Isolation::Root || !is_root() {
            return self;
        }
        let made = namespace_with_users().map_err(|error| error.to_string());
        let with = made.and_then(|file| {
            let with = Self { users: Some(Arc::new(file)), ..self.clone() };
            tried(&with).map(|()| with)
        });
        with.unwrap_or_else(|error| {
            tracing::warn!(error, "hosts have no users but root here");
            self
        })
    }

    /// Whether a host's files can belong to others than its root.
    pub(crate) fn has_users(&self) -> bool {
        self.users.is_some() || self.isolation == Isolation::Root
    }

    /// Whether a host can have a file system of its own.
    pub(crate) fn can_mount() -> bool {
        is_root()
    }

    /// Where the namespace with the users can be opened.
    pub(crate) fn users_path(&self) -> Option<PathBuf> {
        let users = self.users.as_ref()?;
        Some(format!("/proc/{}/fd/{}", std::process::id(), users.as_raw_fd()).into())
    }

    /// The arguments that separate a host from the machine; [`super::wrap`] opens what they name.
    pub(crate) fn namespaces(&self) -> Vec<OsString> {
        let mut args: Vec<&str> = Vec::new();
        match (&self.users, self.isolation) {
            (Some(_), _) => args.extend(["--userns", super::wrap::USERS_FD]),
            (None, Isolation::UserNamespace) => {
                args.extend(["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"]);
            }
            (None, Isolation::Root) => {}
        }
        args.extend(["--unshare-pid", "--unshare-ipc", "--unshare-uts"]);
        args.into_iter().map(OsString::from).collect()
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Runs a program in a container of this kind.
fn tried(ground: &Ground) -> Result<(), String> {
    let mut args = ground.namespaces();
    let rest =
        ["--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"];
    args.extend(rest.into_iter().map(OsString::from));
    let wrapped = super::wrap::Wrapped { args, users: ground.users_path(), ..Default::default() };
    let mut command = Command::from(wrapped);
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("bwrap (Debian package bubblewrap): {error}")),
    }
}

/// A new user namespace in which [`USERS`] users and groups are those of the machine. It lives as long as
/// it is open here.
fn namespace_with_users() -> io::Result<File> {
    let mut holder = Command::new("unshare")
        .args(["--user", "--", "sh", "-c", "echo; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let opened = open_with_users(&mut holder);
    drop(holder.stdin.take());
    holder.wait()?;
    opened
}

fn open_with_users(holder: &mut std::process::Child) -> io::Result<File> {
    let mut line = [0];
    holder.stdout.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.read_exact(&mut line)?;
    let proc = PathBuf::from(format!("/proc/{}", holder.id()));
    for map in ["uid_map", "gid_map"] {
        fs::write(proc.join(map), format!("0 0 {USERS}\n"))?;
    }
    File::open(proc.join("ns/user"))
}
