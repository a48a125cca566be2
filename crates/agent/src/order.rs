//! What a standby's keeper is told to do over the stdio of its session, and what it says. Types of their
//! own: who speaks them needs neither the index nor the file system.

use serde::{Deserialize, Serialize};

use crate::frame::{FRAME_MAX, Frame, decode};
use crate::source::SourceError;

/// Most points that are told of at once, the newest of them.
pub const POINTS_MAX: usize = 2_000;
/// Most deletions that are told by name, and the longest path of one.
pub const HELD_MAX: usize = 200;
/// See [`HELD_MAX`].
pub const HELD_PATH_MAX: usize = 1_900;

/// How a GPU is reached: a program with its arguments, started without a shell. What it says and hears
/// is the connection to `dumont-agent serve` there.
pub type Command = Vec<String>;

/// What is to be done. Each is answered by [`Told::Done`] or [`Told::Refused`]; before that maybe by more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Follow the GPU once.
    Cycle(CycleOrder),
    /// The copy becomes the place of work: raises the epoch, ends whoever changes the copy, finishes what
    /// was decided, and lets the copy follow no GPU until it is said which. Again does no harm.
    TakeOver {
        /// The epoch of now on.
        epoch: u64,
    },
    /// How things are.
    Status,
    /// The newest points.
    Points {
        /// At most so many.
        most: u32,
    },
    /// Make a point of what was written to the copy here.
    Own {
        /// In whose name.
        epoch: u64,
    },
    /// Keep the last point under a name, whatever its age. Again gives the same point.
    Pin {
        /// Letters, digits, `-` and `_`.
        name: String,
    },
    /// No longer. Fine where there is none of that name.
    Unpin {
        /// See [`Order::Pin`].
        name: String,
    },
    /// Bring a point to a GPU.
    Restore(RestoreOrder),
    /// Compare a GPU with a point.
    Prove {
        /// The point.
        point: u64,
        /// The way to the GPU, which is read.
        read: Command,
    },
    /// What going back to a point would change.
    Difference {
        /// The point.
        point: u64,
        /// At and below this path; empty: everywhere.
        path: Vec<u8>,
    },
    /// Put the copy back to a point.
    GoBack {
        /// In whose name.
        epoch: u64,
        /// The point.
        point: u64,
        /// At and below this path; empty: everywhere.
        path: Vec<u8>,
    },
}

/// What to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleOrder {
    /// The epoch in whose name it is done.
    pub epoch: u64,
    /// The GPU as the standby was told to follow it: host, a space, port.
    pub trusted: String,
    /// Which host it is: inodes and times are compared only with what the same one said.
    pub host: String,
    /// The way to it.
    pub read: Command,
    /// Share of the files that may be lost, percent; 100 lifts the guard.
    pub percent: u64,
    /// Over so many seconds.
    pub window_seconds: u64,
    /// Digest of losses that were held back before and accepted since.
    pub accepted: Option<[u8; 32]>,
}

/// What to bring where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreOrder {
    /// The point.
    pub point: u64,
    /// The GPU was brought to this point before, and nothing wrote there since.
    pub from: Option<u64>,
    /// What is needed first: paths below the workspace.
    pub first: Vec<Vec<u8>>,
    /// The way to the GPU, which is read.
    pub read: Command,
    /// The way to the GPU, which is written to.
    pub write: Command,
}

/// What is said meanwhile and at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// It takes long, and goes on.
    Alive,
    /// So much is to be moved.
    Wanted(Amount),
    /// So much was moved so far.
    Moved(Amount),
    /// It is done.
    Done(Box<Done>),
    /// It is not.
    Refused(Refusal),
}

/// Files and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amount {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What was done, by order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// Of [`Order::Cycle`].
    Cycle(CycleDone),
    /// Of [`Order::TakeOver`]: the last point, where there is one.
    Taken(Option<PointTold>),
    /// Of [`Order::Status`].
    Status(StatusTold),
    /// Of [`Order::Points`], the newest first.
    Points(Vec<PointTold>),
    /// Of [`Order::Own`].
    Own(OwnDone),
    /// Of [`Order::Pin`].
    Pinned(PointTold),
    /// Of [`Order::Unpin`].
    Unpinned,
    /// Of [`Order::Restore`].
    Restored(RestoreDone),
    /// Of [`Order::Prove`].
    Proven(ProofDone),
    /// Of [`Order::Difference`].
    Difference(DifferenceTold),
    /// Of [`Order::GoBack`]: the point that it made; none where there was nothing to change.
    Back(Option<PointTold>),
}

