//! Bringing a recovery point to a new GPU: whole, or what is different since another point.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::error::Result;
use super::keeper::Keeper;
use super::reading::Got;
use super::receive::{BY_BLOCKS, Progress};
use super::stepping::Stepping;
use crate::entry::{Body, Content, Entry};
use crate::hash::{Blocks, Hash};
use crate::path::RelPath;
use crate::source::{Found, Source};
use crate::target::{Placed, Step, Target, apply_one};

/// Paths that are named of a kind; more are only counted.
const NAMED: usize = 100;

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
pub(super) struct Open {
    pub(super) path: RelPath,
    pub(super) hash: Option<Hash>,
    pub(super) size: u64,
}

/// What the target has already.
#[derive(Default)]
pub(super) struct There {
    pub(super) surplus: Vec<RelPath>,
    pub(super) right: HashSet<RelPath>,
    pub(super) blocks: HashMap<RelPath, Blocks>,
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
