//! What the standby's own job wrote to the copy after a takeover, as a recovery point.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::change::size;
use super::error::{KeepError, Result, Unread};
use super::keeper::Keeper;
use super::point::{Kind, Live, Point};
use super::reading::Got;
use super::settle::{file, group};
use crate::entry::{Body, Content, Entry, Listed, Meta, Unprotected};
use crate::hash::Hash;
use crate::path::RelPath;
use crate::source::{Found, Source, SourceError};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// The point that holds it; the last one where nothing was written.
    pub point: Option<Point>,
    /// Files and links that are new or different.
    pub written: u64,
    /// Those that are gone.
    pub removed: u64,
    /// Earlier contents that were written over in place: points before refer to them in vain.
    pub overwritten: u64,
    /// Files that could not be read, or never held still: they are not in the point as they are now.
    pub unread: u64,
    /// Some of them, with why.
    pub unread_named: Vec<(RelPath, Unread)>,
}

/// Who may write to the copy while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// The standby's job: what can't be read whole is left as it was, and told.
    Work,
    /// Nobody: all are held. What can't be read is refused, and no point is made.
    Held,
    /// Nobody should have: the copy follows a GPU. What was written is kept as a point; what can't be
    /// read is in none, so that it is fetched anew.
    Strangers,
}

/// Unread entries that are named.
const NAMED: usize = 100;
/// Points of strangers' writes that are known as such.
const STRANGE_POINTS: usize = 64;

