//! The loop that keeps a standby's copy close behind its GPU.
//!
//! A sync runs when it is time, soon after something changed, and when someone asks; never two at once
//! for one machine, and not more than one a second. What becomes of each is told to whoever started
//! the loop; nothing is stored here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::gpu::Endpoint;
use domain::id::Epoch;
use domain::time::{Clock, Millis};
use providers::ssh::{Shell, SshError};
use store::CycleSource;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::cycle::{CycleOutcome, CycleReport, CycleRequest, cycle_with};
use super::prepare::trust_gpu;
use super::{DataError, DirtyPaths, Keeper, Progress, watch as watcher};
use crate::ports::time::{self, Instant};
use crate::ports::watch;
use crate::ports::{Chance, task};

/// A change is followed by others: so long it is waited for them.
const DEBOUNCE: Duration = Duration::from_millis(300);
/// Least time from the beginning of one sync to that of the next.
const APART: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// Events that wait for their reader.
const WAITING: usize = 32;

/// What to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowPlan {
    /// Absolute path of the workspace, on both sides.
    pub workspace: String,
    /// The GPU.
    pub endpoint: Endpoint,
    /// Its pinned key.
    pub host_key: String,
    /// The epoch in whose name it is followed.
    pub epoch: Epoch,
    /// Longest time between two syncs.
    pub interval: Duration,
    /// The tripwire, percent.
    pub max_delete_percent: i64,
    /// Digest of deletions that the first whole sync may make: exactly these.
    pub accepted_deletions: Option<String>,
    /// Where `dumont-agent` is on both; none: by rsync.
    pub agents: Option<Agents>,
}

/// Where `dumont-agent` is, as [`super::Program::put`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agents {
    /// On the GPU.
    pub gpu: String,
    /// On the standby.
    pub standby: String,
}

/// The shells of now to the two hosts, kept by others.
#[derive(Debug, Clone)]
pub struct Shells {
    /// To the GPU; only for seeing changes.
    pub gpu: watch::Receiver<Option<Shell>>,
    /// To the standby.
    pub standby: watch::Receiver<Option<Shell>>,
}

/// Where a loop has its time and its chance from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Spreads the pauses.
    pub chance: Arc<dyn Chance>,
}

/// What happens to a sync.
#[derive(Debug)]
pub enum FollowEvent {
    /// It began; the time is from before its scan.
    Began {
        /// When.
        at: Millis,
        /// Why.
        source: CycleSource,
    },
    /// Its scan found so much to send.
    Pending(Progress),
    /// It has sent so much so far.
    Sent(Progress),
    /// It ended.
    Ended {
        /// When it began: with an `Ok`, all written before is on the standby.
        started_at: Millis,
        /// When it ended.
        ended_at: Millis,
        /// Why it began.
        source: CycleSource,
        /// How it ended.
        result: Result<CycleReport, DataError>,
    },
}

