//! The Machines page and the page of one machine: GPUs of the provider's list joined with their
//! associations, so that a lost GPU stays on the page and an unprotected one is seen.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use domain::association::{Association as Tie, Hooks, Serving};
use domain::buying::Full;
use domain::failover::{FailoverState, StepRow};
use domain::gpu::{GpuInstance, GpuState};
use domain::host_key::{PinnedKeys, SharedHostKey};
use domain::id::{AssociationId, FailoverId, GpuId, MachineRef, UserId};
use domain::launch::LaunchPart;
use domain::name::shown;
use domain::notification::Wait;
use domain::offer::NearMiss;
use domain::provider::Provider;
use domain::report::{seen_by, whereabouts, witnesses};
use domain::time::{DAY_MS, Millis};
use domain::verdict::{Observations, Verdict, VerdictPolicy, decide};
use domain::view::Time;
use domain::view::failover::FailoverStatus;
use domain::view::instance::Instance;
use domain::view::machine::{
    ActiveFailover, Errand, MachinePage, MachineRow, MachinesPage, Stretch, SyncCycle, VerdictRow,
};
use domain::view::readiness::LastDrill;
use domain::view::report::HistoryRow;
use domain::view::standby::Association;
use engine::{EngineError, Fleet};
use store::StoreError;

use super::instances::by_gpu;
use super::{credentials, figures, grants, readiness, report, shared};
use crate::{Dumont, Fault};

/// How many rows of each list the page of a machine shows.
const NEWEST: i64 = 20;
/// How many syncs are told, for the chart of the copy's age.
const CYCLES: i64 = 120;
/// How far back it is told where the work ran.
const WEEK_MS: i64 = 7 * DAY_MS;

/// Every machine of an account.
///
/// # Errors
/// The database. A provider that does not answer is part of the page.
pub async fn page(dumont: &Dumont, user: &UserId) -> Result<MachinesPage, Fault> {
    let (fleet, error) = fleet(dumont, user).await?;
    let all = dumont.store.associations().list(user).await?;
    let under_way: Vec<FailoverId> =
        all.iter().filter_map(|tie| tie.active_failover.clone()).collect();
    let pinned = PinnedKeys::of(&all);
    let keys = all.iter().map(|tie| (tie.id.clone(), pinned.shared_with(tie)));
    let known = Known {
        keys: keys.filter(|(_, shared)| !shared.is_empty()).collect(),
        less: dumont.store.intents().left_out(user).await?,
        active: actives(dumont, user, &under_way).await?,
        drills: readiness::last_drills(dumont, user).await?,
        errands: errands(dumont, user).await?,
        listed: fleet.is_some() && error.is_none(),
        stored: stored(dumont, user, &all).await?,
        policy: policy(dumont, user).await?,
        figures: None,
    };
    let mut ties = by_gpu(all);
    let mut machines = Vec::new();
    for gpu in fleet.iter().flat_map(|fleet| fleet.instances.iter()) {
        machines.push(row(dumont, Some(gpu), ties.remove(&gpu.id).as_ref(), &known));
    }
    for tie in ties.values() {
        machines.push(row(dumont, None, Some(tie), &known));
    }
    machines.retain(|machine| machine.association.is_some() || machine.instance.is_some());
    machines.sort_by(by_trouble);
    Ok(MachinesPage {
        machines,
        as_of: fleet.as_ref().map(|fleet| fleet.as_of.into()),
        stale_error: error,
        missing: credentials::lacking(dumont, user).await?,
        sandbox: dumont.site.sandbox,
        shared: shared::machines(dumont, user).await?,
        offers: grants::offers(dumont, user).await?,
        now: dumont.now().into(),
    })
}

/// Those in trouble first, then by name.
pub(super) fn by_trouble(a: &MachineRow, b: &MachineRow) -> Ordering {
    let rank = |machine: &MachineRow| {
        (machine.rank(), machine.name.to_lowercase(), machine.gpu_instance_id)
    };
    rank(a).cmp(&rank(b))
}

/// By which rules an account's machines are judged; its workers judge by the same.
pub(super) async fn policy(dumont: &Dumont, user: &UserId) -> Result<VerdictPolicy, Fault> {
    Ok(VerdictPolicy::default().of_account(dumont.store.settings().get(user).await?.silence_s))
}

