//! The one thing that every router and background task is given.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::Accounts;
use crate::fault::Faults;
use crate::gcp::Gcp;
use crate::host::{self, HostKind, Hosts};
use crate::ledger::{self, Ledger};
use crate::options::{Disks, Options};
use crate::profile::Profile;
use crate::vast::Vast;

/// Everything that exists in this sandbox; cheap to clone.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    options: Options,
    profile: Profile,
    url: OnceLock<String>,
    accounts: Accounts,
    ledger: Ledger,
    faults: Faults,
    hosts: Hosts,
    vast: Vast,
    gcp: Gcp,
    changed: Notify,
    tracker: TaskTracker,
    token: CancellationToken,
}

impl World {
    pub(crate) fn new(options: Options, hosts: Hosts, token: CancellationToken) -> Self {
        let profile = Profile { name: options.profile, scale: options.scale };
        Self(Arc::new(Inner {
            options,
            profile,
            url: OnceLock::new(),
            accounts: Accounts::default(),
            ledger: Ledger::default(),
            faults: Faults::default(),
            hosts,
            vast: Vast::default(),
            gcp: Gcp::default(),
            changed: Notify::new(),
            tracker: TaskTracker::new(),
            token,
        }))
    }

    /// The settings it was started with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Where it listens, `http://127.0.0.1:8700`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.0.url.get().map_or("", String::as_str)
    }

    pub(crate) fn set_url(&self, url: String) {
        let _ = self.0.url.set(url);
    }

    /// The hosts behind the instances.
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.0.hosts
    }

    /// The disk of a new host, bytes, if it is to be a file system of its own.
    #[must_use]
    pub(crate) fn disk_bytes(&self, image: &str, gb: f64) -> Option<u64> {
        let own = self.options().disks == Disks::Own || host::wants_own_disk(image);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number of gigabytes"
        )]
        own.then_some((gb * 1e9) as u64)
    }

    /// The billing ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// The faults that are armed.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// The latencies in force.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }

    /// The customers.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// The simulated Vast.ai.
    #[must_use]
    pub fn vast(&self) -> &Vast {
        &self.0.vast
    }

    /// The simulated Google Compute Engine.
    #[must_use]
    pub fn gcp(&self) -> &Gcp {
        &self.0.gcp
    }

    /// Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        now_ms()
    }

    /// Says that something worth keeping has changed; it is written to disk
    /// within 200 ms.
    pub fn changed(&self) {
        self.0.changed.notify_one();
    }

    pub(crate) async fn wait_for_change(&self) {
        self.0.changed.notified().await;
    }

    /// Runs a task in the background until it ends or the sandbox stops.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let token = self.0.token.clone();
        self.0.tracker.spawn(async move {
            token.run_until_cancelled(task).await;
        });
    }

    /// Waits; false when the sandbox stops meanwhile.
    pub async fn pause(&self, time: Duration) -> bool {
        if time.is_zero() {
            return !self.0.token.is_cancelled();
        }
        self.0.token.run_until_cancelled(tokio::time::sleep(time)).await.is_some()
    }

    /// Ends when the sandbox stops.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.0.token
    }

    /// The background tasks.
    #[must_use]
    pub fn tracker(&self) -> &TaskTracker {
        &self.0.tracker
    }

    /// What is left of an account's Vast.ai credit, micro-dollars; may be
    /// slightly negative, as at the real one. Zero for an unknown account.
    #[must_use]
    pub fn balance_micro(&self, account: u64) -> i64 {
        let Some(account) = self.accounts().by_id(account) else { return 0 };
        account.credit_micro - self.ledger().spent_micro(ledger::VAST, account.id, now_ms())
    }

    /// Sets what is left of an account's credit; false for an unknown one.
    pub fn set_balance_micro(&self, account: u64, micro: i64) -> bool {
        let spent = self.ledger().spent_micro(ledger::VAST, account, now_ms());
        let known = self.accounts().set_paid_in(account, micro + spent);
        self.changed();
        known
    }
}

/// Unix milliseconds of the machine's clock.
#[must_use]
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

/// One instance as `/_sandbox/state` and the console show it.
#[derive(Debug, Clone, Serialize)]
pub struct HostRow {
    /// `vast.ai` or `gcp`.
    pub provider: &'static str,
    /// The Vast.ai instance's id or the VM's name: what the admin API takes.
    pub id: String,
    /// The host behind it, as [`Hosts`] knows it.
    #[serde(skip)]
    pub host: String,
    /// GPU or standby.
    pub kind: HostKind,
    /// The account that pays.
    pub account: u64,
    /// The customer's label or name.
    pub label: Option<String>,
    /// The machine, such as `RTX 4090` or `e2-medium spot`.
    pub machine: String,
    /// The provider's own status words by field, such as `actual_status`.
    pub status: BTreeMap<&'static str, String>,
    /// The rate now, dollars per hour.
    pub usd_per_hour: f64,
}

/// What the provider is made to say about a dead host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderSays {
    /// The machine is disconnected.
    Offline,
    /// No heartbeat.
    Unknown,
    /// Nothing is wrong.
    Running,
}

/// What was done to a host from outside the provider's API. The provider that
/// owns it is told after it has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostEvent {
    /// The tree was killed and the network is a black hole. The provider is to
    /// say this after [`Profile::notices_dead_host`].
    Killed(ProviderSays),
    /// Stopped in the middle of everything.
    Frozen,
    /// Running again.
    Thawed,
    /// Nothing gets in or out.
    Cut,
    /// In order again: booted if it was dead, thawed, network up.
    Healed,
}
