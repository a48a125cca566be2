//! One setting of a VM at a time, and the ones that stand in the way of others.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, ZONE, nat_ip, spot};

fn refusal(answer: &(u16, Value)) -> (u16, &str, &str) {
    let error = &answer.1["error"];
    let reason = error["errors"][0]["reason"].as_str().unwrap_or_default();
    (answer.0, reason, error["message"].as_str().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_vm_is_not_deleted_until_it_is_not() {
    let cloud = Cloud::start().await;
    let mut body = spot("vm1", &[]);
    body["deletionProtection"] = json!(true);
    let vm = cloud.insert(body).await;
    assert_eq!(vm["deletionProtection"], true);
    let path = cloud.zone("/instances/vm1");
    let answer = cloud.call(Method::DELETE, &path, None).await;
    assert_eq!(
        refusal(&answer),
        (
            400,
            "invalidResourceUsage",
            "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion. deletionProtection must be set to false before the resource can be deleted.'."
        )
    );
    assert_eq!(cloud.vm("vm1").await.1["status"], "RUNNING", "and nothing was done to it");
    cloud.act("vm1", "setDeletionProtection?deletionProtection=false", json!({})).await;
    cloud.act("vm1", "setDeletionProtection", json!({})).await;
    assert_eq!(cloud.vm("vm1").await.1["deletionProtection"], true, "on, where nothing is said");
    let odd = cloud.zone("/instances/vm1/setDeletionProtection?deletionProtection=maybe");
    let odd = cloud.post(&odd, json!({})).await;
    assert_eq!((refusal(&odd).0, refusal(&odd).1), (400, "invalid"));
    let op = cloud.act("vm1", "setDeletionProtection?deletionProtection=False", json!({})).await;
    assert_eq!(op["operationType"], "setDeletionProtection");
    cloud.delete("vm1").await;
    assert_eq!(cloud.vm("vm1").await.0, 404);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_stopped_vm_gets_another_machine_type_and_then_another_price() {
    let cloud = Cloud::start().await;
    cloud.insert(spot("vm1", &[])).await;
    let rate = || cloud.running.world.ledger().rows()[0].rate_micro();
    let before = rate();
    let wanted = json!({"machineType": format!("zones/{ZONE}/machineTypes/e2-standard-4")});
    let path = cloud.zone("/instances/vm1/setMachineType");
    let answer = cloud.post(&path, wanted.clone()).await;
    assert_eq!(
        refusal(&answer),
        (
            400,
            "invalidResourceUsage",
            "Invalid resource usage: 'Instance should be in the STOPPED state.'."
        )
    );
    cloud.act("vm1", "stop", json!({})).await;
    let bad = json!({"machineType": format!("zones/{ZONE}/machineTypes/e2-huge")});
    assert_eq!(refusal(&cloud.post(&path, bad).await).0, 400);
    cloud.act("vm1", "setMachineType", wanted).await;
    cloud.act("vm1", "start", json!({})).await;
    let (_, vm) = cloud.vm("vm1").await;
    assert!(vm["machineType"].as_str().unwrap().ends_with("/e2-standard-4"), "{vm}");
    assert!(rate() > before + 50_000, "four CPUs cost more than two halves: {} {before}", rate());
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_change_only_on_the_current_fingerprint() {
    let cloud = Cloud::start().await;
    let vm = cloud.insert(spot("vm1", &[])).await;
    let body = json!({"items": ["ssh"], "fingerprint": vm["tags"]["fingerprint"]});
    cloud.act("vm1", "setTags", body.clone()).await;
    assert_eq!(cloud.vm("vm1").await.1["tags"]["items"], json!(["ssh"]));
    let path = cloud.zone("/instances/vm1/setTags");
    let stale = cloud.post(&path, body).await;
    assert_eq!((refusal(&stale).0, refusal(&stale).1), (412, "conditionNotMet"));
    let bad = cloud.post(&path, json!({"items": ["Not a tag"]})).await;
    assert_eq!((refusal(&bad).0, refusal(&bad).1), (400, "invalid"));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_boots_the_guest_anew_on_its_disk_and_at_its_address() {
    let cloud = Cloud::start().await;
    let script = "echo boot >>/root/boots; touch /run/volatile";
    let vm = cloud.insert(spot("vm1", &[("startup-script", script)])).await;
    let world = &cloud.running.world;
    let host = world.gcp().rows(world)[0].host.clone();
    let boots = async |wanted: usize| {
        tokio::time::timeout(crate::cloud::DEADLINE, async {
            loop {
                let files = world.hosts().root_folder(&host).unwrap();
                let text = std::fs::read_to_string(files.join("root/boots")).unwrap_or_default();
                if text.lines().count() == wanted {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await
        .expect("a boot");
    };
    boots(1).await;
    let op = cloud.act("vm1", "reset", json!({})).await;
    assert_eq!(op["operationType"], "reset");
    boots(2).await;
    let (_, after) = cloud.vm("vm1").await;
    assert_eq!(
        (&after["status"], nat_ip(&after), &after["id"], &after["lastStartTimestamp"]),
        (&json!("RUNNING"), nat_ip(&vm), &vm["id"], &vm["lastStartTimestamp"])
    );
    cloud.act("vm1", "stop", json!({})).await;
    let stopped = cloud.post(&cloud.zone("/instances/vm1/reset"), json!({})).await;
    assert_eq!((refusal(&stopped).0, refusal(&stopped).1), (400, "resourceNotReady"));
    cloud.running.stop().await;
}