impl Keeper {
    /// Finds what was written to the copy here, by comparing with how it was left, and makes a point of
    /// it. `copy` is the copy, read. Contents stay where they are: nothing may write while this point is
    /// restored.
    ///
    /// # Errors
    /// [`KeepError::Unread`] where all writers are held and something can't be read; else
    /// [`super::KeepError`].
    pub fn take_own(&mut self, epoch: u64, copy: &mut dyn Source, writers: Writers) -> Result<Own> {
        self.enter(epoch)?;
        self.copy.forget();
        let following = self.index.last_point()?.is_some();
        let mut changed: BTreeMap<RelPath, Listed> = BTreeMap::new();
        let mut seen: HashSet<RelPath> = HashSet::new();
        let mut shut: Vec<RelPath> = Vec::new();
        let mut unread: Vec<(RelPath, Unread)> = Vec::new();
        let mut failed = None;
        // What a journal could not make what it should be is the next cycle's to mend.
        let damaged = match writers {
            Writers::Strangers => self.damaged()?,
            Writers::Work | Writers::Held => BTreeMap::new(),
        };
        let index = &self.index;
        let told = copy.scan(&mut |found| {
            let listed = match found {
                Found::Entry(listed) if listed.path.is_root() => return Ok(()),
                Found::Entry(listed) => listed,
                Found::Unprotected { path, why, .. } => {
                    if let Some(why) = unreadable(&why) {
                        unread.push((path.clone(), why));
                    }
                    shut.push(path);
                    return Ok(());
                }
                Found::Gone { .. } | Found::Attributes { .. } => return Ok(()),
            };
            match index.live(&listed.path) {
                Ok(live) => {
                    seen.insert(listed.path.clone());
                    let as_left = live.is_some_and(|live| {
                        // What was read too soon on the GPU says nothing of what strangers do here.
                        let racy = live.racy && writers != Writers::Strangers;
                        live.placed == Some(listed.identity) && !racy && !listed.mapped
                    });
                    if !as_left && !damaged.contains_key(&listed.path) {
                        changed.insert(listed.path.clone(), listed);
                    }
                    Ok(())
                }
                Err(error) => {
                    failed = Some(error);
                    Err(SourceError::Sink("the index".to_owned()))
                }
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let end = told?;
        let mut files = Vec::new();
        for (path, listed) in &changed {
            if matches!(listed.body, Body::File { .. }) {
                files.push((path.clone(), self.beginning(path)?));
            }
        }
        let hashes = self.ask_hashes(copy, &files)?;
        if writers == Writers::Held {
            unread.extend(self.moved_on(copy, &changed)?);
        }
        let mut gone = Vec::new();
        for path in self.index.live_below(&RelPath::root())? {
            let within = shut.iter().any(|shut| path.is_within(shut));
            if !seen.contains(&path) && !within && !damaged.contains_key(&path) {
                gone.push(path);
            }
        }
        let mut own = Own {
            point: None,
            written: 0,
            removed: 0,
            overwritten: 0,
            unread: 0,
            unread_named: Vec::new(),
        };
        let mut lives = Vec::new();
        for (path, listed) in changed {
            let old = self.index.live(&path)?;
            let (listed, hash, racy) = match hashes.get(&path) {
                Some(Got::Hashed(read)) => (
                    Listed { path: path.clone(), ..read.listed.clone() },
                    Some(read.hash),
                    read.racy,
                ),
                None => (listed, None, false),
                // It went while it was looked at, as a job's temporary files do.
                Some(Got::Gone) if writers != Writers::Held => continue,
                Some(other) => {
                    let why = match other {
                        Got::Unreadable(errno) => Unread::Refused(*errno),
                        _ => Unread::Flux,
                    };
                    if writers == Writers::Strangers && old.is_some() {
                        gone.push(path.clone());
                    }
                    unread.push((path, why));
                    continue;
                }
            };
            let mut new = self.as_written(&listed, hash, racy)?;
            if let Some(old) = old.as_ref().filter(|old| old.entry == new.entry) {
                new = Live { placed: new.placed, ..old.clone() };
            }
            lives.push((old, new));
        }
        if writers == Writers::Held && !unread.is_empty() {
            return Err(KeepError::Unread(unread));
        }
        self.write_own(epoch, end.began, lives, &gone, &mut own)?;
        if writers == Writers::Strangers
            && following
            && let Some(point) = own.point.as_ref().filter(|_| own.written + own.removed > 0)
        {
            let mut known: Vec<u64> = self.index.fact("strange")?.unwrap_or_default();
            known.push(point.id);
            let surplus = known.len().saturating_sub(STRANGE_POINTS);
            known.drain(..surplus);
            self.index.transaction(|index| index.set_fact("strange", &known))?;
        }
        own.unread = unread.len() as u64;
        unread.truncate(NAMED);
        own.unread_named = unread;
        self.must_scan = true;
        Ok(own)
    }

    /// What did not stay as it was read, though every writer is held.
    fn moved_on(
        &self,
        copy: &mut dyn Source,
        read: &BTreeMap<RelPath, Listed>,
    ) -> Result<Vec<(RelPath, Unread)>> {
        let mut moved = Vec::new();
        let mut failed = None;
        let told = copy.scan(&mut |found| {
            let Found::Entry(listed) = found else { return Ok(()) };
            if listed.path.is_root() {
                return Ok(());
            }
            let same = match read.get(&listed.path) {
                Some(before) => before.identity == listed.identity,
                None => match self.index.live(&listed.path) {
                    Ok(live) => live.is_some_and(|live| live.placed == Some(listed.identity)),
                    Err(error) => {
                        failed = Some(error);
                        return Err(SourceError::Sink("the index".to_owned()));
                    }
                },
            };
            if !same {
                moved.push((listed.path, Unread::Flux));
            }
            Ok(())
        });
        match failed {
            Some(error) => Err(error),
            None => {
                told?;
                Ok(moved)
            }
        }
    }

    /// Of paths that go, those that only strangers' writes to the copy brought: no loss of the GPU's.
    pub(super) fn strange<'p>(
        &self,
        gone: impl Iterator<Item = &'p RelPath>,
    ) -> Result<Vec<RelPath>> {
        let points: Vec<u64> = self.index.fact("strange")?.unwrap_or_default();
        let mut strange = Vec::new();
        if points.is_empty() {
            return Ok(strange);
        }
        for path in gone {
            if let Some(first) = self.index.new_since(path)?
                && points.contains(&first)
            {
                strange.push(path.clone());
            }
        }
        Ok(strange)
    }

    /// An entry as it is now. What the copy never has is kept from before where it is still that inode
    /// with that content, whatever its name.
    fn as_written(&self, listed: &Listed, hash: Option<Hash>, racy: bool) -> Result<Live> {
        let mut entry = match (&listed.body, hash) {
            (Body::File { .. }, Some(hash)) => file(listed, hash),
            (body, _) => Entry {
                path: listed.path.clone(),
                meta: listed.meta.clone(),
                content: match body {
                    Body::Symlink { target } => Content::Symlink { target: target.clone() },
                    Body::Fifo => Content::Fifo,
                    Body::Socket => Content::Socket,
                    Body::Folder | Body::File { .. } => Content::Folder,
                },
            },
        };
        let mut before = None;
        for path in self.index.live_with_inode(listed.identity.ino)? {
            let live = self.index.live(&path)?;
            // What gives power is nothing for a file that only got the number, and the content, of one.
            let same = live.filter(|live| {
                live.placed.is_some_and(|placed| listed.identity.is_still(&placed))
                    && is_same(&live.entry.content, &entry.content)
            });
            let grouped =
                |live: &Live| matches!(live.entry.content, Content::File { group: Some(_), .. });
            if same.as_ref().is_some_and(|live| before.is_none() || grouped(live)) {
                before = same;
            }
        }
        if let Some(before) = &before {
            entry.meta = with_power(&entry.meta, &before.entry.meta);
        }
        if let Content::File { group: of, sparse: holes, hash, .. } = &mut entry.content
            && of.is_some()
        {
            *of = Some(group(b"copy", &listed.identity, *hash));
            if let Some(Content::File { group: Some(group), sparse, .. }) =
                before.as_ref().map(|before| &before.entry.content)
            {
                *of = Some(*group);
                *holes = *sparse;
            }
        }
        Ok(Live {
            entry,
            source: None,
            racy,
            database: None,
            placed: Some(listed.identity),
            proven: self.clock.now(),
        })
    }

    fn write_own(
        &mut self,
        epoch: u64,
        began: crate::clock::Nanos,
        lives: Vec<(Option<Live>, Live)>,
        gone: &[RelPath],
        own: &mut Own,
    ) -> Result<()> {
        let last = self.index.last_point()?;
        let (mut files, mut bytes) = last.as_ref().map_or((0, 0), |last| (last.files, last.bytes));
        let mut replaced: Vec<Hash> = Vec::new();
        let mut counted = |entry: &Entry, more: bool| {
            let one = u64::from(!matches!(entry.content, Content::Folder));
            if more {
                files += one;
                bytes = bytes.saturating_add(size(entry));
            } else {
                files = files.saturating_sub(one);
                bytes = bytes.saturating_sub(size(entry));
            }
            one
        };
        let mut closed = Vec::new();
        for path in gone {
            if let Some(live) = self.index.live(path)? {
                own.removed += counted(&live.entry, false);
                if let Content::File { hash, .. } = live.entry.content {
                    replaced.push(hash);
                }
                closed.push(path);
            }
        }
        let mut changed = 0;
        for (old, new) in &lives {
            if old.as_ref().is_some_and(|old| old.entry == new.entry) {
                continue;
            }
            changed += 1;
            if let Some(old) = old {
                counted(&old.entry, false);
                if let Content::File { hash, .. } = old.entry.content {
                    replaced.push(hash);
                }
            }
            own.written += counted(&new.entry, true);
        }
        let point = Point {
            id: last.as_ref().map_or(1, |last| last.id.saturating_add(1)),
            epoch,
            began,
            received: self.clock.now(),
            kind: Kind::Standby,
            files,
            bytes,
            changed: changed + closed.len() as u64,
            pinned: false,
        };
        let news = point.changed > 0;
        self.steps.step("noting what was written here")?;
        self.index.transaction(|index| {
            for path in &closed {
                index.close(path, point.id, false)?;
                index.drop_live(path)?;
                index.mended(path)?;
            }
            for (old, new) in &lives {
                if old.as_ref().is_none_or(|old| old.entry != new.entry) {
                    if old.is_some() {
                        index.close(&new.entry.path, point.id, false)?;
                    }
                    index.begin(&new.entry, point.id)?;
                }
                index.set_live(new)?;
                index.mended(&new.entry.path)?;
            }
            if news { index.add_point(&point) } else { Ok::<(), KeepError>(()) }
        })?;
        own.point = if news { Some(point) } else { last };
        for hash in replaced {
            own.overwritten += u64::from(self.content(hash)?.is_none());
        }
        Ok(())
    }
}

/// Why something that a listing of the copy tells of can't be in a point; none where there is nothing in
/// it to be kept.
fn unreadable(why: &Unprotected) -> Option<Unread> {
    match why {
        Unprotected::Unreadable { errno } => Some(Unread::Refused(*errno)),
        Unprotected::OtherFileSystem => Some(Unread::OtherFileSystem),
        Unprotected::PathTooLong | Unprotected::TooLarge => Some(Unread::TooLarge),
        Unprotected::Device | Unprotected::Excluded => None,
    }
}

fn is_same(old: &Content, new: &Content) -> bool {
    match (old, new) {
        (Content::File { hash, .. }, Content::File { hash: now, .. }) => hash == now,
        _ => old == new,
    }
}

/// The rights of now with the set-id bits of before, the attributes of now with those that the copy
/// never has.
fn with_power(now: &Meta, before: &Meta) -> Meta {
    let mut meta = now.clone();
    meta.mode |= before.mode & 0o6000;
    for attribute in &before.xattrs {
        let kept_here = super::local::is_harmless(attribute);
        if !kept_here && !meta.xattrs.iter().any(|other| other.name == attribute.name) {
            meta.xattrs.push(attribute.clone());
        }
    }
    meta.xattrs.sort();
    meta
}
