//! Asks for hashes and contents, and remembers across a cut what arrived whole.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::error::{KeepError, Result, What};
use super::index::{decode, encode};
use super::keeper::Keeper;
use super::receive::{BY_BLOCKS, Progress, Received, Receiver, Room, Whole};
use crate::entry::{Body, Content, Listed};
use crate::hash::Hash;
use crate::path::RelPath;
use crate::source::{Beginning, Source, SourceError, Want};

/// Files that are asked for at once.
const BATCH: usize = 512;
/// Their bytes: with so many, what arrived is written down, so that a cut does not cost it.
const BATCH_BYTES: u64 = 256 << 20;
const HOLD: u64 = 64 << 20;
/// Times that a file is asked for whose bytes did not arrive as they were read.
const TRIES: usize = 3;

/// What is known of a file after it was asked for.
#[derive(Debug, Clone)]
pub(super) enum Got {
    /// Its content is in staging.
    Staged { slot: u64, what: Read },
    /// Only its hash was asked for.
    Hashed(Read),
    /// What arrived was never what was read.
    Corrupt,
    /// It never held still.
    Flux,
    /// It went.
    Gone,
    /// The host refused to read it.
    Unreadable(i32),
}

/// A file as it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Read {
    pub(super) listed: Listed,
    pub(super) hash: Hash,
    pub(super) racy: bool,
    pub(super) database: bool,
}

impl Keeper {
    /// The beginning that a file has to have still while a process writes to it.
    pub(super) fn beginning(&self, path: &RelPath) -> Result<Option<Beginning>> {
        let Some(live) = self.index.live(path)?.filter(|live| live.database.is_none()) else {
            return Ok(None);
        };
        let Content::File { size, hash, .. } = live.entry.content else { return Ok(None) };
        let filled = self.index.beginning(hash)?;
        Ok(Some(filled.unwrap_or(Beginning { length: size, hash })))
    }

    /// Asks for the hashes of files; what begins as it did is for the caller to say.
    pub(super) fn ask_hashes(
        &mut self,
        source: &mut dyn Source,
        asked: &[(RelPath, Option<Beginning>)],
    ) -> Result<BTreeMap<RelPath, Got>> {
        let mut all = BTreeMap::new();
        for batch in asked.chunks(BATCH) {
            let wants = |(path, was): &(RelPath, Option<Beginning>)| Want {
                path: path.clone(),
                have: None,
                hash_only: true,
                was: *was,
            };
            let wants: Vec<Want> = batch.iter().map(wants).collect();
            let rooms =
                wants.iter().map(|_| Room { slot: 0, base: None, hash_only: true }).collect();
            let mut quiet = |_: Progress| {};
            let mut receiver = Receiver::new(
                &self.state,
                self.steps.as_mut(),
                &mut quiet,
                self.config.reserve,
                rooms,
                Progress::default(),
            );
            let read = source.read(&wants, &mut receiver);
            let got = outcome(read, receiver)?.0;
            for ((path, _), got) in batch.iter().zip(got) {
                let got = match got {
                    Received::Whole(whole) => {
                        let Whole { listed, hash, racy, database, .. } = *whole;
                        Got::Hashed(Read { listed, hash, racy, database })
                    }
                    other => refused(&other),
                };
                all.insert(path.clone(), got);
            }
        }
        Ok(all)
    }

