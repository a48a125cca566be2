//! Does each order.

use std::path::Path;
use std::time::{Duration, Instant};

use super::lock::{CopyLock, Holder, is_trusted, record, refuse_stale};
use super::output::Output;
use super::reach::{Launcher, Way};
use super::{Place, words};
use crate::keep::{
    Back, KeepError, Keeper, Limits, Point, Progress, Request, Restored, Trouble, Wanted, Writers,
};
use crate::local_source::{LocalSource, Options};
use crate::lookout::Lookout;
use crate::order::{Command, CycleOrder, Done, Drift, Order, POINTS_MAX, Refusal, RestoreOrder};
use crate::path::RelPath;
use crate::remote_source::RemoteSource;
use crate::remote_target::RemoteTarget;

/// A cycle waits so long for another one before it ends it.
const CYCLE: Duration = Duration::from_secs(15);
/// What must not disturb a cycle waits for its end.
const TURN: Duration = Duration::from_secs(540);

/// The copy is compared with the index again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(15 * 60);

pub(super) type Answer<T> = Result<T, Refusal>;

/// The keeper, where it is open, and the connection to the GPU that is followed.
pub(super) struct Executor {
    pub(super) place: Place,
    /// With the version of the index that it knows.
    pub(super) keeper: Option<(Keeper, i64)>,
    /// The index turned out to be damaged: it is opened anew.
    pub(super) damage: Option<KeepError>,
    serving: Option<(Command, Way, RemoteSource)>,
    /// Starts the ways to GPUs.
    launcher: Launcher,
    /// Sees who has files of the copy open.
    lookout: Lookout,
    /// For which host and epoch the copy was last compared with the index, and when.
    looked: Option<((String, u64), Instant)>,
}

impl Executor {
    pub(super) fn new(place: Place, launcher: Launcher, lookout: Lookout) -> Self {
        Self { launcher, lookout, place, keeper: None, damage: None, serving: None, looked: None }
    }

    pub(super) fn execute(&mut self, order: Order, output: &Output) -> Answer<Done> {
        match order {
            Order::Cycle(order) => self.cycle(&order, output),
            Order::TakeOver { epoch } => self.take_over(epoch),
            Order::Status => {
                let _lock = self.turn()?;
                self.read(|keeper| {
                    let (status, gaps) = (keeper.status()?, keeper.gaps()?);
                    Ok(Done::Status(words::status(&status, gaps, keeper.cut_off()?)))
                })
            }
            Order::Points { most } => {
                let _lock = self.turn()?;
                let most = (most as usize).min(POINTS_MAX);
                self.read(|keeper| {
                    let points = keeper.points()?;
                    let told = points.iter().rev().take(most);
                    let told = told.map(|point| Ok(words::listed(point, keeper.lacks(point.id)?)));
                    Ok(Done::Points(told.collect::<Result<_, KeepError>>()?))
                })
            }
            Order::Own { epoch, frozen } => self.own(epoch, frozen),
            Order::Pin { name } => {
                let _lock = self.turn()?;
                let name = checked(&name)?;
                self.read(|keeper| Ok(Done::Pinned(words::point(&keeper.pin_as(name)?))))
            }
            Order::Unpin { name } => {
                let _lock = self.turn()?;
                let name = checked(&name)?;
                self.read(|keeper| keeper.unpin_name(name).map(|()| Done::Unpinned))
            }
            Order::Restore(order) => self.restore(order, output),
            Order::Prove { point, read } => self.prove(point, &read, output),
            Order::Difference { point, path } => {
                let path = below(path)?;
                let _lock = self.turn()?;
                self.read(|keeper| {
                    keeper
                        .difference(point, &path)
                        .map(|told| Done::Difference(words::difference(&told)))
                })
            }
            Order::GoBack { epoch, point, path } => self.go_back(epoch, point, path),
        }
    }

    pub(super) fn base(&self) -> &Path {
        &self.place.base
    }

    /// The lock, for what must not disturb a cycle.
    fn turn(&self) -> Answer<CopyLock> {
        CopyLock::take(self.base(), TURN, Holder::Leave)
    }

