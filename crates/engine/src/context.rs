//! What every part of the engine is given: the database, the clock, the clients, the live view, and
//! the means to end.

use std::sync::Arc;

use domain::id::UserId;
use domain::time::{Clock, Millis};
use store::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::Accounts;
use crate::config::EngineConfig;
use crate::data::Sources;
use crate::live::Live;
use crate::ports::{Chance, Ports, task};
use crate::selfcheck::SelfWatch;

/// Shared by all tasks of one engine; cheap to clone.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

/// The parts; reached through [`Context`].
pub struct Inner {
    /// The database: the truth.
    pub store: Store,
    /// What the engine was told at start.
    pub config: EngineConfig,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// New ids and random numbers.
    pub chance: Arc<dyn Chance>,
    /// Provider clients and keys by user.
    pub accounts: Accounts,
    /// What is known only while this process runs: shells, observations, the newest lists.
    pub live: Live,
    /// Whether this process can trust what it sees.
    pub own: SelfWatch,
    /// Ends everything.
    pub token: CancellationToken,
    tracker: TaskTracker,
    wake: Notify,
}

impl std::ops::Deref for Context {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Context {
    /// A context whose engine has not started.
    #[must_use]
    pub fn new(store: Store, config: EngineConfig, ports: Ports) -> Self {
        let accounts = Accounts::new(store.clone(), &ports);
        let Ports { clock, chance, .. } = ports;
        Self(Arc::new(Inner {
            store,
            config,
            clock,
            chance,
            accounts,
            live: Live::default(),
            own: SelfWatch::default(),
            token: CancellationToken::new(),
            tracker: TaskTracker::new(),
            wake: Notify::new(),
        }))
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// What loops of the data path are given of this engine.
    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources { clock: Arc::clone(&self.clock), chance: Arc::clone(&self.chance) }
    }

    /// An id that nothing else has.
    #[must_use]
    pub fn new_id(&self) -> String {
        self.chance.id().to_string()
    }

    /// Starts a task that the engine waits for when it ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        task::spawn_tracked(&self.tracker, task);
    }

    /// Has the supervisor look at the database now instead of at its next tick.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for [`Context::wake`].
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Tells everyone who watches a user's pages that something changed. Failing to tell is logged,
    /// never more: the database is the truth, and pages ask it.
    pub async fn doorbell(&self, user: &UserId, kind: &str, id: &str) {
        if let Err(error) = self.store.events().append(user, kind, id, self.now()).await {
            tracing::warn!(%error, kind, id, "event not recorded");
        }
    }

    /// Ends all tasks and waits for them.
    pub async fn shut_down(&self) {
        self.token.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
