//! Machines as they stand: rented, protected, followed.

use domain::association::{Association, AssociationState, Hooks, Serving, SyncStatus};
use domain::gpu::{Endpoint, GpuInstance};
use domain::id::{AssociationId, Epoch, GpuId, IntentId, UserId};
use domain::money::MicroUsd;
use domain::offer::GpuSpec;
use domain::standby::{Standby, StandbyState};
use domain::time::{DAY_MS, Millis};
use domain::verdict::{Contact, Observations, ProviderSays, ProviderWord, SelfCheck, Verdict};
use store::{CycleOutcome, CycleSource, Store, StoreError, SyncCycle, VerdictRow};

use super::dice::Dice;

const WORK: [&str; 7] =
    ["llama-sft", "diffusion", "whisper-eval", "rl-arena", "embed", "nerf", "ocr"];
const MODELS: [(&str, i64, i64); 5] = [
    ("RTX 4090", 24_564, 412_000),
    ("RTX 3090", 24_576, 198_000),
    ("A100 SXM4", 81_920, 1_180_000),
    ("L40S", 46_068, 690_000),
    ("H100 SXM", 81_559, 2_240_000),
];
const PLACES: [&str; 5] =
    ["Texas, US", "California, US", "Sweden, SE", "São Paulo, BR", "Czechia, CZ"];
/// Syncs that the page of a machine shows.
const CYCLES: i64 = 20;

/// A machine that was protected at `born`, on its first GPU.
pub(super) fn new(user: &UserId, number: i64, born: Millis, dice: &mut Dice) -> Association {
    let [first, others @ ..] = MODELS;
    let (model, memory, rate) = dice.pick(first, &others);
    let [place, places @ ..] = PLACES;
    let [work, works @ ..] = WORK;
    let last = number % 250 + 1;
    Association {
        id: AssociationId::new(dice.id(born)),
        user: user.clone(),
        gpu: GpuId(30_000_000 + number),
        name: format!("{}-{number:03}", dice.pick(work, &works)),
        workspace: "/workspace".into(),
        image: Some("pytorch/pytorch:2.9.0-cuda12.6-cudnn9-runtime".into()),
        spec: GpuSpec {
            gpu_name: Some(model.into()),
            num_gpus: Some(if dice.percent(15) { 4 } else { 1 }),
            gpu_ram_mb: Some(memory),
            disk_gb: Some(64.0),
            usd_per_hour: Some(MicroUsd(rate + dice.between(-9_000, 9_000))),
            machine_id: Some(10_000 + number),
            geolocation: Some(dice.pick(place, &places).into()),
        },
        hooks: Hooks {
            on_standby: Some("bash /workspace/job.sh start".into()),
            on_gpu: Some("bash /workspace/job.sh start".into()),
            before_switch: Some("bash /workspace/job.sh stop".into()),
        },
        state: AssociationState::Following,
        reason: None,
        serving: Serving::Gpu,
        want_running: true,
        sync_enabled: true,
        epoch: Epoch(1),
        gpu_endpoint: Some(Endpoint { host: format!("127.78.9.{last}"), port: 40_022 }),
        gpu_host_key: Some(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMeasuredOnlyMeasuredOnlyMeasured".into(),
        ),
        standby: Some(Standby {
            intent: IntentId::new(dice.id(born)),
            name: format!("dumont-sb-{number:03}-{:06x}", dice.next() & 0xff_ffff),
            project: "measured".into(),
            zone: "europe-west1-b".into(),
            machine_type: "e2-medium".into(),
            disk_gb: 100,
            spot: true,
            usd_per_hour: MicroUsd(25_831),
            state: StandbyState::Ready,
            reason: None,
            endpoint: Some(Endpoint { host: format!("127.77.9.{last}"), port: 22 }),
            host_key: None,
            public_key: None,
            created_at: born,
        }),
        sync: SyncStatus::default(),
        active_failover: None,
        created_at: born,
    }
}

