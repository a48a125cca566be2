//! The copy with its recovery points, open.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::params;

use super::beneath::Beneath;
use super::error::{KeepError, Result, What};
use super::index::Index;
use super::point::Point;
use super::state::{State, slot, unlink};
use super::steps::Steps;
use crate::clock::Clock;
use crate::hash::Hash;
use crate::source::Disk;

/// Where things are, and what stays free.
#[derive(Debug, Clone)]
pub struct Config {
    /// The copy: a folder that is there.
    pub copy: PathBuf,
    /// The folder of recovery points, on the same file system; made where it is not there.
    pub state: PathBuf,
    /// Bytes that stay free on the disk: for the epoch, the index and a takeover.
    pub reserve: u64,
    /// Most bytes of earlier contents; the oldest points go first.
    pub budget: u64,
    /// Wait for the disk. Only a test that never loses power does without.
    pub durable: bool,
}

/// How much room there is; a test says so instead of the disk.
pub type Room = Box<dyn Fn() -> Disk + Send>;

/// The copy with its recovery points. One at a time has it open.
pub struct Keeper {
    pub(super) config: Config,
    pub(super) index: Index,
    pub(super) copy: Beneath,
    pub(super) state: State,
    pub(super) steps: Box<dyn Steps>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) room: Option<Room>,
    /// What the watch told was used up by a cycle that did not complete.
    pub(super) must_scan: bool,
    /// When everything was last listed.
    pub(super) scanned: Option<crate::clock::Nanos>,
    pub(super) next_slot: u64,
    /// What a cycle found to be missing here and has not made a point of.
    pub(super) missing: Option<super::receive::Progress>,
}

impl Keeper {
    /// Opens it, and finishes or undoes what a cut left: in time that grows with what was under way, not
    /// with the tree.
    ///
    /// # Errors
    /// [`KeepError`]; among them that something else has it open.
    pub fn open(config: Config, clock: Arc<dyn Clock>, steps: Box<dyn Steps>) -> Result<Self> {
        let copy = Beneath::open(&config.copy).what("opening the copy")?;
        let state = State::open(&config.state).what("opening the folder of recovery points")?;
        let device = rustix::fs::fstat(copy.root()).what("looking at the copy")?.st_dev;
        if state.device().what("looking at the folder of recovery points")? != device {
            return Err(KeepError::Apart);
        }
        let index = Index::open(&config.state.join("index.sqlite"), config.durable)?;
        let mut keeper = Self {
            config,
            index,
            copy,
            state,
            steps,
            clock,
            room: None,
            must_scan: true,
            scanned: None,
            next_slot: 0,
            missing: None,
        };
        keeper.recover()?;
        Ok(keeper)
    }

    /// Opens it anew where its index is damaged: that one is set aside with all that it knew of earlier
    /// points, the copy stays as it lies there, and [`Keeper::cut_off`] says so until a cycle has compared
    /// everything with a host.
    ///
    /// # Errors
    /// As [`Keeper::open`].
    pub fn open_anew(
        config: Config,
        clock: Arc<dyn Clock>,
        steps: Box<dyn Steps>,
        why: &KeepError,
    ) -> Result<Self> {
        super::recover::set_aside(&config.state).what("setting a damaged index aside")?;
        let keeper = Self::open(config, clock, steps)?;
        let words = why.to_string();
        keeper.index.transaction(|index| index.set_fact("lost", &words))?;
        Ok(keeper)
    }

    /// Takes another's word for the room on the disk.
    pub fn set_room(&mut self, room: Room) {
        self.room = Some(room);
    }

    /// The room on the disk.
    pub(super) fn disk(&self) -> Result<Disk> {
        match &self.room {
            Some(room) => Ok(room()),
            None => self.state.disk().what("looking at the room on the disk"),
        }
    }

    /// Removes contents that no point refers to any more.
    pub(super) fn collect_garbage(&mut self) -> Result<()> {
        let garbage: Vec<Vec<u8>> = {
            let mut query = self.index.db.prepare_cached("select hash from garbage")?;
            let rows = query.query_map([], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        if garbage.is_empty() {
            return Ok(());
        }
        for bytes in &garbage {
            let hash: Hash = super::index::hash(bytes)?;
            if !self.index.is_history(hash)? {
                self.steps.step("removing an old content")?;
                unlink(&self.state.objects, hash.to_hex().as_bytes())
                    .what("removing an old content")?;
            }
        }
        self.index.transaction(|index| {
            for bytes in &garbage {
                for table in [
                    "delete from garbage where hash = ?1",
                    "delete from blocks where hash = ?1
                     and not exists (select 1 from entry where entry.hash = ?1)",
                    "delete from beginning where hash = ?1
                     and not exists (select 1 from entry where entry.hash = ?1)",
                ] {
                    index.db.prepare_cached(table)?.execute([bytes])?;
                }
            }
            Ok(())
        })
    }

    /// The numbers in staging that hold complete files of a cycle that was cut.
    pub(super) fn held_slots(&self) -> Result<std::collections::HashSet<Vec<u8>>> {
        let mut query = self.index.db.prepare_cached("select slot from held")?;
        let rows = query.query_map(params![], |row| row.get::<_, i64>(0))?;
        rows.map(|row| Ok(slot(row?.cast_unsigned()))).collect()
    }

    /// All points, the oldest first.
    ///
    /// # Errors
    /// [`KeepError::Index`].
    pub fn points(&self) -> Result<Vec<Point>> {
        self.index.points()
    }

    /// The epoch in whose name the copy follows.
    ///
    /// # Errors
    /// [`KeepError::Index`].
    pub fn epoch(&self) -> Result<u64> {
        Ok(self.index.fact("epoch")?.unwrap_or(0))
    }

    /// Raises the epoch, after which nothing of an older one changes the copy. What was cut has been
    /// finished by opening; the last point is what is taken over. Again does no harm.
    ///
    /// # Errors
    /// [`KeepError::StaleEpoch`].
    pub fn take_over(&mut self, epoch: u64) -> Result<Option<Point>> {
        self.enter(epoch)?;
        self.index.last_point()
    }

    /// Refuses an epoch that is over, and records a newer one.
    pub(super) fn enter(&self, epoch: u64) -> Result<()> {
        let recorded = self.epoch()?;
        if epoch < recorded {
            return Err(KeepError::StaleEpoch { asked: epoch, recorded });
        }
        if epoch > recorded {
            self.index.transaction(|index| index.set_fact("epoch", &epoch))?;
        }
        Ok(())
    }
}
