//! Points and their manifests, in the index.

use rusqlite::{OptionalExtension, Row, params};

use super::error::{KeepError, Result};
use super::index::{Index, collect, column, decode, encode, entry};
use super::point::{Kind, Lacks, Point};
use crate::clock::Nanos;
use crate::entry::Entry;
use crate::hash::Hash;
use crate::path::RelPath;

impl Index {
    /// All points, the oldest first.
    pub(super) fn points(&self) -> Result<Vec<Point>> {
        let mut query = self.db.prepare_cached("select id, pinned, data from point order by id")?;
        let rows = query.query_map([], raw_point)?;
        rows.map(|row| read_point(row?)).collect()
    }

    pub(super) fn point(&self, id: u64) -> Result<Option<Point>> {
        let mut query =
            self.db.prepare_cached("select id, pinned, data from point where id = ?1")?;
        query.query_row([id.cast_signed()], raw_point).optional()?.map(read_point).transpose()
    }

    pub(super) fn last_point(&self) -> Result<Option<Point>> {
        let mut query = self
            .db
            .prepare_cached("select id, pinned, data from point order by id desc limit 1")?;
        query.query_row([], raw_point).optional()?.map(read_point).transpose()
    }

    pub(super) fn add_point(&self, point: &Point) -> Result<()> {
        let body = (
            point.epoch,
            point.began,
            point.received,
            point.kind,
            point.files,
            point.bytes,
            point.changed,
        );
        self.db.prepare_cached("insert into point values(?1, ?2, ?3, ?4)")?.execute(params![
            point.id.cast_signed(),
            column(point.received),
            point.pinned,
            encode(&body)?
        ])?;
        Ok(())
    }

    /// Writes down what a point lacks.
    pub(super) fn set_lacks(&self, point: u64, lacks: &Lacks) -> Result<()> {
        let mut query = self.db.prepare_cached("insert or replace into lacks values(?1, ?2)")?;
        query.execute(params![point.cast_signed(), encode(lacks)?])?;
        Ok(())
    }

    /// What a point lacks; none where that was not written down.
    pub(super) fn lacks(&self, point: u64) -> Result<Option<Lacks>> {
        let mut query = self.db.prepare_cached("select data from lacks where point = ?1")?;
        let data: Option<Vec<u8>> =
            query.query_row([point.cast_signed()], |row| row.get(0)).optional()?;
        data.map(|data| decode(&data)).transpose()
    }

    /// The entries of a point in the order of their paths, from the one after `after` on, at most `most`.
    /// For the live copy, give [`OPEN`] less one.
    pub(super) fn manifest(
        &self,
        point: i64,
        after: Option<&RelPath>,
        most: u32,
    ) -> Result<Vec<Entry>> {
        let mut query = self.db.prepare_cached(
            "select path, body from entry where (?2 is null or path > ?2) and first <= ?1 and last > ?1
             order by path limit ?3",
        )?;
        let after = after.map(RelPath::as_bytes);
        let rows = query.query_map(params![point, after, most], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        rows.map(|row| row.map_err(KeepError::from).and_then(|(at, body)| entry(at, &body)))
            .collect()
    }

    /// The entry of a point at a path.
    pub(super) fn entry_at(&self, point: u64, at: &RelPath) -> Result<Option<Entry>> {
        let mut query = self.db.prepare_cached(
            "select body from entry where path = ?2 and first <= ?1 and last > ?1 limit 1",
        )?;
        let body: Option<Vec<u8>> = query
            .query_row(params![point.cast_signed(), at.as_bytes()], |row| row.get(0))
            .optional()?;
        body.map(|body| entry(at.as_bytes().to_vec(), &body)).transpose()
    }

    /// The paths of a point with a content.
    pub(super) fn at_point_with_hash(&self, point: u64, hash: Hash) -> Result<Vec<RelPath>> {
        let mut query = self.db.prepare_cached(
            "select path from entry where hash = ?2 and first <= ?1 and last > ?1",
        )?;
        let of = params![point.cast_signed(), hash.0.as_slice()];
        collect(query.query_map(of, |row| row.get(0))?)
    }

    /// The paths whose entries of two points are not the same, in order: a time stamp alone counts too.
    pub(super) fn differing(&self, one: u64, other: u64) -> Result<Vec<RelPath>> {
        let mut query = self.db.prepare_cached(
            "select distinct path from entry
             where (first <= ?1 and last > ?1) <> (first <= ?2 and last > ?2) order by path",
        )?;
        let ids = params![one.cast_signed(), other.cast_signed()];
        collect(query.query_map(ids, |row| row.get(0))?)
    }
}

type RawPoint = (i64, bool, Vec<u8>);

fn raw_point(row: &Row<'_>) -> rusqlite::Result<RawPoint> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn read_point((id, pinned, body): RawPoint) -> Result<Point> {
    let (epoch, began, received, kind, files, bytes, changed): (
        u64,
        Nanos,
        Nanos,
        Kind,
        u64,
        u64,
        u64,
    ) = decode(&body)?;
    Ok(Point {
        id: id.cast_unsigned(),
        epoch,
        began,
        received,
        kind,
        files,
        bytes,
        changed,
        pinned,
    })
}
