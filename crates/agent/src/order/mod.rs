//! What a standby's keeper is told to do over the stdio of its session, and what it says. Types of their
//! own: who speaks them needs neither the index nor the file system.

mod frames;
mod gaps;
mod refusal;
mod told;

use serde::{Deserialize, Serialize};

use crate::frame::{Frame, decode};
use crate::source::SourceError;

pub use frames::Frames;
pub use gaps::{GAPS_BYTES, GAPS_MAX, Gap, Gaps, Why};
pub use refusal::Refusal;
pub use told::{
    Amount, CutOff, CycleDone, CycleEnd, DifferenceTold, Done, Drift, HeldTold, How, LacksTold,
    OwnDone, PointTold, ProofDone, RestoreDone, StatusTold, TakenDone, Told,
};

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
        /// Every writer is held: what they have open, databases too, is read as it lies there. What can't
        /// be read then is refused ([`Refusal::Unread`]) and no point is made; otherwise it is left out
        /// and counted.
        frozen: bool,
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
