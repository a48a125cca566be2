//! The story that the fake control plane tells: a machine that was lost and came back, one that is
//! on its standby now, one that nobody protects.

use domain::association::{AssociationState, Hooks, Serving};
use domain::audit::{Action, Credential, Outcome as AuditOutcome};
use domain::failover::{FailoverState, Kind, Outcome, Phase, Role, StepName};
use domain::gpu::GpuState;
use domain::id::{AssociationId, Epoch, FailoverId, GpuId, NotificationId};
use domain::notification::{NewsKind, Wait};
use domain::policy::FailoverSettings;
use domain::provider::Provider;
use domain::report::whereabouts;
use domain::standby::StandbyState;
use domain::time::{DAY_MS, HOUR_MS, Millis};
use domain::verdict::{Cause, Verdict};
use domain::view::Time;
use domain::view::account::*;
use domain::view::audit::{AuditEntry, AuditLog};
use domain::view::balance::Balance;
use domain::view::configure::*;
use domain::view::failover::*;
use domain::view::instance::Instance;
use domain::view::machine::*;
use domain::view::notification::*;
use domain::view::offer::{Offer, Offers};
use domain::view::readiness::*;
use domain::view::report::*;
use domain::view::settings::*;
use domain::view::standby::*;

/// 2026-09-21 14:15:23 UTC.
pub(crate) const NOW: Millis = Millis(1_790_000_123_456);

/// So many milliseconds ago.
pub(crate) fn ago(ms: i64) -> Time {
    Time(NOW.plus(-ms))
}

pub(crate) fn user() -> User {
    let settings = UserSettings { locale: None, theme: None };
    let role = domain::access::AccountRole::Administrator;
    User { email: "ana@lab.example".into(), username: "ana".into(), role, settings }
}

pub(crate) fn balance() -> Balance {
    Balance {
        credit: Some(24.47),
        balance: Some(24.47),
        balance_threshold: Some(5.0),
        email: Some("ana@lab.example".into()),
        burn_per_hour: Some(1.236),
        hours_left: Some(19.8),
        as_of: ago(4_000),
        stale_error: None,
        low: Some(false),
    }
}

/// 27 deletions that were held back, two of them by name.
pub(crate) fn held() -> HeldDeletions {
    let one = |path: &str, bytes| domain::frozen::Deletion { path: path.into(), bytes };
    HeldDeletions {
        reason: Some("the GPU's workspace lost 27 of 30 files at once; the standby keeps them until you say otherwise".into()),
        digest: Some("d1".repeat(32)),
        files: 27,
        folders: 1,
        bytes: Some(5_400_000),
        listed: vec![one("runs/", None), one("runs/\u{202e}step-1 <b>.pt", Some(200_000))],
        more: 26,
        seen_at: Some(ago(90_000)),
        decision: None,
        problem: None,
    }
}

fn instance(id: i64, model: &str, label: &str, rate: f64) -> Instance {
    Instance {
        id: GpuId(id),
        status: GpuState::Running,
        actual_status: Some("running".into()),
        status_msg: None,
        gpu_name: Some(model.into()),
        num_gpus: Some(1),
        gpu_ram: Some(24.0),
        cpu_cores: Some(16.0),
        cpu_ram: Some(64.0),
        disk_space: Some(40.0),
        dph_total: Some(rate),
        public_ipaddr: Some("203.0.113.7".into()),
        ssh_host: Some("203.0.113.7".into()),
        ssh_port: Some(40_022),
        start_date: Some(ago(3 * DAY_MS)),
        label: Some(label.into()),
        ports: Default::default(),
        gpu_util: Some(97.0),
        gpu_temp: Some(71.0),
        image: Some("nvidia/cuda:12.6.3-base-ubuntu24.04".into()),
        geolocation: Some("Texas, US".into()),
        is_bid: true,
        provider: Provider::Vast,
        cpu_standby: None,
        total_dph: Some(rate),
    }
}

