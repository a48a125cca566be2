//! From what was listed and read to what shall be.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::change::{Change, Next};
use super::error::Result;
use super::keeper::Keeper;
use super::listing::{Listing, News};
use super::need::Need;
use super::plan::Supply;
use super::point::{Beside, Live};
use super::reading::Got;
use crate::clock::Nanos;
use crate::entry::{Body, Content, Entry, Identity, Listed, Unprotected};
use crate::hash::Hash;
use crate::path::RelPath;

/// What reading gave, and what could not be had.
#[derive(Default)]
pub(super) struct Outcomes {
    pub(super) change: Change,
    pub(super) flux: HashSet<RelPath>,
    pub(super) settled: HashSet<RelPath>,
    pub(super) corrupt: Vec<RelPath>,
    pub(super) unreadable: BTreeMap<RelPath, (Unprotected, Option<u64>)>,
    /// Something did not fit together: the next cycle looks at everything.
    pub(super) look_again: bool,
}

impl Keeper {
    /// From what was listed and read to what shall be.
    pub(super) fn settle(
        &mut self,
        listing: &Listing,
        got: &BTreeMap<RelPath, Got>,
        missing: &HashSet<RelPath>,
    ) -> Result<Outcomes> {
        let mut outcomes = Outcomes::default();
        for path in &listing.gone {
            outcomes.change.insert(path.clone(), None);
            outcomes.settled.insert(path.clone());
        }
        let mut of_inode: HashMap<Number, RelPath> = HashMap::new();
        for path in leaders(&listing.news) {
            let listed = listing.news.get(&path).and_then(|news| news.listed.as_ref());
            if let Some(key) = listed.and_then(inode) {
                of_inode.insert(key, path);
            }
        }
        for (path, news) in &listing.news {
            let leader = news.listed.as_ref().and_then(inode).and_then(|key| of_inode.get(&key));
            let leader = leader.unwrap_or(path);
            self.settle_one(path, news, leader, got, missing.contains(path), &mut outcomes)?;
        }
        self.take_in_databases(listing, &mut outcomes)?;
        self.check_folders(&mut outcomes)?;
        Ok(outcomes)
    }

    fn settle_one(
        &mut self,
        path: &RelPath,
        news: &News,
        leader: &RelPath,
        got: &BTreeMap<RelPath, Got>,
        missing: bool,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        let live = self.index.live(path)?;
        if let Some(listed) = news.listed.as_ref().filter(|_| news.need == Need::Describe)
            && !missing
        {
            if let Some(next) = self.describe(listed, live.as_ref(), news.was.as_ref())? {
                outcomes.settled.insert(path.clone());
                outcomes.change.insert(path.clone(), Some(next));
            } else {
                outcomes.look_again = true;
            }
            return Ok(());
        }
        let held = match &news.listed {
            Some(listed) if listed.path == *leader => self.held(listed)?,
            _ => None,
        };
        let (read, slot) = match got.get(leader).or(held.as_ref()) {
            Some(Got::Staged { slot, what }) => (what.clone(), Some(*slot)),
            Some(Got::Hashed(read)) => (read.clone(), None),
            other => {
                self.not_had(path, other, live.as_ref(), news, outcomes);
                return Ok(());
            }
        };
        let stays_inode = path == leader
            || news
                .listed
                .as_ref()
                .is_some_and(|listed| !listed.identity.is_another(&read.listed.identity));
        if !stays_inode {
            // The leader became another file between listing and reading.
            outcomes.look_again = true;
            return Ok(());
        }
        let listed = Listed { path: path.clone(), ..read.listed.clone() };
        let entry = file(&listed, read.hash);
        let same = live.as_ref().is_some_and(
            |live| matches!(live.entry.content, Content::File { hash, .. } if hash == read.hash),
        );
        let supply = match slot {
            Some(slot) if !same || missing => {
                // By whichever name it comes: the first of them may have it already.
                self.dress_staged(slot, &entry.meta)?;
                Supply::Staged(slot)
            }
            _ => Supply::Here,
        };
        let next = Next {
            entry,
            supply,
            source: Some(listed.identity),
            racy: read.racy,
            database: read.database.then(Beside::default),
            proven: self.clock.now(),
        };
        outcomes.settled.insert(path.clone());
        outcomes.change.insert(path.clone(), Some(next));
        Ok(())
    }

    /// What needs no content: it has none, or it is known.
    fn describe(
        &mut self,
        listed: &Listed,
        live: Option<&Live>,
        was: Option<&RelPath>,
    ) -> Result<Option<Next>> {
        let from = match was {
            Some(was) => self.index.live(was)?,
            None => live.cloned(),
        };
        let content = match &listed.body {
            Body::File { .. } => {
                let Some(Content::File { hash, .. }) =
                    from.as_ref().map(|from| &from.entry.content)
                else {
                    return Ok(None);
                };
                file(listed, *hash).content
            }
            Body::Folder => Content::Folder,
            Body::Symlink { target } => Content::Symlink { target: target.clone() },
            Body::Fifo => Content::Fifo,
            Body::Socket => Content::Socket,
        };
        let entry = Entry { path: listed.path.clone(), meta: listed.meta.clone(), content };
        let made = !matches!(entry.content, Content::File { .. } | Content::Folder)
            && live.is_none_or(|live| live.entry != entry || live.placed.is_none());
        let supply = if made {
            let number = self.number()?;
            self.make(number, &entry)?;
            Supply::Staged(number)
        } else {
            Supply::Here
        };
        let known = from.filter(|_| matches!(listed.body, Body::File { .. }));
        Ok(Some(Next {
            entry,
            supply,
            source: Some(listed.identity),
            racy: known.as_ref().is_some_and(|known| known.racy),
            database: known.as_ref().and_then(|known| known.database.clone()),
            proven: known.map_or_else(|| self.clock.now(), |known| known.proven),
        }))
    }

