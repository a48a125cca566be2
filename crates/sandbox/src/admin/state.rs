//! `GET /_sandbox/state`: what is there now.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use crate::host::{Endpoint, Life, Net, Usage};
use crate::money::usd;
use crate::profile::ProfileName;
use crate::world::{HostRow, World};

/// What may be asked for besides.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    /// Look at every host's files and sum them up.
    #[serde(default)]
    disk: bool,
}

/// Everything, at one moment.
#[derive(Debug, Serialize)]
pub(crate) struct Everything {
    now_ms: i64,
    url: String,
    profile: ProfileName,
    scale: f64,
    rate_limits: bool,
    standby_port: u16,
    accounts: Vec<AccountRow>,
    /// GPUs first, each in the order in which they were made.
    pub(crate) hosts: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct AccountRow {
    id: u64,
    email: String,
    credit_usd: f64,
    gcp_project: String,
    service_account: String,
}

/// An instance with its host.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    pub(crate) row: HostRow,
    /// In one word, what someone who tries to log in meets.
    pub(crate) process: Process,
    /// None while there is no host behind the instance.
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) usage: Usage,
}

/// How a host is, processes and network together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Process {
    /// Running and reachable.
    Up,
    /// Stopped in the middle of everything.
    Frozen,
    /// Killed by a fault.
    Dead,
    /// Running behind a network that is cut.
    Cut,
    /// Running, and its SSH port refuses.
    Refusing,
    /// Shut down in order.
    Halted,
    /// There is no host.
    None,
}

impl Process {
    fn of(life: Option<Life>, net: Option<Net>) -> Self {
        match (life, net) {
            (None, _) => Self::None,
            (Some(Life::Dead), _) => Self::Dead,
            (Some(Life::Halted), _) => Self::Halted,
            (Some(Life::Frozen), _) => Self::Frozen,
            (Some(Life::Up), Some(Net::Cut)) => Self::Cut,
            (Some(Life::Up), Some(Net::Refuse)) => Self::Refusing,
            (Some(Life::Up), _) => Self::Up,
        }
    }
}

pub(crate) async fn show(
    State(world): State<World>,
    Query(wanted): Query<Wanted>,
) -> Json<Everything> {
    Json(everything(&world, wanted.disk).await)
}

/// Gathers it.
pub(crate) async fn everything(world: &World, disk: bool) -> Everything {
    let usages = world.hosts().usages(disk).await;
    let shown = |row: HostRow| Shown {
        process: Process::of(world.hosts().life(&row.host), world.hosts().net_of(&row.host)),
        endpoint: world.hosts().endpoint(&row.host),
        usage: usages.get(&row.host).copied().unwrap_or_default(),
        row,
    };
    let account = |account: std::sync::Arc<crate::account::Account>| AccountRow {
        id: account.id,
        email: account.email.clone(),
        credit_usd: usd(world.balance_micro(account.id)),
        gcp_project: account.gcp_project.clone(),
        service_account: account.sa_email.clone(),
    };
    Everything {
        now_ms: world.now_ms(),
        url: world.url().to_owned(),
        profile: world.profile().name,
        scale: world.profile().scale,
        rate_limits: world.options().rate_limits,
        standby_port: world.options().standby_port,
        accounts: world.accounts().all().into_iter().map(account).collect(),
        hosts: rows(world).into_iter().map(shown).collect(),
    }
}

/// The instances of both providers.
pub(crate) fn rows(world: &World) -> Vec<HostRow> {
    let mut rows = world.vast().rows(world);
    rows.extend(world.gcp().rows(world));
    rows
}
