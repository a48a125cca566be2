//! The bubblewrap command that makes a process tree a host.
//!
//! A host has its own mounts, processes, users, IPC and name, and shares the
//! machine's network. The system's programs are there read-only; everything
//! else under `/` is the host's own folder.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::files::Folder;
use super::ground::Ground;
use super::image::Image;
use super::tools;
use super::wrap::{FILTER_FD, Wrapped};

/// What a host finds where.
pub(crate) mod inside {
    /// The program that serves it.
    pub(crate) const PROGRAM: &str = "/run/dumont-host";
    /// Its seat.
    pub(crate) const SEAT: &str = "/run/host";
    /// Its layer over `/usr`.
    pub(crate) const LAYER: &str = "/run/layer";
    /// The machine's loader and libraries, for what of the machine's runs in a host without any.
    pub(crate) const LOADER: &str = "/run/system/ld.so";
    /// See [`LOADER`].
    pub(crate) const LIBRARIES: &str = "/run/system/lib";
    /// The machine's SFTP server, in such a host.
    pub(crate) const SFTP: &str = "/run/system/sftp-server";

    /// The words that start a program of the machine's in such a host.
    pub(crate) fn by_loader(program: &str) -> String {
        match super::tools::loader() {
            Some(_) => format!("{LOADER} --library-path {LIBRARIES} {program}"),
            None => program.to_owned(),
        }
    }
}

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

/// One host's container.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plot<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) folder: &'a Folder,
    pub(crate) image: &'a Image,
    /// Its disk is a file system of its own.
    pub(crate) own_disk: bool,
}

impl Plot<'_> {
    /// The container of a host that serves.
    pub(crate) fn host(&self, id: &str, program: &Path) -> Wrapped {
        let mut line = Line(self.ground.namespaces());
        line.push(&[&"--hostname", &id, &"--die-with-parent", &"--new-session", &"--clearenv"]);
        self.files(&mut line);
        if self.image.busybox {
            line.push(&[&"--ro-bind-try", &"/etc/resolv.conf", &"/etc/resolv.conf"]);
        } else {
            for name in SHARED_ETC {
                let path = Path::new("/etc").join(name);
                line.push(&[&"--ro-bind-try", &path, &path]);
            }
        }
        line.push(&[&"--proc", &"/proc", &"--dev", &"/dev"]);
        line.push(&[&"--bind", &self.folder.seat(), &inside::SEAT]);
        line.push(&[&"--ro-bind", &program, &inside::PROGRAM]);
        let layer = self.folder.layer();
        if layer.exists() {
            line.push(&[&"--ro-bind", &layer, &inside::LAYER]);
        }
        if self.image.busybox {
            bind_system(&mut line, self.image.sftp);
        }
        if self.image.read_only {
            line.push(&[&"--remount-ro", &"/"]);
        }
        let filter = self.image.refusal.map(|_| self.folder.filter());
        if filter.is_some() {
            line.push(&[&"--seccomp", &FILTER_FD]);
        }
        line.push(&[&"--chdir", &"/root", &"--"]);
        if self.image.busybox && tools::loader().is_some() {
            line.push(&[&inside::LOADER, &"--library-path", &inside::LIBRARIES]);
        }
        line.push(&[&inside::PROGRAM, &"host", &inside::SEAT]);
        self.wrapped(line, filter)
    }

    /// A container that sees a host's files and not its seat. The program and its own arguments
    /// follow.
    pub(crate) fn beside(&self, words: Vec<String>) -> Wrapped {
        let mut line = Line(self.ground.namespaces());
        line.push(&[&"--unshare-net", &"--die-with-parent", &"--new-session", &"--clearenv"]);
        line.push(&[&"--setenv", &"PATH", &"/usr/bin:/bin"]);
        self.files(&mut line);
        line.push(&[&"--chdir", &"/root", &"--"]);
        line.0.extend(words.into_iter().map(OsString::from));
        self.wrapped(line, None)
    }

    /// The host's own files and, unless its image has none of it, the machine's system.
    fn files(&self, line: &mut Line) {
        let root = self.folder.root();
        line.push(&[&"--bind", &root, &"/"]);
        let mut own: Vec<&str> = Vec::new();
        if self.image.read_only {
            own.extend(["workspace", "run"]);
        }
        if (self.image.read_only || self.image.noexec_tmp) && !self.image.no_tmp {
            own.push("tmp");
        }
        for name in own {
            line.push(&[&"--bind", &root.join(name), &Path::new("/").join(name)]);
        }
        if !self.image.busybox {
            for name in system_folders().filter(|path| !path.is_symlink()) {
                line.push(&[&"--ro-bind", &name, &name]);
            }
        }
    }

    fn wrapped(&self, line: Line, filter: Option<PathBuf>) -> Wrapped {
        Wrapped {
            args: line.0,
            users: self.ground.users_path(),
            filter,
            disk: self.own_disk.then(|| (self.folder.disk(), self.folder.root())),
        }
    }
}

/// What of the machine's runs in a host that has nothing else of it.
fn bind_system(line: &mut Line, sftp: bool) {
    if let Some(loader) = tools::loader() {
        line.push(&[&"--ro-bind", &loader, &inside::LOADER]);
    }
    for folder in tools::libraries() {
        line.push(&[&"--ro-bind", &folder, &inside::LIBRARIES]);
    }
    if let Some(server) = crate::inside::sftp_server().filter(|_| sftp) {
        line.push(&[&"--ro-bind", &server, &inside::SFTP]);
    }
}

/// A command line that is being put together.
struct Line(Vec<OsString>);

impl Line {
    fn push(&mut self, parts: &[&dyn AsRef<OsStr>]) {
        self.0.extend(parts.iter().map(|part| part.as_ref().to_os_string()));
    }
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
    use crate::host::ground::Isolation;

    fn line(image: &str) -> String {
        let ground = Ground::plain(Isolation::UserNamespace);
        let folder = Folder::new(Path::new("/data/hosts"), "h-1");
        let image = Image::named(image).expect("an image");
        let plot = Plot { ground: &ground, folder: &folder, image: &image, own_disk: false };
        let wrapped = plot.host("h-1", Path::new("/opt/sandbox"));
        let text = |arg: &OsString| arg.to_string_lossy().into_owned();
        wrapped.args.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_network_is_shared_and_the_system_is_read_only() {
        let line = line("ubuntu:22.04");
        assert!(!line.contains("--unshare-net") && !line.contains("--unshare-all"));
        assert!(line.contains("--ro-bind /usr /usr"));
        assert!(line.contains("--bind /data/hosts/h-1/root /"));
        assert!(line.ends_with("-- /run/dumont-host host /run/host"));
        assert!(!line.contains(" /home "));
        assert!(!line.contains("--remount-ro") && !line.contains("--seccomp"));
    }

    #[test]
    fn an_image_without_the_machines_programs_sees_none_of_them() {
        let line = line("dumont-sandbox/busybox:1");
        assert!(!line.contains(" /usr /usr ") && !line.contains("/etc/ssl"), "{line}");
    }

    #[test]
    fn a_read_only_root_has_a_few_places_to_write() {
        let line = line("dumont-sandbox/host:read-only.enosys");
        assert!(line.contains("--bind /data/hosts/h-1/root/workspace /workspace"));
        assert!(line.contains("--remount-ro / --seccomp 4"));
    }
}
