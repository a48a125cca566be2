//! A workspace on this host that is brought back to: every file is prepared in a folder of our own in
//! the same file system and renamed into place; no symbolic link is followed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use crate::beneath::{FOLDER, Resolve, Root};
use crate::content::{FILE, read_exactly};
use crate::entry::{Content, Entry, Meta};
use crate::exclude::{OWN_FOLDER, is_own};
use crate::hash::{BLOCK, Blocks, Hash};
use crate::local_source::{disk, open};
use crate::look::Look;
use crate::metadata::{Bare, set};
use crate::path::RelPath;
use crate::place_file::{Old, write_pieces};
use crate::source::{Disk, SourceError};
use crate::target::{Pieces, Placed, Step, Target};

/// A folder on this host that is written beneath its descriptor.
pub struct LocalTarget {
    root: Root,
    own: Option<(RelPath, OwnedFd)>,
    next: u64,
}

impl LocalTarget {
    /// The workspace at `path`, which is made where it is not there. What an interrupted run left is
    /// removed.
    ///
    /// # Errors
    /// [`SourceError::RootMissing`] where it can't be opened.
    pub fn open(path: &Path, resolve: Resolve) -> Result<Self, SourceError> {
        if let Err(error) = std::fs::create_dir(path)
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(SourceError::RootMissing(format!("{}: {error}", path.display())));
        }
        let target = Self { root: open(path, resolve)?, own: None, next: 0 };
        target.remove_leftovers()?;
        Ok(target)
    }

    fn remove_leftovers(&self) -> Result<(), SourceError> {
        for name in self
            .root
            .open_at(&RelPath::root(), FOLDER)
            .and_then(|root| names_in(root.as_fd()))
            .map_err(std::io::Error::from)?
        {
            if let Ok(path) = RelPath::new(name)
                && is_own(&path)
            {
                keeping_times(&self.root, || self.remove(&path)).map_err(std::io::Error::from)?;
            }
        }
        Ok(())
    }

    /// The folder that files are prepared in.
    fn own(&mut self) -> Result<&OwnedFd, Errno> {
        if self.own.is_none() {
            let name = [OWN_FOLDER, random_hex()?.as_bytes()].concat();
            keeping_times(&self.root, || {
                rustix::fs::mkdirat(&self.root, name.as_slice(), Mode::RWXU)
            })?;
            let path = RelPath::new(name).map_err(|_| Errno::INVAL)?;
            let fd = self.root.open_at(&path, FOLDER)?;
            self.own = Some((path, fd));
        }
        self.own.as_ref().map(|(_, fd)| fd).ok_or(Errno::NOENT)
    }

    fn temporary(&mut self) -> Vec<u8> {
        self.next += 1;
        format!("{:x}", self.next).into_bytes()
    }

    fn place(&mut self, entry: &Entry, pieces: Pieces<'_>) -> Result<Placed, SourceError> {
        let done = match &entry.content {
            Content::File { size, .. } => return self.place_file(entry, *size, pieces),
            Content::Folder => self.place_folder(&entry.path),
            Content::Symlink { target } => {
                self.place_bare(entry, |own, name| rustix::fs::symlinkat(&target[..], own, name))
            }
            Content::Fifo => self.place_bare(entry, |own, name| {
                rustix::fs::mknodat(own, name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            }),
            Content::Socket => self.place_bare(entry, |own, name| {
                rustix::fs::mknodat(own, name, FileType::Socket, Mode::RUSR | Mode::WUSR, 0)
            }),
        };
        Ok(placed(done.map(|refused| (None, refused))))
    }

    fn place_file(
        &mut self,
        entry: &Entry,
        size: u64,
        mut pieces: Pieces<'_>,
    ) -> Result<Placed, SourceError> {
        let name = self.temporary();
        let file = self.own().and_then(|own| {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            rustix::fs::openat(own, name.as_slice(), flags, Mode::RUSR | Mode::WUSR)
        });
        let file = match file {
            Ok(file) => file,
            Err(error) => {
                // The other side sends all the same.
                for piece in pieces {
                    piece?;
                }
                return Ok(placed(Err(error)));
            }
        };
        let old = self.root.open_at(&entry.path, FILE).ok();
        let old = Old::new(
            old.filter(|old| Look::of(old).is_ok_and(|look| look.kind == FileType::RegularFile)),
        );
        let written = write_pieces(&file, size, &old, &mut pieces);
        let done = match written {
            Ok(Ok(hash)) => set(Bare::Open(file.as_fd()), &entry.meta)
                .and_then(|refused| self.put_in_place(&name, &entry.path).map(|()| refused))
                .map(|refused| (Some(hash), refused)),
            Ok(Err(error)) => Err(error),
            Err(error) => {
                self.drop_temporary(&name);
                return Err(error);
            }
        };
        if done.is_err() {
            self.drop_temporary(&name);
        }
        Ok(placed(done))
    }

    fn drop_temporary(&self, name: &[u8]) {
        if let Some((_, own)) = &self.own {
            // Where it can't be removed it goes with the folder that it is in.
            let _ = rustix::fs::unlinkat(own, name, AtFlags::empty());
        }
    }

    fn place_folder(&self, path: &RelPath) -> Result<Vec<String>, Errno> {
        if path.is_root() {
            return Ok(Vec::new());
        }
        let (folder, name) = self.root.folder_of(path)?;
        match rustix::fs::mkdirat(&folder, name, Mode::RWXU) {
            Err(Errno::EXIST) => {}
            done => return done.map(|()| Vec::new()),
        }
        if Look::at(&folder, name, false)?.kind != FileType::Directory {
            rustix::fs::unlinkat(&folder, name, AtFlags::empty())?;
            return rustix::fs::mkdirat(&folder, name, Mode::RWXU).map(|()| Vec::new());
        }
        // Who isn't root needs these rights to fill it.
        let here = self.root.open_at(path, FOLDER)?;
        let mode = Look::of(&here)?.mode;
        if mode & 0o700 != 0o700 {
            rustix::fs::fchmod(&here, Mode::from_raw_mode(mode | 0o700))?;
        }
        Ok(Vec::new())
    }

    /// Places what has no content: made under a temporary name, given its metadata, renamed.
    fn place_bare(
        &mut self,
        entry: &Entry,
        make: impl FnOnce(&OwnedFd, &[u8]) -> Result<(), Errno>,
    ) -> Result<Vec<String>, Errno> {
        let name = self.temporary();
        let own = self.own()?;
        make(own, &name)?;
        let done = set(Bare::Named(own.as_fd(), &name), &entry.meta)
            .and_then(|refused| self.put_in_place(&name, &entry.path).map(|()| refused));
        if done.is_err() {
            self.drop_temporary(&name);
        }
        done
    }

    /// Renames what is prepared to where it belongs, over what stands there.
    fn put_in_place(&mut self, name: &[u8], path: &RelPath) -> Result<(), Errno> {
        let (folder, last) = self.root.folder_of(path)?;
        let own = self.own()?;
        match rustix::fs::renameat(own, name, &folder, last) {
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                self.remove(path)?;
                rustix::fs::renameat(self.own()?, name, &folder, last)
            }
            done => done,
        }
    }

    fn link(&mut self, from: &RelPath, to: &RelPath) -> Result<(), Errno> {
        let (from_folder, from_name) = self.root.folder_of(from)?;
        let source = Look::at(&from_folder, from_name, false)?;
        let (to_folder, to_name) = self.root.folder_of(to)?;
        match rustix::fs::linkat(&from_folder, from_name, &to_folder, to_name, AtFlags::empty()) {
            Err(Errno::EXIST) => {}
            done => return done,
        }
        let there = Look::at(&to_folder, to_name, false)?.identity;
        if (there.dev, there.ino) == (source.identity.dev, source.identity.ino) {
            return Ok(());
        }
        let name = self.temporary();
        let own = self.own()?;
        rustix::fs::linkat(&from_folder, from_name, own, name.as_slice(), AtFlags::empty())?;
        self.put_in_place(&name, to)
    }

    /// Removes what stands at `path`, deepest first, without a limit to the depth.
    fn remove(&self, path: &RelPath) -> Result<(), Errno> {
        if path.is_root() {
            return Err(Errno::INVAL);
        }
        let mut pending = vec![(path.clone(), false)];
        while let Some((at, emptied)) = pending.pop() {
            let (folder, name) = match self.root.folder_of(&at) {
                Err(Errno::NOENT | Errno::NOTDIR) => continue,
                other => other?,
            };
            let flags = if emptied { AtFlags::REMOVEDIR } else { AtFlags::empty() };
            match rustix::fs::unlinkat(&folder, name, flags) {
                Ok(()) | Err(Errno::NOENT) => {}
                // What Linux says of a folder, and what POSIX says.
                Err(Errno::ISDIR | Errno::PERM) if !emptied => {
                    let inside = self.root.open_at(&at, FOLDER)?;
                    let names = names_in(inside.as_fd())?;
                    pending.push((at.clone(), true));
                    for name in names {
                        let within = at.join(&name).map_err(|_| Errno::NAMETOOLONG)?;
                        pending.push((within, false));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn finish(&self, path: &RelPath, meta: &Meta) -> Result<Vec<String>, Errno> {
        match self.root.open_at(path, FOLDER) {
            Ok(folder) => set(Bare::Open(folder.as_fd()), meta),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let (folder, name) = self.root.folder_of(path)?;
                if Look::at(&folder, name, false)?.kind == FileType::RegularFile {
                    return set(Bare::Open(self.root.open_at(path, FILE)?.as_fd()), meta);
                }
                set(Bare::Named(folder.as_fd(), name), meta)
            }
            Err(error) => Err(error),
        }
    }
}

impl Target for LocalTarget {
    fn disk(&mut self) -> Result<Disk, SourceError> {
        disk(&self.root)
    }

    fn blocks(&mut self, path: &RelPath) -> Result<Option<Blocks>, SourceError> {
        let Ok(file) = self.root.open_at(path, FILE) else { return Ok(None) };
        let Ok(look) = Look::of(&file) else { return Ok(None) };
        if look.kind != FileType::RegularFile {
            return Ok(None);
        }
        let mut blocks = Blocks::default();
        let mut buffer = Vec::new();
        let mut offset = 0;
        while offset < look.identity.size {
            let length = (look.identity.size - offset).min(BLOCK as u64);
            buffer.resize(usize::try_from(length).unwrap_or(BLOCK), 0);
            if read_exactly(file.as_fd(), &mut buffer, offset).is_err() {
                return Ok(None);
            }
            blocks.0.push(Hash::of(&buffer));
            offset += length;
        }
        Ok(Some(blocks))
    }

    fn apply<'a>(
        &mut self,
        steps: &mut (dyn Iterator<Item = Step<'a>> + 'a),
        told: &mut dyn FnMut(usize, Placed) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        for (index, step) in steps.enumerate() {
            let how = match step {
                Step::Place { entry, pieces } => self.place(&entry, pieces)?,
                Step::Link { from, to } => {
                    placed(self.link(&from, &to).map(|()| (None, Vec::new())))
                }
                Step::Remove { path } => placed(self.remove(&path).map(|()| (None, Vec::new()))),
                Step::Finish { path, meta } => {
                    placed(self.finish(&path, &meta).map(|refused| (None, refused)))
                }
            };
            told(index, how)?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SourceError> {
        if let Some((path, _)) = self.own.take() {
            keeping_times(&self.root, || self.remove(&path)).map_err(std::io::Error::from)?;
        }
        Ok(rustix::fs::syncfs(&self.root).map_err(std::io::Error::from)?)
    }
}

impl Drop for LocalTarget {
    fn drop(&mut self) {
        if let Some((path, _)) = self.own.take() {
            // Else the next one removes it.
            let _ = keeping_times(&self.root, || self.remove(&path));
        }
    }
}

/// Does what concerns our own folder alone: that it comes and goes is no change of the root's.
fn keeping_times(root: &Root, act: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
    let (tv_sec, tv_nsec) = Look::of(root)?.identity.mtime.split();
    act()?;
    rustix::fs::futimens(
        root,
        &Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec, tv_nsec },
        },
    )
}

fn placed(done: Result<(Option<Hash>, Vec<String>), Errno>) -> Placed {
    match done {
        Ok((hash, refused)) => Placed::Done { hash, refused },
        Err(error) => Placed::Failed { errno: error.raw_os_error() },
    }
}

fn names_in(folder: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Errno> {
    let mut buffer = Vec::with_capacity(32 << 10);
    let mut entries = RawDir::new(folder, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    Ok(names)
}

pub(crate) fn random_hex() -> Result<String, Errno> {
    let mut bytes = [0_u8; 8];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}