/// Why it was not done, by what a caller can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The standby is at a newer epoch. Nothing was changed.
    #[error("epoch {asked} is over, the standby is at {recorded}")]
    StaleEpoch {
        /// Of the one who asked.
        asked: u64,
        /// On the standby.
        recorded: u64,
    },
    /// The copy does not follow this GPU (any more). Nothing was changed.
    #[error("{0}")]
    Untrusted(String),
    /// Something else works on the copy. Nothing was changed.
    #[error("{0}")]
    Busy(String),
    /// There is no such folder on the GPU. Nothing was changed.
    #[error("the workspace is not there on the GPU: {0}")]
    WorkspaceMissing(String),
    /// The GPU could not be reached, or its side ended.
    #[error("{0}")]
    Unreachable(String),
    /// This standby can't keep points.
    #[error("{0}")]
    Unfit(String),
    /// There is no such point (any more).
    #[error("there is no recovery point {0}")]
    NoPoint(u64),
    /// It does not fit.
    #[error("{need} bytes are to come and {free} may be written")]
    NoRoom {
        /// Bytes that are to come.
        need: u64,
        /// Bytes that may be written.
        free: u64,
    },
    /// Contents of a point are not here any more: something on the standby wrote over them.
    #[error("{0} contents of that point are not here any more")]
    ContentsMissing(u64),
    /// It was tried and did not work out; trying again is safe.
    #[error("{0}")]
    Failed(String),
}

/// A recovery point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointTold {
    /// Rises.
    pub id: u64,
    /// The epoch in which it was taken.
    pub epoch: u64,
    /// All that was written before is in it: by the GPU's clock, ms since 1970.
    pub began_ms: i64,
    /// When it was complete here, by the standby's clock.
    pub received_ms: i64,
    /// How what changed was found.
    pub how: How,
    /// Files and links in it.
    pub files: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Entries that are new, different or gone since the point before.
    pub changed: u64,
    /// It stays, whatever its age.
    pub pinned: bool,
}

/// How the changes of a point were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Everything was listed.
    Scan,
    /// Only what the watch told was.
    Watched,
    /// What the standby's own job left, or what was here before points were kept.
    Standby,
    /// The copy was put back.
    Back,
}

/// How a cycle ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CycleEnd {
    /// The last point is what the workspace was when it began; whether it was made by this cycle.
    Whole {
        /// Whether anything was different.
        news: bool,
    },
    /// The guard stopped it; nothing was changed.
    Frozen {
        /// Files that would be lost over the time that is looked at.
        lost: u64,
        /// Of so many.
        of: u64,
        /// What this cycle would have lost; none where it is not known.
        held: Option<HeldTold>,
    },
}

/// Losses that were held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTold {
    /// Stands for exactly this set.
    pub digest: [u8; 32],
    /// Files and links.
    pub files: u64,
    /// Folders.
    pub folders: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Some by name, a folder's with a slash at its end and without bytes.
    pub named: Vec<(Vec<u8>, Option<u64>)>,
}

/// What a cycle did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleDone {
    /// How it ended.
    pub end: CycleEnd,
    /// The point that is the newest now.
    pub point: Option<PointTold>,
    /// What came.
    pub fetched: Amount,
    /// Files lost by it.
    pub lost: u64,
    /// Files that never held still: their last whole version is kept.
    pub flux: u64,
    /// Entries that are not protected.
    pub unprotected: u64,
    /// Files that never arrived as they were read: their last version is kept.
    pub corrupt: u64,
}

/// How things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusTold {
    /// The epoch in whose name the copy follows.
    pub epoch: u64,
    /// The last point.
    pub last: Option<PointTold>,
    /// Points that are kept.
    pub points: u64,
    /// How long ago the moment is whose state is durable here; none where there never was one.
    pub lag_ms: Option<u64>,
    /// Files that never hold still.
    pub flux: u64,
    /// Entries that are not protected, and their bytes as far as they are known.
    pub unprotected: Amount,
    /// Bytes of contents that only earlier points refer to.
    pub history_bytes: u64,
    /// Bytes free on the disk.
    pub free_bytes: u64,
}

