//! Doing things to a host from outside the provider's API, now or later.

use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use super::{Error, state};
use crate::fault::{Armed, Fault};
use crate::gcp::Gcp;
use crate::host::{Life, Net};
use crate::ledger;
use crate::vast::Vast;
use crate::world::{HostEvent, HostRow, ProviderSays, World};

/// What may be done to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Pull the plug, and what the provider is to say about it later.
    Kill(ProviderSays),
    /// Stop every process where it is.
    Freeze,
    /// Let them go on.
    Thaw,
    /// Let nothing reach it.
    Cut,
    /// Let so many bytes of its own disk be free, and no more.
    Fill(u64),
    /// Give the room back.
    Empty,
    /// Set all that in order again, but for a full disk.
    Heal,
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "kill" => Ok(Self::Kill(ProviderSays::Offline)),
            "freeze" => Ok(Self::Freeze),
            "thaw" => Ok(Self::Thaw),
            "cut" => Ok(Self::Cut),
            "heal" => Ok(Self::Heal),
            _ => Err(Error::NotFound(format!("{name:?} is none of kill, freeze, thaw, cut, heal"))),
        }
    }
}

/// The instance or VM with this id.
pub(crate) fn find(world: &World, id: &str) -> Result<HostRow, Error> {
    let row = state::rows(world).into_iter().find(|row| row.id == id);
    row.ok_or_else(|| Error::NotFound(format!("there is no instance or VM {id:?}")))
}

/// Does it and tells the provider.
pub(crate) async fn act(world: &World, id: &str, action: Action) -> Result<(), Error> {
    let row = find(world, id)?;
    let hosts = world.hosts();
    let event = match action {
        Action::Kill(says) => {
            if hosts.life(&row.host) == Some(Life::Halted) {
                return Err(Error::Conflict(format!("{id} does not run")));
            }
            hosts.kill(&row.host).await?;
            HostEvent::Killed(says)
        }
        Action::Freeze => {
            hosts.freeze(&row.host).await?;
            HostEvent::Frozen
        }
        Action::Thaw => {
            hosts.thaw(&row.host).await?;
            HostEvent::Thawed
        }
        Action::Cut => {
            if matches!(hosts.life(&row.host), Some(Life::Halted)) {
                return Err(Error::Conflict(format!("{id} does not run")));
            }
            hosts.net(&row.host, Net::Cut).await?;
            HostEvent::Cut
        }
        Action::Fill(free) => {
            hosts.fill_disk(&row.host, free).await?;
            tracing::info!(id, free, "a host's disk is full");
            return Ok(());
        }
        Action::Empty => return Ok(hosts.empty_disk(&row.host).await?),
        Action::Heal => {
            heal(world, &row).await?;
            HostEvent::Healed
        }
    };
    tracing::info!(id, ?action, "done to a host");
    if row.provider == ledger::VAST {
        Vast::on_host(world, id, event).await;
    } else {
        Gcp::on_host(world, id, event).await;
    }
    world.changed();
    Ok(())
}

async fn heal(world: &World, row: &HostRow) -> Result<(), Error> {
    let hosts = world.hosts();
    match hosts.life(&row.host) {
        Some(Life::Dead) => drop(hosts.boot(&row.host).await?),
        Some(Life::Frozen) => hosts.thaw(&row.host).await?,
        _ => {}
    }
    hosts.net(&row.host, Net::Up).await?;
    Ok(())
}

/// Carries out a fault that acts at once: by itself on a host, or through the
/// providers, which know the rest.
pub(crate) async fn carry_out(world: &World, armed: &Armed) {
    if armed.name.acts_on_host() {
        world.spawn(strike(world.clone(), armed.clone()));
    } else {
        Vast::on_fault(world, armed).await;
        Gcp::on_fault(world, armed).await;
    }
    world.changed();
}

/// Waits, strikes once unless it was cleared meanwhile, and undoes it if it
/// was to last only for a time.
async fn strike(world: World, armed: Armed) {
    let Some(target) = armed.target.as_deref() else { return };
    if !world.pause(seconds(&armed.params, "after_s").unwrap_or_default()).await {
        return;
    }
    if world.faults().hit(armed.name, Some(target)).is_none() {
        return;
    }
    let (action, undo) = match armed.name {
        Fault::HostFrozen => (Action::Freeze, Action::Thaw),
        Fault::NetworkCut => (Action::Cut, Action::Heal),
        Fault::DiskFull => {
            let free = armed.params.get("free_bytes").and_then(Value::as_u64).unwrap_or(0);
            (Action::Fill(free), Action::Empty)
        }
        _ => (Action::Kill(says(&armed.params).unwrap_or(ProviderSays::Offline)), Action::Heal),
    };
    let mut done = act(&world, target, action).await;
    if let (Ok(()), Some(time)) = (&done, seconds(&armed.params, "seconds")) {
        if !world.pause(time).await {
            return;
        }
        done = act(&world, target, undo).await;
    }
    if let Err(error) = done {
        tracing::warn!(%error, target, fault = %armed.name, "a fault did not strike");
    }
}

fn seconds(params: &Value, name: &str) -> Option<Duration> {
    let seconds = params.get(name)?.as_f64()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// What the provider is to say about a dead host, if the parameters tell.
pub(crate) fn says(params: &Value) -> Option<ProviderSays> {
    serde_json::from_value(params.get("provider_says")?.clone()).ok()
}