fn association(id: i64, name: &str, state: AssociationState, serving: Serving) -> Association {
    Association {
        association_id: AssociationId::new(format!("tie-{id}")),
        gpu_instance_id: GpuId(id),
        name: name.into(),
        cpu_standby: Some(AssociatedStandby {
            name: format!("dumont-sb-{id}"),
            zone: "europe-west1-b".into(),
            ip: Some("198.51.100.4".into()),
            ssh_port: Some(22),
            machine_type: "e2-medium".into(),
            disk_gb: 100,
            spot: true,
            status: StandbyState::Ready,
            reason: None,
            dph_total: 0.0258,
            created_at: ago(3 * DAY_MS),
        }),
        sync_enabled: true,
        state,
        reason: None,
        serving,
        sync_count: 8_640,
        last_sync_at: Some(ago(1_100)),
        recovery_point_at: Some(ago(1_400)),
        lag_seconds: (serving == Serving::Gpu).then_some(1.4),
        follows: serving == Serving::Gpu && state == AssociationState::Following,
        pending_files: Some(2),
        pending_bytes: Some(1_240_000),
        files: Some(12_480),
        bytes: Some(18_400_000_000),
        sync_problem: None,
        follows_by: None,
        why_rsync: None,
        gaps: None,
        drift: None,
        drift_at: None,
        deletions: None,
        left_out: Vec::new(),
        host_key_shared: Vec::new(),
        epoch: Epoch(3),
        gpu_failed: serving == Serving::Standby,
        failure_reason: None,
        active_failover: None,
        workspace: "/workspace".into(),
        hooks: Hooks::default(),
        created_at: ago(3 * DAY_MS),
    }
}

fn last_drill() -> LastDrill {
    LastDrill {
        failover_id: FailoverId::new("0199-old"),
        started_at: ago(DAY_MS * 2),
        success: Some(true),
        total_time_ms: Some(61_400),
        ending: Some(Ending::Passed),
        data_restored: Some(true),
    }
}

pub(crate) fn row() -> MachineRow {
    MachineRow {
        gpu_instance_id: GpuId(7_001),
        name: "llama-ft".into(),
        serving: Serving::Gpu,
        instance: Some(instance(7_001, "RTX 4090", "llama-ft", 0.412)),
        association: Some(association(
            7_001,
            "llama-ft",
            AssociationState::Following,
            Serving::Gpu,
        )),
        active: None,
        last_drill: Some(last_drill()),
        verdict: Some(Verdict::Healthy),
        total_dph: Some(0.4378),
        errand: None,
    }
}

pub(crate) fn away() -> MachineRow {
    MachineRow {
        gpu_instance_id: GpuId(7_002),
        name: "diffusion-eval".into(),
        serving: Serving::Standby,
        instance: None,
        association: Some(association(
            7_002,
            "diffusion-eval",
            AssociationState::FailingOver,
            Serving::Standby,
        )),
        active: Some(ActiveFailover {
            failover_id: FailoverId::new("0199-now"),
            kind: Kind::Real,
            state: FailoverState::Running,
            phase: Phase::Provisioning,
            started_at: ago(42_000),
            waits: None,
            waits_for: None,
            retry_at: None,
            full: None,
            nearest: Vec::new(),
            searched_at: None,
        }),
        last_drill: None,
        verdict: Some(Verdict::ConfirmedLost),
        total_dph: Some(0.0258),
        errand: None,
    }
}

pub(crate) fn bare() -> MachineRow {
    MachineRow {
        gpu_instance_id: GpuId(7_003),
        name: "scratch".into(),
        serving: Serving::Gpu,
        instance: Some(instance(7_003, "A100 SXM4", "scratch", 0.798)),
        association: None,
        active: None,
        last_drill: None,
        verdict: None,
        total_dph: Some(0.798),
        errand: None,
    }
}

/// The GPU that a failover has left behind.
pub(crate) fn leaving() -> MachineRow {
    MachineRow {
        gpu_instance_id: GpuId(7_009),
        name: "RTX 4090 7009".into(),
        serving: Serving::None,
        errand: Some(Errand::Leaving),
        ..bare()
    }
}

pub(crate) fn machines() -> MachinesPage {
    MachinesPage {
        machines: vec![away(), row(), bare()],
        as_of: Some(ago(2_000)),
        stale_error: None,
        missing: Vec::new(),
        sandbox: false,
        shared: Vec::new(),
        offers: 0,
        now: Time(NOW),
    }
}

