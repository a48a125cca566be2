//! Opening the keeper, whatever state it was left in.

use std::sync::Arc;

use super::executor::{Answer, Executor};
use super::{lock, words};
use crate::clock::HostClock;
use crate::keep::{Config, GoOn, KeepError, Keeper};
use crate::order::{CutOff, Refusal, TakenDone};

const MIB: u64 = 1 << 20;

impl Executor {
    /// The keeper, opened anew where another process has changed the index since. Under the lock.
    pub(super) fn keeper(&mut self) -> Answer<&mut Keeper> {
        let fresh = self.damage.is_none()
            && self.keeper.as_ref().is_some_and(|(keeper, known)| {
                keeper.version().is_ok_and(|version| version == *known)
            });
        if !fresh {
            self.keeper = None;
            std::fs::create_dir_all(&self.place.workspace).map_err(|error| {
                Refusal::Failed(format!("the workspace can't be made on the standby: {error}"))
            })?;
            let keeper = self.open_somehow().map_err(|error| words::refusal(&error))?;
            let version = keeper.version().map_err(|error| words::refusal(&error))?;
            self.keeper = Some((keeper, version));
        }
        match &mut self.keeper {
            Some((keeper, _)) => Ok(keeper),
            None => Err(Refusal::Failed("the keeper is not open".into())),
        }
    }

    /// Opens it: where the disk is full with the room that is kept for that, where the index is damaged
    /// with a new one.
    fn open_somehow(&mut self) -> Result<Keeper, KeepError> {
        let damage = match self.damage.take() {
            Some(damage) => damage,
            None => match self.open_as_it_is() {
                Err(error) if error.is_damage() => error,
                Err(error) if lock::let_go_of_reserve(self.base()) => match self.open_as_it_is() {
                    Err(error) if error.is_damage() => error,
                    Err(_) => return Err(error),
                    opened => return opened,
                },
                opened => return opened,
            },
        };
        Keeper::open_anew(self.config()?, Arc::new(HostClock), Box::new(GoOn), &damage)
    }

    fn open_as_it_is(&self) -> Result<Keeper, KeepError> {
        Keeper::open(self.config()?, Arc::new(HostClock), Box::new(GoOn))
    }

    fn config(&self) -> Result<Config, KeepError> {
        let room = rustix::fs::statvfs(self.base()).map_err(|error| KeepError::Disk {
            what: "looking at the room on the disk",
            error: error.into(),
        })?;
        let size = room.f_blocks.saturating_mul(room.f_frsize);
        Ok(Config {
            copy: self.place.workspace.clone(),
            state: self.base().join("keep"),
            reserve: (size / 20).clamp(64 * MIB, 2048 * MIB),
            budget: size / 2,
            durable: true,
        })
    }

    /// Does something with the keeper. After a failure it is opened anew: that finishes what was begun.
    pub(super) fn read<T>(
        &mut self,
        act: impl FnOnce(&mut Keeper) -> Result<T, KeepError>,
    ) -> Answer<T> {
        let done = act(self.keeper()?);
        done.map_err(|error| {
            let refusal = words::refusal(&error);
            self.gave_up(error);
            refusal
        })
    }

    /// The keeper failed.
    pub(super) fn gave_up(&mut self, error: KeepError) {
        self.keeper = None;
        if error.is_damage() {
            self.damage = Some(error);
        }
    }

    /// Takes the copy over as it is: no damage to what is known of it may keep the work from going on,
    /// and what is not known is said.
    pub(super) fn taken(&mut self, epoch: u64) -> Answer<TakenDone> {
        let mut words = String::new();
        for _ in 0..2 {
            let taken = self.read(|keeper| Ok((keeper.take_over(epoch)?, keeper.cut_off()?)));
            match taken {
                Ok((last, cut_off)) => {
                    let point = last.as_ref().map(super::words::point);
                    return Ok(TakenDone { point, cut_off });
                }
                Err(refusal @ Refusal::StaleEpoch { .. }) => return Err(refusal),
                Err(refusal) => words = refusal.to_string(),
            }
        }
        let cut_off = CutOff { words, unknown: true, ..CutOff::default() };
        Ok(TakenDone { point: None, cut_off: Some(cut_off) })
    }
}
