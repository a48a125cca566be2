//! A sandbox of one's own for each test, with a client of either provider.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use domain::gpu::GpuInstance;
use domain::id::GpuId;
use domain::offer::{Offer, OfferFilter};
use providers::gcp::{GcpClient, StandbyRequest};
use providers::vast::{Bought, Create, Limits, Vast, VastClient};
use sandbox::fault::Fault;
use sandbox::{Options, Running, Sandbox};
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

/// The longest that anything in these tests may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// The zone that tests use.
pub(crate) const ZONE: &str = "europe-west1-b";
/// A key line that nobody logs in with.
pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7mOZ7gCkzXjcpYZQkNqL5SttyjnTE6wbO7TpnQ5b1o dumont";

/// A running sandbox.
pub(crate) struct Bench {
    pub(crate) running: Running,
    _folder: TempDir,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(set: impl FnOnce(&mut Options)) -> Self {
        // Another test of this program may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = Options::in_dir(folder.path().join("data"));
        options.host_program = Some(host_program().clone());
        set(&mut options);
        Self { running: Sandbox::start(options).await.expect("a sandbox"), _folder: folder }
    }

    /// The first account's Vast client, without limits of its own.
    pub(crate) fn vast(&self) -> VastClient {
        self.vast_with(&self.running.credentials.vast_api_key)
    }

    pub(crate) fn vast_with(&self, key: &str) -> VastClient {
        Vast::new(&self.running.url, Limits::none())
            .expect("a client")
            .account(SecretString::from(key))
    }

    pub(crate) async fn gcp(&self) -> GcpClient {
        self.gcp_with(&self.running.credentials.gcp_service_account).await
    }

    pub(crate) async fn gcp_with(&self, key: &Value) -> GcpClient {
        GcpClient::new(Some(&self.running.url), &key.to_string().into()).await.expect("a client")
    }

    /// Arms a fault, as the admin API does.
    pub(crate) async fn arm(
        &self,
        name: Fault,
        target: Option<&str>,
        params: Value,
        count: Option<u32>,
    ) {
        let world = &self.running.world;
        let armed =
            world.faults().arm(name, target.map(str::to_owned), params, count, world.now_ms());
        sandbox::vast::Vast::on_fault(world, &armed).await;
        sandbox::gcp::Gcp::on_fault(world, &armed).await;
    }

    /// How often a counted fault can still strike; 0 when it is used up.
    pub(crate) fn left(&self, name: Fault) -> u32 {
        let world = &self.running.world;
        let armed = world.faults().armed(world.now_ms());
        armed.iter().filter(|fault| fault.name == name).filter_map(|fault| fault.count).sum()
    }

    /// How many bills were ever opened.
    pub(crate) fn bills(&self) -> usize {
        self.running.world.ledger().rows().len()
    }

    /// How many bills are open.
    pub(crate) fn open_bills(&self) -> usize {
        self.running.world.ledger().rows().iter().filter(|row| row.live()).count()
    }
}

/// The sandbox's binary, which is what runs inside each host: the one that is named, or the one that
/// the workspace's tests have built, or one built now.
fn host_program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(program) = std::env::var_os("DUMONT_SANDBOX_BIN") {
            return program.into();
        }
        let own = std::env::current_exe().expect("a path");
        let folder = own.ancestors().nth(2).expect("target/debug/deps/test");
        let program = folder.join("dumont-sandbox");
        if !program.is_file() {
            let built = std::process::Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--package", "sandbox", "--bin", "dumont-sandbox"])
                .status()
                .expect("cargo runs");
            assert!(built.success(), "the sandbox can't be built");
        }
        program
    })
}

/// The cheapest offer of one RTX 4090.
pub(crate) async fn offer(client: &VastClient) -> Offer {
    offers(client, 1).await.remove(0)
}

/// The cheapest offers.
pub(crate) async fn offers(client: &VastClient, count: usize) -> Vec<Offer> {
    let mut filter = OfferFilter { limit: Some(count), ..OfferFilter::default() };
    if count == 1 {
        filter.gpu_name = Some("RTX 4090".into());
    }
    let found = client.search(&filter, 20.0).await.expect("offers");
    assert_eq!(found.len(), count, "the market is large enough");
    found
}

pub(crate) fn create(label: &str) -> Create {
    Create { image: "ubuntu:22.04".into(), disk_gb: 20.0, label: label.into(), ..Create::default() }
}

/// Buys the cheapest offer.
pub(crate) async fn rent(client: &VastClient, label: &str) -> GpuId {
    let Bought::Created(id) =
        client.buy(offer(client).await.id, &create(label)).await.expect("bought");
    id
}

/// Looks at an instance until it is as wanted.
pub(crate) async fn until(
    client: &VastClient,
    id: GpuId,
    what: &str,
    wanted: impl Fn(&GpuInstance) -> bool,
) -> GpuInstance {
    let start = Instant::now();
    loop {
        let seen = client.get(id).await.expect("an answer").expect("the instance");
        if wanted(&seen) {
            return seen;
        }
        assert!(start.elapsed() < DEADLINE, "{id} is not {what}: {seen:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn standby(name: &str) -> StandbyRequest {
    StandbyRequest {
        name: name.into(),
        zone: ZONE.into(),
        machine_type: "e2-medium".into(),
        disk_gb: 100,
        spot: true,
        ssh_public_key: KEY.into(),
        startup_script: "#!/bin/sh\ntrue\n".into(),
        labels: vec![("dumont-install".into(), "ab12cd34".into())],
        request_id: Uuid::new_v4(),
    }
}
