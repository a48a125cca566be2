//! What is done to the copy so that it becomes the next point: pure. Every step can be done again.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::clock::Nanos;
use crate::entry::{Content, Entry, Identity, Meta};
use crate::hash::Hash;
use crate::path::RelPath;

/// An inode of the copy: its number, and when it was made where that is known, since a number comes back
/// as another thing's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Inode {
    pub(super) number: u64,
    pub(super) born: Option<Nanos>,
}

impl From<Identity> for Inode {
    fn from(identity: Identity) -> Self {
        Self { number: identity.ino, born: identity.born }
    }
}

impl Inode {
    /// Whether what stands there is this one, as far as both are known.
    pub(super) fn is(self, now: &Identity) -> bool {
        let made_apart = matches!((self.born, now.born), (Some(then), Some(now)) if then != now);
        self.number == now.ino && !made_apart
    }
}

/// What stands at a path of the copy.
#[derive(Debug, Clone)]
pub(super) struct Old {
    pub(super) entry: Entry,
    /// Its inode; none where it is not there at all.
    pub(super) inode: Option<Inode>,
    /// What stands there is a folder.
    pub(super) is_folder: bool,
    /// It is as it was left here.
    pub(super) intact: bool,
    /// A journal could not make it what it was to become: what belongs to it is set again.
    pub(super) damaged: bool,
}

/// What shall stand at a path of the copy.
#[derive(Debug, Clone)]
pub(super) struct New {
    pub(super) entry: Entry,
    pub(super) supply: Supply,
}

/// Where something comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Supply {
    /// It was received or made, under this number.
    Staged(u64),
    /// Its content is here already, at this path or another.
    Here,
}

/// A path that changes, or that shares an inode with one that does.
#[derive(Debug, Clone, Default)]
pub(super) struct Touch {
    pub(super) old: Option<Old>,
    pub(super) new: Option<New>,
}

/// All of them.
pub(super) type Touches = BTreeMap<RelPath, Touch>;

/// Where something that is put in its place comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Slot {
    /// It was received or made.
    Staged(u64),
    /// It left another place of the copy.
    Parked(u64),
}

/// A step. Each tells by itself whether it was done before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Op {
    /// Takes a thing away, its content into the store where it is given with its size and time. Nothing
    /// is freed before all is done: an inode's number would come back as another thing's.
    Retire {
        path: RelPath,
        inode: u64,
        slot: u64,
        keep: Option<(Hash, u64, Nanos)>,
        born: Option<Nanos>,
    },
    /// Takes a file away to be put elsewhere.
    Park { path: RelPath, inode: u64, slot: u64, born: Option<Nanos> },
    /// Removes a folder.
    Rmdir { path: RelPath },
    /// Makes a folder.
    Mkdir { path: RelPath },
    /// Puts a thing in its place.
    Put { slot: Slot, path: RelPath },
    /// Gives a file another name.
    Link { from: RelPath, path: RelPath },
    /// Gives a file or folder what belongs to it.
    Dress { path: RelPath, meta: Meta },
}

/// What came of planning.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// These, in this order.
    Do(Vec<Op>),
    /// First these contents have to be copied, since none of their places is free: a path that wants it.
    Copy(Vec<RelPath>),
}

/// How a file gets to its place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Stay,
    Slot(Slot),
    Link(RelPath),
}

fn content_hash(entry: &Entry) -> Option<Hash> {
    match &entry.content {
        Content::File { hash, .. } => Some(*hash),
        _ => None,
    }
}

/// Names of one inode: equal in group and content.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Bucket {
    Group(u64, Hash),
    Alone(RelPath),
}

fn bucket(entry: &Entry) -> Option<Bucket> {
    match &entry.content {
        Content::File { group: Some(group), hash, .. } => Some(Bucket::Group(*group, *hash)),
        Content::File { .. } => Some(Bucket::Alone(entry.path.clone())),
        _ => None,
    }
}