pub(crate) fn readiness() -> Readiness {
    let check = |key: &str, ok, message: &str| ReadinessCheck {
        key: key.into(),
        ok,
        message: message.into(),
    };
    Readiness {
        machine_id: AssociationId::new("machine"),
        gpu_instance_id: GpuId(7_001),
        ready: false,
        overall_ready: false,
        effective_strategy: "cpu_standby".into(),
        cpu_standby_ready: true,
        as_of: Time(NOW),
        checks: vec![
            check("standby_ready", true, "ready"),
            check("standby_answers", true, "answers"),
            check("synced", true, "1 s ago"),
            check("sync_on", true, "following"),
            check("on_gpu", true, "gpu"),
            check("auto_failover", true, "on"),
            check("offers", true, "12"),
            check("credit", false, "$0.31"),
        ],
        blockers: vec!["credit".into()],
        left_out: Vec::new(),
        last_drill: Some(last_drill()),
    }
}

pub(crate) fn dry_run() -> DryRun {
    DryRun {
        dry_run: true,
        would_succeed: true,
        steps: vec!["detect".into()],
        blockers: Vec::new(),
        estimated_cost_usd: Some(0.398),
        offers_available: Some(12),
    }
}

fn witness(observer: &str, last: Option<i64>, failing: Option<i64>, word: &str) -> Witness {
    Witness {
        observer: observer.into(),
        able: true,
        last_ok: last.map(ago),
        failing_since: failing.map(ago),
        word: Some(word.into()),
    }
}

pub(crate) fn machine() -> MachinePage {
    let cycle = |n: i64| SyncCycle {
        started_at: ago(n * 30_000 + 1_400),
        ended_at: ago(n * 30_000 + 1_100),
        source: "change".into(),
        outcome: "ok".into(),
        files_total: Some(12_480),
        bytes_total: Some(18_400_000_000),
        files_sent: Some(3),
        bytes_sent: Some(1_240_000),
        files_deleted: Some(0),
        error: None,
    };
    MachinePage {
        row: row(),
        failover: None,
        readiness: Some(readiness()),
        observers: vec![
            witness("ssh", Some(400), None, "ok"),
            witness("standby", Some(900), None, "ok"),
            witness("provider", Some(3_200), None, "up"),
            witness("self", None, None, "on time"),
        ],
        verdicts: vec![VerdictRow {
            at: ago(3 * HOUR_MS),
            verdict: Verdict::Healthy,
            evidence: Vec::new(),
        }],
        cycles: (0..4).map(cycle).collect(),
        history: report().history.into_iter().take(2).collect(),
        auto_recovery: true,
        shared: None,
        whereabouts: whereabouts(&report().history, &[], ago(7 * DAY_MS).0, NOW),
        as_of: Some(ago(3_000)),
        stale_error: None,
        sandbox: false,
        now: Time(NOW),
    }
}

pub(crate) fn offers() -> Offers {
    let offer = |id: i64, model: &str, price: f64| Offer {
        id,
        gpu_name: model.into(),
        num_gpus: 1,
        gpu_ram: 24.0,
        cpu_cores: 16.0,
        cpu_ram: 64.0,
        disk_space: 480.0,
        inet_down: 812.0,
        inet_up: 640.0,
        dph_total: price,
        geolocation: Some("Texas, US".into()),
        reliability: 0.9951,
        cuda_version: Some(12.6),
        verified: true,
        static_ip: false,
        machine_id: Some(4_411),
        min_bid: Some(price * 0.6),
    };
    let offers = vec![
        offer(501, "RTX 3090", 0.211),
        offer(502, "RTX 4090", 0.398),
        offer(503, "A100 SXM4", 0.771),
    ];
    Offers { count: offers.len(), offers, as_of: Time(NOW) }
}

fn phases() -> Vec<(Phase, i64, i64, i64)> {
    vec![
        (Phase::Detecting, 0, 1_480, 0),
        (Phase::GpuLost, 1_480, 1_890, 320),
        (Phase::FailoverToCpu, 1_890, 2_900, 120),
        (Phase::SearchingGpu, 1_900, 2_510, 590),
        (Phase::Provisioning, 2_510, 62_300, 59_100),
        (Phase::Restoring, 62_300, 74_213, 240),
    ]
}

const START: i64 = 3 * HOUR_MS;

