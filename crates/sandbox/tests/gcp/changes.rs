//! Making, changing and removing VMs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, ZONE, nat_ip, spot};

fn reason(body: &Value) -> &str {
    body["error"]["errors"][0]["reason"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_lives_and_its_bill_follows() {
    let cloud = Cloud::start().await;
    let vm = cloud.insert(spot("vm1", &[])).await;
    assert_eq!(vm["status"], "RUNNING");
    assert!(nat_ip(&vm).unwrap().starts_with("127.77."), "{vm}");
    assert!(vm["id"].is_string() && vm["disks"][0]["diskSizeGb"].is_string());
    let rates = || {
        let rows = cloud.running.world.ledger().rows();
        let row = rows.iter().find(|row| row.external_id == "vm1").unwrap().clone();
        (row.rate_micro(), row.live(), row.kind)
    };
    assert_eq!(rates(), (17_852 + 5_479 + 2_500, true, "e2-medium spot".to_owned()));

    let op = cloud.act("vm1", "stop", json!({})).await;
    assert_eq!((&op["operationType"], &op["progress"]), (&json!("stop"), &json!(100)));
    for absent in ["error", "httpErrorStatusCode", "httpErrorMessage"] {
        assert!(op.get(absent).is_none(), "{absent} would be read as a failure");
    }
    let (_, stopped) = cloud.vm("vm1").await;
    assert_eq!((&stopped["status"], nat_ip(&stopped)), (&json!("TERMINATED"), None));
    assert_eq!(rates().0, 5_479, "a stopped VM still pays for its disk");

    cloud.act("vm1", "start", json!({})).await;
    let (_, again) = cloud.vm("vm1").await;
    assert_eq!(again["status"], "RUNNING");
    assert!(nat_ip(&again).is_some());
    assert_eq!(rates().0, 17_852 + 5_479 + 2_500);

    let op = cloud.delete("vm1").await;
    assert_eq!(op["operationType"], "delete");
    assert_eq!(op["targetId"], vm["id"]);
    let (status, gone) = cloud.vm("vm1").await;
    assert_eq!(
        (status, gone["error"]["message"].as_str().unwrap()),
        (
            404,
            format!(
                "The resource 'projects/{}/zones/{ZONE}/instances/vm1' was not found",
                cloud.project
            )
            .as_str()
        )
    );
    assert_eq!(reason(&gone), "notFound");
    assert!(!rates().1, "the bill is closed");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_makes_a_repeat_harmless() {
    let cloud = Cloud::start().await;
    let id = "11111111-2222-4333-8444-555555555555";
    let path = cloud.zone(&format!("/instances?requestId={id}"));
    let (_, first) = cloud.post(&path, spot("vm1", &[])).await;
    let (status, second) = cloud.post(&path, spot("vm1", &[])).await;
    assert_eq!((status, &second["name"]), (200, &first["name"]));
    cloud.finish((200, first)).await;
    let (status, body) = cloud.post(&cloud.zone("/instances"), spot("vm1", &[])).await;
    assert_eq!((status, reason(&body)), (409, "alreadyExists"));
    assert_eq!(
        body["error"]["message"],
        format!(
            "The resource 'projects/{}/zones/{ZONE}/instances/vm1' already exists",
            cloud.project
        )
    );
    for bad in ["00000000-0000-0000-0000-000000000000", "x"] {
        let path = cloud.zone(&format!("/instances?requestId={bad}"));
        let (status, body) = cloud.post(&path, spot("vm2", &[])).await;
        assert_eq!((status, reason(&body)), (400, "invalid"));
    }
    assert_eq!(cloud.vm("vm2").await.0, 404);
    let rows = cloud.running.world.ledger().rows();
    assert_eq!(rows.len(), 1, "one VM was bought: {rows:?}");
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_callers_with_the_same_name_one_wins() {
    let cloud = Cloud::start().await;
    let path = cloud.zone("/instances");
    let (a, b) =
        tokio::join!(cloud.post(&path, spot("vm1", &[])), cloud.post(&path, spot("vm1", &[])),);
    let mut statuses = [a.0, b.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_and_metadata_change_only_on_the_current_fingerprint() {
    let cloud = Cloud::start().await;
    let vm = cloud.insert(spot("vm1", &[("a", "1")])).await;
    let stale = vm["labelFingerprint"].clone();
    let body = json!({"labels": {"role": "standby"}, "labelFingerprint": stale});
    cloud.act("vm1", "setLabels", body.clone()).await;
    let (_, now) = cloud.vm("vm1").await;
    assert_eq!(now["labels"], json!({"role": "standby"}));
    assert_ne!(now["labelFingerprint"], stale);
    let path = cloud.zone("/instances/vm1/setLabels");
    let (status, refused) = cloud.post(&path, body).await;
    assert_eq!((status, reason(&refused)), (412, "conditionNotMet"));

    let items = json!([{"key": "b", "value": "2"}]);
    let fresh = json!({"items": items, "fingerprint": now["metadata"]["fingerprint"]});
    cloud.act("vm1", "setMetadata", fresh.clone()).await;
    assert_eq!(cloud.vm("vm1").await.1["metadata"]["items"], items);
    let path = cloud.zone("/instances/vm1/setMetadata");
    assert_eq!(cloud.post(&path, fresh).await.0, 412);
    assert_eq!(
        cloud.post(&path, json!({"items": []})).await.0,
        412,
        "no fingerprint is a stale one"
    );
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_compute_would_refuse_is_refused() {
    let cloud = Cloud::start().await;
    let path = cloud.zone("/instances");
    let mut restart = spot("vm1", &[]);
    restart["scheduling"]["automaticRestart"] = json!(true);
    let (status, body) = cloud.post(&path, restart).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["error"]["message"],
        "Invalid value for field 'resource.scheduling.preemptible': 'true'. Scheduling must have \
         preemptible be false when AutomaticRestart is true."
    );
    let (status, body) = cloud.post("/zones/mars-1-a/instances", spot("vm1", &[])).await;
    assert_eq!((status, reason(&body)), (400, "invalid"));
    let answer = cloud
        .http
        .post(cloud.url(&path))
        .bearer_auth(cloud.token())
        .body("{not json")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(reason(&answer.json().await.unwrap()), "parseError");
    for verb in ["start", "stop"] {
        let (status, _) =
            cloud.post(&cloud.zone(&format!("/instances/none/{verb}")), json!({})).await;
        assert_eq!(status, 404);
    }
    assert_eq!(cloud.call(Method::DELETE, &cloud.zone("/instances/none"), None).await.0, 404);
    assert!(cloud.running.world.ledger().rows().is_empty());
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_in_the_middle_of_a_change_is_not_ready_for_another() {
    let cloud = Cloud::start_with(|options| {
        options.profile = sandbox::profile::ProfileName::Typical;
        options.scale = 0.05;
    })
    .await;
    let (_, insert) = cloud.post(&cloud.zone("/instances"), spot("vm1", &[])).await;
    assert_eq!((&insert["status"], &insert["progress"]), (&json!("RUNNING"), &json!(0)));
    assert_eq!(cloud.vm("vm1").await.1["status"], "PROVISIONING");
    let (status, body) = cloud.post(&cloud.zone("/instances/vm1/stop"), json!({})).await;
    assert_eq!((status, reason(&body)), (400, "resourceNotReady"));
    cloud.finish((200, insert)).await;
    let (_, stop) = cloud.post(&cloud.zone("/instances/vm1/stop"), json!({})).await;
    assert_eq!(cloud.vm("vm1").await.1["status"], "STOPPING");
    let (status, body) = cloud.post(&cloud.zone("/instances/vm1/start"), json!({})).await;
    assert_eq!((status, reason(&body)), (400, "resourceNotReady"));
    let delete = cloud.call(Method::DELETE, &cloud.zone("/instances/vm1"), None).await;
    assert_eq!(delete.0, 200, "a delete is accepted at any time");
    let twice = cloud.call(Method::DELETE, &cloud.zone("/instances/vm1"), None).await;
    assert_eq!((twice.0, reason(&twice.1)), (400, "resourceNotReady"));
    cloud.finish((200, stop)).await;
    cloud.finish(delete).await;
    assert_eq!(cloud.vm("vm1").await.0, 404);
    cloud.running.stop().await;
}
