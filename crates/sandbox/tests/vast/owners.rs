//! Whose an instance is.

use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::Bench;

#[tokio::test]
async fn another_account_sees_and_touches_nothing() {
    let bench = Bench::start().await;
    let id = bench.rent(json!({"target_state": "stopped", "label": "mine"})).await;
    let (_, line) = bench.ssh_key("other");
    let other = bench.another_key();
    let call = async |method: Method, path: String, body: Value| {
        bench.call(&other, method, &path, Some(body)).await.expect("an answer")
    };
    let list =
        bench.call(&other, Method::GET, "/api/v1/instances/", None).await.expect("an answer");
    assert_eq!(
        (list.json["total_instances"].as_u64(), &list.json["label_counts"]),
        (Some(0), &json!({}))
    );
    let one = bench
        .call(&other, Method::GET, &format!("/api/v0/instances/{id}/"), None)
        .await
        .expect("an answer");
    assert_eq!((one.status, one.json), (200, json!({"instances": null})));
    for (method, path, body) in [
        (Method::PUT, format!("/api/v0/instances/{id}/"), json!({"state": "running"})),
        (Method::PUT, format!("/api/v0/instances/{id}/"), json!({"label": "theirs"})),
        (Method::PUT, format!("/api/v0/instances/reboot/{id}/"), json!({})),
        (Method::PUT, format!("/api/v0/instances/bid_price/{id}/"), json!({"price": 1.0})),
        (Method::PUT, format!("/api/v0/instances/request_logs/{id}/"), json!({})),
        (Method::GET, format!("/api/v0/instances/{id}/ssh/"), json!({})),
        (Method::POST, format!("/api/v0/instances/{id}/ssh/"), json!({"ssh_key": line})),
        (Method::DELETE, format!("/api/v0/instances/{id}/ssh/1/"), json!({})),
        (Method::DELETE, format!("/api/v0/instances/{id}/"), json!({})),
    ] {
        let reply = call(method.clone(), path.clone(), body).await;
        assert_eq!(
            (reply.status, reply.json["error"].as_str()),
            (404, Some("no_such_instance")),
            "{method} {path}"
        );
    }
    let many =
        call(Method::DELETE, "/api/v0/instances/".into(), json!({"instance_ids": [id]})).await;
    assert_eq!(many.status, 404);
    assert_eq!(bench.row(id).await["label"], "mine");
    let charges =
        bench.call(&other, Method::GET, "/api/v0/charges/", None).await.expect("an answer");
    assert_eq!(charges.json["results"], json!([]));
}

#[tokio::test]
async fn an_instances_own_key_reaches_that_instance_only() {
    let bench = Bench::start().await;
    let other = bench.rent(json!({"target_state": "stopped"})).await;
    let reply = bench.create(json!({"target_state": "stopped"})).await;
    let id = reply.json["new_contract"].as_u64().expect("a contract");
    let key = reply.json["instance_api_key"].as_str().expect("a key").to_owned();
    let call = async |method: Method, path: String| {
        bench.call(&key, method, &path, Some(json!({}))).await.expect("an answer")
    };
    assert_eq!(call(Method::DELETE, format!("/api/v0/instances/{other}/")).await.status, 404);
    assert_eq!(call(Method::GET, "/api/v0/users/current/".into()).await.status, 403);
    let offer = bench.offer().await["id"].clone();
    assert_eq!(call(Method::PUT, format!("/api/v0/asks/{offer}/")).await.status, 403);
    assert_eq!(call(Method::DELETE, format!("/api/v0/instances/{id}/")).await.status, 200);
    assert_eq!(bench.list().await, [other]);
}

#[tokio::test]
async fn account_keys_belong_to_the_account() {
    let bench = Bench::start().await;
    assert_eq!(bench.get("/api/v0/ssh/").await.status, 404);
    let (_, line) = bench.ssh_key("mine");
    let added = bench.post("/api/v0/ssh/", json!({"ssh_key": line})).await;
    let key = added.json["key"]["id"].as_u64().expect("an id");
    assert_eq!(added.json["key"]["public_key"], line.as_str());
    assert_eq!(bench.get("/api/v0/ssh/").await.json[0]["id"], key);
    let other = bench.another_key();
    let theirs = bench
        .call(&other, Method::DELETE, &format!("/api/v0/ssh/{key}/"), None)
        .await
        .expect("an answer");
    assert_eq!(theirs.status, 404);
    assert_eq!(bench.post("/api/v0/ssh/", json!({"ssh_key": "hello"})).await.status, 400);
    assert_eq!(bench.delete(&format!("/api/v0/ssh/{key}/")).await.status, 200);
    assert_eq!(bench.get("/api/v0/ssh/").await.status, 404);
}
