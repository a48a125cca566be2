//! Takes what is read into staging, hashing it once more: what is kept is what was read, or nothing.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::{Mode, OFlags};

use super::state::{State, slot, unlink};
use super::steps::Steps;
use crate::entry::{Body, Listed};
use crate::hash::{BLOCK, Blocks, Hash};
use crate::source::{Beginning, ReadEnd, ReadSink, SourceError};

/// Contents from this size on are compared by blocks when they change.
pub(super) const BY_BLOCKS: u64 = 4 * BLOCK as u64;
/// The largest file that is kept, as on ext4.
const LARGEST: u64 = 16 << 40;
/// So much is written between two looks at the room that is left.
const LOOK: u64 = 16 << 20;
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// A file that is wanted into staging.
#[derive(Debug)]
pub(super) struct Room {
    /// Its number there.
    pub(super) slot: u64,
    /// A former content of it, for blocks that are the same.
    pub(super) base: Option<File>,
    /// Only its hash is wanted.
    pub(super) hash_only: bool,
}

/// A file as it was read.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) listed: Listed,
    pub(super) hash: Hash,
    pub(super) racy: bool,
    pub(super) database: bool,
    pub(super) blocks: Option<Blocks>,
    /// Without the zeros at its end, where it has some.
    pub(super) beginning: Option<Beginning>,
}

/// What became of a want.
#[derive(Debug)]
pub(super) enum Received {
    /// It is in staging, or only its hash was wanted.
    Whole(Box<Whole>),
    /// What arrived is not what was read.
    Corrupt,
    /// It never held still.
    Flux,
    /// It is not there any more.
    Gone,
    /// The host refused to read it.
    Unreadable { errno: i32 },
}

/// How much was received, told as it comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Files.
    pub files: u64,
    /// Bytes that came over the connection.
    pub bytes: u64,
}

/// Receives into staging.
pub(super) struct Receiver<'a> {
    state: &'a State,
    steps: &'a mut dyn Steps,
    tell: &'a mut dyn FnMut(Progress),
    /// Bytes that stay free on the disk, whatever comes.
    reserve: u64,
    rooms: Vec<Room>,
    pub(super) got: Vec<Option<Received>>,
    pub(super) progress: Progress,
    unlooked: u64,
    open: Option<Open>,
    /// Why it ended itself, where it did.
    pub(super) stopped: Option<super::KeepError>,
}

struct Open {
    want: usize,
    file: Option<File>,
    hasher: blake3::Hasher,
    block: blake3::Hasher,
    blocks: Blocks,
    at: u64,
    /// The hasher as it was before the zeros that it ends in so far, and their place.
    zeros: Option<(Box<blake3::Hasher>, u64)>,
}

impl<'a> Receiver<'a> {
    pub(super) fn new(
        state: &'a State,
        steps: &'a mut dyn Steps,
        tell: &'a mut dyn FnMut(Progress),
        reserve: u64,
        rooms: Vec<Room>,
        progress: Progress,
    ) -> Self {
        let got = rooms.iter().map(|_| None).collect();
        Self {
            state,
            steps,
            tell,
            reserve,
            rooms,
            got,
            progress,
            unlooked: 0,
            open: None,
            stopped: None,
        }
    }

    fn step(&mut self, what: &'static str) -> Result<(), SourceError> {
        self.steps.step(what).map_err(|error| {
            let word = error.to_string();
            self.stopped = Some(error);
            SourceError::Sink(word)
        })
    }

    fn open(&mut self, want: usize, offset: u64, length: u64) -> Result<&mut Open, SourceError> {
        let protocol = |word: &str| SourceError::Protocol(word.to_owned());
        if self.rooms.get(want).is_none_or(|room| room.hash_only) {
            return Err(protocol("bytes that nobody asked for"));
        }
        let open = self.open.as_mut().filter(|open| open.want == want);
        let open = open.ok_or_else(|| protocol("bytes of a file that did not begin"))?;
        if open.at != offset || offset.checked_add(length).is_none_or(|end| end > LARGEST) {
            return Err(protocol("bytes out of their order"));
        }
        Ok(open)
    }

    fn look(&mut self, more: u64) -> Result<(), SourceError> {
        self.unlooked = self.unlooked.saturating_add(more);
        if self.unlooked < LOOK {
            return Ok(());
        }
        self.unlooked = 0;
        let disk = self.state.disk().map_err(|error| SourceError::Sink(error.to_string()))?;
        if disk.free < self.reserve {
            return Err(SourceError::Sink("the standby's disk is full".to_owned()));
        }
        Ok(())
    }
}

fn full(error: &std::io::Error) -> SourceError {
    SourceError::Sink(format!("the standby's disk: {error}"))
}

impl Open {
    /// Takes bytes into both hashes.
    fn hash(&mut self, mut bytes: &[u8]) {
        let filled = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let (full, zeros) = bytes.split_at(filled);
        if !full.is_empty() {
            self.hasher.update(full);
            self.zeros = None;
        }
        if !zeros.is_empty() {
            let at = self.at + full.len() as u64;
            self.zeros.get_or_insert_with(|| (Box::new(self.hasher.clone()), at));
            self.hasher.update(zeros);
        }
        while !bytes.is_empty() {
            let within = usize::try_from(self.at % BLOCK as u64).unwrap_or(0);
            let (now, rest) = bytes.split_at(bytes.len().min(BLOCK - within));
            self.block.update(now);
            self.at += now.len() as u64;
            if self.at.is_multiple_of(BLOCK as u64) {
                self.end_block();
            }
            bytes = rest;
        }
    }