    fn cycle(&mut self, order: &CycleOrder, output: &Output) -> Answer<Done> {
        refuse_stale(self.base(), order.epoch)?;
        let _lock = CopyLock::take(self.base(), CYCLE, Holder::End)?;
        refuse_stale(self.base(), order.epoch)?;
        if !is_trusted(self.base(), &order.trusted) {
            return Err(Refusal::Untrusted(format!("the copy does not follow {}", order.trusted)));
        }
        super::lock::keep_reserve(self.base());
        let drift = self.look_after_copy(order)?;
        let mut serving = match self.serving.take() {
            Some(serving) if serving.0 == order.read => serving,
            _ => {
                let (way, connection) = Way::start(&self.launcher, &order.read)?;
                (order.read.clone(), way, RemoteSource::new(connection))
            }
        };
        let request = Request {
            epoch: order.epoch,
            host: order.host.clone(),
            limits: Limits {
                percent: order.percent,
                window_seconds: order.window_seconds,
                accepted: 0,
                // Losses are counted by content, whatever folder they are missing from.
                accept_root: true,
            },
            accepted: order.accepted.map(crate::hash::Hash),
        };
        let done = {
            let source = &mut serving.2;
            let keeper = self.keeper()?;
            let mut pace = output.pace();
            keeper.cycle_with(source, &request, &mut |all| output.wanted(all), &mut |now| {
                pace.tell(now);
            })
        };
        let cycle = match done {
            Ok(cycle) => cycle,
            Err(error) => {
                let refusal = unreached(&error, &mut serving.1);
                self.gave_up(error);
                return Err(refusal);
            }
        };
        self.serving = Some(serving);
        if let Some(held) = &cycle.held {
            self.keep_list(held)?;
        }
        let (last, gaps) = self.read(|keeper| Ok((keeper.points()?.pop(), keeper.gaps()?)))?;
        words::cycle(&cycle, last.as_ref(), gaps, drift).map(Done::Cycle)
    }

    /// The copy, to be read.
    fn copy(&self, still: bool) -> LocalSource {
        let lookout = self.lookout.clone();
        let options = Options { watch: false, still, lookout, ..Options::default() };
        LocalSource::new(self.place.workspace.clone(), options)
    }

    /// What stands in the copy and is in no point becomes one, before a GPU's word is put in its place:
    /// what was copied there in another way before there was any point, a job's last words, whatever
    /// somebody on the standby did. Looked for by who begins to follow, for each host and epoch anew, and
    /// now and then.
    fn look_after_copy(&mut self, order: &CycleOrder) -> Answer<Drift> {
        let key = (order.host.clone(), order.epoch);
        let known = self
            .looked
            .as_ref()
            .is_some_and(|(known, at)| *known == key && at.elapsed() < LOOK_AGAIN);
        if known {
            return Ok(Drift::default());
        }
        let none = self.read(|keeper| Ok(keeper.points()?.is_empty()))?;
        let mut copy = self.copy(false);
        let own =
            self.read(|keeper| keeper.take_own(order.epoch, &mut copy, Writers::Strangers))?;
        self.looked = Some((key, Instant::now()));
        if none {
            return Ok(Drift::default());
        }
        let point = own.point.filter(|_| own.written + own.removed > 0).map(|point| point.id);
        Ok(Drift { point, written: own.written, removed: own.removed, unread: own.unread })
    }

    /// Keeps the list of losses that were held back where the other ways to use it look for it.
    fn keep_list(&self, held: &crate::keep::Held) -> Answer<()> {
        let write = || {
            std::fs::write(self.base().join("held.new"), held.list())?;
            std::fs::write(self.base().join("held.digest"), held.digest.to_hex())?;
            std::fs::rename(self.base().join("held.new"), self.base().join("held"))
        };
        write().map_err(|error: std::io::Error| {
            Refusal::Failed(format!("the list of losses can't be kept: {error}"))
        })
    }

