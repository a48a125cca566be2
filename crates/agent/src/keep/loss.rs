//! Counts what would be lost, for the guard.

use std::collections::{HashMap, HashSet};

use rusqlite::params;

use super::change::Change;
use super::error::Result;
use super::guard::{Counted, Limits};
use super::index::OPEN;
use super::keeper::Keeper;
use super::numbers::Numbers;
use crate::entry::Content;
use crate::hash::Hash;
use crate::path::RelPath;

impl Keeper {
    /// The files that go with their content from every path, and how many there are over the time that
    /// is looked at. Inodes that are provably still there under another name lost nothing, whatever they hold now.
    pub(super) fn count_loss(
        &self,
        change: &Change,
        left_out: &HashSet<RelPath>,
        limits: &Limits,
    ) -> Result<(HashSet<RelPath>, Counted)> {
        let mut after: HashSet<Hash> = HashSet::new();
        let mut there = Numbers::default();
        let mut before: HashMap<Hash, u64> = HashMap::new();
        let mut gone = Vec::new();
        let (mut fewer, mut more) = (0_u64, 0_u64);
        for (path, next) in change {
            let live = self.index.live(path)?;
            if let Some(live) = &live
                && let Content::File { hash, .. } = live.entry.content
            {
                *before.entry(hash).or_default() += 1;
            }
            let is_file = |content: &Content| u64::from(!matches!(content, Content::Folder));
            fewer += live.as_ref().map_or(0, |live| is_file(&live.entry.content));
            match next {
                Some(next) => {
                    more += is_file(&next.entry.content);
                    if let Content::File { hash, .. } = next.entry.content {
                        after.insert(hash);
                    }
                    there.extend(next.source);
                }
                None => gone.extend(live.filter(|_| !left_out.contains(path))),
            }
        }
        let mut lost = HashSet::new();
        for live in gone {
            let Content::File { hash, .. } = live.entry.content else { continue };
            let moved = live.source.is_some_and(|source| there.has(&source));
            if after.contains(&hash) || moved {
                continue;
            }
            let all: i64 = self
                .index
                .db
                .prepare_cached("select count(*) from entry where hash = ?1 and last = ?2")?
                .query_row(params![hash.0.as_slice(), OPEN], |row| row.get(0))?;
            if all.cast_unsigned() <= before.get(&hash).copied().unwrap_or(0) {
                lost.insert(live.entry.path);
            }
        }
        let counted = self.over_time(&lost, fewer, more, limits)?;
        Ok((lost, counted))
    }

    /// Over the time: of the files of that point in it which had most, so many are lost by now. What
    /// came and went since is not counted: a rotation of checkpoints loses nothing that it did not make.
    fn over_time(
        &self,
        lost: &HashSet<RelPath>,
        fewer: u64,
        more: u64,
        limits: &Limits,
    ) -> Result<Counted> {
        let now = lost.len() as u64;
        if now == 0 {
            return Ok(Counted { now: Some(0), ..Counted::default() });
        }
        let points = self.index.points()?;
        let from: u64 = self.index.fact("window")?.unwrap_or(0);
        let most_age = std::time::Duration::from_secs(limits.window_seconds);
        let clock = self.clock.now();
        let last = points.last();
        let base = points
            .iter()
            .filter(|point| {
                point.id >= from && clock.since(point.received) <= most_age
                    || Some(point.id) == last.map(|last| last.id)
            })
            .max_by_key(|point| (point.files, std::cmp::Reverse(point.id)));
        let Some((base, last)) = base.zip(last) else {
            return Ok(Counted {
                base: Some(0),
                lost: Some(now),
                now: Some(now),
                left: Some(more),
            });
        };
        let before: i64 = self
            .index
            .db
            .prepare_cached(
                "select count(*) from entry e where e.last > ?1 and e.last < ?2 and e.first <= ?1
                 and e.hash is not null
                 and (exists (select 1 from entry g where g.hash = e.hash and g.lost = 1 and g.last > ?1)
                 or exists (select 1 from entry g where g.path = e.path and g.lost = 1 and g.last > ?1
                 and not exists (select 1 from entry n where n.path = e.path and n.last = ?2)))
                 and not exists (select 1 from entry l where l.hash = e.hash and l.last = ?2)",
            )?
            .query_row(params![base.id.cast_signed(), OPEN], |row| row.get(0))?;
        let mut of_base = 0;
        for path in lost {
            // By path, or by content: it may have had another name then.
            let was_there: bool = self
                .index
                .db
                .prepare_cached(
                    "select exists (select 1 from entry e join entry b on b.hash = e.hash
                     where e.path = ?1 and e.last = ?2 and b.first <= ?3 and b.last > ?3)
                     or exists (select 1 from entry b
                     where b.path = ?1 and b.first <= ?3 and b.last > ?3)",
                )?
                .query_row(params![path.as_bytes(), OPEN, base.id.cast_signed()], |row| {
                    row.get(0)
                })?;
            of_base += u64::from(was_there);
        }
        Ok(Counted {
            base: Some(base.files),
            lost: Some(of_base.saturating_add(before.cast_unsigned())),
            now: Some(now),
            left: Some(last.files.saturating_sub(fewer).saturating_add(more)),
        })
    }
}
