//! Bringing a recovery point to a new GPU: whole, or what is different since another point.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::error::{KeepError, Result};
use super::keeper::Keeper;
use super::pieces::pieces;
use super::reading::Got;
use super::receive::{BY_BLOCKS, Progress};
use crate::entry::{Body, Content, Entry, Meta};
use crate::hash::{Blocks, Hash};
use crate::path::RelPath;
use crate::source::{Found, Source};
use crate::target::{Placed, Step, Target, apply_one};

/// Paths that are named of a kind; more are only counted.
const NAMED: usize = 100;
const PAGE: u32 = 1_000;

/// What to bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The point.
    pub point: u64,
    /// The target was brought to this point before, and nothing wrote there since: only what is different
    /// is brought.
    pub from: Option<u64>,
    /// What is needed first: files, or folders with all that is in them.
    pub first: Vec<RelPath>,
}

/// Something that did not go as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// Its content is not here any more, or not what it was: it is not on the target.
    Missing,
    /// The target refused it.
    Failed {
        /// The kernel's error number.
        errno: i32,
    },
    /// It stands there without some of its metadata.
    Refused {
        /// In words.
        what: Vec<String>,
    },
}

/// What bringing did. Whether it is all there, only a proof says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Restored {
    /// Files sent, and their bytes, holes and what was the same already counted.
    pub sent: Progress,
    /// Files that were right already.
    pub right: u64,
    /// Further names of files.
    pub links: u64,
    /// What the target had beyond the point, removed.
    pub removed: u64,
    /// What did not go as it should.
    pub troubles: u64,
    /// Some of it, by path; at most 100.
    pub named: Vec<(RelPath, Trouble)>,
}

/// What is to be told of a step.
struct Open {
    path: RelPath,
    hash: Option<Hash>,
    size: u64,
}

/// What the target has already.
#[derive(Default)]
struct There {
    surplus: Vec<RelPath>,
    right: HashSet<RelPath>,
    blocks: HashMap<RelPath, Blocks>,
}

