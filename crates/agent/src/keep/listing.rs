//! What a host lists, sorted into what is as it was and what is not.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::error::{KeepError, Result};
use super::index::Which;
use super::keeper::Keeper;
use super::need::{Need, database_of, need};
use super::point::Kind;
use crate::entry::{Body, Content, Identity, Listed, Unprotected};
use crate::path::RelPath;
use crate::source::{Changes, Found, ListEnd, Source, SourceError};

/// More than this in one workspace is not kept: a host may not make this side grow without end.
const MOST_ENTRIES: usize = 20_000_000;

/// Nor more bytes of one listing: paths, what links say, attributes.
const MOST_BYTES: usize = 4 << 30;

/// Bytes that an entry of a listing may take here.
fn size_of(found: &Found) -> usize {
    const BESIDES: usize = 128;
    BESIDES
        + match found {
            Found::Entry(listed) => {
                let attributes = listed.meta.xattrs.iter();
                let attributes: usize =
                    attributes.map(|one| one.name.len() + one.value.len()).sum();
                let target = match &listed.body {
                    Body::Symlink { target } => target.len(),
                    _ => 0,
                };
                listed.path.as_bytes().len() + attributes + target
            }
            Found::Attributes { path, names } => {
                path.as_bytes().len() + names.iter().map(Vec::len).sum::<usize>()
            }
            Found::Unprotected { path, .. } | Found::Gone { path } => path.as_bytes().len(),
        }
}

/// A path that is not as it was.
#[derive(Debug, Clone)]
pub(super) struct News {
    /// As listed; none where it is asked for again without having been listed.
    pub(super) listed: Option<Listed>,
    pub(super) need: Need,
    /// The path of the live copy that this was until now.
    pub(super) was: Option<RelPath>,
}

/// What a listing came to.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) kind: Kind,
    pub(super) end: ListEnd,
    pub(super) news: BTreeMap<RelPath, News>,
    /// Nothing stands there any more, below neither.
    pub(super) gone: Vec<RelPath>,
    /// What the watch told to be gone, whether it was kept or not.
    pub(super) vanished: Vec<RelPath>,
    pub(super) unprotected: BTreeMap<RelPath, (Unprotected, Option<u64>)>,
    /// Attributes that are not kept, by name.
    pub(super) attributes: BTreeMap<RelPath, Vec<Vec<u8>>>,
    /// Of what is told of, each path that is there.
    pub(super) told: Vec<RelPath>,
    /// What stands beside databases, by theirs.
    pub(super) beside: HashMap<RelPath, Identity>,
}

/// A number for a path, so that of a large tree only a number per entry is held.
fn number(path: &RelPath) -> [u8; 16] {
    let hash = blake3::hash(path.as_bytes());
    let mut number = [0; 16];
    number.copy_from_slice(hash.as_bytes().get(..16).unwrap_or(&[0; 16]));
    number
}

#[derive(Default)]
struct Sorting {
    /// Bytes of what was listed.
    bytes: usize,
    seen: HashSet<[u8; 16]>,
    news: BTreeMap<RelPath, News>,
    told_gone: Vec<RelPath>,
    /// Folders and files that are another one than before: what was below may be gone untold.
    renewed: Vec<RelPath>,
    unprotected: BTreeMap<RelPath, (Unprotected, Option<u64>)>,
    beside: HashMap<RelPath, Identity>,
    attributes: BTreeMap<RelPath, Vec<Vec<u8>>>,
    again: Vec<RelPath>,
    told: Vec<RelPath>,
    /// A folder may be another one than before, or not: what was below it has to be looked for.
    unclear: bool,
}

impl Keeper {
    /// Asks for what changed, or for everything where that is not known.
    pub(super) fn list(&mut self, source: &mut dyn Source, scan: bool) -> Result<Listing> {
        if !scan {
            let mut sorting = Sorting::default();
            let mut failed = None;
            let told =
                source.changes(&mut |found| self.sort(found, true, &mut sorting, &mut failed));
            match (failed, told) {
                (Some(error), _) => return Err(error),
                (None, Ok(Changes::Told(end))) if !sorting.unclear => {
                    return self.watched(sorting, end);
                }
                (None, Ok(Changes::Told(_))) => {}
                (None, Ok(Changes::Unknown(_))) => {}
                (None, Err(error)) => return Err(error.into()),
            }
        }
        let mut sorting = Sorting::default();
        let mut failed = None;
        let told = source.scan(&mut |found| self.sort(found, false, &mut sorting, &mut failed));
        match (failed, told) {
            (Some(error), _) => Err(error),
            (None, Ok(end)) => self.scanned(sorting, end),
            (None, Err(error)) => Err(error.into()),
        }
    }

