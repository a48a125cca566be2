//! Keeps the standby following while it should: starts, stops and restarts the loop as the
//! association changes, and records what each sync did.

mod means;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::association::{Association, AssociationState, DataPath, Serving, SyncStatus, WhyRsync};
use domain::frozen::{Decision, Loss};
use domain::gaps::GapReason;
use domain::id::{AssociationId, Epoch, IntentId, UserId};
use domain::notification;
use domain::standby::StandbyState;
use domain::time::Millis;
use store::{CycleOutcome as Recorded, CycleSource, StoreError, SyncCycle};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::data::{
    self, CycleOutcome, CycleReport, DataError, FollowEvent, FollowPlan, Follower, Progress, Shells,
};
use crate::live::Machine;
use crate::ports::task;
use crate::ports::time;
use crate::worker::anew::Anew;

const AGAIN: Duration = Duration::from_secs(2);
/// Longest pause between two tries to prepare a host that lacks a program.
const PREPARE_PAUSE: Duration = Duration::from_secs(60);

/// The following of one machine.
pub(super) struct Following {
    parent: CancellationToken,
    current: Option<Current>,
    /// Outlives the courses: each preparation ends one.
    anew: Arc<Anew>,
    /// Set once a sync of this workspace met another file system.
    crossing: Arc<AtomicBool>,
}

struct Current {
    plan: FollowPlan,
    /// The standby that it fills.
    to: IntentId,
    token: CancellationToken,
    task: JoinHandle<()>,
}

impl Following {
    pub(super) fn new(parent: &CancellationToken) -> Self {
        Self {
            parent: parent.clone(),
            current: None,
            anew: Arc::default(),
            crossing: Arc::default(),
        }
    }

    /// Makes what runs what should run; nothing while it is not `free` to.
    pub(super) async fn keep(
        &mut self,
        context: &Context,
        association: &Association,
        machine: &Arc<Machine>,
        free: bool,
    ) {
        let interval = match context.store.settings().get(&association.user).await {
            Ok(settings) => (settings.sync_interval_s, settings.max_delete_percent),
            Err(error) => {
                tracing::debug!(%error, "settings not read; following goes on as it is");
                return;
            }
        };
        let wanted = plan(association, interval).filter(|_| free);
        let to = association.standby.as_ref().map(|standby| &standby.intent);
        let running = self
            .current
            .as_ref()
            .filter(|current| !current.task.is_finished() && Some(&current.to) == to)
            .map(|current| &current.plan);
        if running == wanted.as_ref() {
            if wanted.is_none() {
                pause(context, association).await;
            }
            return;
        }
        self.stop().await;
        if wanted.is_none() {
            pause(context, association).await;
        }
        let (Some(plan), Some(to)) = (wanted, to) else { return };
        // What it ended with (frozen, say), or lost with its standby, may be newer than what this round has read.
        let Ok(Some(association)) = context.store.associations().find(&association.id).await else {
            return;
        };
        if self::plan(&association, interval).as_ref() != Some(&plan) {
            return;
        }
        let standby_key = association
            .standby
            .as_ref()
            .and_then(|standby| standby.public_key.clone())
            .unwrap_or_default();
        let token = self.parent.child_token();
        let course = Course {
            context: context.clone(),
            id: association.id.clone(),
            user: association.user.clone(),
            epoch: plan.epoch,
            to: to.clone(),
            of: association.clone(),
            status: association.sync.clone(),
            machine: Arc::clone(machine),
            accepted: None,
            anew: Arc::clone(&self.anew),
            crossing: Arc::clone(&self.crossing),
            again: None,
        };
        let stop = token.clone();
        let running = plan.clone();
        let task = task::spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = course.run(running, standby_key, &stop) => {}
            }
        });
        self.current = Some(Current { plan, to: to.clone(), token, task });
    }

    /// Ends the loop, and a sync that is under way.
    pub(super) async fn stop(&mut self) {
        if let Some(current) = self.current.take() {
            current.token.cancel();
            if let Err(error) = current.task.await {
                tracing::error!(%error, "following ended badly");
            }
        }
    }
}

