//! What is known of the copy and its points, in SQLite. An entry is valid for the points from `first` up
//! to, but not including, `last`: a point costs only what changed.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{KeepError, Result};
use super::point::{Beside, Live};
use crate::clock::Nanos;
use crate::entry::{Content, Entry, Identity, Meta};
use crate::hash::{Blocks, Hash};
use crate::path::RelPath;
use crate::source::Beginning;

/// `last` of what is in the live copy.
pub(super) const OPEN: i64 = i64::MAX;

const SCHEMA: &str = "
create table if not exists fact(name text primary key, value blob not null) without rowid;
create table if not exists point(id integer primary key, received integer not null,
  pinned integer not null default 0, data blob not null);
create table if not exists entry(path blob not null, first integer not null, last integer not null,
  size integer not null, hash blob, lost integer not null default 0, body blob not null,
  primary key(path, first)) without rowid;
create index if not exists entry_last on entry(last);
create index if not exists entry_hash on entry(hash, last) where hash is not null;
create table if not exists live(path blob primary key, s_ino integer, source blob, racy integer not null,
  database blob, p_ino integer, placed blob, proven integer not null) without rowid;
create index if not exists live_source on live(s_ino) where s_ino is not null;
create index if not exists live_placed on live(p_ino) where p_ino is not null;
create index if not exists live_unplaced on live(path) where placed is null;
create index if not exists live_racy on live(path) where racy <> 0;
create table if not exists blocks(hash blob primary key, data blob not null) without rowid;
create table if not exists beginning(hash blob primary key, data blob not null) without rowid;
create table if not exists flux(path blob primary key, since integer not null, seen integer not null)
  without rowid;
create table if not exists unprotected(path blob primary key, why blob not null, size integer)
  without rowid;
create table if not exists held(path blob primary key, slot integer not null, data blob not null)
  without rowid;
create table if not exists garbage(hash blob primary key) without rowid;
create table if not exists unkept(path blob primary key, names blob not null) without rowid;
create table if not exists lacks(point integer primary key, data blob not null);
create table if not exists damaged(path blob primary key, errno integer not null) without rowid;
create table if not exists journal(seq integer primary key, op blob not null);
";

/// Of what is in the tables: 1 since it is known of a file when it was made.
const VERSION: i64 = 1;

/// The index, open.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) db: Connection,
}

/// As a blob.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|_| KeepError::Damaged("a value can't be written"))
}

/// From a blob.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(|_| KeepError::Damaged("a value can't be read"))
}

/// From a blob that may have been written before what is its last part was: nothing then.
pub(super) fn decode_grown<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut grown = bytes.to_vec();
    grown.push(0);
    decode(&grown)
}

/// Of a blob that is a path.
pub(super) fn path(bytes: Vec<u8>) -> Result<RelPath> {
    RelPath::new(bytes).map_err(|_| KeepError::Damaged("a path can't be read"))
}

/// Of a blob that is a hash.
pub(super) fn hash(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map(Hash).map_err(|_| KeepError::Damaged("a hash can't be read"))
}

/// A moment as a column.
pub(super) fn column(at: Nanos) -> i64 {
    i64::try_from(at.0).unwrap_or(if at.0 < 0 { i64::MIN } else { i64::MAX })
}

/// The end of the range of all paths within a folder: its bytes with the byte after `/`.
pub(super) fn below(folder: &RelPath) -> (Vec<u8>, Vec<u8>) {
    let mut from = folder.as_bytes().to_vec();
    let mut to = from.clone();
    from.push(b'/');
    to.push(b'/' + 1);
    (from, to)
}

impl Index {
    pub(super) fn open(path: &Path, durable: bool) -> Result<Self> {
        let db = Connection::open(path)?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.pragma_update(None, "synchronous", if durable { "full" } else { "off" })?;
        // It may not be allowed to write anywhere but beside its file.
        db.pragma_update(None, "temp_store", "memory")?;
        db.set_prepared_statement_cache_capacity(64);
        db.execute_batch(SCHEMA)?;
        let version: i64 = db.query_row("pragma user_version", [], |row| row.get(0))?;
        if version < VERSION {
            // What arrived is fetched again: it was written down without when its files were made.
            db.execute_batch("delete from held")?;
            db.pragma_update(None, "user_version", VERSION)?;
        }
        Ok(Self { db })
    }

