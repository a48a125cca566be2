//! Points that stay under a name, and whether someone else changed the index.

use super::error::{KeepError, Result};
use super::keeper::Keeper;
use super::point::Point;

fn fact(name: &str) -> String {
    format!("pin/{name}")
}

fn at(name: &str) -> String {
    format!("pinned/{name}")
}

/// Who gave a name and never let go of it is gone: a drill takes hours at most.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

impl Keeper {
    /// Lets go of names that were given too long ago.
    pub(super) fn let_old_pins_go(&mut self) -> Result<()> {
        let names: Vec<String> = {
            let mut query = self
                .index
                .db
                .prepare_cached("select name from fact where name >= 'pin/' and name < 'pin0'")?;
            let rows = query.query_map([], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        let now = self.clock.now();
        for name in names.iter().filter_map(|name| name.strip_prefix("pin/")) {
            match self.index.fact::<crate::clock::Nanos>(&at(name))? {
                Some(at) if now.since(at) <= LONGEST => {}
                Some(_) => self.unpin_name(name)?,
                // Given before times were written down.
                None => self.index.transaction(|index| index.set_fact(&at(name), &now))?,
            }
        }
        Ok(())
    }

    /// Keeps the last point under a name, whatever its age. Again gives the same point.
    ///
    /// # Errors
    /// [`KeepError::NoPoint`] where there is none yet.
    pub fn pin_as(&mut self, name: &str) -> Result<Point> {
        if let Some(id) = self.index.fact::<u64>(&fact(name))? {
            return self.point(id);
        }
        let last = self.index.last_point()?.ok_or(KeepError::NoPoint(0))?;
        self.index.transaction(|index| {
            index
                .db
                .prepare_cached("update point set pinned = 1 where id = ?1")?
                .execute([last.id.cast_signed()])?;
            index.set_fact(&at(name), &self.clock.now())?;
            index.set_fact(&fact(name), &last.id)
        })?;
        self.point(last.id)
    }

    /// Lets go of a name. Its point stays where another name is given to it too. Fine where there is none.
    ///
    /// # Errors
    /// [`KeepError::Index`].
    pub fn unpin_name(&mut self, name: &str) -> Result<()> {
        let Some(id) = self.index.fact::<u64>(&fact(name))? else { return Ok(()) };
        self.index.transaction(|index| {
            index
                .db
                .prepare_cached("delete from fact where name in (?1, ?2)")?
                .execute([fact(name), at(name)])?;
            let others: Vec<Vec<u8>> = {
                let mut query = index.db.prepare_cached(
                    "select value from fact where name >= 'pin/' and name < 'pin0'",
                )?;
                let rows = query.query_map([], |row| row.get(0))?;
                rows.collect::<rusqlite::Result<_>>()?
            };
            for other in &others {
                if super::index::decode::<u64>(other)? == id {
                    return Ok(());
                }
            }
            index
                .db
                .prepare_cached("update point set pinned = 0 where id = ?1")?
                .execute([id.cast_signed()])?;
            Ok(())
        })
    }

    /// Moves whenever another process has changed the index: what is remembered of the copy beside it is
    /// then worth nothing.
    ///
    /// # Errors
    /// [`KeepError::Index`].
    pub fn version(&self) -> Result<i64> {
        Ok(self.index.db.query_row("pragma data_version", [], |row| row.get(0))?)
    }
}
