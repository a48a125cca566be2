//! Opening what is inside the workspace, and never anything outside of it.
//!
//! The kernel resolves a path beneath the root's descriptor where it can (`openat2`, Linux 5.6): no
//! symbolic link is followed, no other file system entered. Where it can't, or a filter answers that it
//! may not, the path is walked name by name. Paths longer than what one call takes go in legs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use crate::look::Look;
use crate::path::RelPath;

/// Most bytes of a path that one call is given; the kernel takes 4,095.
const LEG: usize = 4000;

/// For folders that are only passed through: no right to read them is needed.
pub(crate) const PASS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);
/// For folders that are read.
pub(crate) const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

/// How paths are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    /// By the kernel as long as it can.
    Kernel,
    /// Name by name, as on a kernel without `openat2`.
    Names,
}

/// An opened workspace.
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
    look: Look,
    by_names: AtomicBool,
    proc_works: bool,
}

impl Root {
    /// Opens the folder at `path`; that one may be reached through links, since the user names it.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open(path: &Path, resolve: Resolve) -> Result<Self, Errno> {
        let flags = FOLDER | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let look = Look::of(&fd)?;
        let by_names = AtomicBool::new(resolve == Resolve::Names);
        let proc_works = Look::at(rustix::fs::CWD, proc_path(fd.as_fd()).as_slice(), true)
            .is_ok_and(|seen| seen.identity.ino == look.identity.ino);
        Ok(Self { fd, look, by_names, proc_works })
    }

    /// The root as it was when it was opened.
    #[must_use]
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// Whether descriptors can be named through `/proc`.
    #[must_use]
    pub fn proc_works(&self) -> bool {
        self.proc_works
    }

    /// Opens what stands at `path`, itself and not what it may point to.
    ///
    /// # Errors
    /// The kernel's: `ELOOP` or `ENOTDIR` for a link in the way, `EXDEV` for another file system.
    pub fn open_at(&self, path: &RelPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        if path.is_root() {
            return openat(&self.fd, c".", flags | OFlags::CLOEXEC, Mode::empty());
        }
        let mut at: Option<OwnedFd> = None;
        let mut rest = path.as_bytes();
        while rest.len() > LEG {
            let head = rest.get(..LEG).unwrap_or_default();
            let cut = head.iter().rposition(|byte| *byte == b'/').ok_or(Errno::NAMETOOLONG)?;
            let leg = rest.get(..cut).unwrap_or_default();
            at = Some(self.leg(self.or_root(at.as_ref()), leg, PASS)?);
            rest = rest.get(cut + 1..).unwrap_or_default();
        }
        self.leg(self.or_root(at.as_ref()), rest, flags)
    }

    /// The folder that `path` is in, opened to be passed through, and the last name; the root's is `.`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn folder_of<'p>(&self, path: &'p RelPath) -> Result<(OwnedFd, &'p [u8]), Errno> {
        match (path.parent(), path.name()) {
            (Some(parent), Some(name)) => Ok((self.open_at(&parent, PASS)?, name)),
            _ => Ok((self.open_at(&RelPath::root(), PASS)?, b".")),
        }
    }

    fn or_root<'a>(&'a self, at: Option<&'a OwnedFd>) -> BorrowedFd<'a> {
        at.unwrap_or(&self.fd).as_fd()
    }

    fn leg(&self, at: BorrowedFd<'_>, leg: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if self.by_names.load(Ordering::Relaxed) {
            return self.leg_by_names(at, leg, flags);
        }
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        match openat2(at, leg, flags, Mode::empty(), resolve) {
            Err(Errno::NOSYS) => {
                self.by_names.store(true, Ordering::Relaxed);
                self.leg_by_names(at, leg, flags)
            }
            // A filter's answer, a rename that raced, or really no right: the walk tells which.
            Err(Errno::PERM | Errno::AGAIN) => self.leg_by_names(at, leg, flags),
            done => done,
        }
    }

    fn leg_by_names(
        &self,
        at: BorrowedFd<'_>,
        leg: &[u8],
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        let mut folder: Option<OwnedFd> = None;
        let mut names = leg.split(|byte| *byte == b'/').peekable();
        while let Some(name) = names.next() {
            let last = names.peek().is_none();
            let here = folder.as_ref().map_or(at, AsFd::as_fd);
            let how = if last { flags } else { PASS | OFlags::CLOEXEC | OFlags::NOFOLLOW };
            let next = openat(here, name, how, Mode::empty())?;
            // Only of folders: on a layered file system a file may show the device of its layer.
            if how.contains(OFlags::DIRECTORY)
                && Look::of(&next)?.identity.dev != self.look.identity.dev
            {
                return Err(Errno::XDEV);
            }
            if last {
                return Ok(next);
            }
            folder = Some(next);
        }
        Err(Errno::NOENT)
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What a descriptor is called in `/proc`.
#[must_use]
pub fn proc_path(fd: BorrowedFd<'_>) -> Vec<u8> {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", fd.as_raw_fd()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    #[test]
    fn no_link_leads_out_either_way() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("in/file"), "f").unwrap();
        symlink(outside.path(), folder.path().join("out")).unwrap();
        symlink(outside.path().join("secret"), folder.path().join("in/link")).unwrap();
        symlink("in", folder.path().join("near")).unwrap();
        for resolve in [Resolve::Kernel, Resolve::Names] {
            let root = Root::open(folder.path(), resolve).unwrap();
            assert!(root.open_at(&path("in/file"), OFlags::RDONLY).is_ok());
            for bad in ["out/secret", "in/link", "near/file", "out"] {
                let opened = root.open_at(&path(bad), OFlags::RDONLY);
                assert!(
                    matches!(opened, Err(Errno::LOOP | Errno::NOTDIR)),
                    "{resolve:?} {bad}: {opened:?}"
                );
            }
        }
    }

    #[test]
    fn paths_longer_than_one_call_takes_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        for resolve in [Resolve::Kernel, Resolve::Names] {
            let root = Root::open(folder.path(), resolve).unwrap();
            let mut deep = RelPath::root();
            let name = [b'd'; 200];
            for _ in 0..60 {
                let at = root.open_at(&deep, PASS).unwrap();
                let _ = rustix::fs::mkdirat(&at, name.as_slice(), Mode::RWXU);
                deep = deep.join(&name).unwrap();
            }
            assert!(deep.as_bytes().len() > 12_000);
            root.open_at(&deep, FOLDER).unwrap();
        }
    }
}