/// A running loop. Dropping it ends the loop, and with it a sync that is under way.
#[derive(Debug)]
pub struct Follower {
    asks: Arc<Asks>,
    dirty: DirtyPaths,
    token: CancellationToken,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Asks {
    now: Notify,
    changed: Arc<Notify>,
    accepted_deletions: Mutex<Option<String>>,
    paused: watch::Sender<bool>,
}

impl Asks {
    fn accepted(&self) -> MutexGuard<'_, Option<String>> {
        self.accepted_deletions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower {
    /// Starts following. The receiver must be read: the loop waits for it.
    #[must_use]
    pub fn start(
        plan: FollowPlan,
        shells: Shells,
        sources: Sources,
        token: &CancellationToken,
    ) -> (Self, mpsc::Receiver<FollowEvent>) {
        let token = token.child_token();
        let accepted_deletions = Mutex::new(plan.accepted_deletions.clone());
        let asks = Arc::new(Asks { accepted_deletions, ..Asks::default() });
        let dirty = DirtyPaths::default();
        let (events, receiver) = mpsc::channel(WAITING);
        let seeing = watcher::run(
            shells.gpu,
            plan.workspace.clone(),
            dirty.clone(),
            Arc::clone(&asks.changed),
            token.clone(),
        );
        let course = Course {
            plan,
            standby: shells.standby,
            sources,
            asks: Arc::clone(&asks),
            dirty: dirty.clone(),
            events,
            keeper: tokio::sync::Mutex::default(),
        };
        let ends = token.clone();
        let task = task::spawn(async move {
            tokio::select! {
                biased;
                () = ends.cancelled() => {}
                ((), ()) = async { tokio::join!(seeing, course.run()) } => {}
            }
        });
        (Self { asks, dirty, token, task }, receiver)
    }

    /// Syncs as soon as the present sync, if any, has ended.
    pub fn sync_now(&self) {
        self.asks.now.notify_one();
    }

    /// Holds or goes on. A sync that is under way ends by itself.
    pub fn pause(&self, paused: bool) {
        self.asks.paused.send_replace(paused);
    }

    /// The paths that changed and are not known to be on the standby.
    #[must_use]
    pub fn dirty(&self) -> DirtyPaths {
        self.dirty.clone()
    }

    /// Ends the loop and waits until nothing of it runs here any more.
    pub async fn stop(mut self) {
        self.token.cancel();
        // An end by panic has been told by the runtime; there is nothing to add.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

struct Course {
    plan: FollowPlan,
    standby: watch::Receiver<Option<Shell>>,
    sources: Sources,
    asks: Arc<Asks>,
    dirty: DirtyPaths,
    events: mpsc::Sender<FollowEvent>,
    /// Kept from one sync to the next: its connection to the GPU is what sees changes there.
    keeper: tokio::sync::Mutex<Option<Keeper>>,
}

impl Course {
    async fn run(mut self) {
        let mut source = CycleSource::Interval;
        let mut trusted = false;
        let mut pause = FIRST_PAUSE;
        loop {
            let shell = self.ready().await;
            let began = time::now();
            let Some(good) = self.once(&shell, source, &mut trusted).await else { return };
            let wait = if good {
                pause = FIRST_PAUSE;
                self.plan.interval.max(APART)
            } else {
                let jitter = self.sources.chance.number() % 250;
                let wait = pause + Duration::from_millis(jitter);
                pause = (pause * 2).min(LAST_PAUSE);
                wait
            };
            source = self.next(began, wait, good).await;
        }
    }

    /// Waits until there is a shell to the standby and nobody holds the loop.
    async fn ready(&mut self) -> Shell {
        let mut paused = self.asks.paused.subscribe();
        loop {
            // The senders live as long as this loop does or longer: these waits end with a change.
            let _ = paused.wait_for(|paused| !paused).await;
            let open = self
                .standby
                .wait_for(|shell| shell.as_ref().is_some_and(|shell| !shell.is_closed()))
                .await;
            let shell = open.ok().and_then(|shell| shell.clone());
            match shell {
                Some(shell) if !*paused.borrow() => return shell,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// One sync, told from its beginning to its end; whether it was good. None when nobody listens.
    async fn once(&self, shell: &Shell, source: CycleSource, trusted: &mut bool) -> Option<bool> {
        let started_at = self.sources.clock.now();
        self.dirty.sync_begins();
        self.events.send(FollowEvent::Began { at: started_at, source }).await.ok()?;
        let mut standby = self.standby.clone();
        standby.mark_unchanged();
        let result = tokio::select! {
            biased;
            result = self.sync(shell, started_at, trusted) => result,
            // Another connection is in use now: the one that this sync runs over is of no use.
            _ = standby.changed() => Err(SshError::Closed.into()),
        };
        let whole = matches!(&result, Ok(CycleReport { outcome: CycleOutcome::Ok, .. }));
        if whole {
            self.dirty.sync_completes();
        }
        let good = result.is_ok();
        let ended_at = self.sources.clock.now();
        self.events.send(FollowEvent::Ended { started_at, ended_at, source, result }).await.ok()?;
        Some(good)
    }

    async fn sync(
        &self,
        shell: &Shell,
        started_at: Millis,
        trusted: &mut bool,
    ) -> Result<CycleReport, DataError> {
        let plan = &self.plan;
        if !*trusted {
            // Once: should the standby later trust another, that is not to be undone from here.
            trust_gpu(shell, &plan.endpoint, &plan.host_key, plan.epoch).await?;
            *trusted = true;
        }
        let request = CycleRequest {
            workspace: plan.workspace.clone(),
            endpoint: plan.endpoint.clone(),
            epoch: plan.epoch,
            cycle: started_at.0.to_string(),
            max_delete_percent: plan.max_delete_percent,
            accepted_deletions: self.asks.accepted().clone(),
        };
        // Figures are for display: where the reader lags, some are left out.
        let mut pending = |now| drop(self.events.try_send(FollowEvent::Pending(now)));
        let mut sent = |now| drop(self.events.try_send(FollowEvent::Sent(now)));
        let report = match &plan.agents {
            None => cycle_with(shell, &request, &mut pending, &mut sent).await?,
            Some(agents) => self.kept(shell, agents, &request, &mut pending, &mut sent).await?,
        };
        // Made, or not there to be made: either way it is used up.
        *self.asks.accepted() = None;
        Ok(report)
    }

    /// One sync by the keeper. One that failed, or was given up, is not used again.
    async fn kept(
        &self,
        shell: &Shell,
        agents: &Agents,
        request: &CycleRequest,
        pending: &mut (dyn FnMut(Progress) + Send),
        sent: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<CycleReport, DataError> {
        let mut kept = self.keeper.lock().await;
        let mut keeper = match kept.take() {
            Some(keeper) if !keeper.is_closed() => keeper,
            _ => Keeper::start(shell, &agents.standby, &request.workspace).await?,
        };
        let key = &self.plan.host_key;
        let report = keeper.cycle(request, &agents.gpu, key, pending, sent).await?;
        *kept = Some(keeper);
        Ok(report)
    }

    /// Waits for the next reason to sync. After a failure changes do not shorten the pause.
    async fn next(&self, began: Instant, wait: Duration, good: bool) -> CycleSource {
        let due = time::now() + wait;
        let changed = async {
            if !good {
                return std::future::pending().await;
            }
            self.asks.changed.notified().await;
            time::sleep(DEBOUNCE).await;
        };
        let source = tokio::select! {
            biased;
            () = self.asks.now.notified() => CycleSource::Manual,
            () = changed => CycleSource::Change,
            () = time::sleep_until(due) => CycleSource::Interval,
        };
        time::sleep_until(began + APART).await;
        source
    }
}
