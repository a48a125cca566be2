//! What the admin API and the console see and do: rows of the state, faults
//! that act the moment they are armed, and things done to hosts.

use std::collections::BTreeMap;

use super::create::stuck_by;
use super::driver::{advance, host_id, pace, silence};
use super::life::{Contract, Outbid, Silence, Stage};
use super::search::price_pct;
use super::{Inner, Vast};
use crate::fault::{Armed, Fault};
use crate::host::{HostKind, Life as HostLife};
use crate::money::usd;
use crate::world::{HostEvent, HostRow, ProviderSays, World};

/// The instances for `/_sandbox/state`.
pub(crate) fn rows(vast: &Vast, world: &World) -> Vec<HostRow> {
    let armed = world.faults().armed(world.now_ms());
    let instances = vast.with(|inner| inner.book.instances.values().cloned().collect::<Vec<_>>());
    let row = |instance: super::instance::Instance| {
        let silence = silence(&instance, &armed);
        let life = &instance.life;
        let status = BTreeMap::from([
            ("actual_status", life.actual_status(silence).unwrap_or("null").to_owned()),
            ("cur_state", life.cur.word().to_owned()),
            ("intended_status", life.intended_status().to_owned()),
            ("next_state", life.next_state().to_owned()),
        ]);
        HostRow {
            provider: crate::ledger::VAST,
            id: instance.id.to_string(),
            host: host_id(instance.id),
            kind: HostKind::Gpu,
            account: instance.account,
            label: instance.label.clone(),
            machine: vast
                .slot(instance.ask_id)
                .map(super::offer::Slot::machine)
                .unwrap_or_default(),
            status,
            usd_per_hour: usd(instance.rate_micro(silence)),
        }
    };
    instances.into_iter().map(row).collect()
}

/// A fault has just been armed.
pub(crate) fn on_fault(world: &World, armed: &Armed) {
    match armed.name {
        Fault::Outbid => outbid(world, armed),
        Fault::PriceJump
            if armed.params.get("outbids").and_then(serde_json::Value::as_bool) == Some(true) =>
        {
            undercut(world)
        }
        Fault::StuckLoading => hold(world, armed),
        Fault::SshDead => {
            if let (Some(id), Some(_)) = (target(armed), armed.count) {
                touch(world, id, |inner| {
                    if let Some(instance) = inner.book.instances.get_mut(&id) {
                        instance.ssh_dead = true;
                    }
                });
                world.faults().hit(Fault::SshDead, armed.target.as_deref());
            }
        }
        _ => {}
    }
    advance(world);
    world.vast().wake();
    world.changed();
}

fn target(armed: &Armed) -> Option<u64> {
    armed.target.as_ref()?.parse().ok()
}

fn touch(world: &World, id: u64, act: impl FnOnce(&mut Inner)) {
    world.vast().with(|inner| {
        if inner.book.instances.contains_key(&id) {
            act(inner);
        }
    });
}

/// Stops the target, whatever its contract, or every interruptible instance.
fn outbid(world: &World, armed: &Armed) {
    let now_ms = world.now_ms();
    let pace = pace(world);
    let resume_s = armed.params.get("resume_after_s").and_then(serde_json::Value::as_f64);
    let why = Outbid {
        resume_at_ms: resume_s.map(|seconds| now_ms + (seconds * 1_000.0) as i64),
        until_cleared: (resume_s.is_none() && armed.count.is_none()).then_some(armed.id),
    };
    let most = armed.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let mut struck = 0;
    world.vast().with(|inner| {
        for instance in inner.book.instances.values_mut() {
            let aimed = match &armed.target {
                Some(target) => *target == instance.id.to_string(),
                None => instance.bid_micro.is_some(),
            };
            if struck < most && aimed && instance.life.cur == Contract::Running {
                instance.life.evict(now_ms, &pace, Some(why.clone()));
                instance.note(now_ms, "outbid");
                struck += 1;
            }
        }
    });
    if armed.count.is_some() {
        for _ in 0..struck {
            world.faults().hit(Fault::Outbid, armed.target.as_deref());
        }
    }
}

/// A price jump that was asked to: whoever bids less than the new floor is out.
fn undercut(world: &World) {
    let now_ms = world.now_ms();
    let pace = pace(world);
    let pct = price_pct(world);
    world.vast().with(|inner| {
        for instance in inner.book.instances.values_mut() {
            let floor = world.vast().slot(instance.ask_id).map_or(0, |slot| slot.floor_micro(pct));
            if instance.life.cur == Contract::Running
                && instance.bid_micro.is_some_and(|bid| bid < floor)
            {
                instance.life.evict(
                    now_ms,
                    &pace,
                    Some(Outbid { resume_at_ms: None, until_cleared: None }),
                );
                instance.note(now_ms, "outbid by a price jump");
            }
        }
    });
}

/// Holds an instance that is on its way up.
fn hold(world: &World, armed: &Armed) {
    let Some(id) = target(armed) else { return };
    let until_cleared = armed.count.is_none().then_some(armed.id);
    touch(world, id, |inner| {
        if let Some(instance) = inner.book.instances.get_mut(&id)
            && instance.life.stage < Stage::Running
        {
            instance.life.stuck = Some(stuck_by(&armed.params, until_cleared));
        }
    });
}

/// Something was done to the host of an instance.
///
/// A freeze or a cut is not told to Vast: the seller's own agent is another
/// program on the machine, and goes on reporting. To have Vast notice, arm
/// `offline` or `unknown` as well.
pub(crate) fn on_host(world: &World, id: &str, event: HostEvent) {
    let Ok(id) = id.parse::<u64>() else { return };
    let now_ms = world.now_ms();
    let life = world.hosts().life(&host_id(id));
    touch(world, id, |inner| {
        let Some(instance) = inner.book.instances.get_mut(&id) else { return };
        match event {
            HostEvent::Killed(says) => {
                let notices =
                    i64::try_from(world.profile().notices_dead_host().as_millis()).unwrap_or(0);
                match says {
                    ProviderSays::Offline => {
                        instance.life.fall_silent(now_ms + notices, Silence::Offline)
                    }
                    ProviderSays::Unknown => {
                        instance.life.fall_silent(now_ms + notices, Silence::Unknown)
                    }
                    ProviderSays::Running => {}
                }
                instance.note(now_ms, "the machine died");
            }
            HostEvent::Healed => {
                instance.life.speak();
                instance.ssh_dead = false;
                instance.life.open(now_ms);
                instance.note(now_ms, "the machine is in order again");
                let done = inner.done.entry(id).or_default();
                done.up = matches!(life, Some(HostLife::Up | HostLife::Frozen));
                done.open = true;
            }
            HostEvent::Frozen | HostEvent::Thawed | HostEvent::Cut => {}
        }
    });
    advance(world);
    world.vast().wake();
    world.changed();
}
