//! Finishing what was decided, whatever cut it off, and going on where that can't be done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::apply::{Hands, sweep};
use super::beneath;
use super::error::{KeepError, Result, What};
use super::index::{Which, collect, decode_grown};
use super::keeper::Keeper;
use super::plan::{Op, Slot};
use super::state::{slot, unlink};
use crate::entry::{Content, Entry};
use crate::look::Look;
use crate::order::CutOff;
use crate::path::RelPath;

/// Paths that are named.
const NAMED: usize = 100;
/// A file system may keep times as coarsely as this.
const COARSE: u64 = 2;

/// Moves an index that can't be read out of the way; the one that was moved before goes.
pub(super) fn set_aside(state: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let name = state.join(format!("index.sqlite{suffix}"));
        match std::fs::rename(&name, state.join(format!("index.damaged{suffix}"))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl Keeper {
    /// Finishes what was decided, undoes what was not.
    pub(super) fn recover(&mut self) -> Result<()> {
        let pending: Vec<Op> = {
            let mut query = self.index.db.prepare("select op from journal order by seq")?;
            let rows = query.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
            rows.map(|row| row.map_err(KeepError::from).and_then(|op| decode_grown(&op)))
                .collect::<Result<_>>()?
        };
        let decided: Option<u64> = self.index.fact("decided")?;
        if let Some(point) = decided {
            self.finish(&pending, point)?;
        }
        self.collect_garbage()?;
        let held = self.held_slots()?;
        sweep(&self.state.staging, &self.state.parked, &|name| held.contains(name))?;
        sweep(&self.state.parked, &self.state.parked, &|_| false)
    }

    /// Does the steps that were decided on, and closes the journal. What could not be done is written
    /// down: the next cycle fetches it anew.
    pub(super) fn finish(&mut self, ops: &[Op], point: u64) -> Result<()> {
        let mut hands =
            Hands { copy: &mut self.copy, state: &self.state, steps: self.steps.as_mut() };
        let mut failed = hands.apply(ops)?;
        self.save(ops, &failed)?;
        if self.config.durable {
            self.state.sync().what("waiting for the disk")?;
        }
        self.steps.step("closing the journal")?;
        let touched: BTreeSet<&RelPath> = ops.iter().map(super::apply::path).collect();
        let before = self.damaged()?;
        let mut placed = Vec::new();
        for path in self.index.paths(Which::Unplaced)? {
            let old = before.contains_key(&path) && !touched.contains(&path);
            if old || failed.contains_key(&path) {
                continue;
            }
            let Some(live) = self.index.live(&path)? else { continue };
            match self.copy.look(&path).what("looking at the copy")? {
                Some(look) if is_like(&look, &live.entry) => {
                    placed.push((path, look.identity));
                }
                // A step that is taken for done when it is done again, and was not.
                _ => {
                    failed.insert(path, rustix::io::Errno::NOENT.raw_os_error());
                }
            }
        }
        self.must_scan |= !failed.is_empty();
        self.index.transaction(|index| {
            for (path, identity) in &placed {
                index.set_placed(path, identity)?;
            }
            for path in &touched {
                index.mended(path)?;
            }
            for (path, errno) in &failed {
                index.set_damaged(path, *errno)?;
            }
            index
                .db
                .execute_batch("delete from journal; delete from fact where name = 'decided'")?;
            index.set_fact("applied", &point)
        })?;
        self.steps.step("letting go of what left")?;
        sweep(&self.state.parked, &self.state.parked, &|_| false)
    }

    /// Takes away what a journal could not take away, before the next point is made: its content is kept
    /// where an earlier point refers to it.
    pub(super) fn clear_strays(&mut self) -> Result<()> {
        const WHAT: &str = "taking away what a journal could not";
        // The deepest first.
        let damaged: Vec<RelPath> = self.damaged()?.into_keys().rev().collect();
        for path in damaged {
            if self.index.live(&path)?.is_some() {
                continue;
            }
            self.steps.step(WHAT)?;
            if let Some(look) = self.copy.look(&path).what(WHAT)? {
                let (folder, name) = self.copy.place(&path).what(WHAT)?;
                let kept = self.index.left_last(&path)?.filter(|_| beneath::is_regular(&look));
                let kept = match kept {
                    Some(hash) if !self.state.has(hash).what(WHAT)? => rustix::fs::renameat(
                        &folder,
                        name,
                        &self.state.objects,
                        hash.to_hex().as_bytes(),
                    )
                    .is_ok(),
                    _ => false,
                };
                let taken = if beneath::is_folder(&look) {
                    self.copy.forget();
                    super::state::remove_tree(&folder, name, &self.state.parked)
                } else if kept {
                    Ok(())
                } else {
                    unlink(&folder, name)
                };
                // It stays written down, and is tried again with the next point.
                if taken.is_err() {
                    continue;
                }
            }
            // Also where it was cut off in between.
            self.dress_parent(&path)?;
            self.index.mended(&path)?;
        }
        Ok(())
    }

    /// Gives the folder of a thing that was taken away its own time stamp again: its entry may be that of
    /// the point that the thing left with, and then nothing else touches it.
    fn dress_parent(&mut self, path: &RelPath) -> Result<()> {
        const WHAT: &str = "setting what belongs to a folder";
        let Some(parent) = path.parent().filter(|parent| !parent.is_root()) else { return Ok(()) };
        let Some(live) = self.index.live(&parent)? else { return Ok(()) };
        let Some(look) = self.copy.look(&parent).what(WHAT)? else { return Ok(()) };
        if !beneath::is_folder(&look) || !matches!(live.entry.content, Content::Folder) {
            return Ok(());
        }
        let dress = Op::Dress { path: parent.clone(), meta: live.entry.meta };
        let mut hands =
            Hands { copy: &mut self.copy, state: &self.state, steps: self.steps.as_mut() };
        let failed = hands.apply(&[dress])?;
        let now = self.copy.look(&parent).what(WHAT)?;
        self.index.transaction(|index| {
            for (path, errno) in &failed {
                index.set_damaged(path, *errno)?;
            }
            match now {
                Some(now) if failed.is_empty() => index.set_placed(&parent, &now.identity),
                _ => Ok(()),
            }
        })
    }

    /// Keeps what arrived and could not be put in its place, as a content of the point.
    fn save(&mut self, ops: &[Op], failed: &BTreeMap<RelPath, i32>) -> Result<()> {
        for op in ops {
            let Op::Put { slot: from, path } = op else { continue };
            if !failed.contains_key(path) {
                continue;
            }
            let Some(Entry { content: Content::File { hash, .. }, .. }) =
                self.index.live(path)?.map(|live| live.entry)
            else {
                continue;
            };
            let (place, name) = match from {
                Slot::Staged(number) => (&self.state.staging, slot(*number)),
                Slot::Parked(number) => (&self.state.parked, slot(*number)),
            };
            // What can't be kept either is fetched anew.
            let _ = rustix::fs::renameat(
                place,
                name.as_slice(),
                &self.state.objects,
                hash.to_hex().as_bytes(),
            );
        }
        Ok(())
    }

    /// Paths of the copy that are not what the last point says, with the kernel's number.
    pub(super) fn damaged(&self) -> Result<BTreeMap<RelPath, i32>> {
        let mut query = self.index.db.prepare_cached("select path, errno from damaged")?;
        let rows = query.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (path, errno) = row?;
            Ok((super::index::path(path)?, errno))
        })
        .collect()
    }

    /// Why the copy is not the last point everywhere, where it is not.
    ///
    /// # Errors
    /// [`KeepError::Index`].
    pub fn cut_off(&self) -> Result<Option<CutOff>> {
        let lost: Option<String> = self.index.fact("lost")?;
        let damaged = self.index.count("select count(*) from damaged")?;
        if lost.is_none() && damaged == 0 {
            return Ok(None);
        }
        let mut query = self.index.db.prepare_cached("select path from damaged limit ?1")?;
        let named = collect(query.query_map([NAMED as i64], |row| row.get(0))?)?;
        let words = lost.clone().unwrap_or_else(|| {
            format!("{damaged} paths of the copy could not be made what the last point says")
        });
        let cut = |path: &RelPath| {
            let bytes = path.as_bytes();
            bytes.get(..bytes.len().min(1_900)).unwrap_or_default().to_vec()
        };
        let named = named.iter().map(cut).collect();
        Ok(Some(CutOff { words, unknown: lost.is_some(), damaged, named }))
    }

    /// A cycle compared everything with the host: what was lost with an index is mended. Contents that
    /// only the lost points referred to go.
    pub(super) fn forget_loss(&mut self) -> Result<()> {
        if self.index.fact::<String>("lost")?.is_none() {
            return Ok(());
        }
        for (name, _) in super::state::names(&self.state.objects).what("looking at contents")? {
            let known = std::str::from_utf8(&name).ok().and_then(from_hex);
            let used = match known {
                Some(hash) => self.index.is_history(hash)?,
                None => false,
            };
            if !used {
                unlink(&self.state.objects, &name).what("removing an old content")?;
            }
        }
        self.index.transaction(|index| {
            Ok(index.db.execute_batch("delete from fact where name = 'lost'")?)
        })
    }
}

fn from_hex(text: &str) -> Option<crate::hash::Hash> {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok().map(crate::hash::Hash)
}

/// Whether what stands there can be what an entry says, from outside.
fn is_like(look: &Look, entry: &Entry) -> bool {
    let identity = look.identity;
    match &entry.content {
        Content::File { size, .. } => {
            let (now, then) = (identity.mtime, entry.meta.mtime);
            let apart = now.since(then).max(then.since(now));
            beneath::is_regular(look) && identity.size == *size && apart.as_secs() <= COARSE
        }
        Content::Folder => beneath::is_folder(look),
        Content::Symlink { .. } | Content::Fifo | Content::Socket => {
            !beneath::is_regular(look) && !beneath::is_folder(look)
        }
    }
}
