//! Compute Engine as it is on a good day.

use domain::provider::ErrorClass;
use domain::time::Millis;
use providers::gcp::{StandbyRequest, VmStatus};
use uuid::Uuid;

use crate::bench::{Bench, DEADLINE, ZONE, standby};

#[tokio::test]
async fn a_good_key_sees_zones_and_machine_types() {
    let bench = Bench::start().await;
    let client = bench.gcp().await;
    let access = client.check().await.expect("access");
    assert_eq!(access.project, client.project());
    assert_eq!(
        access.email,
        bench.running.credentials.gcp_service_account["client_email"].as_str().unwrap()
    );
    let zone = access.zones.iter().find(|zone| zone.name == ZONE).expect("the zone");
    assert!(zone.up);
    assert_eq!(zone.region.as_deref(), Some("europe-west1"));
    let types = client.machine_types(ZONE).await.expect("machine types");
    let medium = types.iter().find(|shape| shape.name == "e2-medium").expect("e2-medium");
    assert_eq!((medium.vcpus, medium.memory_mb), (2, 4096));
    assert!(client.machine_types("mars-north1-a").await.is_err());
}

#[tokio::test]
async fn a_standby_lives_from_creation_to_deletion() {
    let bench = Bench::start().await;
    let client = bench.gcp().await;
    assert_eq!(client.get(ZONE, "vm1").await.expect("an answer"), None);
    let begun = client.create_standby(&standby("vm1")).await.expect("begun");
    assert_eq!(begun.zone, ZONE);
    client.wait(&begun, DEADLINE).await.expect("made");
    let up = client.get(ZONE, "vm1").await.expect("an answer").expect("the VM");
    assert_eq!((up.status, up.spot, up.disk_gb), (VmStatus::Running, true, Some(100)));
    assert_eq!((up.zone.as_str(), up.machine_type.as_deref()), (ZONE, Some("e2-medium")));
    assert!(up.nat_ip.is_some() && up.network_ip.is_some());
    assert!(up.created.is_some() && up.last_start.is_some());

    let stopping = client.stop(ZONE, "vm1", Uuid::new_v4()).await.expect("begun");
    client.wait(&stopping, DEADLINE).await.expect("stopped");
    let down = client.get(ZONE, "vm1").await.expect("an answer").expect("the VM");
    assert_eq!((down.status, down.nat_ip), (VmStatus::Terminated, None));
    assert!(
        !client.preempted_since(ZONE, "vm1", Millis(0)).await.expect("an answer"),
        "we stopped it"
    );
    let starting = client.start(ZONE, "vm1", Uuid::new_v4()).await.expect("begun");
    client.wait(&starting, DEADLINE).await.expect("started");
    let again = client.get(ZONE, "vm1").await.expect("an answer").expect("the VM");
    assert_eq!(again.status, VmStatus::Running);

    let deleting = client.delete(ZONE, "vm1", Uuid::new_v4()).await.expect("begun");
    client.wait(&deleting, DEADLINE).await.expect("deleted");
    assert_eq!(client.get(ZONE, "vm1").await.expect("an answer"), None);
    for refused in [
        client.delete(ZONE, "vm1", Uuid::new_v4()).await,
        client.start(ZONE, "vm1", Uuid::new_v4()).await,
    ] {
        assert_eq!(refused.expect_err("gone").class, ErrorClass::NotFound);
    }
    assert_eq!(bench.open_bills(), 0);
}

#[tokio::test]
async fn the_same_request_makes_one_vm_and_another_finds_the_name_taken() {
    let bench = Bench::start().await;
    let client = bench.gcp().await;
    let request = standby("vm1");
    let first = client.create_standby(&request).await.expect("begun");
    let second = client.create_standby(&request).await.expect("the same");
    assert_eq!(first, second);
    client.wait(&first, DEADLINE).await.expect("made");
    assert_eq!(client.create_standby(&request).await.expect("the same again"), first);
    let other = StandbyRequest { request_id: Uuid::new_v4(), ..request };
    assert_eq!(client.create_standby(&other).await.expect_err("taken").class, ErrorClass::Conflict);
    assert_eq!(bench.bills(), 1);
}

#[tokio::test]
async fn the_list_spans_zones_and_holds_only_this_installs() {
    let bench = Bench::start().await;
    let client = bench.gcp().await;
    assert_eq!(client.list("dumont-install", "ab12cd34").await.expect("a list"), []);
    let elsewhere = StandbyRequest { zone: "us-central1-a".into(), ..standby("vm2") };
    let foreign = StandbyRequest {
        labels: vec![("dumont-install".into(), "ab12cd3".into())],
        ..standby("vm3")
    };
    let bare = StandbyRequest { labels: Vec::new(), spot: false, ..standby("vm4") };
    for request in [standby("vm1"), elsewhere, foreign, bare] {
        let begun = client.create_standby(&request).await.expect("begun");
        client.wait(&begun, DEADLINE).await.expect("made");
    }
    let listed = client.list("dumont-install", "ab12cd34").await.expect("a list");
    let names: Vec<_> = listed.iter().map(|vm| (vm.zone.as_str(), vm.name.as_str())).collect();
    assert_eq!(names, [(ZONE, "vm1"), ("us-central1-a", "vm2")]);
    let standard = client.get(ZONE, "vm4").await.expect("an answer").expect("the VM");
    assert!(!standard.spot);
}