fn step(
    seq: i64,
    step: StepName,
    from: i64,
    to: Option<i64>,
    provider: i64,
    outcome: Option<Outcome>,
) -> JournalRow {
    JournalRow {
        seq,
        step,
        phase: step.phase(),
        round: 0,
        attempt: 1,
        started_at: ago(START - from),
        ended_at: to.map(|to| ago(START - to)),
        outcome,
        retry_at: None,
        provider_ms: provider,
        error: None,
    }
}

fn station(gpu: i64, model: &str, place: &str, rate: f64) -> Station {
    Station {
        gpu_instance_id: Some(GpuId(gpu)),
        gpu_name: Some(model.into()),
        num_gpus: Some(1),
        geolocation: Some(place.into()),
        usd_per_hour: Some(rate),
        ssh_host: Some("203.0.113.7".into()),
        ssh_port: Some(40_022),
    }
}

/// Lost, on the standby after 2.9 s, on a new GPU after 74.2 s.
pub(crate) fn failover() -> FailoverPage {
    let ok = Some(Outcome::Ok);
    let mut refused = step(5, StepName::Buy, 2_510, Some(3_120), 600, Some(Outcome::Retry));
    refused.error = Some("offer 502 is no longer available".into());
    let mut again = step(6, StepName::Buy, 3_130, Some(4_020), 880, ok);
    again.attempt = 2;
    FailoverPage {
        status: FailoverStatus {
            failover_id: FailoverId::new("0199-done"),
            association_id: AssociationId::new("tie-7001"),
            machine_name: "llama-ft".into(),
            gpu_instance_id: GpuId(6_990),
            kind: Kind::Real,
            reason: "host_offline".into(),
            cause: Cause::HostOffline,
            state: FailoverState::Complete,
            phase: Phase::Complete,
            started_at: ago(START),
            completed_at: Some(ago(START - 76_000)),
            success: Some(true),
            ending: Some(Ending::OnGpu),
            new_gpu_id: Some(GpuId(7_001)),
            left_out: Vec::new(),
            data_restored: Some(true),
            phase_timings_ms: phases()
                .into_iter()
                .map(|(name, from, to, _)| (name, to - from))
                .collect(),
            phases: phases()
                .into_iter()
                .map(|(name, from, to, provider_ms)| PhaseWindow {
                    name,
                    started_at: ago(START - from),
                    ended_at: Some(ago(START - to)),
                    provider_ms,
                    waiting_ms: 0,
                    own_ms: to - from - provider_ms,
                })
                .collect(),
            provider_ms: 60_370,
            waiting_ms: 0,
            own_ms: 13_843,
            before: Some(station(6_990, "RTX 3090", "Texas, US", 0.31)),
            after: Some(station(7_001, "RTX 4090", "Oregon, US", 0.412)),
            time_to_cpu_ms: Some(2_900),
            total_time_ms: Some(74_213),
            rpo_ms: Some(1_100),
            recovery_point_at: Some(ago(START + 1_100)),
            files_verified: Some(12_480),
            bytes_verified: Some(18_400_000_000),
            files_lost: Some(vec![
                "logs/train.log".into(),
                "ckpt/step-8812.tmp".into(),
                "ckpt/latest".into(),
            ]),
            files_lost_more: false,
            gaps: None,
            freeze_ms: Some(820),
            cost_usd: 0.0083,
            instances: vec![
                TouchedInstance {
                    provider: Provider::Vast,
                    id: InstanceId::Number(6_990),
                    role: Role::OldGpu,
                    fate: Fate::Destroyed,
                    verified_gone_at: Some(ago(START - 80_000)),
                    kept_until: None,
                    late_writes: None,
                    usd_per_hour: None,
                    cost_usd: None,
                },
                TouchedInstance {
                    provider: Provider::Gcp,
                    id: InstanceId::Name("dumont-sb-7001".into()),
                    role: Role::Standby,
                    fate: Fate::Kept,
                    verified_gone_at: None,
                    kept_until: None,
                    late_writes: None,
                    usd_per_hour: None,
                    cost_usd: None,
                },
                TouchedInstance {
                    provider: Provider::Vast,
                    id: InstanceId::Number(7_001),
                    role: Role::NewGpu,
                    fate: Fate::Kept,
                    verified_gone_at: None,
                    kept_until: None,
                    late_writes: None,
                    usd_per_hour: Some(0.412),
                    cost_usd: Some(0.0083),
                },
            ],
            options: RequestedOptions {
                from_standby: false,
                new_gpu: true,
                restore: true,
                accept_gaps: false,
            },
            rounds: 0,
            error: None,
            progress: None,
            sandbox: false,
        },
        evidence: vec![
            witness("ssh", Some(START), Some(START - 900), "connection timed out"),
            witness("standby", Some(START + 200), Some(START - 1_000), "connection timed out"),
            witness("provider", Some(START - 1_300), None, "host_lost"),
            witness("self", None, None, "on time; 4 of 4 other hosts answer"),
        ],
        suspect_at: Some(ago(START - 1_010)),
        confirmed_at: Some(ago(START - 1_440)),
        journal: vec![
            step(1, StepName::Detect, 1_440, Some(1_480), 0, ok),
            step(2, StepName::Fence, 1_480, Some(1_890), 320, ok),
            step(3, StepName::Takeover, 1_890, Some(2_900), 120, ok),
            step(4, StepName::Search, 1_900, Some(2_510), 590, ok),
            refused,
            again,
            step(7, StepName::Boot, 4_030, Some(62_300), 57_600, ok),
            step(8, StepName::Restore, 62_300, Some(71_800), 0, ok),
            step(9, StepName::Delta, 71_800, Some(72_500), 0, ok),
            step(10, StepName::Verify, 72_500, Some(73_900), 0, ok),
            step(11, StepName::Switch, 73_900, Some(74_213), 240, ok),
            step(12, StepName::Retire, 74_220, Some(76_000), 1_700, ok),
        ],
        hooks: vec![HookRun {
            step: StepName::Takeover,
            result: domain::failover::HookResult {
                status: Some(0),
                output: "resumed on CPU".into(),
            },
        }],
        waits_for: None,
        shared: None,
        as_of: Time(NOW),
    }
}

