//! The bubblewrap command that makes a process tree a host.
//!
//! A host has its own mounts, processes, users, IPC and name, and shares the
//! machine's network. The system's programs are there read-only; everything
//! else under `/` is the host's own folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::HostError;
use super::files::Folder;

/// Where a host finds the program that serves it.
const PROGRAM_INSIDE: &str = "/run/dumont-host";
/// Where a host finds its seat.
pub(crate) const SEAT_INSIDE: &str = "/run/host";

/// Parts of the machine's `/etc` that programs need and that say nothing
/// about its users.
const SHARED_ETC: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "ssl",
    "resolv.conf",
];

/// How this machine lets a container be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// With a user namespace; needs no privilege.
    UserNamespace,
    /// As root on a machine that allows no user namespaces.
    Root,
}

/// Finds out what works here.
pub(crate) fn probe() -> Result<Isolation, HostError> {
    let mut why = String::new();
    for isolation in [Isolation::UserNamespace, Isolation::Root] {
        let mut command = Command::new("bwrap");
        command.args(namespaces(isolation)).args(["--die-with-parent", "--ro-bind", "/", "/"]);
        command.args(["--proc", "/proc", "--dev", "/dev", "true"]).stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => return Ok(isolation),
            Ok(output) => why = String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => why = format!("bwrap (Debian package bubblewrap): {error}"),
        }
    }
    Err(HostError::Unable(why))
}

fn namespaces(isolation: Isolation) -> Vec<OsString> {
    let mut args: Vec<&str> = Vec::new();
    if isolation == Isolation::UserNamespace {
        args.extend(["--unshare-user", "--uid", "0", "--gid", "0"]);
    }
    args.extend(["--unshare-pid", "--unshare-ipc", "--unshare-uts"]);
    args.into_iter().map(OsString::from).collect()
}

/// All arguments of `bwrap` for one host.
pub(crate) fn arguments(
    isolation: Isolation,
    id: &str,
    folder: &Folder,
    program: &Path,
) -> Vec<OsString> {
    let mut args = namespaces(isolation);
    let mut push = |parts: &[&dyn AsRef<std::ffi::OsStr>]| {
        args.extend(parts.iter().map(|part| part.as_ref().to_os_string()));
    };
    push(&[&"--hostname", &id, &"--die-with-parent", &"--new-session", &"--clearenv"]);
    push(&[&"--bind", &folder.root(), &"/"]);
    for name in system_folders().filter(|path| !path.is_symlink()) {
        push(&[&"--ro-bind", &name, &name]);
    }
    for name in SHARED_ETC {
        let path = Path::new("/etc").join(name);
        push(&[&"--ro-bind-try", &path, &path]);
    }
    push(&[&"--proc", &"/proc", &"--dev", &"/dev"]);
    push(&[&"--bind", &folder.seat(), &SEAT_INSIDE]);
    push(&[&"--ro-bind", &program, &PROGRAM_INSIDE]);
    push(&[&"--chdir", &"/root", &PROGRAM_INSIDE, &"host", &SEAT_INSIDE]);
    args
}

/// The arguments of `bwrap` for a program that sees a host's files and not its seat. The program and
/// its own arguments follow.
pub(crate) fn beside(isolation: Isolation, folder: &Folder) -> Vec<OsString> {
    let mut args = namespaces(isolation);
    let mut push = |parts: &[&dyn AsRef<std::ffi::OsStr>]| {
        args.extend(parts.iter().map(|part| part.as_ref().to_os_string()));
    };
    push(&[&"--unshare-net", &"--die-with-parent", &"--new-session", &"--clearenv"]);
    push(&[&"--setenv", &"PATH", &"/usr/bin:/bin"]);
    push(&[&"--bind", &folder.root(), &"/"]);
    for name in system_folders().filter(|path| !path.is_symlink()) {
        push(&[&"--ro-bind", &name, &name]);
    }
    push(&[&"--chdir", &"/root", &"--"]);
    args
}

/// `/usr` and what is beside it; some of them are links into `/usr`.
pub(crate) fn system_folders() -> impl Iterator<Item = PathBuf> {
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]
        .iter()
        .map(PathBuf::from)
        .filter(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_shared_and_the_system_is_read_only() {
        let folder = Folder::new(Path::new("/data/hosts"), "h-1");
        let args = arguments(Isolation::UserNamespace, "h-1", &folder, Path::new("/opt/sandbox"));
        let text: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let line = text.join(" ");
        assert!(!line.contains("--unshare-net") && !line.contains("--unshare-all"));
        assert!(line.contains("--ro-bind /usr /usr"));
        assert!(line.contains("--bind /data/hosts/h-1/root /"));
        assert!(line.ends_with("/run/dumont-host host /run/host"));
        assert!(!line.contains(" /home "));
    }
}