    /// A file that could not be had keeps its last whole version.
    fn not_had(
        &self,
        path: &RelPath,
        got: Option<&Got>,
        live: Option<&Live>,
        news: &News,
        outcomes: &mut Outcomes,
    ) {
        match got {
            Some(Got::Flux) => {
                outcomes.flux.insert(path.clone());
            }
            Some(Got::Unreadable(errno)) => {
                let size = news.listed.as_ref().map(|listed| listed.identity.size);
                let why = Unprotected::Unreadable { errno: *errno };
                outcomes.unreadable.insert(path.clone(), (why, size));
                outcomes.settled.insert(path.clone());
            }
            Some(Got::Corrupt) => outcomes.corrupt.push(path.clone()),
            // Its end will be listed.
            Some(Got::Gone) if news.listed.is_some() => outcomes.look_again = true,
            Some(Got::Gone) => {
                outcomes.settled.insert(path.clone());
                outcomes.look_again = true;
            }
            _ => outcomes.look_again = true,
        }
        // Where something of another kind was, that is not a version of it.
        if live.is_some_and(|live| !matches!(live.entry.content, Content::File { .. })) {
            outcomes.change.insert(path.clone(), None);
        }
    }

    /// What stands beside a database is part of it.
    fn take_in_databases(&mut self, listing: &Listing, outcomes: &mut Outcomes) -> Result<()> {
        let databases: Vec<RelPath> = outcomes
            .change
            .iter()
            .filter(|(_, next)| next.as_ref().is_some_and(|next| next.database.is_some()))
            .map(|(path, _)| path.clone())
            .collect();
        for path in databases {
            if let Some(Some(next)) = outcomes.change.get_mut(&path) {
                next.database = Some(Beside(listing.beside.get(&path).copied()));
            }
            for suffix in ["-wal", "-journal", "-shm"] {
                let mut bytes = path.as_bytes().to_vec();
                bytes.extend_from_slice(suffix.as_bytes());
                let Ok(beside) = RelPath::new(bytes) else { continue };
                outcomes.flux.remove(&beside);
                if self.index.live(&beside)?.is_some() {
                    outcomes.change.insert(beside, None);
                } else {
                    outcomes.change.remove(&beside);
                }
            }
        }
        Ok(())
    }

    /// Nothing is without its folder: a host that says so is looked at again.
    fn check_folders(&mut self, outcomes: &mut Outcomes) -> Result<()> {
        let mut homeless = Vec::new();
        let paths: Vec<RelPath> = outcomes.change.keys().cloned().collect();
        for path in paths {
            if outcomes.change.get(&path).is_none_or(Option::is_none) {
                continue;
            }
            let Some(parent) = path.parent().filter(|parent| !parent.is_root()) else { continue };
            let is_folder = match outcomes.change.get(&parent) {
                Some(next) => {
                    next.as_ref().is_some_and(|next| matches!(next.entry.content, Content::Folder))
                }
                None => self
                    .index
                    .live(&parent)?
                    .is_some_and(|live| matches!(live.entry.content, Content::Folder)),
            };
            if !is_folder {
                let gone = self.index.live(&path)?.is_some();
                if gone {
                    outcomes.change.insert(path.clone(), None);
                } else {
                    outcomes.change.remove(&path);
                }
                homeless.push(path);
            }
        }
        if !homeless.is_empty() {
            outcomes.look_again = true;
        }
        Ok(())
    }
}

/// Device and number of an inode, and when it was made: the number may come back while a tree is listed.
type Number = (u64, u64, Option<Nanos>);

/// The inode of a file with further names.
fn inode(listed: &Listed) -> Option<Number> {
    let Identity { dev, ino, born, .. } = listed.identity;
    match listed.body {
        Body::File { links, .. } if links > 1 => Some((dev, ino, born)),
        _ => None,
    }
}

/// Of the files that are to be read, one name for each inode.
pub(super) fn leaders(news: &BTreeMap<RelPath, News>) -> Vec<RelPath> {
    let mut inodes = HashSet::new();
    news.iter()
        .filter(|(_, news)| matches!(news.need, Need::Hash | Need::Fetch))
        .filter(|(_, news)| {
            news.listed.as_ref().and_then(inode).is_none_or(|inode| inodes.insert(inode))
        })
        .map(|(path, _)| path.clone())
        .collect()
}

/// A file's entry.
pub(super) fn file(listed: &Listed, hash: Hash) -> Entry {
    let (size, allocated, links) = match listed.body {
        Body::File { size, allocated, links } => (size, allocated, links),
        _ => (listed.identity.size, listed.identity.size, 1),
    };
    let content = Content::File {
        size,
        hash,
        group: (links > 1).then(|| group(b"host", &listed.identity, hash)),
        sparse: allocated < size,
    };
    Entry { path: listed.path.clone(), meta: listed.meta.clone(), content }
}

/// One number for all names of an inode that hold one content; `whose` inode it is keeps hosts apart.
pub(super) fn group(whose: &[u8], identity: &Identity, hash: Hash) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(whose);
    hasher.update(&identity.dev.to_le_bytes());
    hasher.update(&identity.ino.to_le_bytes());
    hasher.update(&hash.0);
    let mut number = [0; 8];
    number.copy_from_slice(hasher.finalize().as_bytes().get(..8).unwrap_or(&[0; 8]));
    u64::from_le_bytes(number)
}
