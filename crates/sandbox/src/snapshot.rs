//! What survives a restart: one JSON file, written whole and swapped in.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::Account;
use crate::fault::Armed;
use crate::host::HostRecord;
use crate::ledger::Row;
use crate::world::World;

const FILE: &str = "state.json";
const ALIVE: &str = "alive";
const DEBOUNCE: Duration = Duration::from_millis(150);
const HEARTBEAT: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Saved {
    saved_ms: i64,
    accounts: Vec<Account>,
    ledger: Vec<Row>,
    faults: Vec<Armed>,
    hosts: Vec<HostRecord>,
    vast: Value,
    gcp: Value,
}

/// The state file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct SnapshotError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// Fills a new world with what an earlier run left; false when there was none.
///
/// # Errors
/// When the file is there but can't be read or has another shape.
pub async fn load(world: &World) -> Result<bool, SnapshotError> {
    let path = world.options().data.join(FILE);
    let fail = |source| SnapshotError { path: path.clone(), source };
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(fail(error)),
    };
    let saved: Saved = serde_json::from_slice(&text).map_err(|error| fail(error.into()))?;
    let seen_ms = last_seen(&world.options().data).unwrap_or(0).max(saved.saved_ms);
    world.accounts().load(saved.accounts);
    world.ledger().load(saved.ledger, seen_ms, world.now_ms());
    world.faults().load(saved.faults);
    world.hosts().load(saved.hosts).await.map_err(|error| fail(std::io::Error::other(error)))?;
    world.vast().load(saved.vast).map_err(|error| fail(error.into()))?;
    world.gcp().load(saved.gcp).map_err(|error| fail(error.into()))?;
    Ok(true)
}

/// Writes everything down now.
///
/// # Errors
/// When the file can't be written.
pub fn store(world: &World) -> Result<(), SnapshotError> {
    let saved = Saved {
        saved_ms: world.now_ms(),
        accounts: world.accounts().all().iter().map(|account| (**account).clone()).collect(),
        ledger: world.ledger().rows(),
        faults: world.faults().armed(world.now_ms()),
        hosts: world.hosts().save(),
        vast: world.vast().save(),
        gcp: world.gcp().save(),
    };
    let path = world.options().data.join(FILE);
    let fail = |source| SnapshotError { path: path.clone(), source };
    let text = serde_json::to_vec(&saved).map_err(|error| fail(error.into()))?;
    replace(&path, &text).map_err(fail)
}

/// Writes a file beside `path` and swaps it in, so that a reader sees the old
/// text or the new one and never a part. Mode 0600.
///
/// # Errors
/// As the file system's.
pub fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let beside = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

/// Writes the state down after each change, and once a second that this
/// sandbox is alive, until it stops.
pub async fn keep(world: World) {
    let data = world.options().data.clone();
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    loop {
        tokio::select! {
            () = world.wait_for_change() => {
                tokio::time::sleep(DEBOUNCE).await;
                store_in_background(&world).await;
            }
            _ = heartbeat.tick() => {
                if let Err(error) = std::fs::write(data.join(ALIVE), world.now_ms().to_string()) {
                    tracing::warn!(%error, "the heartbeat file can't be written");
                }
            }
        }
    }
}

async fn store_in_background(world: &World) {
    let copy = world.clone();
    match tokio::task::spawn_blocking(move || store(&copy)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, source = ?error.source, "the state is not saved"),
        Err(error) => tracing::error!(%error, "saving the state broke off"),
    }
}

fn last_seen(data: &Path) -> Option<i64> {
    std::fs::read_to_string(data.join(ALIVE)).ok()?.trim().parse().ok()
}