/// Plans. `live_elsewhere` tells of a content whether a path that is not touched has it.
pub(super) fn plan(touches: &Touches, live_elsewhere: &dyn Fn(Hash) -> bool) -> Plan {
    let ways = match ways(touches) {
        Ok(ways) => ways,
        Err(copies) => return Plan::Copy(copies),
    };
    let parked: HashMap<&RelPath, u64> =
        ways.parked.iter().map(|(path, slot)| (path, *slot)).collect();
    let after: HashSet<Hash> = touches
        .values()
        .filter_map(|touch| touch.new.as_ref().and_then(|new| content_hash(&new.entry)))
        .collect();
    let mut ops = Vec::new();
    take_away(
        touches,
        &ways,
        &parked,
        &|hash| after.contains(&hash) || live_elsewhere(hash),
        &mut ops,
    );
    bring(touches, &ways, &mut ops);
    Plan::Do(ops)
}

struct Ways {
    of: BTreeMap<RelPath, Way>,
    parked: Vec<(RelPath, u64)>,
}

/// Decides for each file whether it stays, comes, moves or is a further name, or says which contents have
/// to be copied first.
fn ways(touches: &Touches) -> Result<Ways, Vec<RelPath>> {
    let mut buckets: BTreeMap<Bucket, Vec<(&RelPath, &Touch, &New)>> = BTreeMap::new();
    for (path, touch) in touches {
        if let Some(new) = &touch.new
            && let Some(bucket) = bucket(&new.entry)
        {
            buckets.entry(bucket).or_default().push((path, touch, new));
        }
    }
    let mut claimed: HashSet<Inode> = HashSet::new();
    let mut of = BTreeMap::new();
    let mut open = Vec::new();
    for members in buckets.into_values() {
        let leader = members.iter().find_map(|(path, touch, new)| {
            let old = touch.old.as_ref().filter(|old| old.intact)?;
            let same = content_hash(&old.entry).is_some()
                && content_hash(&old.entry) == content_hash(&new.entry);
            let inode = old.inode.filter(|inode| same && !claimed.contains(inode))?;
            Some(((*path).clone(), inode))
        });
        match leader {
            Some((leader, inode)) => {
                claimed.insert(inode);
                for (path, touch, _) in &members {
                    let stays = touch.old.as_ref().is_some_and(|old| old.inode == Some(inode));
                    let way = if stays { Way::Stay } else { Way::Link(leader.clone()) };
                    of.insert((*path).clone(), way);
                }
            }
            None => open.push(members),
        }
    }
    // What leaves its place, by its content.
    let mut leaving: HashMap<Hash, Vec<(&RelPath, Inode)>> = HashMap::new();
    for (path, touch) in touches {
        if let Some(old) = &touch.old
            && old.intact
            && let (Some(hash), Some(inode)) = (content_hash(&old.entry), old.inode)
            && !claimed.contains(&inode)
        {
            leaving.entry(hash).or_default().push((path, inode));
        }
    }
    let mut parked = Vec::new();
    let mut copies = Vec::new();
    for members in open {
        let staged = members.iter().find_map(|(path, _, new)| match new.supply {
            Supply::Staged(number) => Some(((*path).clone(), Slot::Staged(number))),
            Supply::Here => None,
        });
        let moved = || {
            let (path, _, new) = members.first()?;
            let from = leaving.get(&content_hash(&new.entry)?)?;
            let (from, inode) = from.iter().find(|(_, inode)| !claimed.contains(inode))?;
            Some(((*path).clone(), (*from).clone(), *inode))
        };
        let leader = match staged {
            Some(staged) => staged,
            None => match moved() {
                Some((path, from, inode)) => {
                    claimed.insert(inode);
                    let slot = u64::try_from(parked.len()).unwrap_or(u64::MAX);
                    parked.push((from, slot));
                    (path, Slot::Parked(slot))
                }
                None => {
                    copies.extend(members.first().map(|(path, ..)| (*path).clone()));
                    continue;
                }
            },
        };
        for (path, ..) in members {
            let way =
                if *path == leader.0 { Way::Slot(leader.1) } else { Way::Link(leader.0.clone()) };
            of.insert(path.clone(), way);
        }
    }
    if copies.is_empty() { Ok(Ways { of, parked }) } else { Err(copies) }
}