/// What should be followed now; none while nothing should.
fn plan(
    association: &Association,
    (interval_s, max_delete_percent): (i64, i64),
) -> Option<FollowPlan> {
    let able = matches!(
        association.state,
        AssociationState::Preparing
            | AssociationState::FirstSync
            | AssociationState::Following
            | AssociationState::Degraded
            | AssociationState::Paused
    );
    let wanted =
        association.sync_enabled && association.want_running && association.serving == Serving::Gpu;
    let standby =
        association.standby.as_ref().filter(|standby| standby.state == StandbyState::Ready)?;
    standby.public_key.as_ref()?;
    (able && wanted).then_some(())?;
    Some(FollowPlan {
        workspace: association.workspace.clone(),
        endpoint: association.gpu_endpoint.clone()?,
        host_key: association.gpu_host_key.clone()?,
        epoch: association.epoch,
        interval: Duration::from_secs(u64::try_from(interval_s).unwrap_or(30)),
        max_delete_percent,
        accepted_deletions: None,
        agents: None,
    })
}

/// Shows that a standby does not follow by its user's wish.
async fn pause(context: &Context, association: &Association) {
    let asked = !association.sync_enabled || !association.want_running;
    let follows =
        matches!(association.state, AssociationState::Following | AssociationState::FirstSync);
    if asked && follows {
        let associations = context.store.associations();
        let set = associations
            .set_state(&association.id, association.epoch, AssociationState::Paused, None)
            .await;
        if let Err(error) = set {
            tracing::debug!(%error, "pause not recorded");
        }
    }
}

/// One course of following: one GPU, one epoch.
struct Course {
    context: Context,
    id: AssociationId,
    user: UserId,
    epoch: Epoch,
    /// The standby that it fills.
    to: IntentId,
    /// The machine as it was when the course began.
    of: Association,
    status: SyncStatus,
    machine: Arc<Machine>,
    /// Digest of the deletions that were accepted and not made yet.
    accepted: Option<String>,
    anew: Arc<Anew>,
    crossing: Arc<AtomicBool>,
    /// When it is to be tried again by `dumont-agent`, where that was not to be had.
    again: Option<time::Instant>,
}

impl Course {
    async fn run(mut self, plan: FollowPlan, standby_key: String, token: &CancellationToken) {
        // What was seen in an earlier course of this epoch says nothing of this one.
        self.machine.set_dirty(self.epoch, data::DirtyPaths::default());
        self.prepare(&plan, &standby_key).await;
        let state = if self.status.complete_to.is_some() {
            AssociationState::Following
        } else {
            AssociationState::FirstSync
        };
        self.state(state, None).await;
        let shells = Shells {
            gpu: self.machine.gpu_shell.subscribe(),
            standby: self.machine.standby_shell.subscribe(),
        };
        self.accepted = self.accepted().await;
        let agents = self.agents().await;
        let plan = FollowPlan { accepted_deletions: self.accepted.clone(), agents, ..plan };
        let (follower, mut events) = Follower::start(plan, shells, self.context.sources(), token);
        self.machine.set_dirty(self.epoch, follower.dirty());
        while let Some(event) = events.recv().await {
            match event {
                FollowEvent::Began { .. } | FollowEvent::Sent(_) => {}
                FollowEvent::Pending(pending) => self.pending(pending).await,
                FollowEvent::Ended { started_at, ended_at, source, result } => {
                    if !self.ended(started_at, ended_at, source, result).await {
                        follower.stop().await;
                        return;
                    }
                }
            }
        }
    }

    /// Records by which means it follows.
    async fn by(&mut self, path: DataPath, why: Option<WhyRsync>) {
        if (self.status.path, self.status.why_rsync) != (Some(path), why) {
            self.status.path = Some(path);
            self.status.why_rsync = why;
            self.save().await;
        }
    }

    /// The deletions that the machine's user accepted, in whichever process.
    async fn accepted(&self) -> Option<String> {
        loop {
            match self.context.store.associations().held_deletions(&self.id).await {
                Ok(held) => {
                    let held = held.filter(|held| held.epoch == self.epoch)?;
                    let accepted = held.decision == Some(Decision::Accept);
                    return accepted.then_some(held.deletions.digest);
                }
                Err(error) => tracing::debug!(%error, "accepted deletions not read"),
            }
            time::sleep(AGAIN).await;
        }
    }

