//! Carries out what the lives call for: takes due steps, tells the ledger the
//! rates, and works on the hosts, one task per instance at a time.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::instance::Instance;
use super::life::{Contract, Pace, Silence, Want};
use super::plan::{self, Act, Called, Done};
use super::spec::{environment, key_lines, spec};
use super::{Book, Inner, Vast};
use crate::fault::{Armed, Fault};
use crate::host::{self, Net};
use crate::ledger;
use crate::profile::{Latency, ProfileName};
use crate::world::World;

/// The longest time between two looks at everything.
const TICK: Duration = Duration::from_millis(250);

/// The name of an instance's host.
pub(crate) fn host_id(instance: u64) -> String {
    format!("vast-{instance}")
}

/// The paces of the profile in force.
pub(crate) fn pace(world: &World) -> Pace {
    let profile = world.profile();
    let lag = match profile.name {
        ProfileName::Typical => Duration::from_secs(3).mul_f64(profile.scale.clamp(0.0, 1000.0)),
        ProfileName::Instant | ProfileName::Reference => Duration::from_millis(500),
    };
    Pace {
        created: profile.delay(Latency::VastCreated),
        loading: profile.delay(Latency::VastLoading),
        ssh: profile.delay(Latency::VastSsh),
        resume: profile.delay(Latency::VastResume),
        stop: profile.delay(Latency::VastStop),
        lag,
    }
}

/// A fault that is in force until it is cleared. A counted one is not: it
/// strikes as an instance is made.
pub(crate) fn standing(armed: &[Armed], name: Fault, id: u64) -> Option<&Armed> {
    let id = id.to_string();
    armed.iter().find(|fault| {
        fault.name == name
            && fault.count.is_none()
            && fault.target.as_ref().is_none_or(|target| *target == id)
    })
}

/// What Vast says of an instance's machine, faults included.
pub(crate) fn silence(instance: &Instance, armed: &[Armed]) -> Option<Silence> {
    let aimed = |name| {
        let id = instance.id.to_string();
        armed.iter().any(|fault| {
            fault.name == name && fault.target.as_ref().is_none_or(|target| *target == id)
        })
    };
    if aimed(Fault::Offline) {
        Some(Silence::Offline)
    } else if aimed(Fault::Unknown) {
        Some(Silence::Unknown)
    } else {
        instance.life.silence
    }
}

/// After a start of the sandbox: takes stock of the hosts and goes on.
pub(crate) fn resume(world: &World) {
    world.vast().with(|inner| {
        for instance in inner.book.instances.values() {
            let id = host_id(instance.id);
            // A host that a fault had killed stays dead until it is healed.
            let dead = world.hosts().life(&id) == Some(host::Life::Dead);
            let done = Done {
                exists: world.hosts().endpoint(&id).is_some(),
                up: dead,
                open: dead,
                boots: instance.life.boots,
                keys_version: instance.keys_version,
                ..Done::default()
            };
            inner.done.insert(instance.id, done);
        }
    });
    world.spawn(run(world.clone()));
}

async fn run(world: World) {
    let mut faults = world.faults().watch();
    loop {
        faults.mark_unchanged();
        let wait = advance(&world).min(TICK);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = world.vast().wake.notified() => {}
            _ = faults.changed() => {}
        }
    }
}

/// Takes every step that is due and sets to work on the hosts that call for
/// it; tells how long until the next step.
pub(crate) fn advance(world: &World) -> Duration {
    let now_ms = world.now_ms();
    let armed = world.faults().armed(now_ms);
    let pace = pace(world);
    let broke = broke(world);
    let mut work = Vec::new();
    let mut next_ms = i64::MAX;
    let mut moved = false;
    world.vast().with(|inner| {
        let Inner { book, done, busy, .. } = inner;
        book.gone.retain(|_, until| now_ms < *until);
        let contested = contested(book);
        for instance in book.instances.values_mut() {
            let free = !contested.contains(&instance.id);
            moved |= step(instance, &armed, &broke, &pace, now_ms, free);
            let silence = silence(instance, &armed);
            let done = done.entry(instance.id).or_default();
            let rate = instance.rate_micro(silence);
            if done.rate_micro != Some(rate) {
                world.ledger().rate(ledger::VAST, &instance.id.to_string(), rate, now_ms);
                done.rate_micro = Some(rate);
                moved = true;
            }
            if plan::next(called(instance, &armed, now_ms), done).is_some()
                && busy.insert(instance.id)
            {
                work.push(instance.id);
            }
            next_ms = next_ms.min(instance.life.next_due_ms(now_ms).unwrap_or(i64::MAX));
        }
    });
    for id in work {
        world.spawn(converge(world.clone(), id));
    }
    if moved {
        world.changed();
    }
    Duration::from_millis(u64::try_from(next_ms.saturating_sub(now_ms)).unwrap_or(0))
}