    fn take_over(&mut self, epoch: u64) -> Answer<Done> {
        refuse_stale(self.base(), epoch)?;
        let _lock = CopyLock::take(self.base(), Duration::ZERO, Holder::End)?;
        refuse_stale(self.base(), epoch)?;
        record(self.base(), epoch)?;
        self.serving = None;
        match std::fs::remove_file(self.base().join("trusted")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Refusal::Failed(format!("the GPU can't be let go: {error}")));
            }
            _ => {}
        }
        self.taken(epoch).map(Done::Taken)
    }

    fn own(&mut self, epoch: u64, frozen: bool) -> Answer<Done> {
        refuse_stale(self.base(), epoch)?;
        let _lock = self.turn()?;
        refuse_stale(self.base(), epoch)?;
        let writers = if frozen { Writers::Held } else { Writers::Work };
        let mut copy = self.copy(frozen);
        let own = self.read(|keeper| keeper.take_own(epoch, &mut copy, writers))?;
        Ok(Done::Own(words::own(&own)))
    }

    fn restore(&mut self, order: RestoreOrder, output: &Output) -> Answer<Done> {
        let first = order.first.into_iter().map(below).collect::<Answer<Vec<RelPath>>>()?;
        let point = self.opened(order.point)?;
        output.wanted(Progress { files: point.files, bytes: point.bytes });
        let mut wanted = Wanted { point: order.point, from: order.from, first };
        let mut all: Option<Restored> = None;
        // A cycle that goes on beside it may move a content away between two looks: once more finds it.
        for _ in 0..2 {
            let (mut writes, target) = Way::start(&self.launcher, &order.write)?;
            let mut target = RemoteTarget::new(target);
            // It makes the folder that is read.
            crate::target::Target::disk(&mut target)
                .map_err(|error| Refusal::Unreachable(writes.word(&error)))?;
            let (mut way, there) = Way::start(&self.launcher, &order.read)?;
            let mut there = RemoteSource::new(there);
            let done = {
                let mut pace = output.pace();
                self.open()?.restore(&wanted, &mut there, &mut target, &mut |now| pace.tell(now))
            };
            let restored = done.map_err(|error| {
                let told = unreached(&error, &mut writes);
                self.keeper = None;
                match told {
                    Refusal::Unreachable(_) => unreached(&error, &mut way),
                    other => other,
                }
            })?;
            let missing = restored.named.iter().any(|(_, what)| *what == Trouble::Missing);
            let sent = all.map_or_else(Progress::default, |before| before.sent);
            let restored = Restored {
                sent: Progress {
                    files: restored.sent.files + sent.files,
                    bytes: restored.sent.bytes + sent.bytes,
                },
                ..restored
            };
            all = Some(restored);
            if !missing {
                break;
            }
            wanted.from = None;
        }
        Ok(Done::Restored(words::restored(&all.unwrap_or_default())))
    }

    fn prove(&mut self, point: u64, read: &Command, output: &Output) -> Answer<Done> {
        self.opened(point)?;
        let (mut way, connection) = Way::start(&self.launcher, read)?;
        let mut there = RemoteSource::new(connection);
        let done = {
            let mut pace = output.pace();
            self.open()?.prove(point, &mut there, &mut |now| pace.tell(now))
        };
        match done {
            Ok(proof) => Ok(Done::Proven(words::proof(&proof))),
            Err(error) => {
                self.keeper = None;
                Err(unreached(&error, &mut way))
            }
        }
    }

    /// Opens the keeper under the lock, and lets go of that: what is only read needs it no longer.
    fn opened(&mut self, point: u64) -> Answer<Point> {
        let _lock = self.turn()?;
        self.read(|keeper| keeper.point(point))
    }

    /// The keeper as it is open, without the lock.
    fn open(&mut self) -> Answer<&mut Keeper> {
        match &mut self.keeper {
            Some((keeper, _)) => Ok(keeper),
            None => Err(Refusal::Failed("the keeper is not open".into())),
        }
    }

    fn go_back(&mut self, epoch: u64, point: u64, path: Vec<u8>) -> Answer<Done> {
        let path = below(path)?;
        refuse_stale(self.base(), epoch)?;
        let _lock = self.turn()?;
        refuse_stale(self.base(), epoch)?;
        match self.read(|keeper| keeper.go_back(epoch, point, &path))? {
            Back::Point(point) => Ok(Done::Back(Some(words::point(&point)))),
            Back::Nothing => Ok(Done::Back(None)),
            Back::Missing(paths) => Err(Refusal::ContentsMissing(paths.len() as u64)),
            Back::NoRoom { need, free } => Err(Refusal::NoRoom { need, free }),
        }
    }
}

/// A refusal, with what the way to the GPU says where that failed.
fn unreached(error: &KeepError, way: &mut Way) -> Refusal {
    match (words::refusal(error), error) {
        (Refusal::Unreachable(_), KeepError::Source(source)) => {
            Refusal::Unreachable(way.word(source))
        }
        (other, _) => other,
    }
}

fn below(path: Vec<u8>) -> Answer<RelPath> {
    RelPath::new(path).map_err(|error| Refusal::Failed(error.to_string()))
}

fn checked(name: &str) -> Answer<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 100 || !name.bytes().all(plain) {
        return Err(Refusal::Failed("not a name for a point".into()));
    }
    Ok(name)
}
