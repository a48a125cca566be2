//! The copy's tree by descriptors: no path of it is followed out of it, however deep it is.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::look::Look;
use crate::path::RelPath;

const FOLDER: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Longest path that one call of the kernel takes.
const ONE_CALL: usize = 4_000;

/// A folder, and what is reached from it without following any link.
#[derive(Debug)]
pub(super) struct Beneath {
    root: Arc<OwnedFd>,
    near: Option<(RelPath, Arc<OwnedFd>)>,
}

impl Beneath {
    /// Opens the folder at `path`, which is a person's or the engine's word and may hold links.
    pub(super) fn open(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: Arc::new(rustix::fs::open(path, flags, Mode::empty())?), near: None })
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Arc<OwnedFd> {
        &self.root
    }

    /// A folder in it, as a place to begin from.
    pub(super) fn folder(&mut self, path: &RelPath) -> Result<Arc<OwnedFd>, Errno> {
        if path.is_root() {
            return Ok(Arc::clone(&self.root));
        }
        if let Some((at, folder)) = &self.near
            && at == path
        {
            return Ok(Arc::clone(folder));
        }
        let folder = Arc::new(self.walk(path)?);
        self.near = Some((path.clone(), Arc::clone(&folder)));
        Ok(folder)
    }

    /// Forgets what it has open: a folder goes.
    pub(super) fn forget(&mut self) {
        self.near = None;
    }

    fn walk(&self, path: &RelPath) -> Result<OwnedFd, Errno> {
        if path.as_bytes().len() < ONE_CALL {
            let within = ResolveFlags::BENEATH
                | ResolveFlags::NO_SYMLINKS
                | ResolveFlags::NO_MAGICLINKS
                | ResolveFlags::NO_XDEV;
            match rustix::fs::openat2(&self.root, path.as_bytes(), FOLDER, Mode::empty(), within) {
                Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {}
                answer => return answer,
            }
        }
        let mut at: Option<OwnedFd> = None;
        for name in path.names() {
            let next = match &at {
                Some(folder) => rustix::fs::openat(folder, name, FOLDER, Mode::empty())?,
                None => rustix::fs::openat(&self.root, name, FOLDER, Mode::empty())?,
            };
            at = Some(next);
        }
        at.ok_or(Errno::NOENT)
    }

    /// The folder that holds `path`, and the name in it.
    pub(super) fn place<'a>(
        &mut self,
        path: &'a RelPath,
    ) -> Result<(Arc<OwnedFd>, &'a [u8]), Errno> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Err(Errno::INVAL);
        };
        Ok((self.folder(&parent)?, name))
    }

    /// What stands there; none where nothing does.
    pub(super) fn look(&mut self, path: &RelPath) -> Result<Option<Look>, Errno> {
        if path.is_root() {
            return Look::of(&self.root).map(Some);
        }
        let found = self.place(path).and_then(|(folder, name)| Look::at(&folder, name, false));
        match found {
            Ok(look) => Ok(Some(look)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the regular file that stands there, for reading.
    pub(super) fn open_file(&mut self, path: &RelPath) -> Result<File, Errno> {
        let (folder, name) = self.place(path)?;
        open_regular(&folder, name)
    }
}

/// Opens the regular file of that name, for reading; a pipe in its place makes nobody wait.
pub(super) fn open_regular(folder: &OwnedFd, name: &[u8]) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    if is_regular(&Look::of(&file)?) { Ok(File::from(file)) } else { Err(Errno::INVAL) }
}

/// Whether it is a regular file.
pub(super) fn is_regular(look: &Look) -> bool {
    look.kind == FileType::RegularFile
}

/// Whether it is a folder.
pub(super) fn is_folder(look: &Look) -> bool {
    look.kind == FileType::Directory
}
