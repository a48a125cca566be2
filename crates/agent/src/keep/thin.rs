//! Gives up points that are too many, too old or too large, and what only they referred to.

use rusqlite::params;

use super::error::Result;
use super::index::OPEN;
use super::keeper::Keeper;
use super::retention::{Aged, thin};

/// What is to come does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom {
    pub(super) need: u64,
    pub(super) free: u64,
}

impl Keeper {
    /// Thins by age, then by the budget.
    ///
    /// # Errors
    /// [`super::KeepError`].
    pub fn thin(&mut self) -> Result<()> {
        self.let_old_pins_go()?;
        let points: Vec<Aged> = self
            .points()?
            .iter()
            .map(|point| Aged { id: point.id, received: point.received, pinned: point.pinned })
            .collect();
        let gone = thin(&points, self.clock.now());
        if !gone.is_empty() {
            self.give_up(&gone)?;
        }
        while self.history_bytes()? > self.config.budget && self.give_up_oldest()? {}
        Ok(())
    }

    /// Bytes of contents that only earlier points refer to.
    ///
    /// # Errors
    /// [`super::KeepError::Index`].
    pub fn history_bytes(&self) -> Result<u64> {
        self.index.count(
            "select coalesce(sum(size), 0) from (select e.hash, max(e.size) size from entry e
             where e.hash is not null and e.last < 9223372036854775807 and not exists
             (select 1 from entry l where l.hash = e.hash and l.last = 9223372036854775807)
             group by e.hash)",
        )
    }

    /// Gives up the oldest point that is not pinned and not the last; whether there was one.
    fn give_up_oldest(&mut self) -> Result<bool> {
        let points = self.points()?;
        let Some((_, earlier)) = points.split_last() else { return Ok(false) };
        let Some(oldest) = earlier.iter().find(|point| !point.pinned) else { return Ok(false) };
        self.give_up(&[oldest.id])?;
        Ok(true)
    }

    /// Gives points up with all that only they referred to.
    fn give_up(&mut self, points: &[u64]) -> Result<()> {
        self.steps.step("giving up a point")?;
        self.index.transaction(|index| {
            for id in points {
                let id = id.cast_signed();
                let before: Option<i64> = index
                    .db
                    .prepare_cached("select max(id) from point where id < ?1")?
                    .query_row([id], |row| row.get(0))?;
                let after: Option<i64> = index
                    .db
                    .prepare_cached("select min(id) from point where id > ?1")?
                    .query_row([id], |row| row.get(0))?;
                let (before, after) = (before.unwrap_or(0), after.unwrap_or(OPEN));
                // Only this point lies in what such an entry is valid for.
                let orphan = "first > ?1 and first <= ?2 and last > ?2 and last <= ?3";
                index
                    .db
                    .prepare_cached(&format!(
                        "insert or ignore into garbage select hash from entry
                         where hash is not null and {orphan} and last < {OPEN}"
                    ))?
                    .execute(params![before, id, after])?;
                index
                    .db
                    .prepare_cached(&format!("delete from entry where {orphan} and last < {OPEN}"))?
                    .execute(params![before, id, after])?;
                for table in ["point where id", "lacks where point"] {
                    let statement = format!("delete from {table} = ?1");
                    index.db.prepare_cached(&statement)?.execute([id])?;
                }
            }
            Ok(())
        })?;
        self.collect_garbage()
    }

    /// Makes room for so many bytes, giving up the oldest points where there is none; what is lacking
    /// then.
    pub(super) fn make_room(&mut self, need: u64) -> Result<Option<NoRoom>> {
        loop {
            let free = self.disk()?.free.saturating_sub(self.config.reserve);
            if need == 0 || need <= free {
                return Ok(None);
            }
            // What would not be enough is not given up.
            let could = free.saturating_add(self.history_bytes()?);
            if need > could || !self.give_up_oldest()? {
                return Ok(Some(NoRoom { need, free }));
            }
        }
    }
}