/// Everything that leaves its place leaves first, so that nothing is in the way of what comes.
fn take_away(
    touches: &Touches,
    ways: &Ways,
    parked: &HashMap<&RelPath, u64>,
    stays: &dyn Fn(Hash) -> bool,
    ops: &mut Vec<Op>,
) {
    let mut folders = Vec::new();
    let mut kept = HashSet::new();
    for (path, touch) in touches {
        let Some(old) = &touch.old else { continue };
        // One that could not be made has something else in its place.
        let is_folder = old.is_folder || old.inode.is_none();
        if matches!(old.entry.content, Content::Folder) && is_folder {
            let remains =
                touch.new.as_ref().is_some_and(|new| matches!(new.entry.content, Content::Folder));
            if !remains {
                folders.push(Op::Rmdir { path: path.clone() });
            }
            continue;
        }
        let Some(Inode { number: inode, born }) = old.inode else { continue };
        if matches!(ways.of.get(path), Some(Way::Stay)) || is_untouched(touch) {
            continue;
        }
        if let Some(slot) = parked.get(path) {
            ops.push(Op::Park { path: path.clone(), inode, slot: *slot, born });
            continue;
        }
        let keep = match &old.entry.content {
            // One of its names takes it there.
            Content::File { hash, size, .. }
                if old.intact && !stays(*hash) && kept.insert(inode) =>
            {
                Some((*hash, *size, old.entry.meta.mtime))
            }
            _ => None,
        };
        let slot = ops.len() as u64;
        ops.push(Op::Retire { path: path.clone(), inode, slot, keep, born });
    }
    folders.reverse();
    ops.append(&mut folders);
}

/// A link, pipe or socket of which nothing changes.
fn is_untouched(touch: &Touch) -> bool {
    match (&touch.old, &touch.new) {
        (Some(old), Some(new)) => {
            // A file's way is decided on by its inode, also where its entry stays.
            let is_file = matches!(new.entry.content, Content::File { .. });
            !is_file && new.supply == Supply::Here && old.entry == new.entry
        }
        _ => false,
    }
}

fn bring(touches: &Touches, ways: &Ways, ops: &mut Vec<Op>) {
    let mut links = Vec::new();
    let mut dresses = Vec::new();
    let mut folders = Vec::new();
    for (path, touch) in touches {
        let Some(new) = &touch.new else { continue };
        let meta = || new.entry.meta.clone();
        match (&new.entry.content, ways.of.get(path), new.supply) {
            (Content::Folder, ..) => {
                ops.push(Op::Mkdir { path: path.clone() });
                folders.push(Op::Dress { path: path.clone(), meta: meta() });
            }
            (_, Some(Way::Stay), _) => {
                let dressed = touch
                    .old
                    .as_ref()
                    .is_some_and(|old| !old.damaged && old.entry.meta == new.entry.meta);
                if !dressed {
                    dresses.push(Op::Dress { path: path.clone(), meta: meta() });
                }
            }
            (_, Some(Way::Slot(slot)), _) => {
                ops.push(Op::Put { slot: *slot, path: path.clone() });
                if matches!(slot, Slot::Parked(_)) {
                    dresses.push(Op::Dress { path: path.clone(), meta: meta() });
                }
            }
            (_, Some(Way::Link(from)), _) => {
                links.push(Op::Link { from: from.clone(), path: path.clone() });
            }
            (_, None, Supply::Staged(number)) => {
                ops.push(Op::Put { slot: Slot::Staged(number), path: path.clone() });
            }
            (_, None, Supply::Here) => {}
        }
    }
    ops.append(&mut links);
    ops.append(&mut dresses);
    folders.reverse();
    ops.append(&mut folders);
}
