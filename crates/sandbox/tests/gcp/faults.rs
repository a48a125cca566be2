//! What Compute does to people.

use sandbox::ProviderSays;
use serde_json::{Value, json};

use crate::cloud::{Cloud, ZONE, nat_ip, spot};

async fn operations(cloud: &Cloud, kind: &str) -> Vec<Value> {
    let filter = format!(r#"operationType="{kind}""#);
    let url = cloud.url(&cloud.zone("/operations"));
    let request = cloud.http.get(url).query(&[("filter", filter)]).bearer_auth(cloud.token());
    let list: Value = request.send().await.unwrap().json().await.unwrap();
    list["items"].as_array().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_without_room_fails_the_operation_and_leaves_nothing() {
    let cloud = Cloud::start().await;
    cloud.arm("zone_exhausted", Some(ZONE), json!({}), Some(1)).await;
    let op = cloud.finish(cloud.post(&cloud.zone("/instances"), spot("vm1", &[])).await).await;
    assert_eq!(op["httpErrorStatusCode"], 503);
    assert_eq!(op["httpErrorMessage"], "SERVICE UNAVAILABLE");
    let error = &op["error"]["errors"][0];
    assert_eq!(error["code"], "ZONE_RESOURCE_POOL_EXHAUSTED");
    assert_eq!(
        error["message"],
        format!(
            "The zone 'projects/{}/zones/{ZONE}' does not have enough resources available to \
             fulfill the request.  Try a different zone, or try again later.",
            cloud.project
        )
    );
    assert_eq!(cloud.vm("vm1").await.0, 404);
    assert!(cloud.running.world.ledger().rows().is_empty(), "nothing was bought");
    cloud.insert(spot("vm1", &[])).await;

    cloud.act("vm1", "stop", json!({})).await;
    cloud.arm("zone_exhausted", Some("vm1"), json!({"with_details": true}), Some(1)).await;
    let op = cloud.act("vm1", "start", json!({})).await;
    let code = op["error"]["errors"][0]["code"].as_str().unwrap();
    assert_eq!(code, "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS");
    assert_eq!(cloud.vm("vm1").await.1["status"], "TERMINATED");
    cloud.act("vm1", "start", json!({})).await;
    assert_eq!(cloud.vm("vm1").await.1["status"], "RUNNING");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preempted_vm_is_stopped_recorded_and_startable() {
    let cloud = Cloud::start().await;
    cloud.insert(spot("vm1", &[])).await;
    cloud.insert(spot("vm2", &[])).await;
    cloud.arm("standby_preempted", Some("vm1"), json!({}), None).await;
    let vm = cloud.until("vm1", |_, vm| vm["status"] == "TERMINATED").await;
    assert_eq!(nat_ip(&vm), None);
    assert_eq!(cloud.vm("vm2").await.1["status"], "RUNNING");
    let ops = operations(&cloud, "compute.instances.preempted").await;
    assert_eq!(ops.len(), 1);
    assert_eq!(ops[0]["targetLink"], vm["selfLink"]);
    assert_eq!(ops[0]["user"], "system");
    cloud.act("vm1", "start", json!({})).await;
    assert_eq!(cloud.vm("vm1").await.1["status"], "RUNNING");
    assert_eq!(operations(&cloud, "stop").await.len(), 0, "no one asked for a stop");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preemption_with_delete_removes_the_vm_and_its_bill() {
    let cloud = Cloud::start().await;
    let mut body = spot("vm1", &[]);
    body["scheduling"]["instanceTerminationAction"] = json!("DELETE");
    cloud.insert(body).await;
    let answer =
        cloud.post(&cloud.zone("/instances/vm1/simulateMaintenanceEvent"), json!({})).await;
    cloud.finish(answer).await;
    cloud.until("vm1", |status, _| status == 404).await;
    let rows = cloud.running.world.ledger().rows();
    assert!(rows.iter().all(|row| !row.live()), "{rows:?}");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_vm_is_never_preempted() {
    let cloud = Cloud::start().await;
    let mut body = spot("vm1", &[]);
    body["scheduling"] = json!({});
    cloud.insert(body).await;
    cloud.arm("standby_preempted", None, json!({}), Some(1)).await;
    cloud.insert(spot("vm2", &[])).await;
    cloud.until("vm2", |_, vm| vm["status"] == "TERMINATED").await;
    assert_eq!(cloud.vm("vm1").await.1["status"], "RUNNING");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_machine_is_told_apart_from_a_stop() {
    let cloud = Cloud::start().await;
    cloud.insert(spot("vm1", &[])).await;
    cloud.kill("vm1", ProviderSays::Offline).await;
    cloud.until("vm1", |_, vm| vm["status"] == "TERMINATED").await;
    assert_eq!(operations(&cloud, "compute.instances.hostError").await.len(), 1);
    assert_eq!(operations(&cloud, "stop").await.len(), 0);
    cloud.act("vm1", "start", json!({})).await;
    assert_eq!(cloud.vm("vm1").await.1["status"], "RUNNING");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_may_restart_comes_back_by_itself() {
    let cloud = Cloud::start().await;
    let mut body = spot("vm1", &[]);
    body["scheduling"] = json!({});
    cloud.insert(body).await;
    let first = cloud.vm("vm1").await.1["lastStartTimestamp"].clone();
    cloud.kill("vm1", ProviderSays::Offline).await;
    cloud
        .until("vm1", |_, vm| vm["status"] == "RUNNING" && vm["lastStartTimestamp"] != first)
        .await;
    assert_eq!(operations(&cloud, "compute.instances.automaticRestart").await.len(), 1);
    cloud.running.stop().await;
}
