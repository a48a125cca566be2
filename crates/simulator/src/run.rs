//! One world from its beginning to the end.

use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use domain::association::Hooks;
use domain::id::UserId;
use engine::ports::{Ports, task};
use engine::{Engine, EngineConfig};
use providers::gcp::VmStatus;
use store::{Keyring, Store};
use tokio::task::LocalSet;

use crate::chance::Share;
use crate::outside::Reach;
use crate::plan::{Blow, Loss, Plan};
use crate::process::{Fate, OwnClock, StoreGate, drive};
use crate::world::{World, host_of, vm_host};
use crate::{oracle, template};

/// Between two looks, ms.
const STEP: u64 = 500;
/// Between two writes of the user's work, ms.
const WORK: u64 = 3_000;
/// How long the standby may take at first, ms.
const SET_UP_MS: u64 = 120_000;
/// How long after the last fault everything must be over, ms.
const HEALED_MS: u64 = 1_500_000;

/// What became of a world.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// All that happened outside, in order.
    pub journal: String,
    /// What must never be, and was.
    pub wrong: Vec<String>,
    /// Ms of simulated time.
    pub simulated_ms: u64,
    /// GPUs that were bought.
    pub bought: u64,
    /// Failovers that there were.
    pub failovers: usize,
}

/// Runs the world of a seed.
#[must_use]
pub fn run(seed: u64) -> Outcome {
    run_plan(seed, &Plan::of(seed))
}

/// Runs a world with this plan.
///
/// # Panics
/// When the world itself can't be made.
#[must_use]
pub fn run_plan(seed: u64, plan: &Plan) -> Outcome {
    task::keep_on_this_thread();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    let all = LocalSet::new();
    let begun = template::copy();
    runtime.block_on(all.run_until(one(seed, plan.clone(), begun)))
}

/// A process that runs, or that will again.
struct Process {
    fate: Arc<Fate>,
    engine: Engine,
    again_at: Option<u64>,
    again_ms: u64,
}

struct Play {
    seed: u64,
    world: World,
    user: UserId,
    keys: Keyring,
    copy: memory::Copy,
    name: String,
    started: u64,
}

impl Play {
    /// Starts a process.
    async fn start(&mut self, number: usize, clock: i64) -> Process {
        self.started += 1;
        let fate = Fate::new(&self.world, number, clock);
        let gate = Arc::new(StoreGate(Arc::clone(&fate)));
        let address = self.copy.behind(gate, &format!("{}-{}", self.name, self.started));
        let store = Store::open_unchanged(&address, self.keys.clone()).await.expect("it opens");
        let config = EngineConfig {
            holder: format!("p{number}-{}", self.started),
            sandbox: true,
            ..EngineConfig::default()
        };
        let ports = Ports {
            clock: Arc::new(OwnClock(Arc::clone(&fate))),
            chance: Arc::new(Share::new(self.seed, self.started)),
            outside: Arc::new(Reach { world: self.world.clone(), fate: Arc::clone(&fate) }),
        };
        let engine = Engine::over(store, config, ports);
        let tasks = LocalSet::new();
        let begun = engine.clone();
        tasks.spawn_local(async move { begun.start() });
        let driven = Arc::clone(&fate);
        tokio::task::spawn_local(async move { drive(&driven, tasks).await });
        self.world.note(&format!("p{number} starts"));
        Process { fate, engine, again_at: None, again_ms: 1_000 }
    }
}

async fn one(seed: u64, plan: Plan, begun: template::Begun) -> Outcome {
    let world = World::new(seed, &plan.purchases);
    let (copy, name, keys, user) = begun;
    let store = Store::open_unchanged(copy.address(), keys.clone()).await.expect("it opens");
    let gpu = world.begin();
    let mut play = Play { seed, world: world.clone(), user, keys, copy, name, started: 0 };
    let mut processes = Vec::new();
    for number in 0..plan.processes.max(1) {
        processes.push(play.start(number, 0).await);
    }
    let hooks = Hooks { on_standby: Some("work".into()), ..Hooks::default() };
    let protected = protect(processes.get(plan.asked), &play.user, gpu, hooks).await;
    if let Err(word) = protected {
        world.wrong(format!("the machine can't be protected: {word}"));
    }
    let mut course = Course { plan, store, first: gpu.0, healed_at: None, protected_at: None };
    loop {
        tokio::time::sleep(Duration::from_millis(STEP)).await;
        course.happen(&mut play, &mut processes).await;
        oracle::step(&world, &course.store, &play.user).await;
        if !world.state().wrong.is_empty() || course.is_over(&play).await {
            break;
        }
    }
    course.tell(&play).await
}

