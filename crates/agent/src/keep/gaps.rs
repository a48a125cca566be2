//! What the last point lacks of the workspace, by name.

use rusqlite::params;

use super::error::Result;
use super::index::{decode, encode};
use super::keeper::Keeper;
use super::point::Lacks;
use crate::clock::Nanos;
use crate::entry::Unprotected;
use crate::order::{GAPS_BYTES, GAPS_MAX, Gap, Gaps, Why};
use crate::path::RelPath;

/// Bytes of a path that are told.
const PATH: usize = 1_900;

/// Gaps that are named, as far as there is room for them.
struct Named {
    gaps: Vec<Gap>,
    bytes: usize,
}

impl Named {
    fn add(&mut self, path: &[u8], why: Why, size: Option<u64>) {
        let path = path.get(..path.len().min(PATH)).unwrap_or_default().to_vec();
        let more = match &why {
            Why::Attributes(names) => names.iter().map(|name| name.len() + 8).sum(),
            _ => 0,
        };
        self.bytes += path.len() + more + 32;
        if self.gaps.len() < GAPS_MAX && self.bytes <= GAPS_BYTES {
            self.gaps.push(Gap { path, why, size });
        }
    }
}

impl Keeper {
    /// What the last point lacks.
    ///
    /// # Errors
    /// [`super::KeepError`].
    pub fn gaps(&self) -> Result<Gaps> {
        let mut named = Named { gaps: Vec::new(), bytes: 0 };
        let corrupt: Vec<RelPath> = self.index.fact("corrupt")?.unwrap_or_default();
        for path in &corrupt {
            named.add(path.as_bytes(), Why::Corrupt, None);
        }
        let damaged = self.damaged()?;
        for path in damaged.keys() {
            named.add(path.as_bytes(), Why::Damaged, None);
        }
        self.name_flux(&mut named)?;
        self.name_unprotected(&mut named)?;
        self.name_attributes(&mut named)?;
        let excluded = encode(&Unprotected::Excluded)?;
        let excluded: i64 = self.index.db.query_row(
            "select count(*) from unprotected where why = ?1",
            params![excluded],
            |row| row.get(0),
        )?;
        Ok(Gaps {
            flux: self.index.count("select count(*) from flux")?,
            corrupt: corrupt.len() as u64,
            unprotected: self.index.count("select count(*) from unprotected")?,
            excluded: excluded.cast_unsigned(),
            attributes: self.index.count("select count(*) from unkept")?,
            damaged: damaged.len() as u64,
            sight: self.index.fact("sight")?,
            unwatched: self.index.fact("unwatched")?.flatten(),
            named: named.gaps,
        })
    }

    /// What a point lacked when it was made of the workspace; none where it was made of something else, or
    /// it was not written down.
    ///
    /// # Errors
    /// [`super::KeepError`].
    pub fn lacks(&self, point: u64) -> Result<Option<Lacks>> {
        self.index.lacks(point)
    }

    fn name_flux(&self, named: &mut Named) -> Result<()> {
        let mut query =
            self.index.db.prepare_cached("select path, since from flux order by since limit ?1")?;
        let rows = query.query_map([GAPS_MAX as i64], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
        })?;
        for row in rows {
            let (path, since) = row?;
            let since_ms = i64::try_from(Nanos(since.into()).0 / 1_000_000).unwrap_or(0);
            named.add(&path, Why::Flux { since_ms }, None);
        }
        Ok(())
    }

    fn name_attributes(&self, named: &mut Named) -> Result<()> {
        let mut query = self
            .index
            .db
            .prepare_cached("select path, names from unkept order by path limit ?1")?;
        let rows = query.query_map([GAPS_MAX as i64], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        for row in rows {
            let (path, names) = row?;
            named.add(&path, Why::Attributes(decode(&names)?), None);
        }
        Ok(())
    }

    fn name_unprotected(&self, named: &mut Named) -> Result<()> {
        let mut query = self.index.db.prepare_cached(
            "select path, why, size from unprotected order by size desc, path limit ?1",
        )?;
        let rows = query.query_map([GAPS_MAX as i64], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?))
        })?;
        for row in rows {
            let (path, why, size): (_, _, Option<i64>) = row?;
            let size = size.and_then(|size| u64::try_from(size).ok());
            named.add(&path, Why::Unprotected(decode(&why)?), size);
        }
        Ok(())
    }
}