    /// Fetches files into staging.
    pub(super) fn fetch(
        &mut self,
        source: &mut dyn Source,
        wanted: &[(RelPath, u64)],
        progress: &mut Progress,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<BTreeMap<RelPath, Got>> {
        let mut all = BTreeMap::new();
        let mut rest = wanted;
        while !rest.is_empty() {
            let mut bytes = 0_u64;
            let most = rest.iter().take(BATCH).take_while(|(_, size)| {
                let fits = bytes < BATCH_BYTES;
                bytes = bytes.saturating_add(*size);
                fits
            });
            let (batch, after) = rest.split_at(most.count().max(1));
            rest = after;
            let mut open: Vec<&RelPath> = batch.iter().map(|(path, _)| path).collect();
            let before = progress.bytes;
            for attempt in 0..TRIES {
                let got = self.fetch_once(source, &open, attempt == 0, progress, tell)?;
                let mut again = Vec::new();
                for (path, got) in open.into_iter().zip(got) {
                    if matches!(got, Got::Corrupt) {
                        again.push(path);
                    }
                    all.insert(path.clone(), got);
                }
                open = again;
                if open.is_empty() {
                    break;
                }
            }
            if progress.bytes.saturating_sub(before) >= HOLD {
                self.hold(&all)?;
            }
        }
        Ok(all)
    }

    fn fetch_once(
        &mut self,
        source: &mut dyn Source,
        paths: &[&RelPath],
        by_blocks: bool,
        progress: &mut Progress,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Got>> {
        let mut wants = Vec::with_capacity(paths.len());
        let mut rooms = Vec::with_capacity(paths.len());
        for path in paths {
            let mut base = None;
            let mut have = None;
            if by_blocks
                && let Some(live) = self.index.live(path)?
                && let Content::File { size, hash, .. } = live.entry.content
                && size >= BY_BLOCKS
                && let Some(blocks) = self.index.blocks(hash)?
                && let Some(file) = self.intact(path)?
            {
                base = Some(file);
                have = Some(blocks);
            }
            let was = self.beginning(path)?;
            wants.push(Want { path: (*path).clone(), have, hash_only: false, was });
            rooms.push(Room { slot: self.number()?, base, hash_only: false });
        }
        let slots: Vec<u64> = rooms.iter().map(|room| room.slot).collect();
        let mut receiver = Receiver::new(
            &self.state,
            self.steps.as_mut(),
            tell,
            self.config.reserve,
            rooms,
            *progress,
        );
        let read = source.read(&wants, &mut receiver);
        let (got, now) = outcome(read, receiver)?;
        *progress = now;
        let mut all = Vec::with_capacity(got.len());
        for (slot, got) in slots.into_iter().zip(got) {
            all.push(match got {
                Received::Whole(whole) => {
                    let Whole { listed, hash, racy, database, blocks, beginning } = *whole;
                    if let Some(blocks) = blocks {
                        self.index.set_blocks(hash, &blocks)?;
                    }
                    if let Some(beginning) = beginning {
                        self.index.set_beginning(hash, &beginning)?;
                    }
                    Got::Staged { slot, what: Read { listed, hash, racy, database } }
                }
                other => refused(&other),
            });
        }
        Ok(all)
    }

    /// Writes down what arrived whole, so that it is not fetched again after a cut.
    pub(super) fn hold(&mut self, got: &BTreeMap<RelPath, Got>) -> Result<()> {
        self.steps.step("writing down what arrived")?;
        if self.config.durable {
            self.state.sync().what("waiting for the disk")?;
        }
        self.index.transaction(|index| {
            let mut insert =
                index.db.prepare_cached("insert or replace into held values(?1, ?2, ?3)")?;
            for (path, got) in got {
                if let Got::Staged { slot, what } = got {
                    insert.execute(params![path.as_bytes(), slot.cast_signed(), encode(what)?])?;
                }
            }
            Ok(())
        })
    }

    /// A file that arrived whole before a cut and did not change since.
    pub(super) fn held(&self, listed: &Listed) -> Result<Option<Got>> {
        let mut query =
            self.index.db.prepare_cached("select slot, data from held where path = ?1")?;
        let row = query
            .query_row([listed.path.as_bytes()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()?;
        let Some((slot, data)) = row else { return Ok(None) };
        let (slot, what): (u64, Read) = (slot.cast_unsigned(), decode(&data)?);
        let name = super::state::slot(slot);
        let there =
            super::state::exists(&self.state.staging, &name).what("looking into staging")?;
        let same = what.listed.identity == listed.identity && !what.racy && !listed.mapped;
        Ok((there && same).then_some(Got::Staged { slot, what }))
    }
}

fn refused(received: &Received) -> Got {
    match received {
        Received::Corrupt => Got::Corrupt,
        Received::Gone => Got::Gone,
        Received::Unreadable { errno } => Got::Unreadable(*errno),
        Received::Flux | Received::Whole(_) => Got::Flux,
    }
}

/// What was received, where the reading went through and told of every file.
fn outcome(
    read: std::result::Result<(), SourceError>,
    mut receiver: Receiver<'_>,
) -> Result<(Vec<Received>, Progress)> {
    if let Some(stopped) = receiver.stopped.take() {
        return Err(stopped);
    }
    read?;
    let progress = receiver.progress;
    let got: Option<Vec<Received>> = receiver.got.into_iter().collect();
    let got = got.ok_or_else(|| SourceError::Protocol("a file was passed over".to_owned()));
    Ok((got.map_err(KeepError::from)?, progress))
}

/// Bytes that a file will take here.
pub(super) fn room_of(listed: &Listed) -> u64 {
    match listed.body {
        Body::File { size, allocated, .. } => size.min(allocated.saturating_add(4096)),
        _ => 0,
    }
}
