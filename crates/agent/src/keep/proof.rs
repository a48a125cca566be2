//! The proof that a folder is what a recovery point says: every entry, its content by hash, and all that
//! belongs to it. What differs is named.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::error::{KeepError, Result};
use super::keeper::Keeper;
use super::reading::Got;
use super::receive::Progress;
use crate::entry::{Body, Content, Entry, Listed};
use crate::hash::Hash;
use crate::path::RelPath;
use crate::source::{Found, Source, SourceError};

/// Paths that are named; more are only counted.
const NAMED: usize = 1_000;
/// Bytes of the paths that are named.
const NAMED_BYTES: usize = 256 * 1024;
/// Entries beyond the point, before it is given up: a list without end proves nothing.
const MOST_SURPLUS: u64 = 1_000_000;

/// Most bytes that are held of what a host lists, and about how many for each entry besides its path.
const MOST_BYTES: usize = 2 << 30;
const KEPT: usize = 64;

/// In what an entry differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Differs {
    /// It is not there.
    Missing,
    /// It is there beyond the point.
    Surplus,
    /// It is of another kind.
    Kind,
    /// A file of another size.
    Size,
    /// A file of other content.
    Content,
    /// Its content could not be read to the end: the host refused, or it never held still.
    Unread,
    /// What a symbolic link says.
    Target,
    /// Its rights.
    Mode,
    /// Its owner or group.
    Owner,
    /// When it was last changed.
    Time,
    /// Its extended attributes.
    Attributes,
    /// The names that it shares an inode with.
    Links,
}

/// An entry that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Where.
    pub path: RelPath,
    /// In what.
    pub differs: Vec<Differs>,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Proof {
    /// Files whose content was read there and is what it should be, with all that belongs to them; links,
    /// pipes and sockets too.
    pub proven: u64,
    /// The bytes of those files.
    pub bytes: u64,
    /// Entries that differ.
    pub differing: u64,
    /// Some of them: at most 1,000.
    pub named: Vec<Named>,
}

impl Proof {
    /// Whether nothing differs.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.differing == 0
    }

    /// The differences that an earlier comparison, with another host, found too: what is the same on
    /// every host has its cause here.
    #[must_use]
    pub fn repeated(&self, before: &Self) -> Vec<Named> {
        let earlier: HashMap<&RelPath, &Named> =
            before.named.iter().map(|named| (&named.path, named)).collect();
        let same = |named: &&Named| {
            earlier.get(&named.path).is_some_and(|other| other.differs == named.differs)
        };
        self.named.iter().filter(same).cloned().collect()
    }
}

#[derive(Default)]
struct Findings {
    proof: Proof,
    named_bytes: usize,
    differs: BTreeMap<RelPath, Vec<Differs>>,
    surplus: u64,
    seen: HashSet<[u8; 16]>,
    /// Bytes that are held of what was listed.
    held: usize,
    /// Files that are alike from outside: what is to be found in them.
    open: Vec<(RelPath, u64, Hash)>,
    /// The inode of each group, and the group of each inode.
    inode_of: HashMap<u64, (u64, u64)>,
    group_of: HashMap<(u64, u64), Option<u64>>,
}

