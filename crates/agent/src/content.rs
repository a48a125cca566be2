//! Reading the content of an open file once: in blocks, holes kept, hashed as it is read. Whether it was
//! whole is for [`crate::whole`] to say.

use std::os::fd::BorrowedFd;

use rustix::fs::{OFlags, SeekFrom};
use rustix::io::Errno;

use crate::hash::{BLOCK, Blocks, Hash};
use crate::source::SourceError;

/// How files are opened to be read: a pipe that took the name meanwhile doesn't hold us up.
pub(crate) const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

const ZEROS: &[u8] = &[0; 64 << 10];

/// Takes a content.
pub(crate) trait Out {
    /// Bytes, at most a block.
    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<(), SourceError>;
    /// A block is the one that is there already.
    fn same(&mut self, offset: u64, length: u64) -> Result<(), SourceError>;
    /// Zeros that take no room.
    fn hole(&mut self, offset: u64, length: u64) -> Result<(), SourceError>;
}

/// Takes nothing: only the hash is wanted.
pub(crate) struct Nothing;

impl Out for Nothing {
    fn data(&mut self, _: u64, _: &[u8]) -> Result<(), SourceError> {
        Ok(())
    }
    fn same(&mut self, _: u64, _: u64) -> Result<(), SourceError> {
        Ok(())
    }
    fn hole(&mut self, _: u64, _: u64) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Why reading ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The host refused.
    Host(Errno),
    /// There is less than there was.
    Short,
    /// Who takes it could not go on.
    Sink(SourceError),
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        Self::Sink(error)
    }
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Host(error)
    }
}

/// What is to be read.
pub(crate) struct Extent<'a> {
    /// The file.
    pub(crate) file: BorrowedFd<'a>,
    /// So many bytes of it.
    pub(crate) size: u64,
    /// It takes at least as much room: there are no holes to ask for.
    pub(crate) dense: bool,
    /// Blocks that the other side has.
    pub(crate) have: Option<&'a Blocks>,
    /// The hash of so many of its first bytes is wanted too.
    pub(crate) mark: Option<u64>,
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// Of all of it.
    pub(crate) hash: Hash,
    /// Of the bytes up to the mark.
    pub(crate) marked: Option<Hash>,
}

impl Extent<'_> {
    /// Reads all of it.
    pub(crate) fn read(&self, buffer: &mut Vec<u8>, out: &mut dyn Out) -> Result<Content, Stop> {
        let mut hasher = Marking::new(self.mark);
        let mut layout = Layout { end: 0, hole: false };
        let mut hole = Hole::default();
        let mut offset = 0;
        let mut index = 0;
        while offset < self.size {
            let length = (self.size - offset).min(BLOCK as u64);
            let (whole_hole, pieces) = self.layout_of(&mut layout, offset, length)?;
            if whole_hole {
                hasher.zeros(length);
                hole.add(offset, length);
            } else {
                let bytes = self.fill(buffer, offset, length, &pieces)?;
                hasher.update(bytes);
                let had = self.have.and_then(|have| have.0.get(index));
                if had.is_some_and(|had| *had == Hash::of(bytes)) {
                    hole.flush(out)?;
                    out.same(offset, length)?;
                } else {
                    send(bytes, offset, &pieces, &mut hole, out)?;
                }
            }
            offset += length;
            index += 1;
        }
        hole.flush(out)?;
        Ok(hasher.finish())
    }

    /// The pieces of a block: whether each is a hole, and its bytes.
    fn layout_of(
        &self,
        layout: &mut Layout,
        offset: u64,
        length: u64,
    ) -> Result<(bool, Vec<(bool, u64)>), Stop> {
        if self.dense {
            return Ok((false, vec![(false, length)]));
        }
        let (mut pieces, mut at) = (Vec::new(), offset);
        while at < offset + length {
            if at >= layout.end {
                *layout = self.layout_from(at)?;
            }
            let to = layout.end.min(offset + length);
            pieces.push((layout.hole, to - at));
            at = to;
        }
        Ok((pieces.iter().all(|(hole, _)| *hole), pieces))
    }

    fn layout_from(&self, at: u64) -> Result<Layout, Stop> {
        let data = match rustix::fs::seek(self.file, SeekFrom::Data(at)) {
            Ok(data) => data.clamp(at, self.size),
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => self.size,
            // The file system doesn't say.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => {
                return Ok(Layout { end: self.size, hole: false });
            }
            Err(error) => return Err(error.into()),
        };
        if data > at {
            return Ok(Layout { end: data, hole: true });
        }
        let hole = match rustix::fs::seek(self.file, SeekFrom::Hole(at)) {
            Ok(hole) => hole.min(self.size),
            Err(Errno::NXIO) => self.size,
            Err(error) => return Err(error.into()),
        };
        // One that was punched between the two questions is read as zeros.
        let end = if hole > at { hole } else { self.size };
        Ok(Layout { end, hole: false })
    }

    fn fill<'b>(
        &self,
        buffer: &'b mut Vec<u8>,
        offset: u64,
        length: u64,
        pieces: &[(bool, u64)],
    ) -> Result<&'b [u8], Stop> {
        let length = usize::try_from(length).map_err(|_| Stop::Short)?;
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        let block = buffer.get_mut(..length).ok_or(Stop::Short)?;
        let (mut rest, mut at) = (block, offset);
        for (hole, length) in pieces {
            let piece = usize::try_from(*length).map_err(|_| Stop::Short)?;
            let (here, behind) = rest.split_at_mut_checked(piece).ok_or(Stop::Short)?;
            if *hole {
                here.fill(0);
            } else {
                read_exactly(self.file, here, at)?;
            }
            at += length;
            rest = behind;
        }
        Ok(buffer.get(..length).unwrap_or_default())
    }
}

