//! Compute Engine refusing, failing late, and taking machines back.

use std::time::{Duration, Instant};

use domain::provider::ErrorClass;
use providers::gcp::{GcpClient, OperationRef, StandbyVm, VmStatus};
use sandbox::fault::Fault;
use serde_json::json;
use uuid::Uuid;

use crate::bench::{Bench, DEADLINE, ZONE, standby};

const ONCE: Option<u32> = Some(1);

async fn until(client: &GcpClient, name: &str, wanted: impl Fn(&StandbyVm) -> bool) -> StandbyVm {
    let start = Instant::now();
    loop {
        let seen = client.get(ZONE, name).await.expect("an answer").expect("the VM");
        if wanted(&seen) {
            return seen;
        }
        assert!(start.elapsed() < DEADLINE, "{seen:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn make(client: &GcpClient, name: &str) {
    let begun = client.create_standby(&standby(name)).await.expect("begun");
    client.wait(&begun, DEADLINE).await.expect("made");
}

#[tokio::test]
async fn a_zone_without_room_shows_in_the_operation_and_leaves_nothing() {
    let bench = Bench::start().await;
    let client = bench.gcp().await;
    for params in [json!({}), json!({"with_details": true})] {
        bench.arm(Fault::ZoneExhausted, Some(ZONE), params, ONCE).await;
        let begun = client.create_standby(&standby("vm1")).await.expect("begun all the same");
        let error = client.wait(&begun, DEADLINE).await.expect_err("no room");
        assert_eq!(error.class, ErrorClass::Capacity, "{error}");
        assert!(error.message.starts_with("ZONE_RESOURCE_POOL_EXHAUSTED"), "{error}");
        assert_eq!(client.get(ZONE, "vm1").await.expect("an answer"), None);
    }
    make(&client, "vm1").await;
    let stopping = client.stop(ZONE, "vm1", Uuid::new_v4()).await.expect("begun");
    client.wait(&stopping, DEADLINE).await.expect("stopped");
    bench.arm(Fault::ZoneExhausted, Some("vm1"), json!({}), ONCE).await;
    let starting = client.start(ZONE, "vm1", Uuid::new_v4()).await.expect("begun all the same");
    assert_eq!(
        client.wait(&starting, DEADLINE).await.expect_err("no room").class,
        ErrorClass::Capacity
    );
}

#[tokio::test]
async fn a_preempted_standby_is_known_as_such_until_it_is_started_again() {
    let bench = Bench::start().await;
    let client = bench.gcp().await;
    make(&client, "vm1").await;
    make(&client, "vm2").await;
    let started =
        until(&client, "vm1", |vm| vm.last_start.is_some()).await.last_start.expect("a time");
    bench.arm(Fault::StandbyPreempted, Some("vm1"), json!({}), ONCE).await;
    until(&client, "vm1", |vm| vm.status == VmStatus::Terminated && vm.nat_ip.is_none()).await;
    assert!(client.preempted_since(ZONE, "vm1", started).await.expect("an answer"));
    assert!(!client.preempted_since(ZONE, "vm2", started).await.expect("an answer"));
    let starting = client.start(ZONE, "vm1", Uuid::new_v4()).await.expect("begun");
    client.wait(&starting, DEADLINE).await.expect("started");
    let again = until(&client, "vm1", |vm| vm.status == VmStatus::Running)
        .await
        .last_start
        .expect("a time");
    assert!(
        !client.preempted_since(ZONE, "vm1", again).await.expect("an answer"),
        "that was before"
    );
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let bench = Bench::start().await;
    let client = bench.gcp().await;
    bench
        .arm(Fault::PermissionDenied, None, json!({"permission": "compute.instances.create"}), None)
        .await;
    let error = client.create_standby(&standby("vm1")).await.expect_err("not allowed");
    assert_eq!((&error.class, error.http_status), (&ErrorClass::Auth, Some(403)));
    assert!(error.message.contains("compute.instances.create"), "{error}");
    let error = client.check().await.expect_err("looking is not enough");
    assert_eq!(error.class, ErrorClass::Auth);
    assert_eq!(error.message, "the service account lacks compute.instances.create");
    bench.running.world.faults().clear(None);
    client.check().await.expect("all is allowed");
    bench
        .arm(Fault::PermissionDenied, None, json!({"permission": "compute.instances.list"}), None)
        .await;
    let error = client.check().await.expect_err("not allowed");
    assert!(error.message.contains("compute.instances.list"), "{error}");
}

#[tokio::test]
async fn a_refused_key_is_told_and_never_repeated() {
    let bench = Bench::start().await;
    let key = &bench.running.credentials.gcp_service_account;
    let world = bench.running.world.clone();
    let make = move || world.accounts().create(None, 0, world.url()).expect("an account").1;
    let stranger = tokio::task::spawn_blocking(make).await.expect("an account").gcp_service_account;
    let mut forged = key.clone();
    forged["private_key"] = stranger["private_key"].clone();
    let error = bench.gcp_with(&forged).await.check().await.expect_err("forged");
    assert_eq!(error.class, ErrorClass::Auth, "{error}");
    let mut elsewhere = stranger.clone();
    elsewhere["project_id"] = key["project_id"].clone();
    assert!(bench.gcp_with(&elsewhere).await.check().await.is_err(), "another's project");
    bench.arm(Fault::KeyRefused, None, json!({}), ONCE).await;
    assert_eq!(bench.gcp().await.check().await.expect_err("refused").class, ErrorClass::Auth);

    let mut broken = key.clone();
    broken["private_key"] =
        json!("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
    let error = GcpClient::new(Some(&bench.running.url), &broken.to_string().into())
        .await
        .expect_err("broken");
    assert_eq!(error.class, ErrorClass::Invalid);
    assert!(!error.to_string().contains("c2VjcmV0"));
}

#[tokio::test]
async fn an_outage_is_waited_out_and_makes_nothing_twice() {
    let bench = Bench::start().await;
    let client = bench.gcp().await;
    bench.arm(Fault::GcpApiDown, None, json!({}), Some(2)).await;
    let begun = client.create_standby(&standby("vm1")).await.expect("the third try");
    bench.arm(Fault::GcpApiDown, None, json!({}), Some(2)).await;
    client.wait(&begun, DEADLINE).await.expect("made");
    assert_eq!(bench.bills(), 1);
    bench.arm(Fault::GcpApiDown, None, json!({}), Some(9)).await;
    let error = client.get(ZONE, "vm1").await.expect_err("down");
    assert_eq!((error.class, error.http_status), (ErrorClass::Transient, Some(503)));
    assert_eq!(bench.left(Fault::GcpApiDown), 6, "three tries");
    assert_eq!(
        client.list("dumont-install", "ab12cd34").await.expect_err("down").class,
        ErrorClass::Transient
    );
}

#[tokio::test]
async fn what_is_not_known_about_an_operation_is_never_a_no() {
    let bench = Bench::start().await;
    let client = bench.gcp().await;
    let nowhere = OperationRef { zone: ZONE.into(), name: "operation-1".into() };
    let error = client.wait(&nowhere, DEADLINE).await.expect_err("no such operation");
    assert!(!error.class.is_clear_no(), "{error}");
    let begun = client.create_standby(&standby("vm1")).await.expect("begun");
    bench.arm(Fault::KeyRefused, None, json!({}), None).await;
    let error = client.wait(&begun, DEADLINE).await.expect_err("refused");
    assert!(!error.class.is_clear_no(), "{error}");
    bench.running.world.faults().clear(None);
    bench.arm(Fault::GcpApiDown, None, json!({}), None).await;
    let error = client.wait(&begun, Duration::from_millis(300)).await.expect_err("too long");
    assert_eq!(error.class, ErrorClass::Transient);
}
