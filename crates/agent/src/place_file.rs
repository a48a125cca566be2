//! Writing a file's pieces, and hashing what was written.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

use crate::content::{Stop, read_exactly};
use crate::hash::{BLOCK, Hash};
use crate::source::SourceError;
use crate::target::{Piece, Pieces};

const ZEROS: &[u8] = &[0; 64 << 10];

/// What stands at the path already, for the pieces that are the same.
pub(crate) struct Old(Option<OwnedFd>);

impl Old {
    /// A regular file, or nothing.
    pub(crate) fn new(file: Option<OwnedFd>) -> Self {
        Self(file)
    }
}

/// Writes all pieces to a new file and hashes them. The inner error is the host's; the pieces are drained
/// in spite of it.
pub(crate) fn write_pieces(
    file: &OwnedFd,
    size: u64,
    old: &Old,
    pieces: &mut Pieces<'_>,
) -> Result<Result<Hash, Errno>, SourceError> {
    let mut writer = Writer { file, old, size, at: 0, hasher: blake3::Hasher::new() };
    let mut failed = None;
    for piece in pieces {
        let piece = piece?;
        if writer.at.checked_add(length_of(&piece)).is_none_or(|end| end > size) {
            return Err(SourceError::Protocol("more of a file than its size".to_owned()));
        }
        match failed {
            None => failed = writer.take(&piece).err(),
            Some(_) => writer.at += length_of(&piece),
        }
    }
    if writer.at != size {
        return Err(SourceError::Protocol("less of a file than its size".to_owned()));
    }
    if let Some(error) = failed {
        return Ok(Err(error));
    }
    if let Err(error) = writer.end() {
        return Ok(Err(error));
    }
    Ok(Ok(Hash::from_hasher(&writer.hasher)))
}

fn length_of(piece: &Piece) -> u64 {
    match piece {
        Piece::Data(bytes) => bytes.len() as u64,
        Piece::Same(length) | Piece::Hole(length) => *length,
    }
}

struct Writer<'a> {
    file: &'a OwnedFd,
    old: &'a Old,
    size: u64,
    at: u64,
    hasher: blake3::Hasher,
}

impl Writer<'_> {
    fn take(&mut self, piece: &Piece) -> Result<(), Errno> {
        match piece {
            Piece::Data(bytes) => self.data(bytes),
            Piece::Same(length) => self.same(*length),
            Piece::Hole(length) => {
                self.at += length;
                self.hash_zeros(*length);
                Ok(())
            }
        }
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.hasher.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = match rustix::io::pwrite(self.file, rest, self.at) {
                Err(Errno::INTR) => continue,
                Ok(0) => return Err(Errno::IO),
                other => other?,
            };
            self.at += written as u64;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn same(&mut self, length: u64) -> Result<(), Errno> {
        let old = self.old.0.as_ref().ok_or(Errno::NOENT)?;
        let end = self.at + length;
        let mut block = vec![0; BLOCK];
        while self.at < end {
            let part = usize::try_from(end - self.at).unwrap_or(BLOCK).min(BLOCK);
            let into = block.get_mut(..part).ok_or(Errno::INVAL)?;
            match read_exactly(old.as_fd(), into, self.at) {
                Ok(()) => {}
                Err(Stop::Host(error)) => return Err(error),
                Err(_) => return Err(Errno::NODATA),
            }
            let bytes = block.get(..part).unwrap_or_default().to_vec();
            self.data(&bytes)?;
        }
        Ok(())
    }

    fn hash_zeros(&mut self, mut length: u64) {
        while length > 0 {
            let part = length.min(ZEROS.len() as u64);
            let zeros = usize::try_from(part).ok().and_then(|part| ZEROS.get(..part));
            self.hasher.update(zeros.unwrap_or(ZEROS));
            length -= part;
        }
    }

    /// A hole at the end makes the file longer than what was written.
    fn end(&self) -> Result<(), Errno> {
        rustix::fs::ftruncate(self.file, self.size)
    }
}
