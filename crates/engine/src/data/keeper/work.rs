//! What the keeper does besides following: it hands the copy over, keeps points, brings them to GPUs and
//! proves them there.

use agent::order::{Done, Order, OwnDone, PointTold, RestoreOrder, Told};
use domain::failover::{RestoreOutput, VerifyOutput};
use domain::id::Epoch;
use domain::time::Millis;

use super::{Keeper, another, count, number, progress, way};
use crate::data::takeover::Taken;
use crate::data::wire::{checked, words};
use crate::data::{DataError, Progress};

const TAKING: &str = "taking over";
const OWN: &str = "reading what was written on the standby";
const PINNING: &str = "pinning the copy";
const RESTORING: &str = "restoring";
const COMPARING: &str = "comparing";

/// A recovery point on a standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptPoint {
    /// Rises.
    pub id: i64,
    /// When it was complete, by the standby's clock.
    pub received: Millis,
    /// Files and links in it.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
}

impl From<&PointTold> for KeptPoint {
    fn from(told: &PointTold) -> Self {
        Self {
            id: count(told.id),
            received: Millis(told.received_ms),
            files: count(told.files),
            bytes: count(told.bytes),
        }
    }
}

/// What bringing a point did.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// What was sent.
    pub output: RestoreOutput,
    /// What did not go as it should: a proof will not hold.
    pub troubles: i64,
    /// Some of it in words.
    pub words: Vec<String>,
}

impl Keeper {
    /// Raises the epoch on the standby, ends a sync that is under way, finishes what that had decided on,
    /// and lets the copy follow no GPU until [`crate::data::trust_gpu`] says which. Again does no harm.
    ///
    /// # Errors
    /// [`DataError::StaleEpoch`] when the standby knows a newer epoch.
    pub async fn take_over(&mut self, epoch: Epoch) -> Result<Taken, DataError> {
        let order = Order::TakeOver { epoch: number(epoch) };
        match self.ask(TAKING, &order, &mut |_| {}).await? {
            Done::Taken(taken) => {
                let (point, cut_off) = (taken.point, taken.cut_off);
                let of = |figure: fn(&PointTold) -> u64| {
                    point.as_ref().map_or(0, |at| count(figure(at)))
                };
                Ok(Taken {
                    files: of(|point| point.files),
                    bytes: of(|point| point.bytes),
                    last_cycle: point.map(|point| format!("{}-{}", point.epoch, point.id)),
                    damaged: cut_off.as_ref().filter(|cut_off| !cut_off.unknown).map(|cut_off| {
                        let named = cut_off.named.iter();
                        let named = named.map(|path| words(&String::from_utf8_lossy(path)));
                        (count(cut_off.damaged), named.collect())
                    }),
                    cut_off: cut_off.map(|cut_off| words(&cut_off.words)),
                })
            }
            _ => Err(another(TAKING)),
        }
    }

    /// Makes a recovery point of what was written to the copy on the standby itself. `frozen` says that
    /// every writer there is held: then what can't be read is refused, and there is no point.
    ///
    /// # Errors
    /// [`DataError::StaleEpoch`]; [`DataError::Failed`] where there is nothing at all.
    pub async fn own(&mut self, epoch: Epoch, frozen: bool) -> Result<KeptPoint, DataError> {
        let order = Order::Own { epoch: number(epoch), frozen };
        match self.ask(OWN, &order, &mut |_| {}).await? {
            Done::Own(OwnDone { point: Some(point), .. }) => Ok((&point).into()),
            Done::Own(_) => Err(DataError::failed(OWN, "there is no recovery point yet")),
            _ => Err(another(OWN)),
        }
    }

    /// Keeps the last point under a drill's name. Again gives the same.
    ///
    /// # Errors
    /// [`DataError::Failed`] while there is none.
    pub async fn pin(&mut self, drill: &str) -> Result<KeptPoint, DataError> {
        match self.ask(PINNING, &Order::Pin { name: drill.into() }, &mut |_| {}).await? {
            Done::Pinned(point) => Ok((&point).into()),
            _ => Err(another(PINNING)),
        }
    }

    /// Lets go of a drill's point. Fine when there is none.
    ///
    /// # Errors
    /// When the standby can't be talked to.
    pub async fn unpin(&mut self, drill: &str) -> Result<(), DataError> {
        match self.ask(PINNING, &Order::Unpin { name: drill.into() }, &mut |_| {}).await? {
            Done::Unpinned => Ok(()),
            _ => Err(another(PINNING)),
        }
    }

    /// Makes a GPU's workspace what a point is, all that the GPU has beyond it removed: it has never
    /// served. With `from` only what is different since that point, to which it was brought before.
    /// [`crate::data::reach`] comes first.
    ///
    /// # Errors
    /// [`DataError::Failed`] when the transfer did not complete; what arrived stays for the next try.
    pub async fn restore(
        &mut self,
        (point, from): (i64, Option<i64>),
        program: &str,
        workspace: &str,
        whole: &mut (dyn FnMut(Progress) + Send),
        moved: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Sent, DataError> {
        let workspace = checked(workspace)?;
        let id = |point: i64| u64::try_from(point).unwrap_or(0);
        let order = Order::Restore(RestoreOrder {
            point: id(point),
            from: from.map(id),
            first: Vec::new(),
            read: way("restore", program, &workspace, false),
            write: way("restore", program, &workspace, true),
        });
        let done = self
            .ask(RESTORING, &order, &mut |told| match told {
                Told::Wanted(all) => whole(progress(all)),
                Told::Moved(now) => moved(progress(now)),
                _ => {}
            })
            .await?;
        let Done::Restored(done) = done else { return Err(another(RESTORING)) };
        let output = RestoreOutput {
            files: count(done.sent.files),
            bytes: count(done.sent.bytes),
            frozen_at: None,
            point: Some(point),
        };
        Ok(Sent { output, troubles: count(done.troubles), words: done.named })
    }

    /// Compares a GPU with a point: every entry, its content by the hash that was computed where it was
    /// written, and all that belongs to it. `compared` hears how many files were read.
    ///
    /// # Errors
    /// [`DataError::Failed`] when it could not be listed or read to the end.
    pub async fn prove(
        &mut self,
        point: i64,
        program: &str,
        workspace: &str,
        compared: &(dyn Fn(i64) + Send + Sync),
    ) -> Result<VerifyOutput, DataError> {
        let read = way("restore", program, &checked(workspace)?, false);
        let order = Order::Prove { point: u64::try_from(point).unwrap_or(0), read };
        let done = self
            .ask(COMPARING, &order, &mut |told| {
                if let Told::Moved(now) = told {
                    compared(count(now.files));
                }
            })
            .await?;
        let Done::Proven(proof) = done else { return Err(another(COMPARING)) };
        let named = proof.named.iter().map(|path| String::from_utf8_lossy(path).into_owned());
        compared(count(proof.proven));
        Ok(VerifyOutput {
            verified: count(proof.proven),
            bytes: count(proof.bytes),
            mismatched: named.collect(),
            mismatched_count: count(proof.differing),
        })
    }
}