/// The same, 42 s after its beginning.
pub(crate) fn failover_running() -> FailoverPage {
    let mut page = failover();
    let shift = START - 42_000;
    let later = |at: &mut Time| at.0 = at.0.plus(shift);
    page.status.state = FailoverState::Running;
    page.status.phase = Phase::Provisioning;
    page.status.completed_at = None;
    page.status.success = None;
    page.status.ending = None;
    page.status.after = None;
    page.status.new_gpu_id = None;
    page.status.data_restored = None;
    page.status.total_time_ms = None;
    page.status.files_verified = None;
    page.status.bytes_verified = None;
    page.status.freeze_ms = None;
    page.status.phases.truncate(5);
    page.status.phases[4].ended_at = None;
    page.journal.truncate(7);
    page.journal[6].ended_at = None;
    page.journal[6].outcome = None;
    page.status.instances[0].fate = Fate::Pending;
    page.status.instances[0].verified_gone_at = None;
    page.status.instances[2].role = Role::Candidate;
    page.status.instances[2].fate = Fate::Pending;
    later(&mut page.status.started_at);
    for window in &mut page.status.phases {
        later(&mut window.started_at);
        window.ended_at.as_mut().map(later);
    }
    for row in &mut page.journal {
        later(&mut row.started_at);
        row.ended_at.as_mut().map(later);
    }
    page.suspect_at.as_mut().map(later);
    page.confirmed_at.as_mut().map(later);
    page.hooks.clear();
    page
}

/// The running one, half-way through its restore.
pub(crate) fn failover_restoring() -> FailoverPage {
    let mut page = failover_running();
    page.status.phase = Phase::Restoring;
    page.status.progress = Some(TransferProgress {
        step: StepName::Restore,
        files: 1_204,
        files_total: Some(3_310),
        bytes: Some(1_200_000_000),
        bytes_total: Some(4_800_000_000),
        bytes_per_second: Some(84_000_000),
        files_per_second: Some(84.2),
        left_ms: Some(42_000),
        as_of: Time(NOW),
    });
    page
}