    /// Lets the standby into the GPU; again until it is so.
    async fn prepare(&mut self, plan: &FollowPlan, standby_key: &str) {
        let mut shells = self.machine.gpu_shell.subscribe();
        let mut pause = AGAIN;
        loop {
            let open = shells
                .wait_for(|shell| shell.as_ref().is_some_and(|shell| !shell.is_closed()))
                .await;
            let shell = open.ok().and_then(|shell| shell.clone());
            let Some(shell) = shell else { std::future::pending().await };
            let make = self.status.complete_to.is_none().then_some(plan.workspace.as_str());
            match data::prepare_gpu(&shell, standby_key, make).await {
                Ok(()) => return,
                Err(error) => {
                    self.problem(&error.to_string()).await;
                    // What can't be installed now is not asked for every two seconds.
                    let lacks = matches!(error, DataError::Unprepared(_));
                    pause = if lacks { (pause * 2).min(PREPARE_PAUSE) } else { AGAIN };
                }
            }
            time::sleep(pause).await;
        }
    }

    /// Whether another means is due: between two syncs, so that none is cut short for it.
    fn is_to_begin_anew(&self) -> bool {
        let crosses = self.status.path == Some(DataPath::Agent)
            && self
                .status
                .gaps
                .as_ref()
                .is_some_and(|gaps| gaps.of(GapReason::OtherFileSystem) > 0);
        if crosses {
            self.crossing.store(true, Ordering::Relaxed);
        }
        crosses || self.again.is_some_and(|again| time::now() >= again)
    }

    async fn pending(&mut self, pending: Progress) {
        self.status.pending_files = Some(pending.files);
        self.status.pending_bytes = Some(pending.bytes);
        self.save().await;
    }

    /// Records a sync; whether following goes on.
    async fn ended(
        &mut self,
        started_at: Millis,
        ended_at: Millis,
        source: CycleSource,
        result: Result<CycleReport, DataError>,
    ) -> bool {
        match result {
            Ok(report) if report.outcome == CycleOutcome::Ok => {
                self.status.count += 1;
                self.status.complete_to = Some(started_at);
                self.status.last_sync_at = Some(ended_at);
                self.status.files = Some(report.files_total);
                self.status.bytes = Some(report.bytes_total);
                self.status.pending_files = Some(0);
                self.status.pending_bytes = Some(0);
                self.status.problem = None;
                self.status.gaps = report.kept.as_ref().map(|kept| kept.gaps.clone());
                self.status.point = report.kept.as_ref().and_then(|kept| kept.point);
                if let Some(drift) = report.kept.as_ref().and_then(|kept| kept.drift) {
                    self.status.drift = Some((ended_at, drift));
                }
                self.anew.well();
                self.record(cycle(
                    (self.context.new_id(), &self.id),
                    self.epoch,
                    (started_at, ended_at),
                    source,
                    Recorded::Ok,
                    Some(&report),
                    None,
                ))
                .await;
                self.state(AssociationState::Following, None).await;
                if self.accepted.take().is_some() {
                    let associations = self.context.store.associations();
                    self.note(
                        "deletions",
                        associations.settle_deletions(&self.id, self.epoch).await,
                    );
                }
                self.save().await;
                !self.is_to_begin_anew()
            }
            Ok(report) => {
                let why = frozen_words(&report.outcome);
                self.status.problem = Some(why.clone());
                let row = cycle(
                    (self.context.new_id(), &self.id),
                    self.epoch,
                    (started_at, ended_at),
                    source,
                    Recorded::Frozen,
                    Some(&report),
                    Some(&why),
                );
                self.record(row).await;
                self.save().await;
                self.freeze(&report.outcome, &why, ended_at).await;
                false
            }
            Err(error @ DataError::Unfit(_)) => {
                tracing::warn!(association = %self.id, %error, "followed by rsync from now on");
                self.by(DataPath::Rsync, Some(WhyRsync::Standby)).await;
                false
            }
            Err(error @ DataError::StaleEpoch { .. }) => {
                tracing::warn!(association = %self.id, %error, "fenced off; this course of following ends");
                false
            }
            Err(error) => {
                let why = error.to_string();
                let row = cycle(
                    (self.context.new_id(), &self.id),
                    self.epoch,
                    (started_at, ended_at),
                    source,
                    Recorded::Failed,
                    None,
                    Some(&why),
                );
                self.record(row).await;
                self.problem(&why).await;
                // What was prepared ends this course: the next one lets the standby in and ties it anew.
                !(matches!(error, DataError::Unprepared(_)) && self.prepare_standby(&why).await)
            }
        }
    }