impl Keeper {
    /// Brings a point to a target. `there` is the same folder, read. Again sends only what is not right.
    ///
    /// # Errors
    /// [`KeepError`]; what arrived stays for the next try. What concerns one path is told of it.
    pub fn restore(
        &mut self,
        wanted: &Wanted,
        there: &mut dyn Source,
        target: &mut dyn Target,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Restored> {
        self.point(wanted.point)?;
        let (has, only) = match wanted.from {
            None => (self.look_there(wanted.point, there, target)?, None),
            Some(from) => {
                self.point(from)?;
                let paths = self.index.differing(from, wanted.point)?;
                (self.look_at_changed(wanted.point, &paths, target)?, Some(paths))
            }
        };
        let mut restored = Restored { removed: has.surplus.len() as u64, ..Restored::default() };
        let open: Rc<RefCell<HashMap<usize, Open>>> = Rc::default();
        let lost = Rc::default();
        let mut wrong = Vec::new();
        {
            let mut steps =
                Stepping::new(self, wanted, has, only, Rc::clone(&open), Rc::clone(&lost))?;
            let restored = &mut restored;
            let wrong = &mut wrong;
            let applied = target.apply(&mut steps, &mut |index, placed| {
                let Some(of) = open.borrow_mut().remove(&index) else { return Ok(()) };
                take(restored, wrong, of, placed);
                tell(restored.sent);
                Ok(())
            });
            let (links, right, failed) = (steps.links, steps.kept, steps.failed.take());
            restored.links = links;
            restored.right = right;
            if let Some(error) = failed {
                return Err(error);
            }
            applied?;
        }
        for path in &wrong {
            // Better not there than wrong.
            apply_one(target, Step::Remove { path: path.clone() })?;
        }
        for path in wrong.into_iter().chain(lost.take()) {
            trouble(&mut restored, path, Trouble::Missing);
        }
        target.sync()?;
        Ok(restored)
    }

    /// What a target has beyond a point, and of it already.
    fn look_there(
        &mut self,
        point: u64,
        there: &mut dyn Source,
        target: &mut dyn Target,
    ) -> Result<There> {
        let mut has = There::default();
        let mut alike: Vec<(RelPath, Hash)> = Vec::new();
        let mut large = Vec::new();
        let mut failed = None;
        let index = &self.index;
        let told = there.scan(&mut |found| {
            let path = match &found {
                Found::Entry(listed) => &listed.path,
                Found::Attributes { .. } => return Ok(()),
                Found::Unprotected { path, .. } | Found::Gone { path } => path,
            };
            if path.is_root() {
                return Ok(());
            }
            let entry = match index.entry_at(point, path) {
                Ok(entry) => entry,
                Err(error) => {
                    failed = Some(error);
                    return Err(crate::source::SourceError::Sink("the index".to_owned()));
                }
            };
            let Some(entry) = entry else {
                let within = has.surplus.last().is_some_and(|folder| path.is_within(folder));
                if !within {
                    has.surplus.push(path.clone());
                }
                return Ok(());
            };
            if let Found::Entry(listed) = &found
                && let Body::File { size: now, links, .. } = listed.body
                && let Content::File { size, hash, group, .. } = entry.content
            {
                if now == size && group.is_none() && links == 1 {
                    alike.push((path.clone(), hash));
                }
                if size >= BY_BLOCKS {
                    large.push(path.clone());
                }
            }
            Ok(())
        });
        if let Some(error) = failed {
            return Err(error);
        }
        told?;
        let paths: Vec<_> = alike.iter().map(|(path, _)| (path.clone(), None)).collect();
        let hashes = self.ask_hashes(there, &paths)?;
        for (path, hash) in alike {
            if matches!(hashes.get(&path), Some(Got::Hashed(read)) if read.hash == hash) {
                has.right.insert(path);
            }
        }
        for path in large {
            if !has.right.contains(&path)
                && let Some(blocks) = target.blocks(&path)?
            {
                has.blocks.insert(path, blocks);
            }
        }
        Ok(has)
    }

    fn look_at_changed(
        &mut self,
        point: u64,
        paths: &[RelPath],
        target: &mut dyn Target,
    ) -> Result<There> {
        let mut has = There::default();
        for path in paths {
            match self.index.entry_at(point, path)? {
                None => {
                    let within = has.surplus.last().is_some_and(|folder| path.is_within(folder));
                    if !within {
                        has.surplus.push(path.clone());
                    }
                }
                Some(Entry { content: Content::File { size, .. }, .. }) if size >= BY_BLOCKS => {
                    if let Some(blocks) = target.blocks(path)? {
                        has.blocks.insert(path.clone(), blocks);
                    }
                }
                Some(_) => {}
            }
        }
        Ok(has)
    }
}

fn take(restored: &mut Restored, wrong: &mut Vec<RelPath>, of: Open, placed: Placed) {
    match placed {
        Placed::Failed { errno } => trouble(restored, of.path, Trouble::Failed { errno }),
        Placed::Done { hash, refused } => {
            if of.hash.is_some() {
                if hash != of.hash {
                    wrong.push(of.path);
                    return;
                }
                restored.sent.files += 1;
                restored.sent.bytes = restored.sent.bytes.saturating_add(of.size);
            }
            if !refused.is_empty() {
                trouble(restored, of.path, Trouble::Refused { what: refused });
            }
        }
    }
}

fn trouble(restored: &mut Restored, path: RelPath, what: Trouble) {
    restored.troubles += 1;
    if restored.named.len() < NAMED {
        restored.named.push((path, what));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Remove,
    Folders,
    First,
    Rest,
    Finish,
    Over,
}

/// The steps, made as they are asked for: of a large tree only the folders are held.
struct Stepping<'k> {
    keeper: &'k mut Keeper,
    point: u64,
    first: Vec<RelPath>,
    has: There,
    /// Only these paths.
    only: Option<Vec<RelPath>>,
    phase: Phase,
    after: Option<RelPath>,
    page: VecDeque<Entry>,
    at: usize,
    removes: VecDeque<RelPath>,
    folders: BTreeMap<RelPath, Meta>,
    groups: HashMap<u64, RelPath>,
    links: u64,
    kept: u64,
    next: usize,
    open: Rc<RefCell<HashMap<usize, Open>>>,
    lost: Rc<RefCell<Vec<RelPath>>>,
    failed: Option<KeepError>,
}

impl<'k> Stepping<'k> {
    fn new(
        keeper: &'k mut Keeper,
        wanted: &Wanted,
        mut has: There,
        only: Option<Vec<RelPath>>,
        open: Rc<RefCell<HashMap<usize, Open>>>,
        lost: Rc<RefCell<Vec<RelPath>>>,
    ) -> Result<Self> {
        let mut groups = HashMap::new();
        let mut folders = BTreeMap::new();
        if let Some(paths) = &only {
            let touched: HashSet<&RelPath> = paths.iter().collect();
            for path in paths {
                // What is in a folder moves its time stamp.
                if let Some(parent) = path.parent().filter(|parent| !parent.is_root())
                    && let Some(entry) = keeper.index.entry_at(wanted.point, &parent)?
                    && matches!(entry.content, Content::Folder)
                {
                    folders.insert(parent, entry.meta);
                }
                let Some(entry) = keeper.index.entry_at(wanted.point, path)? else { continue };
                let Content::File { hash, group: Some(group), .. } = entry.content else {
                    continue;
                };
                for other in keeper.index.at_point_with_hash(wanted.point, hash)? {
                    let same = keeper.index.entry_at(wanted.point, &other)?.is_some_and(|entry| {
                        matches!(entry.content, Content::File { group: Some(at), .. } if at == group)
                    });
                    if same && !touched.contains(&other) {
                        groups.insert(group, other);
                    }
                }
            }
        }
        Ok(Self {
            keeper,
            point: wanted.point,
            first: wanted.first.clone(),
            removes: std::mem::take(&mut has.surplus).into(),
            has,
            only,
            phase: Phase::Remove,
            after: None,
            page: VecDeque::new(),
            at: 0,
            folders,
            groups,
            links: 0,
            kept: 0,
            next: 0,
            open,
            lost,
            failed: None,
        })
    }