fn note(id: i64, kind: NewsKind, age_ms: i64, read: bool) -> Notification {
    let of_failover = kind.as_str().starts_with("failover") || kind == NewsKind::OnStandby;
    Notification {
        id: NotificationId(id),
        kind,
        severity: kind.severity(),
        failover_id: of_failover.then(|| FailoverId::new("0199-done")),
        association_id: Some(AssociationId::new("tie-7001")),
        gpu_instance_id: Some(GpuId(7_001)),
        machine_name: Some("llama-ft".into()),
        owner: None,
        at: ago(age_ms),
        read_at: read.then(|| ago(age_ms - 1_000)),
        sandbox: false,
        figures: NotificationFigures {
            failover_kind: of_failover.then_some(Kind::Real),
            ..NotificationFigures::default()
        },
    }
}

pub(crate) fn notifications() -> Notifications {
    let mut low = note(60, NewsKind::CreditLow, 30_000, false);
    low.machine_name = None;
    low.gpu_instance_id = None;
    low.figures.credit_usd = Some(0.31);
    low.figures.needed_usd = Some(0.412);
    let mut complete = note(57, NewsKind::FailoverComplete, START - 76_000, false);
    complete.figures.time_to_cpu_ms = Some(2_900);
    complete.figures.total_time_ms = Some(74_213);
    let mut waiting = note(54, NewsKind::FailoverWaiting, START - 30_000, false);
    waiting.figures.waits_for = Some(Wait::Offer);
    let mut frozen = note(40, NewsKind::SyncFrozen, DAY_MS, true);
    frozen.figures.would_delete = Some(1_200);
    frozen.figures.of_files = Some(3_310);
    let mut started = note(50, NewsKind::FailoverStarted, START, true);
    started.figures.cause = Some(Cause::HostOffline);
    let notifications = vec![
        low,
        complete,
        waiting,
        note(52, NewsKind::OnStandby, START - 2_900, true),
        started,
        frozen,
        note(38, NewsKind::StandbyBack, 2 * DAY_MS, true),
        note(37, NewsKind::StandbyPreempted, 2 * DAY_MS + 60_000, true),
    ];
    Notifications { notifications, unread_count: 3, next_before: Some(NotificationId(37)) }
}

fn history(n: i64, kind: Kind, cause: Cause, state: FailoverState) -> HistoryRow {
    let good = state == FailoverState::Complete;
    HistoryRow {
        failover_id: FailoverId::new(format!("0199-{n}")),
        association_id: AssociationId::new("tie-7001"),
        machine_name: "llama-ft".into(),
        gpu_instance_id: GpuId(6_990 - n),
        kind,
        cause,
        state,
        phase: if good { Phase::Complete } else { Phase::Failed },
        started_at: ago(START + n * 2 * DAY_MS),
        completed_at: Some(ago(START + n * 2 * DAY_MS - 76_000)),
        success: Some(good),
        ending: Some(if good { Ending::OnGpu } else { Ending::OnStandby }),
        new_gpu_id: good.then_some(GpuId(7_001)),
        data_restored: Some(good),
        time_to_cpu_ms: Some(2_900 + n * 130),
        total_time_ms: good.then_some(74_213 + n * 4_400),
        provider_ms: 60_370,
        waiting_ms: 0,
        own_ms: 13_843,
        rpo_ms: Some(1_100),
        files_verified: good.then_some(12_480),
        cost_usd: 0.0083,
        sandbox: false,
        error: (!good).then(|| "no offer below $0.82 per hour for 30 min".into()),
    }
}

/// A failure a week ago, and a success or two now and then.
fn trend() -> Vec<TrendPart> {
    (0..30_i64)
        .rev()
        .map(|day| {
            let succeeded = if day % 7 == 1 { 2 } else { usize::from(day % 5 == 0) };
            TrendPart {
                from: ago((day + 1) * DAY_MS),
                until: ago(day * DAY_MS),
                succeeded,
                on_standby: 0,
                failed: usize::from(day == 8),
                others: 0,
                mttr_p50_ms: (succeeded > 0).then_some(61_000 + day * 900),
            }
        })
        .collect()
}

