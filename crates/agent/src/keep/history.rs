//! What a recovery point holds.

use std::fs::File;

use super::error::{KeepError, Result};
use super::keeper::Keeper;
use super::point::Point;
use crate::entry::Entry;
use crate::hash::Hash;
use crate::path::RelPath;

impl Keeper {
    /// A recovery point.
    ///
    /// # Errors
    /// [`KeepError::NoPoint`].
    pub fn point(&self, id: u64) -> Result<Point> {
        self.index.point(id)?.ok_or(KeepError::NoPoint(id))
    }

    /// The entries of a point in the order of their paths, a folder before what is in it: those after
    /// `after`, at most `most`.
    ///
    /// # Errors
    /// [`KeepError::NoPoint`].
    pub fn entries(&self, point: u64, after: Option<&RelPath>, most: u32) -> Result<Vec<Entry>> {
        self.point(point)?;
        self.index.manifest(point.cast_signed(), after, most)
    }

    /// Opens a content that a point refers to; none where it is not here any more, as when something on
    /// this host wrote over it. It counts only once its hash was found to be the one asked for.
    ///
    /// # Errors
    /// [`KeepError::Disk`].
    pub fn open_content(&mut self, hash: Hash) -> Result<Option<File>> {
        self.content(hash)
    }
}
