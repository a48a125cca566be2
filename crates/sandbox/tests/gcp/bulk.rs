//! Many VMs with one call.

use serde_json::{Value, json};

use crate::cloud::{Cloud, spot};

fn body(count: u32, extra: Value) -> Value {
    let mut properties = spot("x", &[]);
    let map = properties.as_object_mut().unwrap();
    map.remove("name");
    // In a bulk insert these are names and no links.
    map.insert("machineType".into(), "e2-small".into());
    properties["disks"][0]["initializeParams"]["diskType"] = "pd-ssd".into();
    let mut body = json!({"count": count.to_string(), "instanceProperties": properties});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_made_with_one_call_and_share_a_group() {
    let cloud = Cloud::start().await;
    let path = cloud.zone("/instances/bulkInsert");
    let order = body(3, json!({"namePattern": "fleet-##"}));
    let op = cloud.finish(cloud.post(&path, order).await).await;
    assert_eq!(op["operationType"], "bulkInsert");
    assert!(op.get("error").is_none(), "{op}");
    for name in ["fleet-01", "fleet-02", "fleet-03"] {
        let (_, vm) = cloud.vm(name).await;
        assert_eq!(vm["status"], "RUNNING", "{name}: {vm}");
        assert!(
            vm["machineType"]
                .as_str()
                .unwrap()
                .ends_with("zones/europe-west1-b/machineTypes/e2-small")
        );
    }
    let (_, list) = cloud.get(&cloud.zone("/operations")).await;
    let group = |kind: &str| {
        let items = list["items"].as_array().unwrap().iter();
        items
            .filter(|item| {
                item["operationType"] == kind && item["operationGroupId"] == op["operationGroupId"]
            })
            .count()
    };
    assert_eq!((group("bulkInsert"), group("insert")), (1, 3), "{list}");
    assert_eq!(cloud.running.world.ledger().rows().len(), 3);

    // The next ones are numbered on, and named ones are named.
    let op =
        cloud.finish(cloud.post(&path, body(1, json!({"namePattern": "fleet-##"}))).await).await;
    assert!(op.get("error").is_none());
    assert_eq!(cloud.vm("fleet-04").await.0, 200);
    let named = body(2, json!({"perInstanceProperties": {"ada": {}, "bob": {}}}));
    cloud.finish(cloud.post(&path, named.clone()).await).await;
    assert_eq!((cloud.vm("ada").await.0, cloud.vm("bob").await.0), (200, 200));
    assert_eq!(cloud.post(&path, named).await.0, 409);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_than_the_least_are_none() {
    let cloud = Cloud::start().await;
    let path = cloud.zone("/instances/bulkInsert");
    cloud.arm("quota_exceeded", Some("fleet-2"), json!({}), None).await;
    let op =
        cloud.finish(cloud.post(&path, body(3, json!({"namePattern": "fleet-#"}))).await).await;
    assert_eq!(op["error"]["errors"][0]["code"], "QUOTA_EXCEEDED", "{op}");
    assert!(cloud.running.world.ledger().rows().is_empty(), "none was made");
    let order = body(3, json!({"namePattern": "fleet-#", "minCount": "2"}));
    let op = cloud.finish(cloud.post(&path, order).await).await;
    assert!(op.get("error").is_none(), "{op}");
    let there =
        [cloud.vm("fleet-1").await.0, cloud.vm("fleet-2").await.0, cloud.vm("fleet-3").await.0];
    assert_eq!(there, [200, 404, 200]);
    let (status, refused) = cloud.post(&path, body(3, json!({"namePattern": "fleet"}))).await;
    assert_eq!(status, 400, "{refused}");
    cloud.running.stop().await;
}