/// Accounts with nothing left that have something running.
fn broke(world: &World) -> HashSet<u64> {
    let paying: HashSet<u64> = world.vast().with(|inner| {
        let all = inner.book.instances.values();
        all.filter(|instance| instance.life.cur == Contract::Running)
            .map(|instance| instance.account)
            .collect()
    });
    paying.into_iter().filter(|account| world.balance_micro(*account) <= 0).collect()
}

/// Instances whose GPUs another one has: that of the same offer that runs, or else the oldest.
pub(crate) fn contested(book: &Book) -> HashSet<u64> {
    let mut holders: HashMap<u64, (bool, u64)> = HashMap::new();
    for instance in book.instances.values() {
        let holds = (instance.life.cur != Contract::Running, instance.id);
        let holder = holders.entry(instance.ask_id).or_insert(holds);
        *holder = holds.min(*holder);
    }
    let all = book.instances.values();
    all.filter(|instance| holders.get(&instance.ask_id).is_some_and(|(_, id)| *id != instance.id))
        .map(|instance| instance.id)
        .collect()
}

/// Takes an instance's due steps, where `free` says that nobody else has its GPUs; true if anything
/// moved.
fn step(
    instance: &mut Instance,
    armed: &[Armed],
    broke: &HashSet<u64>,
    pace: &Pace,
    now_ms: i64,
    free: bool,
) -> bool {
    let before = instance.life.clone();
    let life = &mut instance.life;
    let cleared =
        |arming: Option<u64>| arming.is_some_and(|id| !armed.iter().any(|fault| fault.id == id));
    if life.stuck.as_ref().is_some_and(|stuck| cleared(stuck.until_cleared)) {
        life.stuck = None;
    }
    life.tick(now_ms);
    if broke.contains(&instance.account) && life.cur == Contract::Running {
        life.evict(now_ms, pace, None);
        instance.note(now_ms, "stopped: the account has no credit left");
    } else if let Some(outbid) = &life.outbid {
        let due = outbid.resume_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        if due || cleared(outbid.until_cleared) {
            life.resume(now_ms, pace);
            instance.note(now_ms, "the bid wins again");
        }
    } else if life.queued && free && silence(instance, armed).is_none() {
        instance.life.resume(now_ms, pace);
        instance.note(now_ms, "a queued start is carried out");
    }
    let after = &instance.life;
    if before.stage != after.stage || before.silence != after.silence {
        let word = after.actual_status(after.silence).unwrap_or("null");
        instance.note(now_ms, format!("actual_status is {word}"));
    }
    before != instance.life
}

fn called(instance: &Instance, armed: &[Armed], now_ms: i64) -> Called {
    let want = match instance.life.wants(now_ms) {
        Want::Booted { open } => {
            let dead = instance.ssh_dead || standing(armed, Fault::SshDead, instance.id).is_some();
            Want::Booted { open: open && !dead && instance.has_ssh() }
        }
        other => other,
    };
    Called {
        want,
        boots: instance.life.boots,
        remap: instance.life.remap,
        renew: instance.renew,
        keys_version: instance.keys_version,
    }
}

/// Works on one instance's host until nothing is left to do.
async fn converge(world: World, id: u64) {
    loop {
        let armed = world.faults().armed(world.now_ms());
        let job = world.vast().with(|inner| {
            let instance = inner.book.instances.get(&id);
            let done = inner.done.get(&id);
            let job = instance.zip(done).and_then(|(instance, done)| {
                let called = called(instance, &armed, world.now_ms());
                plan::next(called, done).map(|act| (act, called, instance.clone()))
            });
            if job.is_none() {
                inner.busy.remove(&id);
            }
            job
        });
        let Some((act, called, instance)) = job else { break };
        if !carry_out(&world, act, called, instance).await {
            return;
        }
        advance(&world);
    }
    world.vast().settled.send_modify(|round| *round += 1);
    advance(&world);
}

