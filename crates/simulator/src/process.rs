//! One process of the product: a set of tasks on one thread that can be held still, or killed between any
//! two of its calls to what is not its own.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use domain::time::{Clock, Millis};
use futures::future::BoxFuture;
use tokio::task::LocalSet;

use crate::world::{EPOCH_MS, World};

/// Longest that a call hangs at a cut line, ms.
const HANG: Duration = Duration::from_secs(3);

/// What is done to one process, and how far it has come.
#[derive(Debug)]
pub(crate) struct Fate {
    pub(crate) number: usize,
    world: World,
    dead: AtomicBool,
    frozen_until: AtomicU64,
    clock_offset: AtomicI64,
    no_store_until: AtomicU64,
    no_provider_until: AtomicU64,
    no_host_until: AtomicU64,
    calls: AtomicU64,
    /// The call at which it dies; after its effect where the flag is set.
    dies_at: AtomicU64,
    dies_after: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Fate {
    pub(crate) fn new(world: &World, number: usize, clock_offset: i64) -> Arc<Self> {
        Arc::new(Self {
            number,
            world: world.clone(),
            dead: AtomicBool::new(false),
            frozen_until: AtomicU64::new(0),
            clock_offset: AtomicI64::new(clock_offset),
            no_store_until: AtomicU64::new(0),
            no_provider_until: AtomicU64::new(0),
            no_host_until: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            dies_at: AtomicU64::new(u64::MAX),
            dies_after: AtomicBool::new(false),
            waker: Mutex::default(),
        })
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn crash_in(&self, calls: u64, after: bool) {
        self.dies_after.store(after, Ordering::Relaxed);
        let now = self.calls.load(Ordering::Relaxed);
        self.dies_at.store(now.saturating_add(calls), Ordering::Relaxed);
    }

    pub(crate) fn no_more_crash(&self) {
        self.dies_at.store(u64::MAX, Ordering::Relaxed);
    }

    pub(crate) fn freeze(&self, ms: u64) {
        self.frozen_until.store(self.world.now() + ms, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn step_clock(&self, ms: i64) {
        self.clock_offset.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn right_clock(&self) {
        self.clock_offset.store(0, Ordering::Relaxed);
    }

    pub(crate) fn cut_store(&self, ms: u64) {
        self.no_store_until.store(self.world.now() + ms, Ordering::Relaxed);
    }

    pub(crate) fn cut_provider(&self, ms: u64) {
        self.no_provider_until.store(self.world.now() + ms, Ordering::Relaxed);
    }

    pub(crate) fn cut_hosts(&self, ms: u64) {
        self.no_host_until.store(self.world.now() + ms, Ordering::Relaxed);
    }

    pub(crate) fn has_providers(&self) -> bool {
        self.world.now() >= self.no_provider_until.load(Ordering::Relaxed)
    }

    pub(crate) fn has_hosts(&self) -> bool {
        self.world.now() >= self.no_host_until.load(Ordering::Relaxed)
    }

    async fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.world.note(&format!("p{} killed", self.number));
        self.wake();
        std::future::pending::<()>().await;
    }

    /// Before a call has its effect.
    pub(crate) async fn before(&self) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if call >= self.dies_at.load(Ordering::Relaxed) && !self.dies_after.load(Ordering::Relaxed)
        {
            self.die().await;
        }
    }

    /// After it had, before its answer is seen.
    pub(crate) async fn after(&self) {
        let call = self.calls.load(Ordering::Relaxed);
        if call > self.dies_at.load(Ordering::Relaxed) && self.dies_after.load(Ordering::Relaxed) {
            self.die().await;
        }
    }
}

/// The way of one process to the database.
#[derive(Debug)]
pub(crate) struct StoreGate(pub(crate) Arc<Fate>);

impl memory::Gate for StoreGate {
    fn before(&self) -> BoxFuture<'static, Result<(), String>> {
        let fate = Arc::clone(&self.0);
        Box::pin(async move {
            fate.before().await;
            if fate.world.now() < fate.no_store_until.load(Ordering::Relaxed) {
                tokio::time::sleep(HANG).await;
                return Err("the database does not answer".into());
            }
            Ok(())
        })
    }

    fn after(&self) -> BoxFuture<'static, Result<(), String>> {
        let fate = Arc::clone(&self.0);
        Box::pin(async move {
            fate.after().await;
            Ok(())
        })
    }
}

/// The clock that one process sees.
#[derive(Debug)]
pub(crate) struct OwnClock(pub(crate) Arc<Fate>);

impl Clock for OwnClock {
    fn now(&self) -> Millis {
        let now = i64::try_from(self.0.world.now()).unwrap_or(i64::MAX);
        Millis(EPOCH_MS + now + self.0.clock_offset.load(Ordering::Relaxed))
    }
}

/// Drives the tasks of a process until it is killed: then they are dropped where they are.
pub(crate) async fn drive(fate: &Fate, mut tasks: LocalSet) {
    loop {
        if fate.is_dead() {
            return;
        }
        let until = fate.frozen_until.load(Ordering::Relaxed);
        if let Some(left) = until.checked_sub(fate.world.now()).filter(|left| *left > 0) {
            tokio::time::sleep(Duration::from_millis(left)).await;
            continue;
        }
        std::future::poll_fn(|cx| {
            let waker = Some(cx.waker().clone());
            *fate.waker.lock().unwrap_or_else(PoisonError::into_inner) = waker;
            let held = fate.frozen_until.load(Ordering::Relaxed) > fate.world.now();
            if held || fate.is_dead() {
                return Poll::Ready(());
            }
            let ended = Pin::new(&mut tasks).poll(cx).is_ready();
            // What it did may have killed it.
            if ended || fate.is_dead() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