/// The last words of its observers, lost or not.
pub(super) fn evidence(at: Millis, lost: Option<ProviderSays>) -> Observations {
    let contact = |silent: bool, word: &str| Contact {
        able: true,
        last_ok: Some(at.plus(if silent { -1_800 } else { -300 })),
        failing_since: silent.then(|| at.plus(-1_400)),
        word: silent.then(|| word.to_owned()),
    };
    Observations {
        ssh: contact(lost.is_some(), "no answer within 400 ms"),
        standby: contact(lost.is_some(), "connection refused"),
        provider: ProviderWord {
            says: Some(lost.unwrap_or(ProviderSays::Up)),
            at: Some(at.plus(-700)),
            error: None,
        },
        want_running: true,
        own: SelfCheck { unwell_until: None, others_reachable: Some(true), word: None },
    }
}

/// Brings its measurements up to the present.
pub(super) async fn measure(
    store: &Store,
    machine: &Association,
    epoch: Epoch,
    now: Millis,
    dice: &mut Dice,
) -> Result<(), StoreError> {
    let (files, bytes) = (dice.between(800, 90_000), dice.between(2_000_000_000, 60_000_000_000));
    for back in (0..CYCLES).rev() {
        let begun = now.plus(-1_200 - back * 30_000);
        let changed = dice.between(0, 12);
        let cycle = SyncCycle {
            id: dice.id(begun),
            association: machine.id.clone(),
            epoch,
            started_at: begun,
            ended_at: begun.plus(dice.between(180, 900)),
            source: if changed > 6 { CycleSource::Change } else { CycleSource::Interval },
            outcome: CycleOutcome::Ok,
            files_total: Some(files),
            bytes_total: Some(bytes),
            files_sent: changed,
            bytes_sent: changed * 180_000,
            files_deleted: 0,
            versions_path: None,
            error: None,
        };
        store.sync_cycles().insert(&cycle).await?;
    }
    let sync = SyncStatus {
        count: dice.between(9_000, 250_000),
        complete_to: Some(now.plus(-1_200)),
        last_sync_at: Some(now.plus(-600)),
        files: Some(files),
        bytes: Some(bytes),
        pending_files: Some(dice.between(0, 4)),
        pending_bytes: Some(dice.between(0, 900_000)),
        problem: None,
        path: None,
        why_rsync: None,
        gaps: None,
        point: None,
        drift: None,
    };
    let Some(standby) = &machine.standby else { return Ok(()) };
    store.associations().set_sync(&machine.id, epoch, &standby.intent, &sync).await
}

/// Records what its observers came to.
pub(super) async fn verdict(
    store: &Store,
    machine: &Association,
    epoch: Epoch,
    at: Millis,
    verdict: Verdict,
    lost: Option<(ProviderSays, domain::verdict::Cause)>,
) -> Result<(), StoreError> {
    let row = VerdictRow {
        association: machine.id.clone(),
        epoch,
        at,
        verdict,
        cause: lost.filter(|_| verdict == Verdict::ConfirmedLost).map(|(_, cause)| cause),
        evidence: evidence(at, lost.map(|(says, _)| says)),
    };
    store.verdicts().insert(&row).await
}

/// The machine's GPU as the provider lists it.
pub(super) fn listed(
    machine: &Association,
    gpu: GpuId,
    now: Millis,
    dice: &mut Dice,
) -> GpuInstance {
    let running = || Some("running".to_owned());
    GpuInstance {
        id: gpu,
        machine_id: machine.spec.machine_id,
        label: Some(machine.name.clone()),
        actual_status: running(),
        intended_status: running(),
        cur_state: running(),
        next_state: running(),
        status_msg: Some(
            "success, running pytorch/pytorch_2.9.0-cuda12.6-cudnn9-runtime/ssh".into(),
        ),
        ssh: machine.gpu_endpoint.clone(),
        public_ip: Some("198.51.100.7".into()),
        gpu_name: machine.spec.gpu_name.clone(),
        num_gpus: machine.spec.num_gpus,
        gpu_ram_mb: machine.spec.gpu_ram_mb,
        cpu_cores: Some(16.0),
        cpu_ram_mb: Some(64_312),
        disk_gb: machine.spec.disk_gb,
        usd_per_hour: machine.spec.usd_per_hour,
        is_bid: dice.percent(80),
        bid: machine.spec.usd_per_hour,
        min_bid: Some(MicroUsd(100_000)),
        image: machine.image.clone(),
        geolocation: machine.spec.geolocation.clone(),
        reliability: Some(0.987),
        started_at: Some(now.plus(-dice.between(DAY_MS / 4, 9 * DAY_MS))),
        gpu_util: Some(97.0),
        gpu_temp: Some(68.0),
    }
}