    /// All or nothing of what `change` does.
    pub(super) fn transaction<T>(&self, change: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        self.db.execute_batch("begin immediate")?;
        match change(self) {
            Ok(value) => {
                self.db.execute_batch("commit")?;
                Ok(value)
            }
            Err(error) => {
                // The error is what is told; without a commit nothing stays.
                let _ = self.db.execute_batch("rollback");
                Err(error)
            }
        }
    }

    pub(super) fn fact<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let mut query = self.db.prepare_cached("select value from fact where name = ?1")?;
        let value: Option<Vec<u8>> = query.query_row([name], |row| row.get(0)).optional()?;
        value.map(|value| decode(&value)).transpose()
    }

    pub(super) fn set_fact<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let mut query = self.db.prepare_cached("insert or replace into fact values(?1, ?2)")?;
        query.execute(params![name, encode(value)?])?;
        Ok(())
    }

    /// What is known of a path of the live copy.
    pub(super) fn live(&self, path: &RelPath) -> Result<Option<Live>> {
        let mut query = self.db.prepare_cached(
            "select l.path, e.body, l.source, l.racy, l.database, l.placed, l.proven from live l
             join entry e on e.path = l.path and e.last = ?2 where l.path = ?1",
        )?;
        let row = query.query_row(params![path.as_bytes(), OPEN], raw_live).optional()?;
        row.map(RawLive::read).transpose()
    }

    /// The point since when a path of the live copy is there, where it was not in the point before.
    pub(super) fn new_since(&self, path: &RelPath) -> Result<Option<u64>> {
        let mut query = self.db.prepare_cached(
            "select e.first from entry e where e.path = ?1 and e.last = ?2
             and not exists (select 1 from entry o where o.path = e.path and o.last = e.first)",
        )?;
        let first: Option<i64> =
            query.query_row(params![path.as_bytes(), OPEN], |row| row.get(0)).optional()?;
        Ok(first.map(i64::cast_unsigned))
    }

    /// All paths of the live copy in order, from the one after `after` on, at most `most`.
    pub(super) fn live_after(&self, after: Option<&RelPath>, most: u32) -> Result<Vec<RelPath>> {
        let mut query = self.db.prepare_cached(
            "select path from live where ?1 is null or path > ?1 order by path limit ?2",
        )?;
        let after = after.map(RelPath::as_bytes);
        collect(query.query_map(params![after, most], |row| row.get(0))?)
    }

    /// The paths of the live copy below a folder, in order.
    pub(super) fn live_below(&self, folder: &RelPath) -> Result<Vec<RelPath>> {
        if folder.is_root() {
            return self.live_after(None, u32::MAX);
        }
        let (from, to) = below(folder);
        let mut query = self
            .db
            .prepare_cached("select path from live where path > ?1 and path < ?2 order by path")?;
        collect(query.query_map(params![from, to], |row| row.get(0))?)
    }

    /// The paths of the live copy that were an inode of the workspace's host.
    pub(super) fn live_with_source(&self, inode: u64) -> Result<Vec<RelPath>> {
        let mut query = self.db.prepare_cached("select path from live where s_ino = ?1")?;
        collect(query.query_map([inode.cast_signed()], |row| row.get(0))?)
    }

    /// The paths of the live copy that are an inode here.
    pub(super) fn live_with_inode(&self, inode: u64) -> Result<Vec<RelPath>> {
        let mut query = self.db.prepare_cached("select path from live where p_ino = ?1")?;
        collect(query.query_map([inode.cast_signed()], |row| row.get(0))?)
    }

    /// Paths of the live copy with a content; at most a few.
    pub(super) fn live_with_hash(&self, hash: Hash) -> Result<Vec<RelPath>> {
        let mut query = self
            .db
            .prepare_cached("select path from entry where hash = ?1 and last = ?2 limit 64")?;
        collect(query.query_map(params![hash.0.as_slice(), OPEN], |row| row.get(0))?)
    }

    /// All paths of the live copy with a content.
    pub(super) fn all_live_with_hash(&self, hash: Hash) -> Result<Vec<RelPath>> {
        let mut query =
            self.db.prepare_cached("select path from entry where hash = ?1 and last = ?2")?;
        collect(query.query_map(params![hash.0.as_slice(), OPEN], |row| row.get(0))?)
    }

    /// Whether an earlier point, and not only the live copy, refers to a content.
    pub(super) fn is_history(&self, hash: Hash) -> Result<bool> {
        let mut query =
            self.db.prepare_cached("select 1 from entry where hash = ?1 and last < ?2 limit 1")?;
        Ok(query.exists(params![hash.0.as_slice(), OPEN])?)
    }

    /// The paths of a short list: `racy` ones, those in `flux`, those not `placed` yet.
    pub(super) fn paths(&self, which: Which) -> Result<Vec<RelPath>> {
        let mut query = self.db.prepare_cached(match which {
            Which::Racy => "select path from live where racy <> 0",
            Which::Flux => "select path from flux",
            Which::Unplaced => "select path from live where placed is null",
        })?;
        collect(query.query_map([], |row| row.get(0))?)
    }

    /// Ends the entry of the live copy at a path: from point `last` on it is no more.
    pub(super) fn close(&self, path: &RelPath, last: u64, lost: bool) -> Result<()> {
        // What began with this very point was never in one.
        let mut never =
            self.db.prepare_cached("delete from entry where path = ?1 and first = ?2")?;
        never.execute(params![path.as_bytes(), last.cast_signed()])?;
        let mut query = self.db.prepare_cached(
            "update entry set last = ?2, lost = ?3 where path = ?1 and last = ?4",
        )?;
        query.execute(params![path.as_bytes(), last.cast_signed(), lost, OPEN])?;
        Ok(())
    }

    /// Begins an entry with a point.
    pub(super) fn begin(&self, entry: &Entry, first: u64) -> Result<()> {
        let (size, hash) = match &entry.content {
            Content::File { size, hash, .. } => (*size, Some(hash.0)),
            _ => (0, None),
        };
        let mut query = self.db.prepare_cached(
            "insert into entry(path, first, last, size, hash, body) values(?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        query.execute(params![
            entry.path.as_bytes(),
            first.cast_signed(),
            OPEN,
            size.cast_signed(),
            hash.as_ref().map(<[u8; 32]>::as_slice),
            encode(&(&entry.meta, &entry.content))?
        ])?;
        Ok(())
    }

    /// What is known of a path of the live copy, besides its entry.
    pub(super) fn set_live(&self, live: &Live) -> Result<()> {
        let mut query = self.db.prepare_cached(
            "insert or replace into live(path, s_ino, source, racy, database, p_ino, placed, proven)
             values(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let blob = |identity: &Option<Identity>| identity.as_ref().map(encode).transpose();
        query.execute(params![
            live.entry.path.as_bytes(),
            live.source.map(|source| source.ino.cast_signed()),
            blob(&live.source)?,
            live.racy,
            live.database.as_ref().map(encode).transpose()?,
            live.placed.map(|placed| placed.ino.cast_signed()),
            blob(&live.placed)?,
            column(live.proven),
        ])?;
        Ok(())
    }

    /// How a path was left here.
    pub(super) fn set_placed(&self, path: &RelPath, placed: &Identity) -> Result<()> {
        let mut query =
            self.db.prepare_cached("update live set p_ino = ?2, placed = ?3 where path = ?1")?;
        query.execute(params![path.as_bytes(), placed.ino.cast_signed(), encode(placed)?])?;
        Ok(())
    }

    /// The content that a path had when it left the copy.
    pub(super) fn left_last(&self, path: &RelPath) -> Result<Option<Hash>> {
        let mut query = self.db.prepare_cached(
            "select hash from entry where path = ?1 and last < ?2 order by last desc limit 1",
        )?;
        let found: Option<Option<Vec<u8>>> =
            query.query_row(params![path.as_bytes(), OPEN], |row| row.get(0)).optional()?;
        found.flatten().map(|bytes| hash(&bytes)).transpose()
    }

    /// Paths that are not what a journal was to make of them and where a file with this content may stand
    /// all the same, with its size.
    pub(super) fn damaged_with_hash(&self, of: Hash) -> Result<Vec<(RelPath, u64)>> {
        let mut query = self.db.prepare_cached(
            "select distinct d.path, e.size from damaged d
             join entry e on e.path = d.path and e.hash = ?1",
        )?;
        let rows = query.query_map([of.0.as_slice()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
        })?;
        rows.map(|row| {
            let (at, size) = row?;
            Ok((path(at)?, size.cast_unsigned()))
        })
        .collect()
    }

    /// Whether a path of the copy is not what a journal was to make of it.
    pub(super) fn is_damaged(&self, path: &RelPath) -> Result<bool> {
        let mut query = self.db.prepare_cached("select 1 from damaged where path = ?1")?;
        Ok(query.exists([path.as_bytes()])?)
    }

    /// A path of the copy is not what the index says: neither as it was left nor as the host said, so that
    /// it is asked for again.
    pub(super) fn set_damaged(&self, path: &RelPath, errno: i32) -> Result<()> {
        self.db
            .prepare_cached("insert or replace into damaged values(?1, ?2)")?
            .execute(params![path.as_bytes(), errno])?;
        self.db
            .prepare_cached(
                "update live set p_ino = null, placed = null, s_ino = null, source = null
                 where path = ?1",
            )?
            .execute([path.as_bytes()])?;
        Ok(())
    }

    /// A path of the copy is what the index says.
    pub(super) fn mended(&self, path: &RelPath) -> Result<()> {
        let mut query = self.db.prepare_cached("delete from damaged where path = ?1")?;
        query.execute([path.as_bytes()])?;
        Ok(())
    }

    pub(super) fn drop_live(&self, path: &RelPath) -> Result<()> {
        let mut query = self.db.prepare_cached("delete from live where path = ?1")?;
        query.execute([path.as_bytes()])?;
        Ok(())
    }

    /// Forgets what another host said of its inodes.
    pub(super) fn forget_source(&self) -> Result<()> {
        self.db.execute_batch(
            "update live set s_ino = null, source = null where source is not null;
             delete from held;",
        )?;
        Ok(())
    }

    pub(super) fn blocks(&self, of: Hash) -> Result<Option<Blocks>> {
        let mut query = self.db.prepare_cached("select data from blocks where hash = ?1")?;
        let data: Option<Vec<u8>> =
            query.query_row([of.0.as_slice()], |row| row.get(0)).optional()?;
        data.map(|data| decode(&data)).transpose()
    }

    pub(super) fn set_blocks(&self, of: Hash, blocks: &Blocks) -> Result<()> {
        let mut query = self.db.prepare_cached("insert or ignore into blocks values(?1, ?2)")?;
        query.execute(params![of.0.as_slice(), encode(blocks)?])?;
        Ok(())
    }

    /// The beginning of a content that ends in zeros.
    pub(super) fn beginning(&self, of: Hash) -> Result<Option<Beginning>> {
        let mut query = self.db.prepare_cached("select data from beginning where hash = ?1")?;
        let data: Option<Vec<u8>> =
            query.query_row([of.0.as_slice()], |row| row.get(0)).optional()?;
        data.map(|data| decode(&data)).transpose()
    }

    pub(super) fn set_beginning(&self, of: Hash, beginning: &Beginning) -> Result<()> {
        let mut query = self.db.prepare_cached("insert or ignore into beginning values(?1, ?2)")?;
        query.execute(params![of.0.as_slice(), encode(beginning)?])?;
        Ok(())
    }

    /// So many rows that a count gives.
    pub(super) fn count(&self, query: &str) -> Result<u64> {
        let count: i64 = self.db.query_row(query, [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// A short list of paths.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    Racy,
    Flux,
    Unplaced,
}

pub(super) fn collect(
    rows: impl Iterator<Item = rusqlite::Result<Vec<u8>>>,
) -> Result<Vec<RelPath>> {
    rows.map(|row| row.map_err(KeepError::from).and_then(path)).collect()
}

pub(super) fn entry(at: Vec<u8>, body: &[u8]) -> Result<Entry> {
    let (meta, content): (Meta, Content) = decode(body)?;
    Ok(Entry { path: path(at)?, meta, content })
}

struct RawLive {
    path: Vec<u8>,
    body: Vec<u8>,
    source: Option<Vec<u8>>,
    racy: bool,
    database: Option<Vec<u8>>,
    placed: Option<Vec<u8>>,
    proven: i64,
}

fn raw_live(row: &Row<'_>) -> rusqlite::Result<RawLive> {
    Ok(RawLive {
        path: row.get(0)?,
        body: row.get(1)?,
        source: row.get(2)?,
        racy: row.get(3)?,
        database: row.get(4)?,
        placed: row.get(5)?,
        proven: row.get(6)?,
    })
}

impl RawLive {
    fn read(self) -> Result<Live> {
        let identity =
            |blob: Option<Vec<u8>>| blob.map(|blob| decode_grown::<Identity>(&blob)).transpose();
        Ok(Live {
            entry: entry(self.path, &self.body)?,
            source: identity(self.source)?,
            racy: self.racy,
            database: self.database.map(|blob| decode_grown::<Beside>(&blob)).transpose()?,
            placed: identity(self.placed)?,
            proven: Nanos(self.proven.into()),
        })
    }
}
