//! One cycle: what changed in the workspace becomes the next recovery point, or nothing is changed.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::change::{About, Change, Committed};
use super::error::{KeepError, Result};
use super::guard::{Limits, Verdict, verdict};
use super::held::Held;
use super::keeper::Keeper;
use super::listing::{Listing, News};
use super::need::Need;
use super::point::{Kind, Lacks, Point};
use super::reading::{Got, room_of};
use super::receive::Progress;
use super::settle::{Outcomes, leaders};
use super::status::Durable;
use super::thin::NoRoom;
use crate::clock::Nanos;
use crate::entry::Unprotected;
use crate::hash::Hash;
use crate::path::RelPath;
use crate::source::Source;

/// Everything is looked at so often, whatever the watch tells: a file with a name outside of the
/// workspace can be written to by that one.
const SCAN_AT_LEAST: std::time::Duration = std::time::Duration::from_secs(15 * 60);

/// Paths that are named of a kind; more are only counted.
const NAMED: usize = 100;
/// Bytes that are reckoned for a file besides its content.
const PLACE: u64 = 4096;

/// What to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The epoch in whose name it is done.
    pub epoch: u64,
    /// Which host it is: inodes and times are compared only with what the same one said.
    pub host: String,
    /// How much may be lost.
    pub limits: Limits,
    /// Digest of losses that were held back before and accepted since: exactly these may go, too.
    pub accepted: Option<Hash>,
}

/// How a cycle ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is a recovery point.
    Point(Point),
    /// The last point is still what the workspace is.
    Unchanged,
    /// The guard stopped it; nothing was changed.
    Frozen(Verdict),
    /// What is to come does not fit, whatever older points were given up; nothing was written.
    NoRoom {
        /// Bytes that are to come.
        need: u64,
        /// Bytes that may be written.
        free: u64,
    },
}

/// What was brought.
pub type Fetched = Progress;

/// What a cycle did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// How it ended.
    pub outcome: Outcome,
    /// How what changed was found.
    pub kind: Kind,
    /// All that was written before, by the workspace's clock, is here after [`Outcome::Point`] and
    /// [`Outcome::Unchanged`], but for what is in flux or not protected.
    pub began: Nanos,
    /// Files and bytes that came.
    pub fetched: Fetched,
    /// Files lost: path and content.
    pub lost: u64,
    /// Files that never held still: their last whole version is kept.
    pub flux: u64,
    /// What can't be read, and what else is not protected.
    pub unprotected: u64,
    /// Files that never arrived as they were read; their last version is kept. At most 100 are named.
    pub corrupt: Vec<RelPath>,
    /// What would be lost, where it is frozen for that.
    pub held: Option<Held>,
}

