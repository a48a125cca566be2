//! What a failover buys: as much as the limits allow, and a machine that is launched as the lost one was.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::stack::{JOB, Stack};

/// A call to the sandbox's Vast.ai with the account's key.
async fn vast(stack: &Stack, method: Method, path: &str, body: Value) -> Value {
    let key = std::fs::read_to_string(stack.dir.path().join("vast.key")).unwrap();
    let asked = reqwest::Client::new()
        .request(method, format!("{}{path}", stack.sandbox_url))
        .bearer_auth(key.trim());
    let asked = if body.is_null() { asked } else { asked.json(&body) };
    asked.send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replacement_is_launched_as_the_lost_one_was() {
    let stack = Stack::start().await;
    let query = json!({ "rentable": { "eq": true }, "num_gpus": { "eq": "1" }, "order": [["dph_total", "asc"]] });
    let offers = vast(&stack, Method::POST, "/api/v0/bundles/", query).await;
    let onstart = format!("{JOB}\necho \"$HF_TOKEN\" >> /root/started");
    let body = json!({
        "client_id": "me", "image": "nvidia/cuda:12.4.1-runtime-ubuntu22.04", "disk": 20.0,
        "runtype": "jupyter_direc ssh_direc ssh_proxy", "label": "my own name",
        "onstart": onstart,
        "env": { "HF_TOKEN": "hf it's \"mine\"", "-p 8080:8080": "1", "-p 53:53/udp": "1" },
    });
    let path = format!("/api/v0/asks/{}/", offers["offers"][0]["id"]);
    let made = vast(&stack, Method::PUT, &path, body).await;
    let gpu = made["new_contract"].as_i64().unwrap_or_else(|| panic!("{made}"));
    let friend =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJSi9bHfYHyzqPTyVGLBjWWJVGg3TkgHSSvTNp4DHMNG friend";
    let keys = |gpu: i64| format!("/api/v0/instances/{gpu}/ssh/");
    vast(&stack, Method::POST, &keys(gpu), json!({ "ssh_key": friend })).await;
    stack.until_following(gpu).await;
    stack.pull_plug(gpu).await;
    let status = stack.ended(&stack.failover_of(gpu).await).await;
    assert_eq!(status["success"], true, "{status:#}");
    let new_gpu = status["new_gpu_id"].as_i64().unwrap();

    let path = format!("/api/v0/instances/{new_gpu}/?owner=me");
    let row = vast(&stack, Method::GET, &path, Value::Null).await["instances"].clone();
    assert_eq!(row["image_runtype"], "jupyter_direc ssh_direc ssh_proxy", "{row}");
    assert_eq!(row["label"], "my own name", "{row}");
    let mut env: Vec<(String, String)> = serde_json::from_value(row["extra_env"].clone()).unwrap();
    env.sort();
    let expected = [("-p 53:53/udp", "1"), ("-p 8080:8080", "1"), ("HF_TOKEN", "hf it's \"mine\"")];
    assert_eq!(env, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(row["onstart"].as_str().unwrap().contains(&onstart), "{row}");
    let admitted = vast(&stack, Method::GET, &keys(new_gpu), Value::Null).await;
    assert!(admitted.to_string().contains("friend"), "{admitted}");
    // The script runs once the data is there, with its environment.
    let root = stack.host_workspace(&new_gpu.to_string());
    let root = root.parent().unwrap();
    let started = [root.join("started"), root.join("root/started")];
    stack
        .eventually("the start script to run on the new GPU", async |_| {
            let read = started.iter().find_map(|path| std::fs::read_to_string(path).ok())?;
            (read == "hf it's \"mine\"\n").then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_stops_to_buy_at_its_limit_until_a_person_says_so() {
    let stack = Stack::start().await;
    let limit = json!({ "enabled": true, "max_gpus_per_failover": 2 });
    stack.post("/standby/configure", limit).await;
    let gpu = stack.protected().await;
    stack.fault(json!({ "name": "create_times_out", "params": { "hang_s": 1 } })).await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    let waiting = stack
        .eventually("the failover to wait for a person's word", async |stack| {
            let status = stack.status(&failover).await;
            let error = status["error"].as_str()?;
            error.contains("no further GPU is bought: 2 of 2").then_some(status)
        })
        .await;
    assert!(waiting["completed_at"].is_null(), "{waiting:#}");
    let news = stack.get("/notifications").await;
    let told = news["notifications"].as_array().unwrap();
    assert!(
        told.iter()
            .any(|one| one["kind"] == "failover_waiting" && one["figures"]["waits_for"] == "limit"),
        "{news:#}"
    );
    let page = stack.page(&format!("/app/machines/{gpu}")).await;
    assert!(page.contains("This failover has bought 2 GPUs; 2 are allowed."), "{page}");
    stack.clear_faults().await;
    // By itself nothing more is bought, however long it waits.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(stack.rented_gpus().await, 1);
    stack.post(&format!("/standby/failover/{failover}/retry"), json!({})).await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
    stack.only_bills(vec![status["new_gpu_id"].as_i64().unwrap()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rental_that_its_server_did_not_live_to_finish_is_seen_to() {
    let mut stack = Stack::start().await;
    let offers = stack.get("/instances/offers?num_gpus=1&limit=64").await;
    let body = json!({
        "offer_id": offers["offers"][0]["id"], "disk_size": 20,
        "image": "nvidia/cuda:12.4.1-runtime-ubuntu22.04",
    });
    let fault = json!({ "name": "create_times_out", "count": 1, "params": { "hang_s": 60, "appears_after_s": 1 } });
    stack.fault(fault).await;
    // Whoever asks gives up; the purchase goes on, and then its server dies.
    let asked = reqwest::Client::new()
        .post(format!("{}/api/v1/instances", stack.url))
        .bearer_auth(&stack.token)
        .json(&body)
        .timeout(std::time::Duration::from_secs(3))
        .send();
    assert!(asked.await.is_err(), "no answer in time");
    stack
        .eventually("the instance to bill", async |stack| {
            (stack.billing_gpus().await.len() == 1).then_some(())
        })
        .await;
    stack.kill9_server();
    // As if it had been away for some minutes.
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", stack.database_file().display());
    let mut database = sqlx::AnyConnection::connect(&url).await.unwrap();
    let open = sqlx::query("UPDATE intents SET created_at = created_at - 150000 WHERE state = 'open' AND provider = 'vast.ai'")
        .execute(&mut database)
        .await
        .unwrap();
    assert_eq!(open.rows_affected(), 1, "recorded, and not known to be bought");
    database.close().await.unwrap();
    stack.start_server().await;
    stack.only_bills(Vec::new()).await;
    let ties = stack.get("/standby/associations").await;
    assert_eq!(ties["count"], 0, "{ties:#}");
}
