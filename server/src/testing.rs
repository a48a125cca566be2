//! A control plane whose time the test sets, whose database is in memory and whose providers keep their
//! answers to themselves; in tests only.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::association::{Association, AssociationState, Hooks, Serving, SyncStatus};
use domain::gpu::{Endpoint, GpuInstance};
use domain::grant::GrantLevel;
use domain::id::{AssociationId, Epoch, GpuId, GrantId, UserId};
use domain::launch::Launch;
use domain::offer::{GpuSpec, Offer, OfferFilter};
use domain::provider::ProviderError;
use domain::time::{Clock, Millis};
use engine::ports::{Gpus, Hosts, Outside, Ports, SystemChance, Vms};
use engine::{Engine, EngineConfig};
use providers::ssh::{HostKey, Shell, SshError};
use providers::vast::{Account, Bought, Create, Listing};
use secrecy::SecretString;
use store::{CredentialKind, CredentialStatus, Keyring, NewCredential, NewGrant, NewUser, Store};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Dumont;
use crate::dumont::{Parts, Site};
use crate::http::limit::{LoginLimiter, LoginLimits};
use crate::http::link_limit::LinkLimiter;
use crate::kept::Kept;
use crate::service::password::Passwords;
use crate::service::readiness::Recent;
use crate::service::setup::SetupToken;

/// When tests begin.
const NOW: i64 = 1_800_000_000_000;

/// A clock that stands still until it is set.
#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
}

/// Providers that never answer; where they are told to, they say that there is nothing on the market.
#[derive(Debug, Clone, Default)]
struct Silent {
    sells: Arc<AtomicBool>,
    /// What each search left to others.
    left: Arc<Mutex<Vec<usize>>>,
}

impl Silent {
    async fn market(&self) -> Vec<Offer> {
        if !self.sells.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Vec::new()
    }
}

#[async_trait]
impl Outside for Silent {
    fn gpus(&self, _: &SecretString) -> Result<Arc<dyn Gpus>, ProviderError> {
        Ok(Arc::new(self.clone()))
    }

    async fn vms(&self, _: &SecretString) -> Result<Arc<dyn Vms>, ProviderError> {
        std::future::pending().await
    }

    fn hosts(&self, _: &SecretString) -> Result<(Arc<dyn Hosts>, String), SshError> {
        Ok((Arc::new(self.clone()), "ssh-ed25519 key".into()))
    }

    fn new_key(&self) -> Result<SecretString, SshError> {
        Ok("key".to_owned().into())
    }
}

#[async_trait]
impl Hosts for Silent {
    async fn connect(
        &self,
        _: &Endpoint,
        _: &str,
        _: HostKey,
        _: Duration,
    ) -> Result<Shell, SshError> {
        std::future::pending().await
    }
}

#[async_trait]
impl Gpus for Silent {
    async fn user(&self) -> Result<Account, ProviderError> {
        std::future::pending().await
    }

    async fn list(&self) -> Result<Listing, ProviderError> {
        std::future::pending().await
    }

    async fn get(&self, _: GpuId) -> Result<Option<GpuInstance>, ProviderError> {
        std::future::pending().await
    }

    async fn launch(&self, _: GpuId) -> Result<Option<Launch>, ProviderError> {
        std::future::pending().await
    }

    async fn search(&self, _: &OfferFilter, _: f64) -> Result<Vec<Offer>, ProviderError> {
        Ok(self.market().await)
    }

    async fn search_leaving(
        &self,
        _: &OfferFilter,
        _: f64,
        kept: usize,
    ) -> Result<Vec<Offer>, ProviderError> {
        self.left.lock().expect("not poisoned").push(kept);
        Ok(self.market().await)
    }

    fn can_search_leaving(&self, _: usize) -> bool {
        true
    }

    async fn buy(&self, _: i64, _: &Create) -> Result<Bought, ProviderError> {
        std::future::pending().await
    }

    async fn start(&self, _: GpuId) -> Result<(), ProviderError> {
        std::future::pending().await
    }

    async fn stop(&self, _: GpuId) -> Result<(), ProviderError> {
        std::future::pending().await
    }

    async fn label(&self, _: GpuId, _: &str) -> Result<(), ProviderError> {
        std::future::pending().await
    }

    async fn destroy(&self, _: GpuId) -> Result<(), ProviderError> {
        std::future::pending().await
    }

    async fn attach_key(&self, _: GpuId, _: &str) -> Result<(), ProviderError> {
        std::future::pending().await
    }

    async fn ensure_account_key(&self, _: &str) -> Result<(), ProviderError> {
        Ok(())
    }
}

/// How long ago that was, as exactly as timers are: they count whole milliseconds from their start.
pub(crate) fn passed(since: Instant) -> Duration {
    let ms = u64::try_from(since.elapsed().as_millis()).expect("short");
    Duration::from_millis(ms / 10 * 10)
}

