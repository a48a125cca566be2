//! Putting the copy back to an earlier point, whole or a path of it; and what that would change.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::change::{About, Change, Committed, Next, size};
use super::error::{KeepError, Result};
use super::keeper::Keeper;
use super::plan::Supply;
use super::point::{Kind, Point};
use crate::clock::Nanos;
use crate::entry::{Content, Entry};
use crate::path::RelPath;

/// Paths that are named; more are only counted.
const NAMED: usize = 100;

/// What going back would change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Difference {
    /// Files and links that are not there now and would be.
    pub added: u64,
    /// Files and links that would be as they were.
    pub changed: u64,
    /// Files and links that are there now and would not be.
    pub removed: u64,
    /// Bytes of the files that would be brought.
    pub bytes: u64,
    /// Files whose content of then is not here any more: something on this host wrote over it.
    pub missing: u64,
    /// Some of the paths, at most 100.
    pub named: Vec<RelPath>,
}

/// How going back ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Back {
    /// The copy is what it was then; that is a point of its own.
    Point(Point),
    /// There was nothing to change.
    Nothing,
    /// Contents of then are not here any more; nothing was changed. At most 100 are named.
    Missing(Vec<RelPath>),
    /// What is to be brought does not fit; nothing was changed.
    NoRoom {
        /// Bytes that would be written.
        need: u64,
        /// Bytes that may be.
        free: u64,
    },
}

impl Keeper {
    /// What going back to a point would change, at a path and below. The root means all.
    ///
    /// # Errors
    /// [`KeepError::NoPoint`].
    pub fn difference(&mut self, point: u64, within: &RelPath) -> Result<Difference> {
        let mut difference = Difference::default();
        for path in self.differing(point, within)? {
            let now = self.index.live(&path)?.map(|live| live.entry);
            let then = self.index.entry_at(point, &path)?;
            let is_file = |entry: &Option<Entry>| {
                entry.as_ref().is_some_and(|entry| !matches!(entry.content, Content::Folder))
            };
            match (is_file(&now), is_file(&then)) {
                (false, true) => difference.added += 1,
                (true, true) => difference.changed += 1,
                (true, false) => difference.removed += 1,
                (false, false) => {}
            }
            if let Some(Entry { content: Content::File { hash, size, .. }, .. }) = &then {
                let same = matches!(&now, Some(Entry { content: Content::File { hash: at, .. }, .. }) if at == hash);
                if !same {
                    difference.bytes = difference.bytes.saturating_add(*size);
                }
                difference.missing += u64::from(self.content(*hash)?.is_none());
            }
            if difference.named.len() < NAMED {
                difference.named.push(path);
            }
        }
        Ok(difference)
    }

    /// Puts the copy back to a point, at a path and below; the root means all. What is there now stays
    /// in the points before.
    ///
    /// # Errors
    /// [`KeepError::NoPoint`], [`KeepError::StaleEpoch`].
    pub fn go_back(&mut self, epoch: u64, point: u64, within: &RelPath) -> Result<Back> {
        self.enter(epoch)?;
        let began = self.point(point)?.began;
        let mut change = Change::new();
        let mut need = 0_u64;
        for path in self.differing(point, within)? {
            let next = match self.index.entry_at(point, &path)? {
                Some(entry) => {
                    need = need.saturating_add(size(&entry));
                    Some(self.as_then(entry)?)
                }
                None => None,
            };
            change.insert(path, next);
        }
        // The folders on the way there.
        let mut above = within.parent();
        while let Some(path) = above.filter(|path| !path.is_root() && !change.is_empty()) {
            let is_folder = self
                .index
                .live(&path)?
                .is_some_and(|live| matches!(live.entry.content, Content::Folder));
            if !is_folder && let Some(entry) = self.index.entry_at(point, &path)? {
                let next = self.as_then(entry)?;
                change.insert(path.clone(), Some(next));
            }
            above = path.parent();
        }
        let free = self.disk()?.free.saturating_sub(self.config.reserve);
        if need > free {
            return Ok(Back::NoRoom { need, free });
        }
        let about = About { epoch, began, kind: Kind::Back };
        let committed = self.commit(&change, about, &HashSet::new(), &|_| Ok(()))?;
        // What the watch told of the workspace says nothing of this.
        self.must_scan = true;
        Ok(match committed {
            Committed::Point(point) => Back::Point(point),
            Committed::Nothing => Back::Nothing,
            Committed::Missing(mut paths) => {
                paths.truncate(NAMED);
                Back::Missing(paths)
            }
        })
    }

    fn as_then(&mut self, entry: Entry) -> Result<Next> {
        let made = !matches!(entry.content, Content::File { .. } | Content::Folder);
        let supply = if made {
            let number = self.number()?;
            self.make(number, &entry)?;
            Supply::Staged(number)
        } else {
            Supply::Here
        };
        Ok(Next { entry, supply, source: None, racy: false, database: None, proven: Nanos(0) })
    }

    /// The paths at which a point is not what is there now.
    fn differing(&self, point: u64, within: &RelPath) -> Result<Vec<RelPath>> {
        let last = self.index.last_point()?.ok_or(KeepError::NoPoint(point))?.id;
        self.point(point)?;
        let mut paths = self.index.differing(point, last)?;
        paths.retain(|path| path.is_within(within));
        Ok(paths)
    }

    /// Keeps a point whatever its age, or no longer.
    ///
    /// # Errors
    /// [`KeepError::NoPoint`].
    pub fn pin(&mut self, point: u64, pinned: bool) -> Result<()> {
        self.point(point)?;
        let mut query =
            self.index.db.prepare_cached("update point set pinned = ?2 where id = ?1")?;
        query.execute(rusqlite::params![point.cast_signed(), pinned])?;
        Ok(())
    }
}
