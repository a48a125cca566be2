//! Lists, pages, filters, and what is simply there.

use serde_json::{Value, json};

use crate::cloud::{Cloud, ZONE, spot};

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item["name"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn vms_are_listed_filtered_and_paged() {
    let cloud = Cloud::start().await;
    let (_, empty) = cloud.get(&cloud.zone("/instances")).await;
    assert!(empty.get("items").is_none(), "{empty}");
    for name in ["c", "a", "b"] {
        let mut body = spot(name, &[]);
        body["labels"]["which"] = json!(name);
        cloud.insert(body).await;
    }
    let (_, all) = cloud.get(&cloud.zone("/instances")).await;
    assert_eq!(names(&all), ["a", "b", "c"]);
    let (_, some) = cloud.get(&cloud.zone("/instances?filter=labels.which%3Db")).await;
    assert_eq!(names(&some), ["b"]);
    let (_, first) = cloud.get(&cloud.zone("/instances?maxResults=2")).await;
    let next = first["nextPageToken"].as_str().unwrap();
    let (_, rest) =
        cloud.get(&cloud.zone(&format!("/instances?maxResults=2&pageToken={next}"))).await;
    assert_eq!((names(&first), names(&rest)), (vec!["a", "b"], vec!["c"]));
    let (status, body) = cloud.get(&cloud.zone("/instances?filter=%28")).await;
    assert_eq!(
        (status, body["error"]["message"].as_str().unwrap()),
        (400, "Invalid value for field 'filter': '('. Invalid list filter expression.")
    );

    let (_, everywhere) = cloud.get("/aggregated/instances").await;
    let here = &everywhere["items"][format!("zones/{ZONE}")]["instances"];
    assert_eq!(here.as_array().unwrap().len(), 3);
    let elsewhere = &everywhere["items"]["zones/us-central1-a"]["warning"];
    assert_eq!(elsewhere["code"], "NO_RESULTS_ON_PAGE");
    assert_eq!(elsewhere["data"][0], json!({"key": "scope", "value": "zones/us-central1-a"}));
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_found_by_what_they_did_and_to_whom() {
    let cloud = Cloud::start().await;
    cloud.insert(spot("vm1", &[])).await;
    cloud.insert(spot("vm2", &[])).await;
    cloud.act("vm1", "stop", json!({})).await;
    let link = format!(
        "https://www.googleapis.com/compute/v1/projects/{}/zones/{ZONE}/instances/vm1",
        cloud.project
    );
    let filter = format!(r#"operationType="stop" AND targetLink="{link}""#);
    let url = cloud.url(&cloud.zone("/operations"));
    let answer = cloud.http.get(url).query(&[("filter", filter)]).bearer_auth(cloud.token());
    let list: Value = answer.send().await.unwrap().json().await.unwrap();
    assert_eq!(names(&list).len(), 1, "{list}");
    assert_eq!(list["items"][0]["targetLink"], link);
    let (_, newest) =
        cloud.get(&cloud.zone("/operations?orderBy=creationTimestamp%20desc&maxResults=1")).await;
    assert_eq!(newest["items"][0]["operationType"], "stop");
    let (status, _) = cloud.get(&cloud.zone("/operations/operation-none")).await;
    assert_eq!(status, 404);
    cloud.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_machine_types_and_the_project_are_there() {
    let cloud = Cloud::start().await;
    let (_, zones) = cloud.get("/zones").await;
    for zone in [
        "us-central1-a",
        "us-central1-b",
        "us-east1-b",
        "europe-west1-b",
        "europe-west1-c",
        "europe-west4-a",
        "southamerica-east1-a",
        "southamerica-east1-b",
    ] {
        let found = zones["items"].as_array().unwrap().iter().find(|item| item["name"] == zone);
        assert!(found.is_some_and(|item| item["selfLink"].is_string()), "{zone}");
        assert_eq!(cloud.get(&format!("/zones/{zone}")).await.0, 200);
        let (_, types) = cloud.get(&format!("/zones/{zone}/machineTypes")).await;
        assert!(names(&types).contains(&"e2-medium"), "{zone}");
    }
    assert_eq!(cloud.get("/zones/mars-1-a").await.0, 404);
    let (_, medium) = cloud.get(&cloud.zone("/machineTypes/e2-medium")).await;
    assert_eq!(
        (&medium["guestCpus"], &medium["memoryMb"], &medium["isSharedCpu"]),
        (&json!(2), &json!(4096), &json!(true))
    );
    assert_eq!(cloud.get(&cloud.zone("/machineTypes/e9")).await.0, 404);
    let (status, project) = cloud.get("").await;
    assert_eq!((status, project["name"].as_str()), (200, Some(cloud.project.as_str())));
    assert_eq!(cloud.get("/global/nothing").await.0, 501);
    cloud.running.stop().await;
}