async fn protect(
    asked: Option<&Process>,
    user: &UserId,
    gpu: domain::id::GpuId,
    hooks: Hooks,
) -> Result<(), String> {
    let Some(first) = asked else { return Err("no process".into()) };
    let (engine, user) = (first.engine.clone(), user.clone());
    let done = Rc::new(std::cell::RefCell::new(None));
    let tell = Rc::clone(&done);
    let asked = tokio::task::spawn_local(async move {
        let made = engine.protect(&user, gpu, Some("machine".into()), Some(hooks), None).await;
        *tell.borrow_mut() = Some(made.map(drop).map_err(|error| error.to_string()));
    });
    asked.await.map_err(|error| error.to_string())?;
    let told = done.borrow_mut().take();
    told.unwrap_or_else(|| Err("it did not answer".into()))
}

/// How far a world has come.
struct Course {
    plan: Plan,
    store: Store,
    first: i64,
    protected_at: Option<u64>,
    healed_at: Option<u64>,
}

impl Course {
    /// Does what the plan has for now.
    async fn happen(&mut self, play: &mut Play, processes: &mut [Process]) {
        let world = play.world.clone();
        let now = world.now();
        if now / WORK != now.saturating_sub(STEP) / WORK {
            world.work();
        }
        self.set_up(play).await;
        let Some(from) = self.protected_at else { return };
        let due = |at: u64| from + at <= now && now < from + at + STEP;
        if due(self.plan.loss_at) {
            self.lose(&world);
        }
        if let Loss::Reboots(_) = self.plan.loss {
            self.reboot(&world, now);
        }
        if self.plan.preempted_at.is_some_and(due) {
            preempt(&world);
        }
        for (_, whom, blow) in self.plan.blows.iter().filter(|(at, ..)| due(*at)) {
            if let Some(process) = processes.get_mut(*whom) {
                strike(&world, process, *blow);
            }
        }
        let last = self.plan.blows.iter().map(|(at, ..)| *at).max().unwrap_or(0);
        let healed = from + last.max(self.plan.loss_at).max(self.plan.preempted_at.unwrap_or(0));
        if self.healed_at.is_none() && now > healed + 60_000 {
            self.healed_at = Some(now);
            world.note("all is healed");
            for process in processes.iter() {
                process.fate.no_more_crash();
                process.fate.right_clock();
            }
            world.state().purchases.clear();
        }
        for (number, process) in processes.iter_mut().enumerate() {
            if !process.fate.is_dead() {
                continue;
            }
            let again_at = *process.again_at.get_or_insert(now + process.again_ms);
            if now >= again_at {
                *process = play.start(number, 0).await;
            }
        }
    }

    /// The plan begins once the machine is protected.
    async fn set_up(&mut self, play: &Play) {
        if self.protected_at.is_some() {
            return;
        }
        let all = self.store.associations().list(&play.user).await.unwrap_or_default();
        let synced = |one: &domain::association::Association| one.sync.count >= 2;
        if all.iter().any(synced) {
            self.protected_at = Some(play.world.now());
            play.world.note("protected");
        } else if play.world.now() > SET_UP_MS {
            play.world.wrong("the machine was never protected".into());
        }
    }