    /// The next entry of the point in this phase.
    fn entry(&mut self) -> Result<Option<Entry>> {
        if let Some(paths) = &self.only {
            while let Some(path) = paths.get(self.at) {
                self.at += 1;
                if let Some(entry) = self.keeper.index.entry_at(self.point, path)? {
                    return Ok(Some(entry));
                }
            }
            return Ok(None);
        }
        if self.page.is_empty() {
            let page =
                self.keeper.index.manifest(self.point.cast_signed(), self.after.as_ref(), PAGE)?;
            self.after = page.last().map(|entry| entry.path.clone()).or(self.after.take());
            self.page = page.into();
        }
        Ok(self.page.pop_front())
    }

    fn again(&mut self, phase: Phase) {
        self.phase = phase;
        self.after = None;
        self.page.clear();
        self.at = 0;
    }

    fn is_first(&self, path: &RelPath) -> bool {
        self.first.iter().any(|first| path.is_within(first))
    }

    fn step(&mut self) -> Result<Option<Step<'k>>> {
        loop {
            match self.phase {
                Phase::Remove => match self.removes.pop_front() {
                    Some(path) => return Ok(Some(self.told(Step::Remove { path }))),
                    None => self.again(Phase::Folders),
                },
                Phase::Folders => match self.entry()? {
                    Some(entry) if matches!(entry.content, Content::Folder) => {
                        self.folders.insert(entry.path.clone(), entry.meta.clone());
                        let pieces = Box::new(std::iter::empty());
                        return Ok(Some(self.told(Step::Place { entry, pieces })));
                    }
                    Some(_) => {}
                    None if self.first.is_empty() => self.again(Phase::Rest),
                    None => self.again(Phase::First),
                },
                Phase::First | Phase::Rest => match self.entry()? {
                    Some(entry) if matches!(entry.content, Content::Folder) => {}
                    Some(entry) => {
                        if self.is_first(&entry.path) == (self.phase == Phase::First)
                            && let Some(step) = self.bring(entry)?
                        {
                            return Ok(Some(step));
                        }
                    }
                    None if self.phase == Phase::First => self.again(Phase::Rest),
                    None => self.again(Phase::Finish),
                },
                Phase::Finish => match self.folders.pop_last() {
                    Some((path, meta)) => {
                        return Ok(Some(self.told(Step::Finish { path, meta })));
                    }
                    None => self.phase = Phase::Over,
                },
                Phase::Over => return Ok(None),
            }
        }
    }

    /// The step that brings a file, link, pipe or socket.
    fn bring(&mut self, entry: Entry) -> Result<Option<Step<'k>>> {
        let Content::File { size, hash, group, .. } = entry.content else {
            let pieces = Box::new(std::iter::empty());
            return Ok(Some(self.told(Step::Place { entry, pieces })));
        };
        if self.has.right.contains(&entry.path) {
            self.kept += 1;
            return Ok(Some(self.told(Step::Finish { path: entry.path, meta: entry.meta })));
        }
        if let Some(group) = group {
            if let Some(from) = self.groups.get(&group).cloned() {
                self.links += 1;
                return Ok(Some(self.told(Step::Link { from, to: entry.path })));
            }
            self.groups.insert(group, entry.path.clone());
        }
        let Some(file) = self.keeper.content(hash)? else {
            self.lost.borrow_mut().push(entry.path);
            if let Some(group) = group {
                self.groups.remove(&group);
            }
            return Ok(None);
        };
        let have = self.has.blocks.remove(&entry.path);
        let pieces = Box::new(pieces(file, size, have));
        Ok(Some(self.told(Step::Place { entry, pieces })))
    }

    fn told(&mut self, step: Step<'k>) -> Step<'k> {
        let (path, hash, size) = match &step {
            Step::Place { entry, .. } => match &entry.content {
                Content::File { hash, size, .. } => (entry.path.clone(), Some(*hash), *size),
                _ => (entry.path.clone(), None, 0),
            },
            Step::Link { to: path, .. } | Step::Remove { path } | Step::Finish { path, .. } => {
                (path.clone(), None, 0)
            }
        };
        self.open.borrow_mut().insert(self.next, Open { path, hash, size });
        self.next += 1;
        step
    }
}

impl<'k> Iterator for Stepping<'k> {
    type Item = Step<'k>;

    fn next(&mut self) -> Option<Step<'k>> {
        if self.failed.is_some() {
            return None;
        }
        self.step().unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        })
    }
}
