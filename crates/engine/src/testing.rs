//! A context whose engine has not started, on a database of its own and under a clock that the test sets; in
//! tests only.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::association::{Association, AssociationState, Hooks, Serving, SyncStatus};
use domain::failover::{Failover, FailoverState, Intent, IntentState, Kind, Options};
use domain::gpu::{Endpoint, GpuInstance};
use domain::id::{AssociationId, Epoch, FailoverId, GpuId, IntentId, UserId};
use domain::money::MicroUsd;
use domain::offer::GpuSpec;
use domain::provider::Provider;
use domain::standby::{Standby, StandbyState};
use domain::time::{Clock, Millis};
use domain::verdict::Cause;
use store::{Keyring, NewUser, Store};
use tempfile::TempDir;

use crate::adapters::Providers;
use crate::config::EngineConfig;
use crate::context::Context;
use crate::ports::{Ports, SystemChance};

/// When tests begin.
pub(crate) const NOW: Millis = Millis(1_800_000_000_000);

/// A clock that stands still until it is set.
#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }
}

/// An instance that runs, as a list has it.
pub(crate) fn running(id: i64) -> GpuInstance {
    let running = Some("running".to_owned());
    GpuInstance {
        id: GpuId(id),
        machine_id: Some(1),
        label: None,
        actual_status: running.clone(),
        intended_status: running.clone(),
        cur_state: running.clone(),
        next_state: running,
        status_msg: None,
        ssh: Some(Endpoint { host: "127.0.0.1".into(), port: 9 }),
        public_ip: None,
        gpu_name: None,
        num_gpus: None,
        gpu_ram_mb: None,
        cpu_cores: None,
        cpu_ram_mb: None,
        disk_gb: None,
        usd_per_hour: None,
        is_bid: false,
        bid: None,
        min_bid: None,
        image: None,
        geolocation: None,
        reliability: None,
        started_at: None,
        gpu_util: None,
        gpu_temp: None,
    }
}

/// One test's engine.
pub(crate) struct Bench {
    pub(crate) context: Context,
    pub(crate) user: UserId,
    hand: Arc<Hand>,
    _folder: TempDir,
}

impl Bench {
    /// An empty database with one account.
    pub(crate) async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("dumont.db").display());
        let store = Store::open(&url, Keyring::random()).await.expect("a database");
        let new = NewUser {
            id: UserId::new("ana"),
            email: "ana@example.org".into(),
            username: "ana".into(),
            password_hash: "$argon2id$v=19$…".into(),
        };
        let user = store.users().create(&new, false, NOW).await.expect("an account").id;
        let hand = Arc::new(Hand(AtomicI64::new(NOW.0)));
        let clock: Arc<dyn Clock> = Arc::clone(&hand) as Arc<dyn Clock>;
        let config = EngineConfig::default();
        let outside = Arc::new(Providers::new(&config));
        let ports = Ports { clock, chance: Arc::new(SystemChance), outside };
        let context = Context::new(store, config, ports);
        Self { context, user, hand, _folder: folder }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, ms: i64) {
        self.hand.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// A machine on its GPU that has a copy.
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
            state: AssociationState::Following,
            reason: None,
            serving: Serving::Gpu,
            want_running: true,
            sync_enabled: true,
            epoch: Epoch(1),
            gpu_endpoint: Some(Endpoint { host: "127.0.0.1".into(), port: 9 }),
            gpu_host_key: None,
            standby: None,
            sync: SyncStatus { complete_to: Some(NOW), ..SyncStatus::default() },
            active_failover: None,
            created_at: NOW,
        };
        self.context.store.associations().create(&machine).await.expect("a machine");
        machine
    }

    /// The same with a standby that is ready.
    pub(crate) async fn machine_with_standby(&self) -> Association {
        let machine = self.machine().await;
        let id = IntentId::new("vm");
        let standby = Standby {
            intent: id.clone(),
            name: "dumont-vm".into(),
            project: "p".into(),
            zone: "europe-west1-b".into(),
            machine_type: "e2-medium".into(),
            disk_gb: 100,
            spot: true,
            usd_per_hour: MicroUsd(1),
            state: StandbyState::Ready,
            reason: None,
            endpoint: Some(Endpoint { host: "127.0.0.1".into(), port: 9 }),
            host_key: None,
            public_key: None,
            created_at: NOW,
        };
        let purchase = Intent {
            id,
            user: machine.user.clone(),
            failover: None,
            association: Some(machine.id.clone()),
            provider: Provider::Gcp,
            epoch: machine.epoch,
            label: standby.name.clone(),
            zone: standby.zone.clone(),
            project: Some(standby.project.clone()),
            left_out: Vec::new(),
            offer: None,
            machine_id: None,
            usd_per_hour: standby.usd_per_hour,
            state: IntentState::Open,
            external_id: None,
            created_at: NOW,
            changed_at: NOW,
            bound_at: None,
            gone_at: None,
            error: None,
        };
        let associations = self.context.store.associations();
        associations.begin_standby(&purchase, &standby, None).await.expect("a standby");
        Association { standby: Some(standby), ..machine }
    }

    /// A failover of a machine, begun.
    pub(crate) async fn failover(&self, of: &Association, kind: Kind, cause: Cause) -> Failover {
        let failover = Failover {
            id: FailoverId::new("failover"),
            user: of.user.clone(),
            association: of.id.clone(),
            machine_name: of.name.clone(),
            gpu: of.gpu,
            kind,
            cause,
            note: None,
            options: Options::default(),
            state: FailoverState::Running,
            from_epoch: of.epoch,
            round: 0,
            started_at: NOW,
            ended_at: None,
            error: None,
            sandbox: true,
        };
        self.context.store.failovers().open(&failover).await.expect("begun");
        failover
    }

    /// The purchase of a GPU for it.
    pub(crate) fn purchase(&self, of: &Failover) -> Intent {
        let now = self.context.now();
        Intent {
            id: IntentId::new(format!("purchase-of-{}", of.id)),
            user: self.user.clone(),
            failover: Some(of.id.clone()),
            association: Some(of.association.clone()),
            provider: Provider::Vast,
            epoch: of.from_epoch,
            label: format!("label-of-{}", of.id),
            zone: String::new(),
            project: None,
            left_out: Vec::new(),
            offer: Some(7),
            machine_id: Some(8),
            usd_per_hour: MicroUsd(400_000),
            state: IntentState::Open,
            external_id: None,
            created_at: now,
            changed_at: now,
            bound_at: None,
            gone_at: None,
            error: None,
        }
    }
}
