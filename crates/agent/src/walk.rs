//! Walking the workspace: every folder by its descriptor, a folder before what is in it.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

use crate::beneath::{FOLDER, Root};
use crate::entry::{Listed, Unprotected};
use crate::exclude::{Exclude, is_own};
use crate::look::{Attributes, Holder, Look, attributes};
use crate::path::RelPath;
use crate::source::{Found, SourceError};

/// Takes what is found.
pub(crate) type Each<'a> = dyn FnMut(Found) -> Result<(), SourceError> + 'a;

/// An entry with the names of its attributes that are not kept.
pub(crate) type Described = (Listed, Vec<Vec<u8>>);

/// Tells of an entry.
fn tell((listed, left): Described, each: &mut Each<'_>) -> Result<(), SourceError> {
    crate::progress::made(1);
    let path = (!left.is_empty()).then(|| listed.path.clone());
    each(Found::Entry(listed))?;
    match path {
        Some(path) => each(Found::Attributes { path, names: left }),
        None => Ok(()),
    }
}

/// Is shown every folder before it is read.
pub(crate) type Enter<'a> = dyn FnMut(&RelPath, BorrowedFd<'_>) + 'a;

/// A walk through a workspace.
pub(crate) struct Walk<'a> {
    /// What is walked.
    pub(crate) root: &'a Root,
    /// What is left out.
    pub(crate) exclude: &'a Exclude,
}

