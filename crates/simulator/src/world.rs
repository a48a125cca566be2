//! The outside as it really is, whatever anyone believes of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::gpu::{Endpoint, GpuInstance};
use domain::id::GpuId;
use domain::money::MicroUsd;
use domain::time::Millis;
use providers::gcp::{StandbyVm, VmStatus};
use tokio::time::Instant;

use crate::chance::Dice;
use crate::plan::Purchase;

/// The time of day at which every world begins.
pub(crate) const EPOCH_MS: i64 = 1_800_000_000_000;
/// How long a new GPU takes until it runs, ms.
const BOOT_MS: u64 = 4_000;
/// The look-alike that nobody here bought.
pub(crate) const DECOY: i64 = 900;

/// Which writes a workspace holds.
pub(crate) type Content = BTreeSet<u64>;

/// A machine that can be logged in to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Host {
    /// Nothing answers there.
    pub(crate) down: bool,
    /// Answers from then on.
    pub(crate) silent_until: u64,
    /// Grows with each start.
    pub(crate) boot: u64,
    pub(crate) content: Content,
    /// Work that writes runs here.
    pub(crate) writes: bool,
    pub(crate) held: bool,
    /// Epoch on a standby.
    pub(crate) epoch: i64,
    /// Where the GPU is that a standby follows.
    pub(crate) trusted: Option<String>,
    /// Commands begun, by name and start.
    pub(crate) begun: BTreeSet<String>,
    pub(crate) drills: BTreeMap<String, Content>,
    pub(crate) late: Content,
    /// What a GPU that was left held when it was marked, and in which start.
    pub(crate) marked: Option<(u64, Content)>,
}

impl Host {
    pub(crate) fn answers(&self, now: u64) -> bool {
        !self.down && now >= self.silent_until
    }
}

/// A rented GPU.
#[derive(Debug, Clone)]
pub(crate) struct Gpu {
    pub(crate) label: Option<String>,
    pub(crate) machine: i64,
    pub(crate) status: &'static str,
    pub(crate) stopped: bool,
    pub(crate) runs_at: u64,
    pub(crate) shows_at: u64,
    pub(crate) outbid: bool,
    pub(crate) mute: bool,
}

/// A standby's VM.
#[derive(Debug, Clone)]
pub(crate) struct Vm {
    pub(crate) status: VmStatus,
    pub(crate) up_at: u64,
    pub(crate) preempted_at: Option<u64>,
    pub(crate) starts: u64,
}

/// All there is.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) gpus: BTreeMap<i64, Gpu>,
    pub(crate) vms: BTreeMap<String, Vm>,
    pub(crate) hosts: BTreeMap<String, Host>,
    pub(crate) purchases: VecDeque<Purchase>,
    pub(crate) next_gpu: i64,
    pub(crate) writes: u64,
    /// When each write was made, and where.
    pub(crate) written: BTreeMap<u64, (u64, String)>,
    pub(crate) journal: String,
    pub(crate) wrong: Vec<String>,
    pub(crate) bought: u64,
    pub(crate) destroyed: BTreeSet<i64>,
    /// Whether any clock was set: times that were recorded then are not compared.
    pub(crate) clocks_set: bool,
}

/// A world, shared by all that is in it.
#[derive(Debug, Clone)]
pub(crate) struct World(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    state: Mutex<State>,
    pub(crate) dice: Dice,
}

impl World {
    pub(crate) fn new(seed: u64, purchases: &[Purchase]) -> Self {
        let state = State {
            next_gpu: 100,
            purchases: purchases.iter().copied().collect(),
            ..State::default()
        };
        Self(Arc::new(Inner {
            began: Instant::now(),
            state: Mutex::new(state),
            dice: Dice::new(seed),
        }))
    }

