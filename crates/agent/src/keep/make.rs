//! What is made in staging other than by receiving: links, pipes, sockets, and copies of what is here.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::error::{KeepError, Result, What};
use super::keeper::Keeper;
use super::local;
use super::state::{slot, unlink};
use crate::entry::{Content, Entry, Meta};
use crate::hash::Hash;
use crate::look::Look;
use crate::path::RelPath;

const PIECE: usize = 1 << 20;

impl Keeper {
    /// Makes a link, pipe or socket in staging.
    pub(super) fn make(&mut self, number: u64, entry: &Entry) -> Result<()> {
        const WHAT: &str = "making a link, pipe or socket";
        self.steps.step(WHAT)?;
        let (staging, name) = (&self.state.staging, slot(number));
        unlink(staging, &name).what(WHAT)?;
        let made = match &entry.content {
            Content::Symlink { target } => {
                rustix::fs::symlinkat(target.as_slice(), staging, name.as_slice())
            }
            Content::Fifo => {
                rustix::fs::mknodat(staging, name.as_slice(), FileType::Fifo, Mode::RUSR, 0)
            }
            Content::Socket => {
                rustix::fs::mknodat(staging, name.as_slice(), FileType::Socket, Mode::RUSR, 0)
            }
            Content::File { .. } | Content::Folder => Err(Errno::INVAL),
        };
        made.what(WHAT)?;
        let symlink = matches!(entry.content, Content::Symlink { .. });
        local::dress_at(staging, &name, &entry.meta, symlink).what(WHAT)
    }

    /// Gives a file in staging what belongs to it.
    pub(super) fn dress_staged(&mut self, number: u64, meta: &Meta) -> Result<()> {
        const WHAT: &str = "setting what belongs to a file";
        self.steps.step(WHAT)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.state.staging, slot(number), flags, Mode::empty())
            .what(WHAT)?;
        local::dress(&file, meta).what(WHAT)
    }

    /// Opens a content that is here: in the store, or at a path of the live copy that is as it was left.
    /// What is read of it still has to be hashed.
    pub(super) fn content(&mut self, hash: Hash) -> Result<Option<File>> {
        const WHAT: &str = "opening a content";
        if let Some(file) = self.state.object(hash).what(WHAT)? {
            return Ok(Some(file));
        }
        for path in self.index.live_with_hash(hash)? {
            if let Some(file) = self.intact(&path)? {
                return Ok(Some(file));
            }
        }
        // What a journal could not take away, or not give what belongs to it, is read: nothing else tells
        // what stands there.
        for (path, size) in self.index.damaged_with_hash(hash)? {
            self.copy.forget();
            let Ok(mut file) = self.copy.open_file(&path) else { continue };
            if pieces(&mut file, size, &mut |_, _| Ok(())).what(WHAT)? == Some(hash) {
                file.seek(SeekFrom::Start(0)).what(WHAT)?;
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// Opens a file of the live copy where it is as it was left.
    pub(super) fn intact(&mut self, path: &RelPath) -> Result<Option<File>> {
        let Some(placed) = self.index.live(path)?.and_then(|live| live.placed) else {
            return Ok(None);
        };
        // Something on this host may have put another folder in the place of the one that is open.
        self.copy.forget();
        let file = match self.copy.open_file(path) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::INVAL) => return Ok(None),
            Err(error) => return Err(error).what("opening a file of the copy"),
        };
        let now = Look::of(&file).what("looking at the copy")?.identity;
        let same = now.ino == placed.ino && now.size == placed.size && now.mtime == placed.mtime;
        Ok(same.then_some(file))
    }

    /// Copies a content that is here into staging, hashing it; whether it was all there.
    pub(super) fn copy_here(&mut self, number: u64, hash: Hash, size: u64) -> Result<bool> {
        const WHAT: &str = "copying a content";
        self.steps.step(WHAT)?;
        let Some(mut from) = self.content(hash)? else { return Ok(false) };
        unlink(&self.state.staging, &slot(number)).what(WHAT)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let to = rustix::fs::openat(&self.state.staging, slot(number), flags, mode).what(WHAT)?;
        let to = File::from(to);
        let found = pieces(&mut from, size, &mut |at, piece| match piece {
            Piece::Data(bytes) => to.write_all_at(bytes, at),
            Piece::Hole => Ok(()),
        })
        .what(WHAT)?;
        to.set_len(size).what(WHAT)?;
        Ok(found == Some(hash))
    }
}

/// A part of a file.
pub(super) enum Piece<'a> {
    /// Bytes.
    Data(&'a [u8]),
    /// Zeros that take no room.
    Hole,
}

/// Reads a file of a known size with its holes; its hash, or none where it is not of that size.
pub(super) fn pieces(
    file: &mut File,
    size: u64,
    each: &mut dyn FnMut(u64, Piece<'_>) -> std::io::Result<()>,
) -> std::io::Result<Option<Hash>> {
    let zeros = vec![0_u8; 64 * 1024];
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0_u8; PIECE.min(usize::try_from(size).unwrap_or(PIECE).max(1))];
    if file.metadata()?.len() != size {
        return Ok(None);
    }
    let mut at = 0;
    while at < size {
        let data = match rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(at)) {
            Ok(data) => data.min(size),
            Err(Errno::NXIO) => size,
            Err(_) => at,
        };
        if data > at {
            let mut left = data - at;
            while left > 0 {
                let now = left.min(zeros.len() as u64);
                hasher.update(zeros.get(..usize::try_from(now).unwrap_or(0)).unwrap_or_default());
                left -= now;
            }
            each(at, Piece::Hole)?;
            at = data;
            continue;
        }
        let end = match rustix::fs::seek(&*file, rustix::fs::SeekFrom::Hole(at)) {
            Ok(end) => end.min(size),
            Err(_) => size,
        };
        file.seek(SeekFrom::Start(at))?;
        while at < end {
            let most = usize::try_from(end - at).unwrap_or(PIECE).min(buffer.len());
            let read = file.read(buffer.get_mut(..most).unwrap_or_default())?;
            if read == 0 {
                return Ok(None);
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            hasher.update(bytes);
            each(at, Piece::Data(bytes))?;
            at += read as u64;
        }
    }
    Ok(Some(Hash::from_hasher(&hasher)))
}

impl From<KeepError> for std::io::Error {
    fn from(error: KeepError) -> Self {
        Self::other(error.to_string())
    }
}