impl Keeper {
    /// Compares a folder with a point. `tell` hears how many files were read, and their bytes.
    ///
    /// # Errors
    /// [`KeepError::Source`] where it could not be listed or read to the end: that proves nothing.
    pub fn prove(
        &mut self,
        point: u64,
        there: &mut dyn Source,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Proof> {
        self.point(point)?;
        let mut findings = Findings::default();
        let mut failed = None;
        let told = there.scan(&mut |found| {
            self.compare(point, found, &mut findings).map_err(|error| {
                let word = error.to_string();
                failed = Some(error);
                SourceError::Sink(word)
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        told?;
        let mut after: Option<RelPath> = None;
        loop {
            let page = self.index.manifest(point.cast_signed(), after.as_ref(), 1_000)?;
            let Some(last) = page.last() else { break };
            after = Some(last.path.clone());
            for entry in page {
                if !findings.seen.contains(&number(&entry.path)) {
                    findings.differs.entry(entry.path).or_default().push(Differs::Missing);
                }
            }
        }
        let mut read = Progress::default();
        let open = std::mem::take(&mut findings.open);
        for batch in open.chunks(256) {
            let paths: Vec<_> = batch.iter().map(|(path, ..)| (path.clone(), None)).collect();
            let got = self.ask_hashes(there, &paths)?;
            for (path, size, hash) in batch {
                read.files += 1;
                read.bytes = read.bytes.saturating_add(*size);
                let differs = match got.get(path) {
                    Some(Got::Hashed(read)) if read.hash == *hash => None,
                    Some(Got::Hashed(_)) => Some(Differs::Content),
                    Some(Got::Gone) => Some(Differs::Missing),
                    _ => Some(Differs::Unread),
                };
                match differs {
                    Some(differs) => {
                        findings.differs.entry(path.clone()).or_default().push(differs);
                    }
                    None if !findings.differs.contains_key(path) => {
                        findings.proof.proven += 1;
                        findings.proof.bytes = findings.proof.bytes.saturating_add(*size);
                    }
                    None => {}
                }
            }
            tell(read);
        }
        Ok(findings.end())
    }

    fn compare(&self, point: u64, found: Found, findings: &mut Findings) -> Result<()> {
        let (path, listed) = match found {
            Found::Entry(listed) => (listed.path.clone(), Some(listed)),
            Found::Unprotected { path, .. } => (path, None),
            Found::Gone { .. } | Found::Attributes { .. } => return Ok(()),
        };
        if path.is_root() {
            return Ok(());
        }
        if !findings.seen.insert(number(&path)) {
            let word = "the host lists a path twice".to_owned();
            return Err(KeepError::Source(SourceError::Protocol(word)));
        }
        findings.held = findings.held.saturating_add(path.as_bytes().len() + KEPT);
        if findings.held > MOST_BYTES {
            let word = "the host lists more than can be compared".to_owned();
            return Err(KeepError::Source(SourceError::Protocol(word)));
        }
        let Some(entry) = self.index.entry_at(point, &path)? else {
            findings.surplus += 1;
            if findings.surplus > MOST_SURPLUS {
                let word = "the host lists far more than the point has".to_owned();
                return Err(KeepError::Source(SourceError::Protocol(word)));
            }
            findings.differs.entry(path).or_default().push(Differs::Surplus);
            return Ok(());
        };
        let Some(listed) = listed else {
            findings.differs.entry(path).or_default().push(Differs::Unread);
            return Ok(());
        };
        let differs = findings.outside(&entry, &listed);
        if !differs.is_empty() {
            findings.differs.entry(path).or_default().extend(differs);
        } else if !matches!(entry.content, Content::File { .. } | Content::Folder) {
            findings.proof.proven += 1;
        }
        Ok(())
    }
}

impl Findings {
    /// In what an entry differs as far as a listing shows; its content is then to be read.
    fn outside(&mut self, entry: &Entry, listed: &Listed) -> Vec<Differs> {
        let mut differs = Vec::new();
        match (&entry.content, &listed.body) {
            (Content::File { size, hash, group, .. }, Body::File { size: now, links, .. }) => {
                if size == now {
                    self.open.push((entry.path.clone(), *size, *hash));
                } else {
                    differs.push(Differs::Size);
                }
                let inode = (listed.identity.dev, listed.identity.ino);
                let of_group = group.map(|group| *self.inode_of.entry(group).or_insert(inode));
                let alone = group.is_some() || *links == 1 || !self.group_of.contains_key(&inode);
                let of_inode = self.group_of.entry(inode).or_insert(*group);
                if of_group.is_some_and(|of| of != inode) || *of_inode != *group || !alone {
                    differs.push(Differs::Links);
                }
            }
            (Content::Symlink { target }, Body::Symlink { target: now }) => {
                if target != now {
                    differs.push(Differs::Target);
                }
            }
            (Content::Folder, Body::Folder)
            | (Content::Fifo, Body::Fifo)
            | (Content::Socket, Body::Socket) => {}
            _ => differs.push(Differs::Kind),
        }
        let (then, now) = (&entry.meta, &listed.meta);
        for (same, what) in [
            (then.mode == now.mode, Differs::Mode),
            ((then.uid, then.gid) == (now.uid, now.gid), Differs::Owner),
            (then.mtime == now.mtime, Differs::Time),
            (then.xattrs == now.xattrs, Differs::Attributes),
        ] {
            if !same {
                differs.push(what);
            }
        }
        differs
    }

    fn end(self) -> Proof {
        let mut proof = self.proof;
        let mut bytes = self.named_bytes;
        proof.differing = self.differs.len() as u64;
        for (path, mut differs) in self.differs {
            bytes = bytes.saturating_add(path.as_bytes().len());
            if proof.named.len() >= NAMED || bytes > NAMED_BYTES {
                break;
            }
            differs.sort_unstable();
            differs.dedup();
            proof.named.push(Named { path, differs });
        }
        proof
    }
}

/// A number for a path, so that of a large tree only a number per entry is held.
fn number(path: &RelPath) -> [u8; 16] {
    let hash = blake3::hash(path.as_bytes());
    let mut number = [0; 16];
    number.copy_from_slice(hash.as_bytes().get(..16).unwrap_or(&[0; 16]));
    number
}
