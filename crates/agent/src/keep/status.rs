//! What is durable, what is not protected, what is in flux: from the index, so that it is never better
//! than what a takeover would find.

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::error::Result;
use super::index::{decode, path};
use super::keeper::Keeper;
use super::point::Point;
use super::receive::Progress;
use crate::clock::Nanos;
use crate::entry::Unprotected;
use crate::path::RelPath;
use crate::source::{Disk, Sight};

/// Paths that are named of a kind; more are only counted.
const NAMED: u32 = 100;

/// When the workspace was last known to be here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durable {
    /// All that was written before, by the workspace's clock, is here.
    pub began: Nanos,
    /// The same by this host's clock.
    pub began_here: Nanos,
    /// When that was on the disk.
    pub complete: Nanos,
}

/// A file that never holds still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlux {
    /// Where.
    pub path: RelPath,
    /// Since when there is no newer whole version of it.
    pub since: Nanos,
}

/// What is not protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotProtected {
    /// Where; for a folder, all in it.
    pub path: RelPath,
    /// Why.
    pub why: Unprotected,
    /// Its bytes, where they are known.
    pub size: Option<u64>,
}

/// How things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The epoch in whose name the copy follows.
    pub epoch: u64,
    /// The last point.
    pub last: Option<Point>,
    /// Points that are kept.
    pub points: u64,
    /// When the workspace was last known to be here; none where it never was.
    pub durable: Option<Durable>,
    /// Of how many of the host's processes it was known then what they had open for writing: of the
    /// others' files it is only known that they held still while they were read.
    pub sight: Option<Sight>,
    /// How long ago that began: what was written since may not be here.
    pub lag_millis: Option<u64>,
    /// What a cycle that is under way, or was cut, found to be missing here; none where that is not known.
    pub missing: Option<Progress>,
    /// Files that never hold still.
    pub flux: u64,
    /// Some of them.
    pub flux_named: Vec<InFlux>,
    /// What is not protected.
    pub unprotected: u64,
    /// Its bytes, as far as they are known.
    pub unprotected_bytes: u64,
    /// Some of it.
    pub unprotected_named: Vec<NotProtected>,
    /// The moment since when each file's content was read and hashed at least once.
    pub proven_since: Option<Nanos>,
    /// Bytes of contents that only earlier points refer to.
    pub history_bytes: u64,
    /// The room on the disk.
    pub disk: Disk,
}

impl Keeper {
    /// How things are.
    ///
    /// # Errors
    /// [`super::KeepError`].
    pub fn status(&self) -> Result<Status> {
        let durable: Option<Durable> = self.index.fact("durable")?;
        let proven: Option<i64> = self.index.db.query_row(
            "select min(l.proven) from live l join entry e on e.path = l.path
             and e.last = 9223372036854775807 where e.hash is not null",
            [],
            |row| row.get(0),
        )?;
        Ok(Status {
            epoch: self.epoch()?,
            last: self.index.last_point()?,
            points: self.index.count("select count(*) from point")?,
            durable,
            sight: self.index.fact("sight")?,
            lag_millis: durable.map(|durable| {
                let lag = self.clock.now().since(durable.began_here).as_millis();
                u64::try_from(lag).unwrap_or(u64::MAX)
            }),
            missing: self.missing,
            flux: self.index.count("select count(*) from flux")?,
            flux_named: self.flux()?,
            unprotected: self.index.count("select count(*) from unprotected")?,
            unprotected_bytes: self
                .index
                .count("select coalesce(sum(size), 0) from unprotected")?,
            unprotected_named: self.unprotected()?,
            proven_since: proven.map(|proven| Nanos(proven.into())),
            history_bytes: self.history_bytes()?,
            disk: self.disk()?,
        })
    }

    fn flux(&self) -> Result<Vec<InFlux>> {
        let mut query =
            self.index.db.prepare_cached("select path, since from flux order by since limit ?1")?;
        let rows = query.query_map(params![NAMED], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
        })?;
        rows.map(|row| {
            let (at, since) = row?;
            Ok(InFlux { path: path(at)?, since: Nanos(since.into()) })
        })
        .collect()
    }

    fn unprotected(&self) -> Result<Vec<NotProtected>> {
        let mut query = self.index.db.prepare_cached(
            "select path, why, size from unprotected order by size desc limit ?1",
        )?;
        let rows = query.query_map(params![NAMED], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?))
        })?;
        rows.map(|row| {
            let (at, why, size): (_, _, Option<i64>) = row?;
            let size = size.and_then(|size| u64::try_from(size).ok());
            Ok(NotProtected { path: path(at)?, why: decode(&why)?, size })
        })
        .collect()
    }
}
