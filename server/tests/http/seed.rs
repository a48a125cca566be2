//! Rows of a person, each with something in it that a test can recognise.

use domain::association::{Association, AssociationState, Hooks, Serving, SyncStatus};
use domain::failover::{Failover, FailoverState, Kind, Options, Outcome, StepName};
use domain::gpu::Endpoint;
use domain::id::{AssociationId, Epoch, FailoverId, GpuId, IntentId, UserId};
use domain::money::MicroUsd;
use domain::offer::GpuSpec;
use domain::standby::{Standby, StandbyState};
use domain::verdict::Cause;
use serde_json::{Value, json};
use store::Finish;

use crate::world::World;

/// The seeded machine's GPU.
pub(crate) const GPU: i64 = 424_242;
/// The project of its standby: that of the customer that `World::customer` makes first, so that the
/// credentials of that one are its own.
pub(crate) const PROJECT: &str = "sandbox-100002";
/// Words that only the owner's rows hold.
pub(crate) const MARKS: &[&str] = &[
    "424242",
    "owners-machine",
    "owners-standby",
    "owners-failover",
    "owners note",
    "owners-token",
    "/owners/path",
];

/// A machine on its GPU with a standby.
pub(crate) fn association(user: &UserId, world: &World) -> Association {
    let now = world.dumont.now();
    Association {
        id: AssociationId::new("owners-machine-id"),
        user: user.clone(),
        gpu: GpuId(GPU),
        name: "owners-machine".into(),
        workspace: "/owners/path".into(),
        image: None,
        spec: GpuSpec { usd_per_hour: Some(MicroUsd(400_000)), ..GpuSpec::default() },
        hooks: Hooks::default(),
        state: AssociationState::Following,
        reason: None,
        serving: Serving::Gpu,
        want_running: true,
        sync_enabled: true,
        epoch: Epoch(1),
        gpu_endpoint: Some(Endpoint { host: "127.0.0.1".into(), port: 9 }),
        gpu_host_key: None,
        standby: Some(Standby {
            intent: IntentId::new("owners-intent"),
            name: "owners-standby".into(),
            project: PROJECT.into(),
            zone: "europe-west1-b".into(),
            machine_type: "e2-medium".into(),
            disk_gb: 100,
            spot: true,
            usd_per_hour: MicroUsd(25_831),
            state: StandbyState::Ready,
            reason: None,
            endpoint: Some(Endpoint { host: "127.0.0.2".into(), port: 2222 }),
            host_key: None,
            public_key: None,
            created_at: now,
        }),
        sync: SyncStatus {
            count: 3,
            complete_to: Some(now),
            last_sync_at: Some(now),
            pending_files: Some(0),
            ..SyncStatus::default()
        },
        active_failover: None,
        created_at: now,
    }
}

/// The machine, a failover of it that is complete, and one that goes on; the id of the former.
pub(crate) async fn machine(world: &World, user: &UserId) -> FailoverId {
    let store = &world.dumont.store;
    let tie = association(user, world);
    store.associations().create(&tie).await.expect("an association");
    let complete = failover(world, &tie, "owners-failover-1");
    store.failovers().open(&complete).await.expect("opened");
    for (name, output) in [
        (
            StepName::Detect,
            json!({
                "confirmed_at": complete.started_at,
                "unsynced_paths": ["/owners/path/lost file"],
            }),
        ),
        (StepName::Fence, json!({"epoch": 2})),
        (StepName::Takeover, json!({"recovery_point": complete.started_at.plus(-1_500)})),
        (StepName::Verify, json!({"verified": 12, "bytes": 345})),
        (StepName::Switch, json!({"freeze_ms": 7})),
    ] {
        step(world, &complete, name, output).await;
    }
    let end = world.dumont.now();
    store
        .failovers()
        .close(&complete.id, FailoverState::Complete, end, None)
        .await
        .expect("closed");
    let active = failover(world, &tie, "owners-failover-2");
    store.failovers().open(&active).await.expect("opened");
    complete.id
}

pub(crate) async fn step(world: &World, of: &Failover, name: StepName, output: Value) {
    let steps = world.dumont.store.steps();
    let row = steps.begin(&of.id, name, 0, world.dumont.now()).await.expect("begun");
    let end = Finish {
        ended_at: world.dumont.now(),
        outcome: Outcome::Ok,
        retry_at: None,
        provider_ms: 1,
        output,
        error: None,
    };
    steps.finish(&of.id, row.seq, &end).await.expect("finished");
}

pub(crate) fn failover(world: &World, tie: &Association, id: &str) -> Failover {
    Failover {
        id: FailoverId::new(id),
        user: tie.user.clone(),
        association: tie.id.clone(),
        machine_name: tie.name.clone(),
        gpu: tie.gpu,
        kind: Kind::Real,
        cause: Cause::Manual,
        note: Some("owners note".into()),
        options: Options::default(),
        state: FailoverState::Running,
        from_epoch: tie.epoch,
        round: 0,
        started_at: world.dumont.now().plus(-10_000),
        ended_at: None,
        error: None,
        sandbox: true,
    }
}
