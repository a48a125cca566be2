//! The steps that bring a recovery point to a target, made as they are asked for.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use super::error::{KeepError, Result};
use super::keeper::Keeper;
use super::pieces::pieces;
use super::restore::{Open, There, Wanted};
use crate::entry::{Content, Entry, Meta};
use crate::path::RelPath;
use crate::target::Step;

const PAGE: u32 = 1_000;

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
pub(super) struct Stepping<'k> {
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
    pub(super) links: u64,
    pub(super) kept: u64,
    next: usize,
    open: Rc<RefCell<HashMap<usize, Open>>>,
    lost: Rc<RefCell<Vec<RelPath>>>,
    pub(super) failed: Option<KeepError>,
}

impl<'k> Stepping<'k> {
    pub(super) fn new(
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