    fn sort(
        &self,
        found: Found,
        watched: bool,
        sorting: &mut Sorting,
        failed: &mut Option<KeepError>,
    ) -> std::result::Result<(), SourceError> {
        sorting.bytes = sorting.bytes.saturating_add(size_of(&found));
        if sorting.seen.len() >= MOST_ENTRIES || sorting.bytes > MOST_BYTES {
            return Err(SourceError::Protocol("more entries than are kept".to_owned()));
        }
        self.take(found, watched, sorting).map_err(|error| {
            let word = error.to_string();
            *failed = Some(error);
            SourceError::Sink(word)
        })
    }

    fn take(&self, found: Found, watched: bool, sorting: &mut Sorting) -> Result<()> {
        let listed = match found {
            Found::Entry(listed) => listed,
            Found::Unprotected { path, why, size } => {
                sorting.seen.insert(number(&path));
                sorting.news.remove(&path);
                sorting.unprotected.insert(path, (why, size));
                return Ok(());
            }
            Found::Attributes { path, names } => {
                sorting.attributes.insert(path, names);
                return Ok(());
            }
            Found::Gone { path } => {
                sorting.told_gone.push(path);
                return Ok(());
            }
        };
        if listed.path.is_root() {
            return Ok(());
        }
        if let Some((base, tells)) = database_of(&listed.path) {
            if tells {
                sorting.beside.insert(base.clone(), listed.identity);
            }
            if let Some(database) = self.index.live(&base)?.and_then(|live| live.database) {
                if tells && database.0 != Some(listed.identity) {
                    sorting.again.push(base);
                }
                return Ok(());
            }
        }
        sorting.seen.insert(number(&listed.path));
        if watched {
            sorting.told.push(listed.path.clone());
        }
        let known = self.index.live(&listed.path)?;
        if let Some(live) = &known {
            let another = live.source.is_none_or(|was| !listed.identity.has_number_of(&was));
            // A number may have come back. That another time is told than the one at which it was made is
            // no proof of that: a layered file system tells it so of a folder that it copied.
            let unclear = live.source.is_some_and(|was| listed.identity.is_another(&was));
            if matches!(live.entry.content, Content::Folder) {
                if another {
                    sorting.renewed.push(listed.path.clone());
                }
                sorting.unclear |= unclear && !another;
            }
        }
        let asked = need(&listed, known.as_ref());
        if asked == Need::Nothing {
            sorting.news.remove(&listed.path);
            // A folder's inode is nothing that a point holds, but it tells a new one from the old.
            if let Some(live) = known.filter(|live| live.source != Some(listed.identity)) {
                let news = News { listed: Some(listed), need: Need::Describe, was: None };
                sorting.news.insert(live.entry.path, news);
            }
            return Ok(());
        }
        let (asked, was) = match asked {
            Need::Fetch if known.is_none() => self.moved(&listed, asked)?,
            asked => (asked, None),
        };
        sorting.news.insert(listed.path.clone(), News { listed: Some(listed), need: asked, was });
        Ok(())
    }

    /// A new path may be one that was elsewhere: an inode whose identity did not move has its content
    /// still, and one of which only `ctime` moved, as a rename does, is asked for its hash.
    fn moved(&self, listed: &Listed, asked: Need) -> Result<(Need, Option<RelPath>)> {
        let Body::File { size, .. } = &listed.body else { return Ok((asked, None)) };
        for path in self.index.live_with_source(listed.identity.ino)? {
            let Some(live) = self.index.live(&path)? else { continue };
            let Content::File { size: kept, .. } = live.entry.content else { continue };
            let Some(source) = live.source else { continue };
            if live.racy || live.database.is_some() || listed.mapped || kept != *size {
                continue;
            }
            if source == listed.identity {
                return Ok((Need::Describe, Some(path)));
            }
            if source.dev == listed.identity.dev && source.mtime == listed.identity.mtime {
                return Ok((Need::Hash, Some(path)));
            }
        }
        Ok((asked, None))
    }

    fn watched(&mut self, mut sorting: Sorting, end: ListEnd) -> Result<Listing> {
        let mut gone = Vec::new();
        let told = std::mem::take(&mut sorting.told_gone);
        let vanished = told.clone();
        for path in told.into_iter().chain(std::mem::take(&mut sorting.renewed)) {
            if !sorting.seen.contains(&number(&path)) && self.index.live(&path)?.is_some() {
                gone.push(path.clone());
            }
            for path in self.index.live_below(&path)? {
                if !sorting.seen.contains(&number(&path)) && !is_within(&sorting, &path) {
                    gone.push(path);
                }
            }
        }
        // What is no folder any more has nothing below it.
        let files: Vec<RelPath> = sorting
            .news
            .iter()
            .filter(|(_, news)| {
                news.listed.as_ref().is_some_and(|listed| !matches!(listed.body, Body::Folder))
            })
            .map(|(path, _)| path.clone())
            .collect();
        for path in files {
            if self.was_folder(&path)? {
                gone.extend(self.index.live_below(&path)?);
            }
        }
        gone.sort();
        gone.dedup();
        for which in [Which::Racy, Which::Flux] {
            sorting.again.extend(self.index.paths(which)?);
        }
        self.left_behind(&mut sorting, &gone)?;
        sorting.again.retain(|path| gone.binary_search(path).is_err());
        self.asked_again(&mut sorting)?;
        self.siblings(&mut sorting, &gone)?;
        Ok(Listing { vanished, ..listing(Kind::Watched, sorting, end, gone) })
    }