/// One test's control plane.
pub(crate) struct Bench {
    pub(crate) dumont: Dumont,
    pub(crate) user: UserId,
    silent: Silent,
    hand: Arc<Hand>,
    /// The database is there as long as this is.
    _database: memory::Copy,
}

impl Bench {
    /// With one account that has a key of Vast.ai.
    pub(crate) async fn new() -> Self {
        memory::install();
        let folder = tempfile::tempdir().expect("a folder");
        let (file, keys) = (folder.path().join("dumont.db"), Keyring::random());
        // The schema is made in a file, on threads of its own, before time is the test's.
        let at = format!("sqlite://{}", file.display());
        let there = Store::open(&at, keys.clone()).await.expect("a database");
        there.close().await;
        let name = format!("{:032x}", rand::random::<u128>());
        let database = memory::Copy::of(&file, &name).expect("a copy");
        let store = Store::open(database.address(), keys).await.expect("a store");
        let new = NewUser {
            id: UserId::new("ana"),
            email: "ana@example.org".into(),
            username: "ana".into(),
            password_hash: "none".into(),
        };
        let now = Millis(NOW);
        let user = store.users().create(&new, false, now).await.expect("an account").id;
        let key = NewCredential {
            kind: CredentialKind::VastApiKey,
            secret: &"key".to_owned().into(),
            hint: serde_json::json!({}),
            status: CredentialStatus::Ok,
            status_word: None,
            checked_at: Some(now),
        };
        store.credentials().put(&user, &key, now).await.expect("a key");
        let (silent, hand) = (Silent::default(), Arc::new(Hand(AtomicI64::new(NOW))));
        let clock: Arc<dyn Clock> = hand.clone();
        let ports = Ports {
            clock: clock.clone(),
            chance: Arc::new(SystemChance),
            outside: Arc::new(silent.clone()),
        };
        let dumont = Dumont::new(Parts {
            engine: Engine::over(store.clone(), EngineConfig::default(), ports),
            store,
            clock,
            site: Site {
                public_url: None,
                secure: false,
                sandbox: false,
                setup: SetupToken::random(),
                hosts: Vec::new(),
                trust_proxy: false,
            },
            limiter: LoginLimiter::new(LoginLimits::default()),
            link_limiter: LinkLimiter::default(),
            passwords: Passwords::new().expect("random"),
            recent: Recent::default(),
            kept: Kept::default(),
            soft: CancellationToken::new(),
        });
        tokio::time::pause();
        Self { dumont, user, silent, hand, _database: database }
    }

    /// Another account, which may look at all machines of the first.
    pub(crate) async fn grantee(&self) -> UserId {
        let (store, now) = (&self.dumont.store, self.dumont.now());
        let new = NewUser {
            id: UserId::new("bob"),
            email: "bob@example.org".into(),
            username: "bob".into(),
            password_hash: "none".into(),
        };
        let bob = store.users().create(&new, false, now).await.expect("an account").id;
        let grant = NewGrant {
            id: GrantId::new("grant"),
            owner: self.user.clone(),
            named: "bob".into(),
            level: GrantLevel::Read,
            machines: None,
            accept_by: now.plus(1_000),
            expires_at: None,
            given_by: None,
        };
        store.grants().offer(&grant, now).await.expect("offered");
        store.grants().accept(&bob, &grant.id, now).await.expect("accepted");
        bob
    }

    /// A machine on its GPU, without a standby.
    pub(crate) async fn machine(&self) -> Association {
        let machine = Association {
            id: AssociationId::new("machine"),
            user: self.user.clone(),
            gpu: GpuId(42),
            name: "trainer".into(),
            workspace: "/workspace".into(),
            image: None,
            spec: GpuSpec::default(),
            hooks: Hooks::default(),
            state: AssociationState::Degraded,
            reason: None,
            serving: Serving::Gpu,
            want_running: true,
            sync_enabled: true,
            epoch: Epoch(1),
            gpu_endpoint: Some(Endpoint { host: "127.0.0.1".into(), port: 9 }),
            gpu_host_key: None,
            standby: None,
            sync: SyncStatus::default(),
            active_failover: None,
            created_at: self.dumont.now(),
        };
        self.dumont.store.associations().create(&machine).await.expect("a machine");
        machine
    }

    /// Whether the market answers, at once and with nothing.
    pub(crate) fn market_answers(&self, does: bool) {
        self.silent.sells.store(does, Ordering::SeqCst);
    }

    /// How many of the searches that Vast.ai allows each search so far left to others.
    pub(crate) fn left(&self) -> Vec<usize> {
        self.silent.left.lock().expect("not poisoned").clone()
    }

    /// Lets the time of day pass.
    pub(crate) fn pass(&self, ms: i64) {
        self.hand.0.fetch_add(ms, Ordering::SeqCst);
    }
}
