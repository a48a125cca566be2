//! The simulated Vast.ai: a market of offers, rented instances with a real
//! host behind each, and the API that the official clients speak.
//!
//! Decisions are pure (`life`, `query`, `listing`, `plan`); `driver` carries
//! them out. Every instance belongs to the account whose key rented it, and no
//! call shows or touches another account's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use axum::Router;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::fault::Armed;
use crate::world::{HostEvent, HostRow, World};

mod catalogue;
mod change;
mod charges;
mod command;
mod copy;
mod create;
mod destroy;
mod driver;
mod filter;
mod gate;
mod gpu;
mod instance;
mod instances;
mod keys;
mod launch;
mod life;
mod limits;
mod listing;
mod logs;
mod offer;
mod order;
mod outside;
mod plan;
mod query;
mod reply;
mod routes;
mod row;
mod search;
mod spec;
mod status;
mod user;

use instance::{Instance, Key};
use limits::{Endpoint, Limits};
use offer::Slot;
use plan::Done;

/// The first contract's number, in the range that the real ones have now.
const FIRST_INSTANCE: u64 = 28_000_001;

/// Everything that the simulated Vast.ai remembers.
#[derive(Debug)]
pub struct Vast {
    slots: Vec<Slot>,
    inner: Mutex<Inner>,
    wake: Notify,
    settled: watch::Sender<u64>,
}

/// What survives a restart.
#[derive(Debug, Serialize, Deserialize)]
struct Book {
    next_instance: u64,
    next_key: u64,
    instances: BTreeMap<u64, Instance>,
    keys: Vec<Key>,
    /// Offers that someone else has taken, and until when.
    gone: HashMap<u64, i64>,
}

#[derive(Debug)]
struct Inner {
    book: Book,
    /// What has been done about each instance's host.
    done: HashMap<u64, Done>,
    /// Instances whose host is being worked on.
    busy: HashSet<u64>,
    /// Logs that were asked for, by their secret name.
    logs: HashMap<String, String>,
    /// Copies under way, by the instance that receives them.
    copies: HashMap<u64, Vec<CancellationToken>>,
    limits: Limits,
}

impl Default for Vast {
    fn default() -> Self {
        let book = Book {
            next_instance: FIRST_INSTANCE,
            next_key: 4_101,
            instances: BTreeMap::new(),
            keys: Vec::new(),
            gone: HashMap::new(),
        };
        Self {
            slots: catalogue::build(),
            inner: Mutex::new(Inner {
                book,
                done: HashMap::new(),
                busy: HashSet::new(),
                logs: HashMap::new(),
                copies: HashMap::new(),
                limits: Limits::default(),
            }),
            wake: Notify::new(),
            settled: watch::Sender::new(0),
        }
    }
}

impl Vast {
    /// The routes `/api/v0/*` and `/api/v1/*`.
    pub fn router() -> Router<World> {
        routes::router()
    }

    /// All that must survive a restart.
    #[must_use]
    pub fn save(&self) -> Value {
        self.with(|inner| serde_json::to_value(&inner.book).unwrap_or_default())
    }

    /// Takes over what [`Self::save`] gave; called once, before serving.
    ///
    /// # Errors
    /// When the value has another shape.
    pub fn load(&self, saved: Value) -> Result<(), serde_json::Error> {
        if !saved.is_null() {
            let book = serde_json::from_value(saved)?;
            self.with(|inner| inner.book = book);
        }
        Ok(())
    }

    /// After a start: boots the hosts of running instances, goes on with
    /// transitions that were under way and starts the background tasks.
    pub async fn resume(world: &World) {
        driver::resume(world);
    }

    /// The instances for `/_sandbox/state`.
    pub fn rows(&self, world: &World) -> Vec<HostRow> {
        outside::rows(self, world)
    }

    /// A fault has just been armed; those that act at once act here.
    pub async fn on_fault(world: &World, armed: &Armed) {
        outside::on_fault(world, armed);
    }

    /// Something was done to the host of instance `id` from outside.
    pub async fn on_host(world: &World, id: &str, event: HostEvent) {
        outside::on_host(world, id, event);
    }

    fn with<R>(&self, act: impl FnOnce(&mut Inner) -> R) -> R {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn slot(&self, ask_id: u64) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.ask_id == ask_id)
    }

    /// Counts a call and gives the threshold that it breaks, seconds.
    fn too_frequent(&self, account: u64, endpoint: Endpoint, now_ms: i64) -> Option<f64> {
        self.with(|inner| inner.limits.refuse(account, endpoint, now_ms))
    }

    /// The instance and account of an instance's own key.
    fn by_instance_key(&self, key: &str) -> Option<(u64, u64)> {
        self.with(|inner| {
            let mut all = inner.book.instances.values();
            all.find(|instance| instance.api_key == key)
                .map(|instance| (instance.id, instance.account))
        })
    }
}
