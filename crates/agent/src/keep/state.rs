//! The folder beside the copy: contents of earlier points, what is being received, what is on its way.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::beneath;
use crate::hash::Hash;
use crate::look::Look;
use crate::source::Disk;

/// Its folders, open.
#[derive(Debug)]
pub(super) struct State {
    root: OwnedFd,
    /// Contents of earlier points, each under its hash.
    pub(super) objects: OwnedFd,
    /// What is received, under numbers.
    pub(super) staging: OwnedFd,
    /// What leaves its place for another one, under numbers.
    pub(super) parked: OwnedFd,
}

impl State {
    /// Opens or makes it, for its owner alone.
    pub(super) fn open(path: &Path) -> Result<Self, Errno> {
        make(rustix::fs::CWD, path.as_os_str().as_encoded_bytes())?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())?;
        rustix::fs::fchmod(&root, Mode::RWXU)?;
        let folder = |name: &[u8]| {
            make(&root, name)?;
            rustix::fs::openat(&root, name, flags | OFlags::NOFOLLOW, Mode::empty())
        };
        Ok(Self {
            objects: folder(b"objects")?,
            staging: folder(b"staging")?,
            parked: folder(b"parked")?,
            root,
        })
    }

    /// Which file system it is on.
    pub(super) fn device(&self) -> Result<u64, Errno> {
        Ok(rustix::fs::fstat(&self.root)?.st_dev)
    }

    /// Waits until all that was written is on the disk.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::syncfs(&self.root)
    }

    /// The room there is.
    pub(super) fn disk(&self) -> Result<Disk, Errno> {
        let room = rustix::fs::fstatvfs(&self.root)?;
        Ok(Disk {
            size: room.f_blocks.saturating_mul(room.f_frsize),
            free: room.f_bavail.saturating_mul(room.f_frsize),
        })
    }

    /// Whether a content is kept here.
    pub(super) fn has(&self, hash: Hash) -> Result<bool, Errno> {
        exists(&self.objects, hash.to_hex().as_bytes())
    }

    /// Opens a content that is kept here; none where it is not.
    pub(super) fn object(&self, hash: Hash) -> Result<Option<File>, Errno> {
        match beneath::open_regular(&self.objects, hash.to_hex().as_bytes()) {
            Ok(file) => Ok(Some(file)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn make<Fd: std::os::fd::AsFd>(at: Fd, name: &[u8]) -> Result<(), Errno> {
    match rustix::fs::mkdirat(at, name, Mode::RWXU) {
        Err(Errno::EXIST) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether something of that name is in the folder.
pub(super) fn exists(folder: &OwnedFd, name: &[u8]) -> Result<bool, Errno> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The name of a number.
pub(super) fn slot(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Removes what has that name; fine when nothing has.
pub(super) fn unlink(folder: &OwnedFd, name: &[u8]) -> Result<(), Errno> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The names in a folder and whether each is a folder. Only for folders of a bounded kind: it holds all.
pub(super) fn names(folder: &OwnedFd) -> Result<Vec<(Vec<u8>, bool)>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let is_folder = match entry.file_type() {
            FileType::Directory => true,
            FileType::Unknown => beneath::is_folder(&Look::at(folder, name, false)?),
            _ => false,
        };
        names.push((name.to_vec(), is_folder));
    }
    Ok(names)
}

/// Removes a folder with all that is in it, however deep: folders found in it are first moved beside it
/// in `parked`, so that neither descriptors nor the stack grow.
pub(super) fn remove_tree(at: &OwnedFd, name: &[u8], parked: &OwnedFd) -> Result<(), Errno> {
    let moved = |number: usize| format!("gone-{number}").into_bytes();
    let mut next = 0;
    while exists(parked, &moved(next))? {
        next += 1;
    }
    let mut open = vec![next];
    rustix::fs::renameat(at, name, parked, moved(next))?;
    while let Some(number) = open.pop() {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(parked, moved(number), flags, Mode::empty())?;
        for (name, is_folder) in names(&folder)? {
            if is_folder {
                next += 1;
                rustix::fs::renameat(&folder, name.as_slice(), parked, moved(next))?;
                open.push(next);
            } else {
                unlink(&folder, &name)?;
            }
        }
        rustix::fs::unlinkat(parked, moved(number), AtFlags::REMOVEDIR)?;
    }
    Ok(())
}
