//! Losses that were held back, as a set: kept, so that exactly these can be accepted later.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::change::{Change, size};
use super::error::Result;
use super::keeper::Keeper;
use super::numbers::Numbers;
use crate::entry::Content;
use crate::hash::Hash;
use crate::path::RelPath;

/// What a cycle would have lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Of all paths in order, each with a NUL at its end: stands for exactly this set.
    pub digest: Hash,
    /// Files and links.
    pub files: u64,
    /// Folders that would go.
    pub folders: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// All of it: a file with its bytes, a folder without.
    pub paths: Vec<(RelPath, Option<u64>)>,
}

impl Held {
    /// Its paths as the digest takes them in: each with a NUL at its end, a folder's with a slash before.
    #[must_use]
    pub fn list(&self) -> Vec<u8> {
        list(&self.paths)
    }
}

fn list(paths: &[(RelPath, Option<u64>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, size) in paths {
        bytes.extend_from_slice(path.as_bytes());
        bytes.extend_from_slice(if size.is_some() { b"\0" } else { b"/\0" });
    }
    bytes
}

impl Keeper {
    /// Keeps what a cycle would take away: all of it, also what counts for no loss, since it goes with
    /// the rest: links, further names of a file, files whose content is elsewhere too. What only moved
    /// is not meant, nor what was `left_out`.
    pub(super) fn hold_back(
        &mut self,
        change: &Change,
        left_out: &HashSet<RelPath>,
    ) -> Result<Held> {
        let mut paths = Vec::new();
        // Inodes that are at a path now where they were not.
        let mut moved = Numbers::default();
        for (path, next) in change {
            let Some(now) = next.as_ref().and_then(|next| next.source) else { continue };
            let was = self.index.live(path)?.and_then(|live| live.source);
            if was.is_none_or(|was| !now.is_still(&was)) {
                moved.extend(Some(now));
            }
        }
        let (mut bytes, mut folders) = (0_u64, 0);
        for (path, next) in change {
            let Some(live) = self.index.live(path)? else { continue };
            let elsewhere = live.source.is_some_and(|source| moved.has(&source));
            if next.is_some() || elsewhere || left_out.contains(path) {
                continue;
            }
            if matches!(live.entry.content, Content::Folder) {
                folders += 1;
                paths.push((path.clone(), None));
            } else {
                bytes = bytes.saturating_add(size(&live.entry));
                paths.push((path.clone(), Some(size(&live.entry))));
            }
        }
        let digest = Hash::of(&list(&paths));
        let files = (paths.len() as u64).saturating_sub(folders);
        let files_of: Vec<&RelPath> =
            paths.iter().filter(|(_, size)| size.is_some()).map(|(path, _)| path).collect();
        self.index.transaction(|index| index.set_fact("held", &(digest, files_of)))?;
        Ok(Held { digest, files, folders, bytes, paths })
    }

    /// How many of these losses were accepted, with exactly this digest.
    pub(super) fn accepted(&self, digest: Option<Hash>, lost: &HashSet<RelPath>) -> Result<u64> {
        let Some(digest) = digest else { return Ok(0) };
        let held: Option<(Hash, Vec<RelPath>)> = self.index.fact("held")?;
        let Some((_, paths)) = held.filter(|(held, _)| *held == digest) else { return Ok(0) };
        Ok(paths.iter().filter(|path| lost.contains(*path)).count() as u64)
    }
}