    fn end_block(&mut self) {
        self.blocks.0.push(Hash::from_hasher(&self.block));
        self.block.reset();
    }
}

impl ReadSink for Receiver<'_> {
    fn begin(&mut self, want: usize) -> Result<(), SourceError> {
        self.step("receive")?;
        let Some(room) = self.rooms.get(want) else {
            return Err(SourceError::Protocol("a file that nobody asked for".to_owned()));
        };
        let file = if room.hash_only {
            None
        } else {
            unlink(&self.state.staging, &slot(room.slot)).map_err(|error| full(&error.into()))?;
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let file = rustix::fs::openat(
                &self.state.staging,
                slot(room.slot),
                flags,
                Mode::RUSR | Mode::WUSR,
            )
            .map_err(|error| full(&error.into()))?;
            Some(File::from(file))
        };
        self.open = Some(Open {
            want,
            file,
            hasher: blake3::Hasher::new(),
            block: blake3::Hasher::new(),
            blocks: Blocks::default(),
            at: 0,
            zeros: None,
        });
        Ok(())
    }

    fn data(&mut self, want: usize, offset: u64, bytes: &[u8]) -> Result<(), SourceError> {
        let length = bytes.len() as u64;
        let open = self.open(want, offset, length)?;
        if let Some(file) = &open.file {
            file.write_all_at(bytes, offset).map_err(|error| full(&error))?;
        }
        open.hash(bytes);
        self.progress.bytes = self.progress.bytes.saturating_add(length);
        self.look(length)?;
        (self.tell)(self.progress);
        Ok(())
    }

    fn same(&mut self, want: usize, offset: u64, length: u64) -> Result<(), SourceError> {
        self.open(want, offset, length)?;
        let base = self.rooms.get(want).and_then(|room| room.base.as_ref());
        let base = base.and_then(|base| base.try_clone().ok());
        let Some(base) = base else {
            return Err(SourceError::Protocol("a block that is not here".to_owned()));
        };
        let mut buffer = vec![0; BLOCK];
        let (mut at, end) = (offset, offset + length);
        while at < end {
            let most = usize::try_from(end - at).unwrap_or(BLOCK).min(BLOCK);
            let piece = buffer.get_mut(..most).unwrap_or_default();
            let open = self.open(want, at, most as u64)?;
            // What is missing here shows in the hash.
            if base.read_exact_at(piece, at).is_err() {
                piece.fill(0);
            }
            if let Some(file) = &open.file {
                file.write_all_at(piece, at).map_err(|error| full(&error))?;
            }
            open.hash(piece);
            at += most as u64;
            self.look(most as u64)?;
        }
        Ok(())
    }

    fn hole(&mut self, want: usize, offset: u64, length: u64) -> Result<(), SourceError> {
        let open = self.open(want, offset, length)?;
        let mut left = length;
        while left > 0 {
            let now = left.min(ZEROS.len() as u64);
            open.hash(ZEROS.get(..usize::try_from(now).unwrap_or(0)).unwrap_or_default());
            left -= now;
        }
        Ok(())
    }

    fn end(&mut self, want: usize, end: ReadEnd) -> Result<(), SourceError> {
        let Some(room) = self.rooms.get(want) else {
            return Err(SourceError::Protocol("a file that nobody asked for".to_owned()));
        };
        let hash_only = room.hash_only;
        let open = self.open.take().filter(|open| open.want == want);
        let (listed, hash, racy, database) = match end {
            ReadEnd::Whole { listed, hash, racy, .. } => (listed, hash, racy, false),
            ReadEnd::Database { listed, hash } => (listed, hash, false, true),
            other => {
                let got = match other {
                    ReadEnd::Unreadable { errno } => Received::Unreadable { errno },
                    ReadEnd::Gone => Received::Gone,
                    _ => Received::Flux,
                };
                self.put(want, got);
                return Ok(());
            }
        };
        if hash_only {
            let got = Received::Whole(Box::new(Whole {
                listed,
                hash,
                racy,
                database,
                blocks: None,
                beginning: None,
            }));
            self.put(want, got);
            return Ok(());
        }
        let Some(mut open) = open else {
            return Err(SourceError::Protocol("an end without a beginning".to_owned()));
        };
        let size = match listed.body {
            Body::File { size, .. } => size,
            _ => listed.identity.size,
        };
        if Hash::from_hasher(&open.hasher) != hash || size != open.at {
            self.put(want, Received::Corrupt);
            return Ok(());
        }
        if let Some(file) = &open.file {
            file.set_len(open.at).map_err(|error| full(&error))?;
        }
        let blocks = (open.at >= BY_BLOCKS).then(|| {
            if !open.at.is_multiple_of(BLOCK as u64) {
                open.end_block();
            }
            std::mem::take(&mut open.blocks)
        });
        self.progress.files += 1;
        let beginning = open
            .zeros
            .take()
            .map(|(hasher, length)| Beginning { length, hash: Hash::from_hasher(&hasher) });
        let whole = Whole { listed, hash, racy, database, blocks, beginning };
        self.put(want, Received::Whole(Box::new(whole)));
        (self.tell)(self.progress);
        Ok(())
    }
}

impl Receiver<'_> {
    fn put(&mut self, want: usize, got: Received) {
        if let Some(place) = self.got.get_mut(want) {
            *place = Some(got);
        }
    }
}
