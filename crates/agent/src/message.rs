//! What the two sides say. Bytes of files go beside it, in frames of their own.

use serde::{Deserialize, Serialize};

use crate::entry::{Entry, Meta};
use crate::hash::Blocks;
use crate::path::RelPath;
use crate::source::{Changes, Disk, Found, ListEnd, ReadEnd, Want};
use crate::target::Placed;

/// Most blocks of a former content that are told: 30 GB. What is beyond is sent anew.
pub const HAVE_MAX: usize = 30_000;

/// Most files in one request, and about how many bytes of it they may take.
pub const WANTS_MAX: usize = 1024;
/// See [`WANTS_MAX`].
pub const WANTS_BYTES: usize = 256 << 10;

/// Requests for files that may be under way.
pub const READS_AHEAD: usize = 2;

/// Steps that may be under way.
pub const STEPS_AHEAD: usize = 1024;

/// Most bytes of all that is said of one step's refusals.
pub const REFUSALS_BYTES: usize = 512;

/// What the asking side sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// [`crate::source::Source::scan`].
    Scan,
    /// [`crate::source::Source::changes`].
    Changes,
    /// [`crate::source::Source::read`], of a part of the list.
    Read(Vec<Want>),
    /// [`crate::source::Source::wait`].
    Wait {
        /// Most milliseconds.
        most_millis: u64,
    },
    /// [`crate::target::Target::disk`].
    Disk,
    /// [`crate::target::Target::blocks`].
    Blocks(RelPath),
    /// [`crate::target::Step::Place`]; its pieces follow, then [`Request::PiecesEnd`].
    Place(Entry),
    /// So many bytes that stand there already.
    Same(u64),
    /// So many zeros that take no room.
    Hole(u64),
    /// All of a file was sent.
    PiecesEnd,
    /// [`crate::target::Step::Link`].
    Link {
        /// What stands there.
        from: RelPath,
        /// Its further name.
        to: RelPath,
    },
    /// [`crate::target::Step::Remove`].
    Remove(RelPath),
    /// [`crate::target::Step::Finish`].
    Finish(RelPath, Meta),
    /// [`crate::target::Target::sync`].
    Sync,
}

/// What the serving side sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A part of a listing.
    Found(Vec<Found>),
    /// A scan's end.
    Scanned(ListEnd),
    /// The end of what changed.
    Changed(Changes),
    /// A file of the request begins, or begins again.
    Begin(u32),
    /// So many bytes of a block that the want has.
    Same(u64),
    /// So many zeros that take no room.
    Hole(u64),
    /// A file of the request ended.
    End(u32, Box<ReadEnd>),
    /// All of the request was read.
    ReadDone,
    /// Whether something changed.
    Waited(bool),
    /// The room.
    Disk(Disk),
    /// The blocks of what stands there.
    Blocks(Option<Blocks>),
    /// How the next step went.
    Placed(Placed),
    /// All is on the disk.
    Synced,
    /// It takes long, and goes on: a number that rises with what was done.
    Alive(u64),
    /// The workspace is not there.
    RootMissing(String),
    /// It could not be done, and the connection ends.
    Failed(String),
}