impl Walk<'_> {
    /// Tells all that is at `from` and in it. What vanishes on the way isn't told.
    pub(crate) fn tree(
        &self,
        from: RelPath,
        enter: &mut Enter<'_>,
        each: &mut Each<'_>,
    ) -> Result<(), SourceError> {
        let mut pending = vec![from];
        let mut buffer = Vec::with_capacity(32 << 10);
        while let Some(path) = pending.pop() {
            self.folder(path, &mut buffer, &mut pending, enter, each)?;
        }
        Ok(())
    }

    fn folder(
        &self,
        path: RelPath,
        buffer: &mut Vec<u8>,
        pending: &mut Vec<RelPath>,
        enter: &mut Enter<'_>,
        each: &mut Each<'_>,
    ) -> Result<(), SourceError> {
        let folder = match self.root.open_at(&path, FOLDER) {
            Ok(folder) => folder,
            Err(error) => {
                return match shut(error) {
                    Some(why) => each(Found::Unprotected { path, why, size: None }),
                    None => Ok(()),
                };
            }
        };
        enter(&path, folder.as_fd());
        let looked = Look::of(&folder)
            .and_then(|look| Ok((look, attributes(Holder::Open(folder.as_fd()))?)));
        match looked {
            Ok((look, has)) => match look.listed(path.clone(), has.kept, Vec::new()) {
                Ok(listed) => tell((listed, has.left), each)?,
                Err(why) => return each(Found::Unprotected { path, why, size: None }),
            },
            Err(error) => {
                let why = unreadable(error);
                return each(Found::Unprotected { path, why, size: None });
            }
        }
        let mut too_long = false;
        let mut names = RawDir::new(&folder, buffer.spare_capacity_mut());
        while let Some(entry) = names.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // The folder was removed while it was read.
                Err(Errno::NOENT) => break,
                Err(error) => {
                    let why = Unprotected::Unreadable { errno: error.raw_os_error() };
                    return each(Found::Unprotected { path, why, size: None });
                }
            };
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let Ok(inside) = path.join(name) else {
                too_long = true;
                continue;
            };
            if self.exclude.matches(&inside) {
                let why = Unprotected::Excluded;
                each(Found::Unprotected { path: inside, why, size: None })?;
            } else if is_own(&inside) {
                // Where a target prepares its files.
            } else if entry.file_type() == FileType::Directory
                || self.entry(folder.as_fd(), name, inside.clone(), each)?
            {
                pending.push(inside);
            }
        }
        if too_long {
            each(Found::Unprotected { path, why: Unprotected::PathTooLong, size: None })?;
        }
        Ok(())
    }

    /// What stands at a path now, and which of its attributes are not kept; nothing of what is in it.
    pub(crate) fn at(&self, path: RelPath) -> (Found, Option<Found>) {
        let mut left = Vec::new();
        let found = self.stands_at(path.clone(), &mut left);
        let attributes = (!left.is_empty()).then_some(Found::Attributes { path, names: left });
        (found, attributes)
    }

    fn stands_at(&self, path: RelPath, left: &mut Vec<Vec<u8>>) -> Found {
        if self.exclude.matches(&path) && self.is_there(&path) {
            return Found::Unprotected { path, why: Unprotected::Excluded, size: None };
        }
        if self.exclude.hides(&path) {
            return Found::Gone { path };
        }
        let (folder, name) = match self.root.folder_of(&path) {
            Ok(found) => found,
            Err(error) => return gone_or_shut(path, error),
        };
        let look = match Look::at(&folder, name, false) {
            Ok(look) => look,
            Err(error) => return gone_or_shut(path, error),
        };
        if look.kind == FileType::Directory {
            let inside = match self.root.open_at(&path, FOLDER) {
                Ok(inside) => inside,
                Err(error) => return gone_or_shut(path, error),
            };
            let described = Look::of(&inside)
                .and_then(|look| Ok((look, attributes(Holder::Open(inside.as_fd()))?)))
                .map_err(unreadable)
                .and_then(|(look, has)| {
                    *left = has.left;
                    look.listed(path.clone(), has.kept, Vec::new())
                });
            return match described {
                Ok(listed) => Found::Entry(listed),
                Err(why) => Found::Unprotected { path, why, size: None },
            };
        }
        match self.describe(folder.as_fd(), name, path.clone(), &look) {
            Ok(Some((listed, names))) => {
                *left = names;
                Found::Entry(listed)
            }
            Ok(None) => Found::Gone { path },
            Err(why) => {
                let size = (look.kind == FileType::RegularFile).then_some(look.identity.size);
                Found::Unprotected { path, why, size }
            }
        }
    }

    /// Whether anything stands at a path.
    pub(crate) fn is_there(&self, path: &RelPath) -> bool {
        let folder = self.root.folder_of(path);
        folder.is_ok_and(|(folder, name)| Look::at(&folder, name, false).is_ok())
    }

    /// Whether a folder stands at a path that is not excluded.
    pub(crate) fn is_folder(&self, path: &RelPath) -> bool {
        let is_folder = |(folder, name)| {
            Look::at(&folder, name, false).is_ok_and(|look| look.kind == FileType::Directory)
        };
        !self.exclude.hides(path) && self.root.folder_of(path).is_ok_and(is_folder)
    }

    /// Tells one entry that is no folder; whether it is one, and is to be walked.
    fn entry(
        &self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        path: RelPath,
        each: &mut Each<'_>,
    ) -> Result<bool, SourceError> {
        let look = match Look::at(folder, name, false) {
            Ok(look) => look,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => {
                let why = Unprotected::Unreadable { errno: error.raw_os_error() };
                each(Found::Unprotected { path, why, size: None })?;
                return Ok(false);
            }
        };
        if look.kind == FileType::Directory {
            return Ok(true);
        }
        match self.describe(folder, name, path.clone(), &look) {
            Ok(Some(described)) => tell(described, each)?,
            Ok(None) => {}
            Err(why) => {
                let size = (look.kind == FileType::RegularFile).then_some(look.identity.size);
                each(Found::Unprotected { path, why, size })?;
            }
        }
        Ok(false)
    }

    /// The whole description of an entry that is no folder; nothing where it vanished meanwhile.
    pub(crate) fn describe(
        &self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        path: RelPath,
        look: &Look,
    ) -> Result<Option<Described>, Unprotected> {
        if let (Some(here), Some(root)) = (look.mount, self.root.look().mount)
            && here != root
        {
            return Err(Unprotected::OtherFileSystem);
        }
        let mut target = Vec::new();
        if look.kind == FileType::Symlink {
            match rustix::fs::readlinkat(folder, name, Vec::new()) {
                Ok(said) => target = said.into_bytes(),
                Err(Errno::NOENT | Errno::INVAL) => return Ok(None),
                Err(error) => return Err(unreadable(error)),
            }
        }
        let has = if self.root.proc_works() {
            attributes(Holder::Named(folder, name))
        } else {
            self.attributes_without_proc(&path, look)
        };
        match has {
            Ok(has) => look.listed(path, has.kept, target).map(|listed| Some((listed, has.left))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(unreadable(error)),
        }
    }

    fn attributes_without_proc(&self, path: &RelPath, look: &Look) -> Result<Attributes, Errno> {
        if look.kind != FileType::RegularFile {
            return Ok(Attributes::default());
        }
        let file = self.root.open_at(path, crate::content::FILE)?;
        attributes(Holder::Open(file.as_fd()))
    }
}

/// Why a folder that can't be opened isn't protected; nothing where it is not there any more.
pub(crate) fn shut(error: Errno) -> Option<Unprotected> {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => None,
        Errno::XDEV => Some(Unprotected::OtherFileSystem),
        other => Some(unreadable(other)),
    }
}

fn gone_or_shut(path: RelPath, error: Errno) -> Found {
    match shut(error) {
        Some(why) => Found::Unprotected { path, why, size: None },
        None => Found::Gone { path },
    }
}

fn unreadable(error: Errno) -> Unprotected {
    match error {
        Errno::TOOBIG => Unprotected::TooLarge,
        other => Unprotected::Unreadable { errno: other.raw_os_error() },
    }
}