    /// Prepares a standby that lacks something, where that is due; whether it was prepared.
    async fn prepare_standby(&mut self, lacks: &str) -> bool {
        let Some(shell) = self.machine.standby_shell() else { return false };
        if !self.anew.is_due(self.context.now()) {
            return false;
        }
        tracing::warn!(association = %self.id, lacks, "the standby is prepared anew");
        let prepared = match data::prepare_standby(&shell).await {
            Ok(facts) => self.keep_key(facts.public_key).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match prepared {
            Ok(()) => true,
            Err(error) => {
                self.problem(&format!("{lacks}; it could not be prepared anew: {error}")).await;
                false
            }
        }
    }

    /// A standby that had lost its key has another now, which GPUs are to let in.
    async fn keep_key(&self, key: String) -> Result<(), StoreError> {
        let associations = self.context.store.associations();
        let now = associations.find(&self.id).await?;
        let Some(standby) = now.and_then(|now| now.standby) else { return Ok(()) };
        if standby.public_key.as_ref() == Some(&key) {
            return Ok(());
        }
        associations.set_standby_key(&self.id, self.epoch, &standby.intent, &key).await
    }

    async fn problem(&mut self, why: &str) {
        if self.status.problem.as_deref() != Some(why) {
            tracing::warn!(association = %self.id, why, "the standby does not follow");
            self.status.problem = Some(why.to_owned());
            self.save().await;
        }
    }

    async fn save(&self) {
        self.note(
            "sync",
            self.context
                .store
                .associations()
                .set_sync(&self.id, self.epoch, &self.to, &self.status)
                .await,
        );
        self.context.doorbell(&self.user, "sync", self.id.as_str()).await;
    }

    async fn record(&self, cycle: SyncCycle) {
        self.note("sync cycle", self.context.store.sync_cycles().insert(&cycle).await);
    }

    async fn state(&self, state: AssociationState, reason: Option<&str>) {
        self.note(
            "state",
            self.context.store.associations().set_state(&self.id, self.epoch, state, reason).await,
        );
    }

    async fn freeze(&self, outcome: &CycleOutcome, why: &str, at: Millis) {
        let (would, held) = match outcome {
            CycleOutcome::Frozen { would_delete, of, deletions } => {
                (Some((*would_delete, *of)), deletions.as_ref())
            }
            CycleOutcome::SourceMissing | CycleOutcome::Ok => (None, None),
        };
        let news = notification::frozen(&self.of, would, at, self.context.config.sandbox);
        let associations = self.context.store.associations();
        self.note("freeze", associations.freeze(&self.id, self.epoch, why, held, &news, at).await);
    }

    /// What can't be recorded because the machine moved on is nobody's concern any more.
    fn note(&self, what: &str, ended: Result<(), StoreError>) {
        if let Err(error) = ended {
            tracing::debug!(association = %self.id, %error, what, "not recorded");
        }
    }
}

fn frozen_words(outcome: &CycleOutcome) -> String {
    match outcome {
        CycleOutcome::Frozen { would_delete, of, .. } => {
            Loss { would_delete: *would_delete, of: *of }.words()
        }
        CycleOutcome::SourceMissing => {
            "the workspace is not there on the GPU; the standby keeps its copy".into()
        }
        CycleOutcome::Ok => String::new(),
    }
}

fn cycle(
    (row, id): (String, &AssociationId),
    epoch: Epoch,
    (started_at, ended_at): (Millis, Millis),
    source: CycleSource,
    outcome: Recorded,
    report: Option<&CycleReport>,
    error: Option<&str>,
) -> SyncCycle {
    SyncCycle {
        id: row,
        association: id.clone(),
        epoch,
        started_at,
        ended_at,
        source,
        outcome,
        files_total: report.map(|report| report.files_total),
        bytes_total: report.map(|report| report.bytes_total),
        files_sent: report.map_or(0, |report| report.files_sent),
        bytes_sent: report.map_or(0, |report| report.bytes_sent),
        files_deleted: report.map_or(0, |report| report.files_deleted),
        versions_path: report.and_then(|report| report.versions_path.clone()),
        error: error.map(str::to_owned),
    }
}