pub(crate) fn report() -> FailoverReport {
    let phase = |pick: fn(&(Phase, i64, i64, i64)) -> i64| {
        phases().iter().map(|one| (one.0, Some(pick(one)))).collect()
    };
    FailoverReport {
        period_days: 30,
        kind: Kind::Real,
        sandbox: false,
        as_of: Time(NOW),
        total_failovers: 5,
        successful_failovers: 4,
        on_standby_failovers: 0,
        failed_failovers: 1,
        cancelled_failovers: 0,
        active_failovers: 0,
        success_rate: Some(80.0),
        mttr_ms: Some(80_100),
        mttr_seconds: Some(80.1),
        mttr_p50_ms: Some(78_600),
        mttr_p95_ms: Some(91_800),
        time_to_cpu_p50_ms: Some(3_030),
        latency_by_phase_ms: phase(|one| one.2 - one.1),
        latency_by_phase_p50_ms: phase(|one| one.2 - one.1),
        provider_by_phase_ms: phase(|one| one.3),
        waiting_by_phase_ms: phase(|_| 0),
        own_by_phase_ms: phase(|one| one.2 - one.1 - one.3),
        data_restored_count: 4,
        data_restored_of: 5,
        gpus_provisioned_count: 4,
        gpus_provisioned_of: 5,
        standby_time_ms: Some(286_000),
        cost_usd: Some(0.0332),
        primary_cause: Some(Cause::HostOffline),
        trend: trend(),
        history: vec![
            history(0, Kind::Real, Cause::HostOffline, FailoverState::Complete),
            history(1, Kind::Real, Cause::Outbid, FailoverState::Complete),
            history(2, Kind::Real, Cause::HostOffline, FailoverState::Failed),
            history(3, Kind::Real, Cause::Silent, FailoverState::Complete),
            history(4, Kind::Real, Cause::HostOffline, FailoverState::Complete),
        ],
    }
}

pub(crate) fn settings() -> Settings {
    let good = |account: &str, last: &str| SecretStatus {
        is_set: true,
        last4: Some(last.into()),
        checked_at: Some(ago(2 * HOUR_MS)),
        status: SecretState::Ok,
        message: None,
        account: Some(account.into()),
        from_environment: false,
    };
    Settings {
        gcp_zones: domain::pricing::ZONES.iter().map(|&zone| zone.to_owned()).collect(),
        vast_api_key: good("ana@lab.example", "9f3c"),
        gcp_credentials: good("lab-gpu · dumont@lab-gpu.iam.gserviceaccount.com", "81d2"),
        locale: None,
        theme: None,
        standby: StandbyConfig::from(&FailoverSettings {
            auto_standby: true,
            ..FailoverSettings::default()
        }),
    }
}

pub(crate) fn tokens() -> Tokens {
    let token = Token {
        id: "tok-1".into(),
        name: "training script".into(),
        scope: domain::access::Scope::Operate,
        last4: "x7Qa".into(),
        created_at: ago(9 * DAY_MS),
        last_used_at: Some(ago(HOUR_MS)),
        expires_at: None,
    };
    Tokens { tokens: vec![token], count: 1 }
}

pub(crate) fn sessions() -> Sessions {
    let session = |id: &str, current| Session {
        id: id.into(),
        kind: if current { SessionKind::Browser } else { SessionKind::Api },
        current,
        created_at: ago(DAY_MS),
        last_seen_at: Some(ago(60_000)),
        expires_at: ago(-29 * DAY_MS),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0".into()),
        ip: Some("203.0.113.50".into()),
    };
    Sessions { sessions: vec![session("s1", true), session("s2", false)], count: 2 }
}

pub(crate) fn audit() -> AuditLog {
    let entry =
        |action: Action, credential, outcome: AuditOutcome, object: Option<&str>| AuditEntry {
            id: format!("audit-{action}"),
            at: ago(HOUR_MS),
            action,
            area: action.area(),
            object: object.map(str::to_owned),
            credential,
            credential_name: (credential == Credential::ApiToken)
                .then(|| "training script".to_owned()),
            actor: None,
            ip: Some("203.0.113.50".into()),
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0".into()),
            outcome,
            code: (outcome == AuditOutcome::Refused).then(|| "wrong_password".to_owned()),
        };
    AuditLog {
        entries: vec![
            entry(Action::Drill, Credential::ApiToken, AuditOutcome::Done, Some("7001")),
            entry(Action::LogIn, Credential::Session, AuditOutcome::Refused, None),
        ],
        next_before: Some("audit-x".into()),
    }
}