    fn lose(&self, world: &World) {
        world.note(&format!("loss {:?}", self.plan.loss));
        let (id, name, now) = (self.first, host_of(self.first), world.now());
        if self.plan.loss == Loss::Gone {
            return world.remove_gpu(id);
        }
        let mut state = world.state();
        if let Loss::Silent(ms) | Loss::Reboots(ms) = self.plan.loss {
            let reboots = matches!(self.plan.loss, Loss::Reboots(_));
            if let Some(host) = state.hosts.get_mut(&name) {
                host.silent_until = now + ms;
                host.boot += u64::from(reboots);
                host.held &= !reboots;
            }
            return;
        }
        if let Some(host) = state.hosts.get_mut(&name) {
            host.down = true;
            host.writes = false;
        }
        if let Some(gpu) = state.gpus.get_mut(&id) {
            match self.plan.loss {
                Loss::Offline => gpu.status = "offline",
                Loss::Outbid => {
                    gpu.stopped = true;
                    gpu.outbid = true;
                }
                _ => gpu.status = "exited",
            }
        }
    }

    /// Work goes on after a start.
    fn reboot(&self, world: &World, now: u64) {
        let mut state = world.state();
        let serves = state.gpus.contains_key(&self.first);
        if let Some(host) = state.hosts.get_mut(&host_of(self.first))
            && serves
            && host.boot > 1
            && !host.down
        {
            host.writes = now >= host.silent_until && host.writes;
        }
    }

    async fn is_over(&self, play: &Play) -> bool {
        let Some(healed_at) = self.healed_at else { return false };
        let left = oracle::open(&play.world, &self.store, &play.user).await;
        match left {
            None => {
                let harmless = self.plan.is_harmless() && self.plan.blows.is_empty();
                oracle::end(&play.world, &self.store, &play.user, self.first, harmless).await;
                true
            }
            Some(left) if play.world.now() > healed_at + HEALED_MS => {
                play.world.wrong(format!("long after all was healed {left}"));
                true
            }
            Some(_) => false,
        }
    }

    async fn tell(&self, play: &Play) -> Outcome {
        let query = store::FailoverQuery::default();
        let failovers = self.store.failovers().list(&play.user, &query).await.unwrap_or_default();
        let mut steps = String::new();
        for failover in &failovers {
            let _ =
                writeln!(steps, "failover {} {} {}", failover.kind, failover.cause, failover.state);
            for row in self.store.steps().list(&failover.id).await.unwrap_or_default() {
                let outcome = row.outcome.map_or_else(|| "open".into(), |one| one.to_string());
                let error = row.error.unwrap_or_default();
                let _ = writeln!(steps, "  {} {} {outcome} {error}", row.round, row.name);
            }
        }
        let state = play.world.state();
        let journal = format!("{}{steps}", state.journal);
        let (wrong, bought) = (state.wrong.clone(), state.bought);
        drop(state);
        let (simulated_ms, failovers) = (play.world.now(), failovers.len());
        Outcome { journal, wrong, simulated_ms, bought, failovers }
    }
}

fn strike(world: &World, process: &mut Process, blow: Blow) {
    world.note(&format!("p{} {blow:?}", process.fate.number));
    let fate = &process.fate;
    match blow {
        Blow::Crash { calls, after, again_ms } => {
            process.again_ms = again_ms;
            fate.crash_in(calls, after);
        }
        Blow::Freeze(ms) => fate.freeze(ms),
        Blow::Clock(ms) => {
            world.state().clocks_set = true;
            fate.step_clock(ms);
        }
        Blow::NoStore(ms) => fate.cut_store(ms),
        Blow::NoProvider(ms) => fate.cut_provider(ms),
        Blow::NoHost(ms) => fate.cut_hosts(ms),
    }
}

/// The provider takes the standby back.
fn preempt(world: &World) {
    world.note("the standby is taken back");
    let now = world.now();
    let mut state = world.state();
    let names: Vec<String> = state.vms.keys().cloned().collect();
    for name in names {
        if let Some(vm) = state.vms.get_mut(&name) {
            vm.status = VmStatus::Terminated;
            vm.preempted_at = Some(now);
        }
        if let Some(host) = state.hosts.get_mut(&vm_host(&name)) {
            host.down = true;
            host.writes = false;
            host.held = false;
        }
    }
}