/// What was written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDone {
    /// The point that holds it; the last one where nothing was written.
    pub point: Option<PointTold>,
    /// Files and links that are new or different.
    pub written: u64,
    /// Those that are gone.
    pub removed: u64,
    /// What could not be read, or never held still.
    pub unread: u64,
}

/// What bringing did. Whether it is all there, only a proof says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreDone {
    /// What was sent.
    pub sent: Amount,
    /// What did not go as it should.
    pub troubles: u64,
    /// Some of it in words.
    pub named: Vec<String>,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofDone {
    /// Files and links that are what the point says, content and all that belongs to it.
    pub proven: u64,
    /// The bytes of those files.
    pub bytes: u64,
    /// Entries that differ.
    pub differing: u64,
    /// Some of them.
    pub named: Vec<Vec<u8>>,
}

/// What going back would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceTold {
    /// Files that would be there again.
    pub added: u64,
    /// Files that would be as they were.
    pub changed: u64,
    /// Files that would not be there.
    pub removed: u64,
    /// Bytes that would be brought.
    pub bytes: u64,
    /// Files whose content of then is not here any more.
    pub missing: u64,
    /// Some of the paths.
    pub named: Vec<Vec<u8>>,
}

/// Takes frames out of bytes as they arrive, for who reads without waiting.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    greeted: bool,
}

impl Frames {
    /// Takes in what arrived.
    pub fn take(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next thing that was told, where all of it is here.
    ///
    /// # Errors
    /// [`SourceError::Protocol`] for what breaks the protocol or its bounds.
    pub fn told(&mut self) -> Result<Option<Told>, SourceError> {
        if !self.greeted && !self.greet()? {
            return Ok(None);
        }
        let Some((header, rest)) = self.buffer.split_at_checked(5) else { return Ok(None) };
        let &[a, b, c, d, kind] = header else { return Ok(None) };
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > FRAME_MAX || kind != 0 {
            return Err(SourceError::Protocol(format!("a frame of {length} bytes, kind {kind}")));
        }
        let Some(message) = rest.get(..length) else { return Ok(None) };
        let told = decode(message)?;
        self.buffer.drain(..5 + length);
        Ok(Some(told))
    }

    fn greet(&mut self) -> Result<bool, SourceError> {
        let mark = crate::frame::MAGIC;
        let at = self
            .buffer
            .windows(mark.len() + 1)
            .position(|window| window.strip_suffix(b"\n").is_some_and(|line| line == mark));
        match at {
            Some(at) => {
                self.buffer.drain(..=at + mark.len());
                self.greeted = true;
                Ok(true)
            }
            None if self.buffer.len() > crate::frame::NOISE_MAX => {
                Err(SourceError::Protocol("it prints without end and never starts".to_owned()))
            }
            None => Ok(false),
        }
    }
}

/// An order as it is sent.
///
/// # Errors
/// [`SourceError::Protocol`] for one that is larger than a frame.
pub fn encoded(order: &Order) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    crate::frame::write_message(&mut bytes, order)?;
    Ok(bytes)
}

/// The order in a frame.
///
/// # Errors
/// [`SourceError::Protocol`].
pub fn order_of(frame: &Frame) -> Result<Order, SourceError> {
    match frame {
        Frame::Message(bytes) => decode(bytes),
        Frame::Data(_) => Err(SourceError::Protocol("bytes of no file".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_pieces_is_put_together_and_noise_before_it_is_dropped() {
        let mut bytes = b"motd\nlast login\n".to_vec();
        bytes.extend_from_slice(crate::frame::MAGIC);
        bytes.push(b'\n');
        let told = [Told::Alive, Told::Moved(Amount { files: 3, bytes: 1 << 40 })];
        for one in &told {
            crate::frame::write_message(&mut bytes, one).unwrap();
        }
        let mut frames = Frames::default();
        let mut got = Vec::new();
        for byte in bytes {
            frames.take(&[byte]);
            got.extend(frames.told().unwrap());
        }
        assert_eq!(got, told);
    }

    #[test]
    fn a_side_that_never_starts_or_breaks_the_bounds_is_not_listened_to() {
        let mut frames = Frames::default();
        frames.take(&vec![b'x'; crate::frame::NOISE_MAX + 1]);
        assert!(frames.told().is_err());
        let mut frames = Frames { greeted: true, ..Frames::default() };
        frames.take(&[0xff, 0xff, 0xff, 0x7f, 0]);
        assert!(frames.told().is_err());
    }
}
