//! From what a path shall be to the next recovery point: planned, written down, done.

use std::collections::{BTreeMap, HashSet};

use rusqlite::params;

use super::beneath;
use super::error::{Result, What};
use super::index::{Index, encode};
use super::keeper::Keeper;
use super::plan::{Inode, New, Old, Op, Plan, Supply, Touch, Touches, plan};
use super::point::{Beside, Kind, Live, Point};
use crate::clock::Nanos;
use crate::entry::{Content, Entry, Identity};
use crate::path::RelPath;

/// What a path shall be.
#[derive(Debug, Clone)]
pub(super) struct Next {
    pub(super) entry: Entry,
    pub(super) supply: Supply,
    pub(super) source: Option<Identity>,
    pub(super) racy: bool,
    pub(super) database: Option<Beside>,
    pub(super) proven: Nanos,
}

/// What changes: a path with nothing goes.
pub(super) type Change = BTreeMap<RelPath, Option<Next>>;

/// What the next point is besides its entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub(super) epoch: u64,
    pub(super) began: Nanos,
    pub(super) kind: Kind,
}

/// What became of a change.
#[derive(Debug)]
pub(super) enum Committed {
    /// It is the next point.
    Point(Point),
    /// Nothing that a point holds is different.
    Nothing,
    /// Contents that were thought to be here are not: at these paths.
    Missing(Vec<RelPath>),
}

/// Whether it counts among a point's files.
fn counts(entry: &Entry) -> bool {
    !matches!(entry.content, Content::Folder)
}

/// A file's bytes.
pub(super) fn size(entry: &Entry) -> u64 {
    match &entry.content {
        Content::File { size, .. } => *size,
        _ => 0,
    }
}

impl Keeper {
    /// Makes the next point of it. `also` is written in the same instant.
    pub(super) fn commit(
        &mut self,
        change: &Change,
        about: About,
        lost: &HashSet<RelPath>,
        also: &dyn Fn(&Index) -> Result<()>,
    ) -> Result<Committed> {
        // Strangers may have put another folder where one is kept open.
        self.copy.forget();
        self.clear_strays()?;
        let (mut touches, refreshed) = self.sort_out(change)?;
        if touches.is_empty() {
            self.steps.step("noting that nothing changed")?;
            self.index.transaction(|index| {
                for live in &refreshed {
                    index.set_live(live)?;
                }
                also(index)
            })?;
            return Ok(Committed::Nothing);
        }
        self.widen(&mut touches)?;
        let ops = match self.plan(&mut touches)? {
            Ok(ops) => ops,
            Err(missing) => return Ok(Committed::Missing(missing)),
        };
        if self.config.durable {
            self.steps.step("waiting for the disk")?;
            self.state.sync().what("waiting for the disk")?;
        }
        let point = self.next_point(&touches, about)?;
        self.steps.step("deciding on a point")?;
        self.index.transaction(|index| {
            record(index, &touches, change, &point, lost)?;
            for live in &refreshed {
                index.set_live(live)?;
            }
            let mut journal = index.db.prepare_cached("insert into journal(op) values(?1)")?;
            for op in &ops {
                journal.execute(params![encode(op)?])?;
            }
            index.db.execute_batch("delete from held")?;
            index.add_point(&point)?;
            index.set_fact("decided", &point.id)?;
            also(index)
        })?;
        // Whatever ends it now: opening finishes it.
        self.finish(&ops, point.id)?;
        Ok(Committed::Point(point))
    }

    /// What changes the copy, and what only is known better now.
    fn sort_out(&mut self, change: &Change) -> Result<(Touches, Vec<Live>)> {
        let (mut touches, mut refreshed) = (Touches::new(), Vec::new());
        let damaged = self.damaged()?;
        for (path, next) in change {
            let live = self.index.live(path)?;
            match (live, next) {
                (None, None) => {}
                (Some(live), Some(next))
                    if live.entry == next.entry && !damaged.contains_key(path) =>
                {
                    refreshed.push(Live {
                        entry: live.entry,
                        source: next.source,
                        racy: next.racy,
                        database: next.database.clone(),
                        placed: live.placed,
                        proven: next.proven,
                    });
                }
                (live, next) => {
                    let old = match live {
                        Some(live) => Some(self.look(live)?),
                        None => None,
                    };
                    let new = next
                        .as_ref()
                        .map(|next| New { entry: next.entry.clone(), supply: next.supply });
                    touches.insert(path.clone(), Touch { old, new });
                }
            }
        }
        Ok((touches, refreshed))
    }

    /// What really stands there.
    fn look(&mut self, live: Live) -> Result<Old> {
        let look = self.copy.look(&live.entry.path).what("looking at the copy")?;
        let now = look.as_ref().map(|look| look.identity);
        let is_folder = look.as_ref().is_some_and(beneath::is_folder);
        let regular = look.as_ref().is_some_and(beneath::is_regular);
        let mut intact = match (now, live.placed) {
            (Some(now), Some(placed)) => {
                regular
                    && now.ino == placed.ino
                    && now.size == placed.size
                    && now.mtime == placed.mtime
            }
            _ => false,
        };
        // Something touched it since, and may have put the time stamp back: it is kept as a content only
        // where it still is that one.
        if intact && now != live.placed {
            intact = self.is_content(&live.entry)?;
        }
        let damaged = self.index.is_damaged(&live.entry.path)?;
        Ok(Old { entry: live.entry, inode: now.map(Inode::from), is_folder, intact, damaged })
    }