impl Keeper {
    /// Follows once. `tell` hears how much came.
    ///
    /// # Errors
    /// [`super::KeepError`]; the copy is as it was, or is finished by the next opening.
    pub fn cycle(
        &mut self,
        source: &mut dyn Source,
        request: &Request,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Cycle> {
        self.cycle_with(source, request, &mut |_| {}, tell)
    }

    /// The same; `to_come` hears first how much is to come.
    ///
    /// # Errors
    /// As [`Keeper::cycle`].
    pub fn cycle_with(
        &mut self,
        source: &mut dyn Source,
        request: &Request,
        to_come: &mut dyn FnMut(Progress),
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Cycle> {
        self.enter(request.epoch)?;
        self.attach(&request.host)?;
        let began_here = self.clock.now();
        let due = self.scanned.is_none_or(|scanned| began_here.since(scanned) >= SCAN_AT_LEAST);
        let scan = std::mem::replace(&mut self.must_scan, true) || due;
        let listing = self.list(source, scan)?;
        if listing.kind == Kind::Scan {
            self.scanned = Some(began_here);
        }
        let mut cycle = Cycle {
            outcome: Outcome::Unchanged,
            kind: listing.kind,
            began: listing.end.began,
            fetched: Progress::default(),
            lost: 0,
            flux: 0,
            unprotected: 0,
            corrupt: Vec::new(),
            held: None,
        };
        let root = (listing.end.root.dev, listing.end.root.ino);
        let known: Option<(u64, u64)> = self.index.fact("root")?;
        if known.is_some_and(|known| known != root) && !request.limits.accept_root {
            cycle.outcome = Outcome::Frozen(Verdict::RootReplaced);
            return Ok(cycle);
        }
        let hashes = self.hashes(source, &listing.news)?;
        let wanted = self.wanted(&listing.news, &hashes)?;
        let need = wanted.iter().fold(0_u64, |sum, (_, size)| sum.saturating_add(*size));
        let files = wanted.len() as u64;
        self.missing = Some(Progress { files, bytes: need });
        // Without what is reckoned for each file's place.
        to_come(Progress { files, bytes: need.saturating_sub(files.saturating_mul(PLACE)) });
        if let Some(NoRoom { need, free }) = self.make_room(need)? {
            cycle.outcome = Outcome::NoRoom { need, free };
            return Ok(cycle);
        }
        let mut got = hashes;
        got.extend(self.fetch(source, &wanted, &mut cycle.fetched, tell)?);
        let mut missing = HashSet::new();
        for _ in 0..3 {
            let mut outcomes = self.settle(&listing, &got, &missing)?;
            let mut excluded = excluded(&listing, &outcomes.change);
            let gone = outcomes.change.iter().filter(|(_, next)| next.is_none());
            excluded.extend(self.strange(gone.map(|(path, _)| path))?);
            let (lost, mut counted) =
                self.count_loss(&outcomes.change, &excluded, &request.limits)?;
            let agreed = self.accepted(request.accepted, &lost)?;
            counted.lost = counted.lost.map(|lost| lost.saturating_sub(agreed));
            counted.now = counted.now.map(|now| now.saturating_sub(agreed));
            let judged = verdict(&counted, &request.limits);
            cycle.lost = lost.len() as u64;
            if judged != Verdict::Pass {
                self.hold(&got)?;
                cycle.held = Some(self.hold_back(&outcomes.change, &excluded)?);
                cycle.outcome = Outcome::Frozen(judged);
                return Ok(cycle);
            }
            cycle.flux = outcomes.flux.len() as u64;
            outcomes.corrupt.truncate(NAMED);
            let corrupt = std::mem::take(&mut outcomes.corrupt);
            cycle.corrupt.clone_from(&corrupt);
            let about =
                About { epoch: request.epoch, began: listing.end.began, kind: listing.kind };
            let now = self.clock.now();
            let durable = Durable { began: listing.end.began, began_here, complete: now };
            let accepted = !lost.is_empty() && (request.limits.accepted > 0 || agreed > 0);
            let committed = self.commit(&outcomes.change, about, &lost, &|index| {
                index.set_fact("root", &root)?;
                index.set_fact("durable", &durable)?;
                index.set_fact("sight", &listing.end.sight)?;
                index.set_fact("corrupt", &corrupt)?;
                index.set_fact("unwatched", &listing.end.unwatched)?;
                if accepted && let Some(last) = index.last_point()? {
                    index.set_fact("window", &last.id)?;
                }
                note(index, &listing, &outcomes, now)?;
                // The point of this very cycle, not an earlier one that nothing differs from.
                match index.last_point()?.filter(|last| last.began == listing.end.began) {
                    Some(last) => note_lacks(index, last.id, corrupt.len() as u64),
                    None => Ok(()),
                }
            })?;
            match committed {
                Committed::Missing(paths) => {
                    // What was thought to be here is not: it is fetched like everything else.
                    let again: Vec<(RelPath, u64)> =
                        paths.iter().map(|path| (path.clone(), 0)).collect();
                    got.extend(self.fetch(source, &again, &mut cycle.fetched, tell)?);
                    missing.extend(paths);
                    continue;
                }
                Committed::Point(point) => cycle.outcome = Outcome::Point(point),
                Committed::Nothing => {}
            }
            self.missing = None;
            if listing.kind == Kind::Scan {
                self.forget_loss()?;
            }
            cycle.unprotected = self.index.count("select count(*) from unprotected")?;
            let damaged = self.index.count("select count(*) from damaged")? > 0;
            self.must_scan = damaged || outcomes.look_again || !cycle.corrupt.is_empty();
            self.thin()?;
            return Ok(cycle);
        }
        // Nothing was made of it, and nothing is known to be as it was.
        Err(KeepError::Unsteady(missing.len() as u64))
    }

    /// What another host said of its inodes means nothing of this one's.
    fn attach(&mut self, host: &str) -> Result<()> {
        let known: Option<String> = self.index.fact("host")?;
        if known.as_deref() == Some(host) {
            return Ok(());
        }
        self.index.transaction(|index| {
            index.forget_source()?;
            index.db.execute_batch("delete from fact where name = 'root'")?;
            index.set_fact("host", &host)
        })
    }

    /// Asks for the hashes of what may be here already; once for each inode.
    fn hashes(
        &mut self,
        source: &mut dyn Source,
        news: &BTreeMap<RelPath, News>,
    ) -> Result<BTreeMap<RelPath, Got>> {
        let mut wanted = Vec::new();
        for path in leaders(news) {
            let Some(about) = news.get(&path).filter(|news| news.need == Need::Hash) else {
                continue;
            };
            let was = self.beginning(about.was.as_ref().unwrap_or(&path))?;
            wanted.push((path, was));
        }
        self.ask_hashes(source, &wanted)
    }

    /// What is to be fetched, with its size: whatever content is not here.
    fn wanted(
        &mut self,
        news: &BTreeMap<RelPath, News>,
        hashes: &BTreeMap<RelPath, Got>,
    ) -> Result<Vec<(RelPath, u64)>> {
        let mut wanted = Vec::new();
        for path in leaders(news) {
            let Some(about) = news.get(&path) else { continue };
            let fetch = match (about.need, hashes.get(&path)) {
                (Need::Hash, Some(Got::Hashed(read))) => !self.is_here(read.hash)?,
                (Need::Fetch, _) => true,
                _ => false,
            };
            if !fetch {
                continue;
            }
            if let Some(listed) = &about.listed
                && self.held(listed)?.is_some()
            {
                continue;
            }
            let size = match &about.listed {
                Some(listed) => room_of(listed),
                None => self.index.live(&path)?.map_or(0, |live| super::change::size(&live.entry)),
            };
            wanted.push((path, size.saturating_add(PLACE)));
        }
        Ok(wanted)
    }

    fn is_here(&mut self, hash: Hash) -> Result<bool> {
        Ok(self.content(hash)?.is_some())
    }
}

/// What goes because it was excluded is nobody's loss.
fn excluded(listing: &Listing, change: &Change) -> HashSet<RelPath> {
    let folders: Vec<&RelPath> = listing
        .unprotected
        .iter()
        .filter(|(_, (why, _))| *why == Unprotected::Excluded)
        .map(|(path, _)| path)
        .collect();
    if folders.is_empty() {
        return HashSet::new();
    }
    let within = |path: &&RelPath| folders.iter().any(|folder| path.is_within(folder));
    change.keys().filter(within).cloned().collect()
}

/// Writes down what a point lacks of the workspace that it was made of.
fn note_lacks(index: &super::index::Index, point: u64, corrupt: u64) -> Result<()> {
    let excluded = super::index::encode(&Unprotected::Excluded)?;
    let unprotected: i64 = index.db.query_row(
        "select count(*) from unprotected where why <> ?1",
        [excluded],
        |row| row.get(0),
    )?;
    let flux = index.count("select count(*) from flux")?;
    let unprotected = unprotected.cast_unsigned();
    index.set_lacks(point, &Lacks { flux, corrupt, unprotected })
}

/// Writes down what is in flux and what is not protected.
fn note(
    index: &super::index::Index,
    listing: &Listing,
    outcomes: &Outcomes,
    now: Nanos,
) -> Result<()> {
    use rusqlite::params;

    use super::index::{column, encode};
    if listing.kind == Kind::Scan {
        index.db.execute_batch("delete from unprotected; delete from unkept")?;
    }
    let gone = listing.told.iter().chain(&listing.gone);
    for path in gone {
        index
            .db
            .prepare_cached("delete from unkept where path = ?1")?
            .execute([path.as_bytes()])?;
    }
    for (path, names) in &listing.attributes {
        index
            .db
            .prepare_cached("insert or replace into unkept values(?1, ?2)")?
            .execute(params![path.as_bytes(), encode(names)?])?;
    }
    for path in &listing.vanished {
        let (from, to) = super::index::below(path);
        for table in [
            "delete from unprotected where path = ?1 or path > ?2 and path < ?3",
            "delete from flux where path = ?1 or path > ?2 and path < ?3",
        ] {
            let vanished = params![path.as_bytes(), from, to];
            index.db.prepare_cached(table)?.execute(vanished)?;
        }
    }
    for path in &outcomes.settled {
        for table in ["delete from unprotected where path = ?1", "delete from flux where path = ?1"]
        {
            index.db.prepare_cached(table)?.execute([path.as_bytes()])?;
        }
    }
    for (path, (why, size)) in listing.unprotected.iter().chain(&outcomes.unreadable) {
        index
            .db
            .prepare_cached("insert or replace into unprotected values(?1, ?2, ?3)")?
            .execute(params![path.as_bytes(), encode(why)?, size.map(u64::cast_signed)])?;
    }
    for path in &outcomes.flux {
        index
            .db
            .prepare_cached(
                "insert into flux values(?1, ?2, ?2) on conflict(path) do update set seen = ?2",
            )?
            .execute(params![path.as_bytes(), column(now)])?;
    }
    Ok(())
}
