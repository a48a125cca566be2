//! What users are told, made by the engine itself, whatever happens to its process.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stack::{Plan, Stack};

async fn told(stack: &Stack) -> Vec<Value> {
    let list = stack.get("/notifications?limit=200").await;
    list["notifications"].as_array().unwrap().clone()
}

fn count(told: &[Value], kind: &str) -> usize {
    told.iter().filter(|one| one["kind"] == kind).count()
}

async fn until_told(stack: &Stack, kind: &str) -> Value {
    stack
        .eventually(&format!("{kind} to be told"), async |stack| {
            let list = stack.try_get("/notifications?limit=200").await?;
            list["notifications"].as_array()?.iter().find(|one| one["kind"] == kind).cloned()
        })
        .await
}

/// Waits until a phase has begun.
async fn meet(stack: &Stack, failover: &str, phase: &str) {
    let begun = Instant::now();
    loop {
        let status = stack.status(failover).await;
        if status["phases"].as_array().unwrap().iter().any(|one| one["name"] == phase) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "never reached {phase}: {status:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_gpu_is_told_once_from_its_loss_to_its_end_though_the_server_dies_twice() {
    let mut stack = Stack::with(Plan { profile: "reference", ..Plan::default() }).await;
    let gpu = stack.protected().await;
    assert_eq!(told(&stack).await, Vec::<Value>::new(), "nothing has happened yet");
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    for phase in ["searching_gpu", "restoring"] {
        meet(&stack, &failover, phase).await;
        stack.kill9_server();
        stack.start_server().await;
    }
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
    let all = told(&stack).await;
    for kind in ["failover_started", "on_standby", "failover_complete"] {
        assert_eq!(count(&all, kind), 1, "{kind} in {all:#?}");
    }
    assert_eq!(count(&all, "failover_failed") + count(&all, "gpu_lost"), 0, "{all:#?}");
    let complete = all.iter().find(|one| one["kind"] == "failover_complete").unwrap();
    assert_eq!(complete["failover_id"], failover.as_str());
    assert_eq!((&complete["sandbox"], &complete["gpu_instance_id"]), (&json!(true), &json!(gpu)));
    for figure in ["time_to_cpu_ms", "total_time_ms", "files_verified", "rpo_ms"] {
        assert_eq!(complete["figures"][figure], status[figure], "{figure}");
    }
    assert_eq!(complete["figures"]["new_gpu_id"], status["new_gpu_id"]);
    let standby = all.iter().find(|one| one["kind"] == "on_standby").unwrap();
    assert_eq!(standby["figures"]["time_to_cpu_ms"], status["time_to_cpu_ms"]);

    // A restart after the end tells nothing again.
    stack.kill9_server();
    stack.start_server().await;
    stack.until_following(status["new_gpu_id"].as_i64().unwrap()).await;
    assert_eq!(told(&stack).await.len(), all.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_credit_is_told_once_for_each_crossing_and_a_lost_standby_until_it_is_back() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    let state = stack.sandbox(reqwest::Method::GET, "/state", Value::Null).await;
    let account = state["accounts"][0]["id"].to_string();
    let credit = async |usd: f64| {
        let path = format!("/accounts/{account}");
        stack.sandbox(reqwest::Method::PATCH, &path, json!({ "credit": usd })).await;
    };
    credit(0.02).await;
    let low = until_told(&stack, "credit_low").await;
    assert!(low["figures"]["credit_usd"].as_f64() < low["figures"]["needed_usd"].as_f64(), "{low}");
    let name =
        stack.get(&format!("/standby/associations/{gpu}")).await["cpu_standby"]["name"].clone();
    stack.fault(json!({ "name": "standby_preempted", "target": name, "count": 1 })).await;
    until_told(&stack, "standby_preempted").await;
    until_told(&stack, "standby_back").await;
    // Long enough for the credit to have been read again, still low.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let all = told(&stack).await;
    for kind in ["credit_low", "standby_preempted", "standby_back"] {
        assert_eq!(count(&all, kind), 1, "{kind} in {all:#?}");
    }
    credit(50.0).await;
    stack
        .eventually("the credit to be read", async |stack| {
            stack.try_get("/balance").await.filter(|one| one["credit"].as_f64() > Some(40.0))
        })
        .await;
    credit(0.02).await;
    stack
        .eventually("the second crossing to be told", async |stack| {
            (count(&told(stack).await, "credit_low") == 2).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_nobody_can_serve_says_what_it_waits_for() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    stack
        .post(
            "/standby/configure",
            json!({ "enabled": true, "max_price": 0.0001, "sync_interval": 2 }),
        )
        .await;
    stack.pull_plug(gpu).await;
    let waiting = until_told(&stack, "failover_waiting").await;
    assert_eq!(waiting["figures"]["waits_for"], "offer", "{waiting}");
    let failover = waiting["failover_id"].as_str().unwrap().to_owned();
    // Several more searches in vain are no news.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(count(&told(&stack).await, "failover_waiting"), 1);
    stack
        .post(
            "/standby/configure",
            json!({ "enabled": true, "max_price": null, "sync_interval": 2 }),
        )
        .await;
    assert_eq!(stack.ended(&failover).await["success"], true);
    assert_eq!(count(&told(&stack).await, "failover_complete"), 1);
}
