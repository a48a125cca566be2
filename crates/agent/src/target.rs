//! The side that a workspace is brought back to: a new GPU.

use serde::{Deserialize, Serialize};

use crate::entry::{Entry, Meta};
use crate::hash::{Blocks, Hash};
use crate::path::RelPath;
use crate::source::{Disk, SourceError};

/// A piece of a content on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// Bytes.
    Data(Vec<u8>),
    /// So many bytes at this place of what stands there already are right.
    Same(u64),
    /// So many zeros that take no room.
    Hole(u64),
}

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placed {
    /// It stands there.
    Done {
        /// Of a file's content, as it was written.
        hash: Option<Hash>,
        /// What of its metadata the host refused to set, in words; none where all of it stands.
        refused: Vec<String>,
    },
    /// The host refused it.
    Failed {
        /// The kernel's error number.
        errno: i32,
    },
}

/// The content of a file on its way; drained even where the file fails.
pub type Pieces<'a> = Box<dyn Iterator<Item = Result<Piece, SourceError>> + 'a>;

/// One step of bringing a workspace back.
pub enum Step<'a> {
    /// Brings a file, folder, symbolic link, pipe or socket. The pieces must come to a file's size; others
    /// have none. What stands there of another kind goes. A group's later names come by [`Step::Link`]. A
    /// folder's own metadata is set by [`Step::Finish`], after all that is in it.
    Place {
        /// What.
        entry: Entry,
        /// Its content.
        pieces: Pieces<'a>,
    },
    /// Gives what stands at `from` another name.
    Link {
        /// What stands there already.
        from: RelPath,
        /// Its further name.
        to: RelPath,
    },
    /// Removes what stands at a path, a folder with all that is in it. Nothing there is as good.
    Remove {
        /// Where.
        path: RelPath,
    },
    /// Sets an entry's metadata.
    Finish {
        /// Where.
        path: RelPath,
        /// What it becomes.
        meta: Meta,
    },
}

/// A workspace that can be written: temporary names first, renamed into place, nothing outside of it.
pub trait Target {
    /// The room there.
    ///
    /// # Errors
    /// [`SourceError`].
    fn disk(&mut self) -> Result<Disk, SourceError>;

    /// The blocks of what stands at a path, so that only what differs is sent; none where there is none.
    ///
    /// # Errors
    /// [`SourceError`].
    fn blocks(&mut self, path: &RelPath) -> Result<Option<Blocks>, SourceError>;

    /// Does the steps as if one after the other, and tells of each how it went, in their order but maybe
    /// later than the next ones are asked for: over a connection many are under way.
    ///
    /// # Errors
    /// [`SourceError`], which ends it; what concerns one step is told of that step.
    fn apply<'a>(
        &mut self,
        steps: &mut (dyn Iterator<Item = Step<'a>> + 'a),
        told: &mut dyn FnMut(usize, Placed) -> Result<(), SourceError>,
    ) -> Result<(), SourceError>;

    /// Waits until all of it is on the disk.
    ///
    /// # Errors
    /// [`SourceError`].
    fn sync(&mut self) -> Result<(), SourceError>;
}

/// Does one step.
///
/// # Errors
/// [`SourceError`].
pub fn apply_one(target: &mut dyn Target, step: Step<'_>) -> Result<Placed, SourceError> {
    let mut placed = None;
    target.apply(&mut std::iter::once(step), &mut |_, how| {
        placed = Some(how);
        Ok(())
    })?;
    placed.ok_or_else(|| SourceError::Protocol("a step without an answer".to_owned()))
}