/// Does one thing and writes down that it is done; false when the sandbox is
/// stopping.
async fn carry_out(world: &World, act: Act, called: Called, instance: Instance) -> bool {
    let hosts = world.hosts();
    let id = host_id(instance.id);
    let outcome = match act {
        Act::Create => match hosts.create(spec(world, &instance)).await {
            Ok(_) => bake(world, &instance).await,
            Err(error) => Err(error),
        },
        Act::SetKeys => hosts.set_keys(&id, key_lines(&instance)).await,
        Act::Halt => hosts.halt(&id).await,
        Act::Remap => hosts.remap(&id).await.map(drop),
        Act::Renew => match hosts.renew(&id).await {
            Ok(()) => bake(world, &instance).await,
            Err(error) => Err(error),
        },
        Act::Boot { open } => boot(world, &instance, open).await,
        Act::Net { open } => hosts.net(&id, net(open)).await,
        Act::Destroy => hosts.destroy(&id).await,
    };
    if let Err(error) = &outcome {
        tracing::warn!(instance = instance.id, ?act, %error, "work on a host failed");
    }
    let now_ms = world.now_ms();
    world.vast().with(|inner| match (act, outcome) {
        (Act::Destroy, Ok(())) => {
            world.ledger().close(ledger::VAST, &instance.id.to_string(), now_ms);
            inner.book.instances.remove(&instance.id);
            inner.done.remove(&instance.id);
        }
        // Its life says so already: it waits for an image that does not come.
        (Act::Create, Err(host::HostError::Image(_))) => {
            inner.done.entry(instance.id).or_default().broken = true;
        }
        (act, outcome) => inner.write_down(
            act,
            called,
            instance.id,
            outcome.map_err(|error| error.to_string()),
            now_ms,
        ),
    });
    world.changed();
    if act == Act::Destroy
        && world.vast().with(|inner| inner.book.instances.contains_key(&instance.id))
    {
        return world.pause(Duration::from_secs(1)).await;
    }
    !world.token().is_cancelled()
}

impl Inner {
    fn write_down(
        &mut self,
        act: Act,
        called: Called,
        id: u64,
        outcome: Result<(), String>,
        now_ms: i64,
    ) {
        let done = self.done.entry(id).or_default();
        let Some(instance) = self.book.instances.get_mut(&id) else { return };
        match (act, &outcome) {
            (Act::Create, Ok(())) => (done.exists, done.keys_version) = (true, called.keys_version),
            (Act::Create, Err(_)) => done.broken = true,
            (Act::SetKeys, _) => done.keys_version = called.keys_version,
            (Act::Halt, _) => done.up = false,
            (Act::Remap, _) => instance.life.remap = false,
            (Act::Renew, _) => instance.renew = false,
            (Act::Boot { open }, Ok(())) => {
                (done.up, done.open, done.boots) = (true, open, called.boots);
                if instance.life.boots == called.boots {
                    instance.life.booted(now_ms);
                }
                instance.note(now_ms, "actual_status is running");
            }
            (Act::Boot { .. }, Err(_)) => done.boots = called.boots,
            (Act::Net { open }, _) => done.open = open,
            (Act::Destroy, _) => {}
        }
        if let (Act::Create | Act::Boot { .. }, Err(why)) = (act, outcome) {
            let msg = format!(
                "Error response from daemon: failed to create task for container: OCI runtime create failed: {why}"
            );
            instance.note(now_ms, msg.clone());
            instance.life.failed(now_ms, msg);
        }
    }
}

/// Gives a host that was just made its image's key, where images have one.
async fn bake(world: &World, instance: &Instance) -> Result<(), host::HostError> {
    let id = instance.id.to_string();
    if world.faults().on(Fault::HostKeyBaked, Some(&id)).is_none() {
        return Ok(());
    }
    world.hosts().bake_key(&host_id(instance.id), &instance.image).await
}

async fn boot(world: &World, instance: &Instance, open: bool) -> Result<(), host::HostError> {
    let id = &host_id(instance.id);
    if !open {
        world.hosts().net(id, Net::Refuse).await?;
    }
    world.hosts().set_env(id, environment(world, instance)).await?;
    world.hosts().boot(id).await?;
    world.hosts().net(id, net(open)).await
}

const fn net(open: bool) -> Net {
    if open { Net::Up } else { Net::Refuse }
}

impl Vast {
    /// Makes the driver look at once.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until an instance's host is as called for, or until the deadline.
    pub(super) async fn settle(&self, id: u64, deadline: Duration) {
        let mut settled = self.settled.subscribe();
        let idle = async {
            while self.with(|inner| inner.busy.contains(&id)) {
                if settled.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(deadline, idle).await;
    }
}
