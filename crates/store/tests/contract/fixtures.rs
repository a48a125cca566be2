//! Whole domain values with every field set to something that a test can recognise.

use domain::association::{Association, AssociationState, Hooks, Serving, SyncStatus};
use domain::failover::{
    Disposal, Failover, FailoverState, Intent, IntentState, Kind, Options, Role, Wish,
};
use domain::gpu::Endpoint;
use domain::id::{AssociationId, DisposalId, Epoch, FailoverId, GpuId, IntentId, UserId};
use domain::money::MicroUsd;
use domain::offer::GpuSpec;
use domain::provider::Provider;
use domain::standby::{Standby, StandbyState};
use domain::time::Millis;
use domain::verdict::Cause;
use store::{NewUser, Store};

/// The present of every test.
pub(crate) const NOW: Millis = Millis(1_800_000_000_000);

pub(crate) async fn user(store: &Store, name: &str) -> UserId {
    let new = NewUser {
        id: UserId::new(format!("user-{name}")),
        email: format!("{name}@example.org"),
        username: name.to_owned(),
        password_hash: "$argon2id$v=19$…".into(),
    };
    store.users().create(&new, false, NOW).await.expect("a user").id
}

pub(crate) fn endpoint(host: &str) -> Endpoint {
    Endpoint { host: host.into(), port: 22_022 }
}

pub(crate) fn standby(intent: &str) -> Standby {
    Standby {
        intent: IntentId::new(intent),
        name: format!("dumont-{intent}"),
        project: "project-1".into(),
        zone: "europe-west1-b".into(),
        machine_type: "e2-medium".into(),
        disk_gb: 100,
        spot: true,
        usd_per_hour: MicroUsd(12_345),
        state: StandbyState::Booting,
        reason: Some("waiting for SSH".into()),
        endpoint: Some(endpoint("127.77.0.1")),
        host_key: Some("ssh-ed25519 AAAAstandby".into()),
        public_key: Some("ssh-ed25519 AAAApublic".into()),
        created_at: NOW.plus(5),
    }
}

pub(crate) fn association(user: &UserId, id: &str, gpu: i64) -> Association {
    Association {
        id: AssociationId::new(id),
        user: user.clone(),
        gpu: GpuId(gpu),
        name: "trainer é".into(),
        workspace: "/workspace".into(),
        image: Some("pytorch/pytorch".into()),
        spec: GpuSpec {
            gpu_name: Some("RTX 4090".into()),
            num_gpus: Some(2),
            gpu_ram_mb: Some(24_564),
            disk_gb: Some(64.5),
            usd_per_hour: Some(MicroUsd(412_345)),
            machine_id: Some(77),
            geolocation: Some("California, US".into()),
        },
        hooks: Hooks {
            on_standby: Some("echo 'standby'".into()),
            on_gpu: None,
            before_switch: Some("pkill \"train\"".into()),
        },
        state: AssociationState::Preparing,
        reason: Some("making its standby".into()),
        serving: Serving::Gpu,
        want_running: true,
        sync_enabled: true,
        epoch: Epoch(3),
        gpu_endpoint: Some(endpoint("127.78.0.1")),
        gpu_host_key: Some("ssh-ed25519 AAAAgpu".into()),
        standby: Some(standby("intent-standby")),
        sync: SyncStatus {
            count: 4,
            complete_to: Some(NOW),
            last_sync_at: Some(NOW.plus(900)),
            files: Some(1_000),
            bytes: Some(5_000_000_000),
            pending_files: Some(3),
            pending_bytes: None,
            problem: None,
            path: Some(domain::association::DataPath::Rsync),
            why_rsync: Some(domain::association::WhyRsync::Off),
            gaps: Some(domain::gaps::Gaps::default()),
            point: Some(7),
            drift: Some((
                NOW,
                domain::gaps::Drift { point: Some(6), written: 1, removed: 2, unread: 3 },
            )),
        },
        active_failover: None,
        created_at: NOW,
    }
}

/// A user with one association in epoch 3, stored.
pub(crate) async fn machine(store: &Store, name: &str) -> Association {
    let user = user(store, name).await;
    let new = association(&user, &format!("assoc-{name}"), 1_001);
    store.associations().create(&new).await.expect("an association");
    new
}

pub(crate) fn failover(of: &Association, id: &str) -> Failover {
    Failover {
        id: FailoverId::new(id),
        user: of.user.clone(),
        association: of.id.clone(),
        machine_name: of.name.clone(),
        gpu: of.gpu,
        kind: Kind::Real,
        cause: Cause::HostOffline,
        note: Some("a person's words".into()),
        options: Options::default(),
        state: FailoverState::Running,
        from_epoch: of.epoch,
        round: 0,
        started_at: NOW,
        ended_at: None,
        error: None,
        sandbox: true,
    }
}

pub(crate) fn intent(of: &Failover, id: &str, epoch: Epoch) -> Intent {
    Intent {
        id: IntentId::new(id),
        user: of.user.clone(),
        failover: Some(of.id.clone()),
        association: Some(of.association.clone()),
        provider: Provider::Vast,
        epoch,
        label: format!("dumont-0a1b2c3d-{id}"),
        zone: String::new(),
        project: None,
        left_out: Vec::new(),
        offer: Some(9_000_001),
        machine_id: Some(77),
        usd_per_hour: MicroUsd(400_000),
        state: IntentState::Open,
        external_id: None,
        created_at: NOW,
        changed_at: NOW,
        bound_at: None,
        gone_at: None,
        error: None,
    }
}

/// The purchase of a machine's standby.
pub(crate) fn vm(of: &Association, id: &str) -> Intent {
    Intent {
        failover: None,
        provider: Provider::Gcp,
        zone: "europe-west1-b".into(),
        project: Some("project-1".into()),
        offer: None,
        machine_id: None,
        ..intent(&failover(of, "none"), id, of.epoch)
    }
}

pub(crate) fn disposal(user: &UserId, id: &str, external_id: &str, wish: Wish) -> Disposal {
    Disposal {
        id: DisposalId::new(id),
        user: user.clone(),
        provider: Provider::Vast,
        external_id: external_id.into(),
        zone: String::new(),
        role: Role::Candidate,
        failover: None,
        association: None,
        wish,
        requested_at: NOW,
        attempts: 0,
        next_at: NOW,
        last_error: None,
        done_at: None,
        saved: None,
    }
}