/// One machine.
///
/// # Errors
/// `NotFound` when it is neither in the provider's list nor protected.
pub async fn machine(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<MachinePage, Fault> {
    let page = recorded(dumont, user, id).await?;
    let readiness = match &page.row.association {
        Some(tie) => readiness::at_once(dumont, user, tie.gpu_instance_id).await,
        None => None,
    };
    Ok(MachinePage { readiness, ..page })
}

/// One machine as it is known now: no provider is waited for.
///
/// # Errors
/// `NotFound` when it is neither in the provider's list nor protected.
pub async fn known(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<MachinePage, Fault> {
    let page = recorded(dumont, user, id).await?;
    let readiness = match &page.row.association {
        Some(tie) => readiness::known(dumont, user, tie.gpu_instance_id).await,
        None => None,
    };
    Ok(MachinePage { readiness, ..page })
}

async fn recorded(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<MachinePage, Fault> {
    let (fleet, stale_error) = fleet(dumont, user).await?;
    let as_of = fleet.as_ref().map(|fleet| fleet.as_of.into());
    let tie = protection(dumont, user, id).await?;
    let id = tie.as_ref().map_or(id, |tie| tie.gpu);
    let gpu = fleet.iter().flat_map(|fleet| fleet.instances.iter()).find(|gpu| gpu.id == id);
    if gpu.is_none() && tie.is_none() {
        return Err(Fault::NotFound("machine"));
    }
    let listed = fleet.is_some() && stale_error.is_none();
    let known = match &tie {
        Some(tie) => Known { listed, ..Known::of(dumont, user, tie).await? },
        None => Known { errands: errands(dumont, user).await?, listed, ..Known::default() },
    };
    let row = row(dumont, gpu, tie.as_ref(), &known);
    let auto_recovery = dumont.store.settings().get(user).await?.auto_recovery;
    let Some(tie) = tie else {
        return Ok(MachinePage {
            row,
            failover: None,
            readiness: None,
            observers: Vec::new(),
            verdicts: Vec::new(),
            cycles: Vec::new(),
            history: Vec::new(),
            whereabouts: Vec::new(),
            auto_recovery,
            shared: None,
            as_of,
            stale_error,
            sandbox: dumont.site.sandbox,
            now: dumont.now().into(),
        });
    };
    let verdicts = dumont.store.verdicts().recent(&tie.id, NEWEST).await?;
    let cycles = dumont.store.sync_cycles().recent(&tie.id, CYCLES).await?;
    let history = report::history(dumont, user, &tie.id, NEWEST).await?;
    let ran = dumont.store.runs().after(dumont.now().plus(-WEEK_MS)).await?;
    let whereabouts = lately(&tie, &history, &verdicts, &ran, dumont.now());
    Ok(MachinePage {
        failover: known.figures.as_deref().cloned(),
        row,
        readiness: None,
        observers: dumont.engine.observations(&tie.id).as_ref().map(witnesses).unwrap_or_default(),
        verdicts: verdicts
            .into_iter()
            .map(|seen| VerdictRow {
                at: seen.at.into(),
                verdict: seen.verdict,
                evidence: witnesses(&seen.evidence),
            })
            .collect(),
        cycles: cycles.into_iter().map(cycle).collect(),
        history,
        whereabouts,
        auto_recovery,
        shared: None,
        as_of,
        stale_error,
        sandbox: dumont.site.sandbox,
        now: dumont.now().into(),
    })
}

/// Where the work ran in the last week, as far back as the newest rows tell.
fn lately(
    tie: &Tie,
    history: &[HistoryRow],
    verdicts: &[store::VerdictRow],
    ran: &[(Millis, Millis)],
    now: Millis,
) -> Vec<Stretch> {
    // A list that is full may have lost its older rows: what was before its oldest is not told.
    let full = |count: usize| count >= usize::try_from(NEWEST).unwrap_or(usize::MAX);
    let rows = history.last().filter(|_| full(history.len())).map(|row| row.started_at.0);
    let seen = verdicts.last().filter(|_| full(verdicts.len())).map(|row| row.at);
    let begin = [Some(now.plus(-WEEK_MS)), Some(tie.created_at), rows, seen];
    let begin = begin.into_iter().flatten().max().unwrap_or(now);
    let verdicts: Vec<_> = verdicts.iter().map(|row| (row.at, row.verdict)).collect();
    seen_by(whereabouts(history, &verdicts, begin, now), ran, now)
}

/// The association that an address means: by its own id, by the GPU that it runs on, or by one that it
/// has left. Where a number was given out twice, whoever has it now, else whoever had it last.
///
/// # Errors
/// `NotFound`, also where it is another account's.
pub async fn find(dumont: &Dumont, user: &UserId, machine: &MachineRef) -> Result<Tie, Fault> {
    let found = match machine {
        MachineRef::Association(id) => match dumont.store.associations().get(user, id).await {
            Ok(tie) => Some(tie),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
        MachineRef::Gpu(gpu) => protection(dumont, user, *gpu).await?,
    };
    found.ok_or(Fault::NotFound("association"))
}

/// Most characters of a command that is run when a machine moves.
const HOOK: usize = 8_192;

/// Bounds what a user's commands may hold.
///
/// # Errors
/// The command that is too long.
pub fn check_hooks(hooks: &Hooks) -> Result<(), Fault> {
    let all = [
        ("hooks.on_standby", &hooks.on_standby),
        ("hooks.on_gpu", &hooks.on_gpu),
        ("hooks.before_switch", &hooks.before_switch),
    ];
    for (field, command) in all {
        if command.as_ref().is_some_and(|text| text.chars().count() > HOOK) {
            let message = format!("must have at most {HOOK} characters");
            return Err(Fault::field(field, "out_of_range", message));
        }
    }
    Ok(())
}

/// The association of a GPU; of one that a machine has left, that machine's, so that a page that was
/// open during a failover goes on with where the machine is now.
async fn protection(dumont: &Dumont, user: &UserId, id: GpuId) -> Result<Option<Tie>, Fault> {
    let ties = dumont.store.associations();
    if let Some(tie) = ties.by_gpu(user, id).await? {
        return Ok(Some(tie));
    }
    Ok(ties.history_by_gpu(user, id).await?.into_iter().next())
}

/// The provider's list; without one, why there is none.
pub(super) async fn fleet(
    dumont: &Dumont,
    user: &UserId,
) -> Result<(Option<Fleet>, Option<String>), Fault> {
    match dumont.engine.instances(user).await {
        Ok(fleet) => {
            let error = fleet.error.clone();
            Ok((Some(fleet), error))
        }
        Err(error @ (EngineError::Provider(_) | EngineError::Credentials { .. })) => {
            Ok((None, Some(error.to_string())))
        }
        Err(error) => Err(error.into()),
    }
}

/// What the journal tells of machines.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) active: HashMap<AssociationId, ActiveFailover>,
    pub(super) drills: HashMap<AssociationId, LastDrill>,
    pub(super) errands: HashMap<String, Errand>,
    /// Of those that have some.
    pub(super) keys: HashMap<AssociationId, Vec<SharedHostKey>>,
    pub(super) less: HashMap<GpuId, Vec<LaunchPart>>,
    /// Whether the provider gave its list when it was last asked: else what is not in it is not known.
    pub(super) listed: bool,
    /// The last recorded verdicts of those that this process does not watch.
    pub(super) stored: HashMap<AssociationId, Verdict>,
    /// By which rules its verdict is shown.
    pub(super) policy: VerdictPolicy,
    /// Of the one machine that is asked for: the figures of its failover under way.
    pub(super) figures: Option<Arc<FailoverStatus>>,
}

impl Known {
    /// Of one machine.
    async fn of(dumont: &Dumont, user: &UserId, tie: &Tie) -> Result<Self, Fault> {
        let under_way: Vec<FailoverId> = tie.active_failover.iter().cloned().collect();
        let drill = readiness::last_drill(dumont, user, &tie.id).await?;
        let like = dumont.store.associations().with_host_keys_of(user, &tie.id).await?;
        let shared = PinnedKeys::of(&like).shared_with(tie);
        Ok(Self {
            active: actives(dumont, user, &under_way).await?,
            drills: drill.map(|drill| (tie.id.clone(), drill)).into_iter().collect(),
            errands: HashMap::new(),
            keys: HashMap::from([(tie.id.clone(), shared)]),
            less: dumont.store.intents().left_out(user).await?,
            listed: false,
            stored: stored(dumont, user, std::slice::from_ref(tie)).await?,
            policy: policy(dumont, user).await?,
            figures: figures::of(dumont, user, &under_way).await?.into_iter().next(),
        })
    }
}

/// The GPUs that Dumont is buying or getting rid of, by their number. An adopted one is its user's.
async fn errands(dumont: &Dumont, user: &UserId) -> Result<HashMap<String, Errand>, Fault> {
    let intents = dumont.store.intents().bound(user).await?;
    let bought = intents
        .into_iter()
        .filter(|intent| intent.provider == Provider::Vast)
        .filter_map(|intent| Some((intent.external_id?, Errand::Bought)));
    let disposals = dumont.store.disposals().pending(user).await?;
    let leaving = disposals
        .into_iter()
        .filter(|disposal| disposal.provider == Provider::Vast)
        .map(|disposal| (disposal.external_id, Errand::Leaving));
    Ok(bought.chain(leaving).collect())
}

/// Failovers under way, by their machine.
pub(super) async fn actives(
    dumont: &Dumont,
    user: &UserId,
    under_way: &[FailoverId],
) -> Result<HashMap<AssociationId, ActiveFailover>, Fault> {
    let mut lines = HashMap::new();
    for figures in figures::of(dumont, user, under_way).await?.iter() {
        let waiting = figures.state == FailoverState::Waiting;
        let pause =
            if waiting { Pause::of(dumont, &figures.failover_id).await? } else { Pause::default() };
        let line = ActiveFailover {
            failover_id: figures.failover_id.clone(),
            kind: figures.kind,
            state: figures.state,
            phase: figures.phase,
            started_at: figures.started_at,
            waits: figures.error.clone().filter(|_| waiting),
            waits_for: pause.waits_for,
            retry_at: pause.retry_at.map(Time),
            full: pause.full,
            nearest: pause.nearest,
            searched_at: pause.searched_at.map(Time),
        };
        lines.insert(figures.association_id.clone(), line);
    }
    Ok(lines)
}

/// What the rows of a failover that waits say of its pause.
#[derive(Debug, Default)]
struct Pause {
    waits_for: Option<Wait>,
    retry_at: Option<Millis>,
    full: Option<Full>,
    nearest: Vec<NearMiss>,
    searched_at: Option<Millis>,
}

impl Pause {
    async fn of(dumont: &Dumont, failover: &FailoverId) -> Result<Self, Fault> {
        let now = dumont.now();
        let rows = dumont.store.steps().list(failover).await?;
        // Of what was tried last: what an earlier attempt waited for may be there by now.
        let last = rows.iter().rev().find(|row| row.waits_for().is_some());
        let waits_for = last.and_then(StepRow::waits_for);
        let search = last.filter(|_| waits_for == Some(Wait::Offer));
        let full = last.filter(|_| waits_for == Some(Wait::Limit));
        let full = full.and_then(|row| row.output.get("full"));
        let nearest = search.and_then(|row| row.output.get("nearest"));
        Ok(Self {
            waits_for,
            full: full.and_then(|found| serde_json::from_value(found.clone()).ok()),
            retry_at: rows.iter().filter_map(|row| row.retry_at).filter(|at| *at > now).min(),
            nearest: nearest
                .and_then(|found| serde_json::from_value(found.clone()).ok())
                .unwrap_or_default(),
            searched_at: search.and_then(|row| row.ended_at),
        })
    }
}

pub(super) fn row(
    dumont: &Dumont,
    gpu: Option<&GpuInstance>,
    tie: Option<&Tie>,
    known: &Known,
) -> MachineRow {
    let now = dumont.now();
    let instance = gpu.map(|gpu| Instance::new(gpu, tie));
    let id = tie.map(|tie| tie.gpu).or(gpu.map(|gpu| gpu.id)).unwrap_or(GpuId(0));
    let seen = tie.and_then(|tie| dumont.engine.observations(&tie.id));
    let standby_rate = tie.and_then(|tie| tie.standby.as_ref()).map(|vm| vm.usd_per_hour.usd());
    let gpu_rate = match gpu {
        Some(gpu) => gpu.usd_per_hour.map(domain::money::MicroUsd::usd),
        // Not in the list: it bills nothing, as far as the provider says.
        None => known.listed.then_some(0.0),
    };
    MachineRow {
        gpu_instance_id: id,
        name: name(dumont, gpu, tie),
        serving: tie.map_or_else(|| unprotected(gpu), |tie| tie.serving),
        total_dph: gpu_rate.map(|rate| rate + standby_rate.unwrap_or(0.0)),
        instance,
        association: tie.map(|tie| Association {
            host_key_shared: known.keys.get(&tie.id).cloned().unwrap_or_default(),
            ..Association::new(tie, now).lacking(&known.less)
        }),
        active: tie.and_then(|tie| known.active.get(&tie.id)).cloned(),
        last_drill: tie.and_then(|tie| known.drills.get(&tie.id)).cloned(),
        // What nobody here has looked at is not judged here: another process may watch it.
        verdict: seen
            .filter(is_seen)
            .map(|seen| decide(&seen, &known.policy, now).verdict)
            .or_else(|| tie.and_then(|tie| known.stored.get(&tie.id).copied())),
        errand: known.errands.get(&id.to_string()).copied().filter(|_| tie.is_none()),
    }
}

fn is_seen(seen: &Observations) -> bool {
    seen.ssh.able || seen.provider.at.is_some()
}

/// The last recorded verdicts of those that this process does not watch, as another process may. A verdict is
/// recorded when it changes: that one was well then does not say that it is now, unless it was heard since.
pub(super) async fn stored(
    dumont: &Dumont,
    user: &UserId,
    ties: &[Tie],
) -> Result<HashMap<AssociationId, Verdict>, Fault> {
    let watched = |tie: &Tie| dumont.engine.observations(&tie.id).as_ref().is_some_and(is_seen);
    let others: HashMap<&AssociationId, &Tie> =
        ties.iter().filter(|tie| !watched(tie)).map(|tie| (&tie.id, tie)).collect();
    if others.is_empty() {
        return Ok(HashMap::new());
    }
    let now = dumont.now();
    let newest = dumont.store.verdicts().newest(user).await?;
    let known = newest.into_iter().filter_map(|newest| {
        let tie = others.get(&newest.association).filter(|tie| tie.epoch == newest.epoch)?;
        let heard = newest.heard.filter(|heard| heard.gpu == tie.gpu);
        let lately = heard.is_some_and(|heard| (0..HEARD_MS).contains(&now.since(heard.at)));
        let well = newest.verdict == Verdict::Healthy;
        (!well || lately).then_some((newest.association, newest.verdict))
    });
    Ok(known.collect())
}

/// Within which a GPU that another process watches was heard, ms.
const HEARD_MS: i64 = 25_000;

/// What its user calls it, else its model; a label of ours is no name.
fn name(dumont: &Dumont, gpu: Option<&GpuInstance>, tie: Option<&Tie>) -> String {
    let own = tie.map(|tie| tie.name.clone());
    let label = gpu
        .and_then(|gpu| gpu.label.clone())
        .filter(|label| !label.trim().is_empty() && !dumont.engine.gave_label(label));
    let model = gpu.map(|gpu| format!("{} {}", gpu.gpu_name.as_deref().unwrap_or("GPU"), gpu.id));
    shown(&own.or(label).or(model).unwrap_or_default())
}

fn unprotected(gpu: Option<&GpuInstance>) -> Serving {
    match gpu.map(GpuInstance::state) {
        Some(GpuState::Running | GpuState::Provisioning) => Serving::Gpu,
        _ => Serving::None,
    }
}

fn cycle(row: store::SyncCycle) -> SyncCycle {
    SyncCycle {
        started_at: Time(row.started_at),
        ended_at: Time(row.ended_at),
        source: row.source.to_string(),
        outcome: row.outcome.to_string(),
        files_total: row.files_total,
        bytes_total: row.bytes_total,
        files_sent: Some(row.files_sent),
        bytes_sent: Some(row.bytes_sent),
        files_deleted: Some(row.files_deleted),
        error: row.error,
    }
}