    /// The other names of inodes that left a path: what was done by that name before is told of it alone.
    fn left_behind(&self, sorting: &mut Sorting, gone: &[RelPath]) -> Result<()> {
        let identity = |listed: &Listed| listed.identity;
        let replaced =
            sorting.news.iter().map(|(path, news)| (path, news.listed.as_ref().map(identity)));
        let left = gone.iter().map(|path| (path, None)).chain(replaced);
        let mut again = Vec::new();
        for (path, now) in left {
            let Some(was) = self.index.live(path)?.and_then(|live| live.source) else { continue };
            if now.is_some_and(|now| now.is_still(&was)) {
                continue;
            }
            for other in self.index.live_with_source(was.ino)? {
                if !sorting.seen.contains(&number(&other)) {
                    again.push(other);
                }
            }
        }
        sorting.again.extend(again);
        Ok(())
    }

    fn was_folder(&self, path: &RelPath) -> Result<bool> {
        let live = self.index.live(path)?;
        Ok(live.is_some_and(|live| matches!(live.entry.content, Content::Folder)))
    }

    fn scanned(&mut self, mut sorting: Sorting, end: ListEnd) -> Result<Listing> {
        let mut gone = Vec::new();
        let mut after: Option<RelPath> = None;
        loop {
            let paths = self.index.live_after(after.as_ref(), 10_000)?;
            let Some(last) = paths.last() else { break };
            after = Some(last.clone());
            for path in paths {
                if !sorting.seen.contains(&number(&path)) && !is_within(&sorting, &path) {
                    gone.push(path);
                }
            }
        }
        sorting.again.retain(|path| gone.binary_search(path).is_err());
        self.asked_again(&mut sorting)?;
        self.siblings(&mut sorting, &gone)?;
        Ok(listing(Kind::Scan, sorting, end, gone))
    }

    /// Files that are to be read whatever their identity says.
    fn asked_again(&self, sorting: &mut Sorting) -> Result<()> {
        for path in std::mem::take(&mut sorting.again) {
            if sorting.news.contains_key(&path) || is_within(sorting, &path) {
                continue;
            }
            let racy = self.index.live(&path)?.is_some_and(|live| live.database.is_none());
            let need = if racy { Need::Hash } else { Need::Fetch };
            sorting.news.insert(path, News { listed: None, need, was: None });
        }
        Ok(())
    }

    /// The other names of inodes that changed: a watch tells only of the name that was used.
    fn siblings(&self, sorting: &mut Sorting, gone: &[RelPath]) -> Result<()> {
        let mut also = Vec::new();
        for news in sorting.news.values() {
            let Some(listed) = &news.listed else { continue };
            let Body::File { links, .. } = listed.body else { continue };
            if links < 2 {
                continue;
            }
            for path in self.index.live_with_source(listed.identity.ino)? {
                let seen = sorting.seen.contains(&number(&path));
                // Its number alone may be the same: then this says nothing of that name.
                let was = self.index.live(&path)?.and_then(|live| live.source);
                let another = was.is_some_and(|was| listed.identity.is_another(&was));
                if !seen
                    && !another
                    && !sorting.news.contains_key(&path)
                    && gone.binary_search(&path).is_err()
                {
                    let listed = Listed { path: path.clone(), ..listed.clone() };
                    also.push((path, News { listed: Some(listed), need: news.need, was: None }));
                }
            }
        }
        sorting.news.extend(also);
        Ok(())
    }
}

/// Whether it lies within something that could not be looked into; what the user excluded is not meant.
fn is_within(sorting: &Sorting, path: &RelPath) -> bool {
    let mut at = Some(path.clone());
    while let Some(folder) = at {
        match sorting.unprotected.get(&folder) {
            Some((Unprotected::Excluded, _)) => return false,
            Some(_) => return true,
            None => at = folder.parent(),
        }
    }
    false
}

fn listing(kind: Kind, sorting: Sorting, end: ListEnd, gone: Vec<RelPath>) -> Listing {
    Listing {
        kind,
        end,
        news: sorting.news,
        gone,
        vanished: Vec::new(),
        unprotected: sorting.unprotected,
        attributes: sorting.attributes,
        told: sorting.told,
        beside: sorting.beside,
    }
}
