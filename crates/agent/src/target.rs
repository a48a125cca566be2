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

/// How bringing an entry went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placed {
    /// It stands there; a file's hash is of what was written.
    Done {
        /// Of a file's content.
        hash: Option<Hash>,
    },
    /// It stands there, but some of its metadata the host refused to set.
    Partly {
        /// In the kernel's words, bounded.
        refused: Vec<String>,
    },
    /// The host refused it.
    Failed {
        /// The kernel's error number.
        errno: i32,
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

    /// Brings a file, folder, symbolic link, pipe or socket. `pieces` is drained for a file and must come
    /// to its size. What stands there of another kind goes. A group's later names come by
    /// [`Target::link`]. A folder's own metadata is set by [`Target::finish`], after all that is in it.
    ///
    /// # Errors
    /// [`SourceError`].
    fn place(
        &mut self,
        entry: &Entry,
        pieces: &mut dyn Iterator<Item = Result<Piece, SourceError>>,
    ) -> Result<Placed, SourceError>;

    /// Gives what stands at `from` another name.
    ///
    /// # Errors
    /// [`SourceError`].
    fn link(&mut self, from: &RelPath, to: &RelPath) -> Result<Placed, SourceError>;

    /// Removes what stands at a path, a folder with all that is in it.
    ///
    /// # Errors
    /// [`SourceError`].
    fn remove(&mut self, path: &RelPath) -> Result<Placed, SourceError>;

    /// Sets an entry's metadata.
    ///
    /// # Errors
    /// [`SourceError`].
    fn finish(&mut self, path: &RelPath, meta: &Meta) -> Result<Placed, SourceError>;

    /// Waits until all of it is on the disk.
    ///
    /// # Errors
    /// [`SourceError`].
    fn sync(&mut self) -> Result<(), SourceError>;
}