    /// Ms since it began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn dice(&self) -> &Dice {
        &self.0.dice
    }

    /// Writes a line of the journal.
    pub(crate) fn note(&self, words: &str) {
        let now = self.now();
        let mut state = self.state();
        let _ = writeln!(state.journal, "{now:>8} {words}");
    }

    /// Something that must never be, is.
    pub(crate) fn wrong(&self, words: String) {
        self.note(&format!("WRONG {words}"));
        let mut state = self.state();
        if !state.wrong.contains(&words) {
            state.wrong.push(words);
        }
    }

    /// The GPU that its user has rented before, a look-alike, and the work on the former.
    pub(crate) fn begin(&self) -> GpuId {
        let id = self.make(Some("my gpu".into()), 1, Purchase::Made, true);
        let label = Some("dumont-5eed5eed-00000000000000000000000000000000".into());
        let mut state = self.state();
        let decoy = Gpu {
            label,
            machine: 99,
            status: "running",
            stopped: false,
            runs_at: 0,
            shows_at: 0,
            outbid: false,
            mute: false,
        };
        state.gpus.insert(DECOY, decoy);
        state.hosts.insert(host_of(DECOY), Host { boot: 1, ..Host::default() });
        if let Some(host) = state.hosts.get_mut(&host_of(id)) {
            host.writes = true;
        }
        GpuId(id)
    }

    /// Makes an instance.
    pub(crate) fn make(
        &self,
        label: Option<String>,
        machine: i64,
        how: Purchase,
        at_once: bool,
    ) -> i64 {
        let now = self.now();
        let mut state = self.state();
        let id = state.next_gpu;
        state.next_gpu += 1;
        let runs_at = match how {
            Purchase::Stuck => u64::MAX,
            _ if at_once => now,
            _ => now + BOOT_MS,
        };
        let shows_at = if let Purchase::Unclear(late) = how { now + late } else { now };
        let gpu = Gpu {
            label,
            machine,
            status: "running",
            stopped: false,
            runs_at,
            shows_at,
            outbid: false,
            mute: how == Purchase::Mute,
        };
        let host = Host { boot: 1, down: gpu.mute, ..Host::default() };
        state.gpus.insert(id, gpu);
        state.hosts.insert(host_of(id), host);
        id
    }

    /// All that is billed now, as the provider's own list has it.
    pub(crate) fn listed(&self) -> Vec<GpuInstance> {
        let now = self.now();
        let state = self.state();
        let shown = state.gpus.iter().filter(|(_, gpu)| gpu.shows_at <= now);
        shown.map(|(id, gpu)| told(*id, gpu, now)).collect()
    }

    pub(crate) fn one(&self, id: GpuId) -> Option<GpuInstance> {
        let now = self.now();
        let state = self.state();
        state.gpus.get(&id.0).filter(|gpu| gpu.shows_at <= now).map(|gpu| told(id.0, gpu, now))
    }

    pub(crate) fn vm(&self, name: &str) -> Option<StandbyVm> {
        let now = self.now();
        let state = self.state();
        let vm = state.vms.get(name)?;
        let up = vm.status == VmStatus::Running && now >= vm.up_at;
        let status = match vm.status {
            VmStatus::Running if !up => VmStatus::Staging,
            status => status,
        };
        Some(StandbyVm {
            name: name.into(),
            zone: "europe-west1-b".into(),
            status,
            status_message: None,
            nat_ip: up.then(|| vm_host(name)),
            network_ip: None,
            labels: Vec::new(),
            spot: true,
            machine_type: Some("e2-medium".into()),
            disk_gb: Some(100),
            last_start: None,
            created: None,
        })
    }

    /// Each machine on which work runs writes once.
    pub(crate) fn work(&self) {
        let now = self.now();
        let mut state = self.state();
        let running: Vec<String> = state
            .hosts
            .iter()
            .filter(|(_, host)| host.writes && !host.held && !host.down)
            .map(|(name, _)| name.clone())
            .collect();
        for name in running {
            state.writes += 1;
            let write = state.writes;
            state.written.insert(write, (now, name.clone()));
            if let Some(host) = state.hosts.get_mut(&name) {
                host.content.insert(write);
            }
        }
    }

    /// Takes a GPU away with all that it holds.
    pub(crate) fn remove_gpu(&self, id: i64) {
        let mut state = self.state();
        state.gpus.remove(&id);
        if let Some(host) = state.hosts.get_mut(&host_of(id)) {
            host.down = true;
            host.writes = false;
        }
    }
}

/// Where a GPU answers.
pub(crate) fn host_of(id: i64) -> String {
    format!("gpu-{id}")
}

/// Where a VM answers.
pub(crate) fn vm_host(name: &str) -> String {
    format!("vm-{name}")
}

fn told(id: i64, gpu: &Gpu, now: u64) -> GpuInstance {
    let up = gpu.status == "running" && now >= gpu.runs_at && !gpu.stopped;
    let wanted = Some(if gpu.stopped { "stopped" } else { "running" }.to_owned());
    let actual = if gpu.stopped {
        "exited"
    } else if gpu.status == "running" && now < gpu.runs_at {
        "loading"
    } else {
        gpu.status
    };
    GpuInstance {
        id: GpuId(id),
        machine_id: Some(gpu.machine),
        label: gpu.label.clone(),
        actual_status: Some(actual.into()),
        intended_status: wanted.clone(),
        cur_state: wanted.clone(),
        next_state: wanted,
        status_msg: None,
        ssh: up.then(|| Endpoint { host: host_of(id), port: 22 }),
        public_ip: None,
        gpu_name: Some("RTX 4090".into()),
        num_gpus: Some(1),
        gpu_ram_mb: Some(24_000),
        cpu_cores: Some(8.0),
        cpu_ram_mb: Some(32_000),
        disk_gb: Some(40.0),
        usd_per_hour: Some(MicroUsd(400_000)),
        is_bid: gpu.outbid,
        bid: None,
        min_bid: None,
        image: Some("image".into()),
        geolocation: Some("Oregon, US".into()),
        reliability: Some(0.99),
        started_at: Some(Millis(EPOCH_MS)),
        gpu_util: None,
        gpu_temp: None,
    }
}