/// Data or a hole up to `end`.
struct Layout {
    end: u64,
    hole: bool,
}

/// Fills all of `into` from `offset`.
pub(crate) fn read_exactly(file: BorrowedFd<'_>, into: &mut [u8], offset: u64) -> Result<(), Stop> {
    let mut done = 0;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pread(file, rest, offset + done as u64) {
            Ok(0) => return Err(Stop::Short),
            Ok(read) => {
                done += read;
                crate::progress::made(read as u64);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn send(
    bytes: &[u8],
    offset: u64,
    pieces: &[(bool, u64)],
    hole: &mut Hole,
    out: &mut dyn Out,
) -> Result<(), Stop> {
    let (mut rest, mut at) = (bytes, offset);
    for (is_hole, length) in pieces {
        let piece = usize::try_from(*length).map_err(|_| Stop::Short)?;
        let (here, behind) = rest.split_at_checked(piece).ok_or(Stop::Short)?;
        if *is_hole {
            hole.add(at, *length);
        } else {
            hole.flush(out)?;
            out.data(at, here)?;
        }
        at += length;
        rest = behind;
    }
    Ok(())
}

/// A hole that may go on in the next block.
#[derive(Default)]
struct Hole {
    offset: u64,
    length: u64,
}

impl Hole {
    fn add(&mut self, offset: u64, length: u64) {
        if self.length == 0 {
            self.offset = offset;
        }
        self.length += length;
    }

    fn flush(&mut self, out: &mut dyn Out) -> Result<(), SourceError> {
        let length = std::mem::take(&mut self.length);
        if length > 0 { out.hole(self.offset, length) } else { Ok(()) }
    }
}

/// Hashes all, and what comes before a mark.
struct Marking {
    hasher: blake3::Hasher,
    mark: Option<u64>,
    marked: Option<Hash>,
}

impl Marking {
    fn new(mark: Option<u64>) -> Self {
        let marked = (mark == Some(0)).then(|| Hash::of(b""));
        Self { hasher: blake3::Hasher::new(), mark, marked }
    }

    fn update(&mut self, bytes: &[u8]) {
        let left = self.mark.and_then(|mark| mark.checked_sub(self.hasher.count()));
        let left = left.and_then(|left| usize::try_from(left).ok());
        match left.and_then(|left| bytes.split_at_checked(left)) {
            Some((before, after)) if !before.is_empty() => {
                self.hasher.update(before);
                self.marked = Some(Hash::from_hasher(&self.hasher));
                self.hasher.update(after);
            }
            _ => {
                self.hasher.update(bytes);
            }
        }
    }

    fn zeros(&mut self, mut length: u64) {
        while length > 0 {
            let part = length.min(ZEROS.len() as u64);
            self.update(usize::try_from(part).ok().and_then(|p| ZEROS.get(..p)).unwrap_or(ZEROS));
            length -= part;
        }
    }

    fn finish(self) -> Content {
        Content { hash: Hash::from_hasher(&self.hasher), marked: self.marked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::FileExt as _;

    #[derive(Default)]
    struct Log(Vec<(char, u64, u64)>, Vec<u8>);

    impl Out for Log {
        fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<(), SourceError> {
            self.0.push(('d', offset, bytes.len() as u64));
            self.1.extend_from_slice(bytes);
            Ok(())
        }
        fn same(&mut self, offset: u64, length: u64) -> Result<(), SourceError> {
            self.0.push(('s', offset, length));
            Ok(())
        }
        fn hole(&mut self, offset: u64, length: u64) -> Result<(), SourceError> {
            self.0.push(('h', offset, length));
            self.1.resize(self.1.len() + usize::try_from(length).unwrap(), 0);
            Ok(())
        }
    }

    fn read(file: &std::fs::File, have: Option<&Blocks>, mark: Option<u64>) -> (Content, Log) {
        let size = file.metadata().unwrap().len();
        let extent = Extent { file: file.as_fd(), size, dense: false, have, mark };
        let mut log = Log::default();
        let content = extent.read(&mut Vec::new(), &mut log).unwrap();
        (content, log)
    }

    #[test]
    fn holes_take_no_bytes_and_count_in_the_hash() {
        let file = tempfile::tempfile().unwrap();
        let block = BLOCK as u64;
        file.set_len(40 * block).unwrap();
        file.write_all_at(&[7; 4096], 20 * block + 8192).unwrap();
        let (content, log) = read(&file, None, None);
        let mut all = vec![0; 40 * BLOCK];
        all[20 * BLOCK + 8192..20 * BLOCK + 12288].fill(7);
        assert_eq!(content.hash, Hash::of(&all));
        assert_eq!(log.1, all);
        let sent: u64 = log.0.iter().filter(|part| part.0 == 'd').map(|part| part.2).sum();
        assert!(sent <= 65536, "{:?}", log.0);
        assert!(log.0.len() <= 3, "{:?}", log.0);
    }

    #[test]
    fn blocks_that_are_there_are_not_sent() {
        let file = tempfile::tempfile().unwrap();
        let mut all = vec![1_u8; 3 * BLOCK + 10];
        file.write_all_at(&all, 0).unwrap();
        let have = Blocks(all.chunks(BLOCK).map(Hash::of).collect());
        all[BLOCK + 5] = 2;
        file.write_all_at(&all, 0).unwrap();
        let (content, log) = read(&file, Some(&have), None);
        let block = BLOCK as u64;
        assert_eq!(
            log.0,
            [('s', 0, block), ('d', block, block), ('s', 2 * block, block), ('s', 3 * block, 10)]
        );
        assert_eq!(content.hash, Hash::of(&all));
    }

    #[test]
    fn a_mark_anywhere_gives_the_hash_of_what_is_before_it() {
        let file = tempfile::tempfile().unwrap();
        let all: Vec<u8> = (0..2 * BLOCK + 77).map(|i| u8::try_from(i % 251).unwrap()).collect();
        file.write_all_at(&all, 0).unwrap();
        for mark in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, all.len()] {
            let (content, _) = read(&file, None, Some(mark as u64));
            assert_eq!(content.marked, Some(Hash::of(&all[..mark])), "{mark}");
            assert_eq!(content.hash, Hash::of(&all));
        }
        let (content, _) = read(&file, None, Some(all.len() as u64 + 1));
        assert_eq!(content.marked, None);
    }
}