    /// Whether a file of the copy has the content of its entry, as read now.
    fn is_content(&mut self, entry: &Entry) -> Result<bool> {
        const WHAT: &str = "reading a file of the copy";
        let Content::File { hash, size, .. } = entry.content else { return Ok(false) };
        let Some(mut file) = self.intact(&entry.path)? else { return Ok(false) };
        let found = super::make::pieces(&mut file, size, &mut |_, _| Ok(())).what(WHAT)?;
        Ok(found == Some(hash))
    }

    /// Adds what shares an inode with what changes, here or on the workspace's host, and the folders
    /// whose time stamps a change in them moves.
    fn widen(&mut self, touches: &mut Touches) -> Result<()> {
        let mut open: Vec<RelPath> = touches.keys().cloned().collect();
        while let Some(path) = open.pop() {
            let Some(touch) = touches.get(&path) else { continue };
            let mut also = Vec::new();
            if let Some(parent) = path.parent()
                && !parent.is_root()
            {
                also.push(parent);
            }
            let old_file = touch
                .old
                .as_ref()
                .filter(|old| matches!(old.entry.content, Content::File { .. }))
                .and_then(|old| old.inode);
            if let Some(inode) = old_file {
                also.extend(self.index.live_with_inode(inode.number)?);
            }
            if let Some(New { entry, .. }) = &touch.new
                && let Content::File { group: group @ Some(_), hash, .. } = entry.content
            {
                for other in self.index.all_live_with_hash(hash)? {
                    let same = self.index.live(&other)?.is_some_and(|live| {
                        matches!(live.entry.content, Content::File { group: at, .. } if at == group)
                    });
                    if same {
                        also.push(other);
                    }
                }
            }
            for path in also {
                if touches.contains_key(&path) {
                    continue;
                }
                let Some(live) = self.index.live(&path)? else { continue };
                let entry = live.entry.clone();
                let old = Some(self.look(live)?);
                let new = Some(New { entry, supply: Supply::Here });
                touches.insert(path.clone(), Touch { old, new });
                open.push(path);
            }
        }
        Ok(())
    }

    /// Plans, copying what has to be in two places; the paths whose content is not here, where there are.
    fn plan(
        &mut self,
        touches: &mut Touches,
    ) -> Result<std::result::Result<Vec<Op>, Vec<RelPath>>> {
        loop {
            let index = &self.index;
            let elsewhere = |hash| {
                index
                    .live_with_hash(hash)
                    .is_ok_and(|paths| paths.iter().any(|path| !touches.contains_key(path)))
            };
            let copies = match plan(touches, &elsewhere) {
                Plan::Do(ops) => return Ok(Ok(ops)),
                Plan::Copy(copies) => copies,
            };
            let mut missing = Vec::new();
            for path in copies {
                let Some(new) = touches.get_mut(&path).and_then(|touch| touch.new.as_mut()) else {
                    continue;
                };
                let Content::File { hash, size, .. } = new.entry.content else { continue };
                let number = self.number()?;
                if self.copy_here(number, hash, size)? {
                    self.dress_staged(number, &new.entry.meta.clone())?;
                    new.supply = Supply::Staged(number);
                } else {
                    missing.push(path);
                }
            }
            if !missing.is_empty() {
                return Ok(Err(missing));
            }
        }
    }

    /// A number that nothing in staging has.
    pub(super) fn number(&mut self) -> Result<u64> {
        loop {
            self.next_slot = self.next_slot.wrapping_add(1);
            let name = super::state::slot(self.next_slot);
            let taken = super::state::exists(&self.state.staging, &name);
            if !taken.what("looking into staging")? {
                return Ok(self.next_slot);
            }
        }
    }

    fn next_point(&self, touches: &Touches, about: About) -> Result<Point> {
        let last = self.index.last_point()?;
        let (mut files, mut bytes) = last.as_ref().map_or((0, 0), |last| (last.files, last.bytes));
        let mut changed = 0;
        for touch in touches.values() {
            if let Some(old) = touch.old.as_ref().filter(|old| counts(&old.entry)) {
                files = files.saturating_sub(1);
                bytes = bytes.saturating_sub(size(&old.entry));
            }
            if let Some(new) = touch.new.as_ref().filter(|new| counts(&new.entry)) {
                files = files.saturating_add(1);
                bytes = bytes.saturating_add(size(&new.entry));
            }
            let same = match (&touch.old, &touch.new) {
                (Some(old), Some(new)) => old.entry == new.entry,
                _ => false,
            };
            changed += u64::from(!same);
        }
        Ok(Point {
            id: last.map_or(1, |last| last.id.saturating_add(1)),
            epoch: about.epoch,
            began: about.began,
            received: self.clock.now(),
            kind: about.kind,
            files,
            bytes,
            changed,
            pinned: false,
        })
    }
}

/// Writes a point's entries down.
fn record(
    index: &Index,
    touches: &Touches,
    change: &Change,
    point: &Point,
    lost: &HashSet<RelPath>,
) -> Result<()> {
    for (path, touch) in touches {
        let Some(new) = &touch.new else {
            index.close(path, point.id, lost.contains(path))?;
            index.drop_live(path)?;
            continue;
        };
        let old = touch.old.as_ref().map(|old| &old.entry);
        if old != Some(&new.entry) {
            if old.is_some() {
                index.close(path, point.id, false)?;
            }
            index.begin(&new.entry, point.id)?;
        }
        let live = match change.get(path).and_then(Option::as_ref) {
            Some(next) => Live {
                entry: new.entry.clone(),
                source: next.source,
                racy: next.racy,
                database: next.database.clone(),
                placed: None,
                proven: next.proven,
            },
            None => match index.live(path)? {
                Some(live) => Live { placed: None, ..live },
                None => continue,
            },
        };
        index.set_live(&live)?;
    }
    Ok(())
}
