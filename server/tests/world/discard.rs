//! A machine that is given up leaves nothing behind that bills, in whatever state its failover is.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{JOB, Stack, text};

/// The VMs that Google's list holds, and the GPUs of Vast's.
async fn hosts(stack: &Stack) -> Vec<String> {
    let state = stack.sandbox(Method::GET, "/state", Value::Null).await;
    state["hosts"].as_array().unwrap().iter().map(Value::to_string).collect()
}

async fn discard(stack: &Stack, gpu: i64) {
    let path = format!("/standby/associations/{gpu}/discard");
    let (status, told) = stack.call(Method::POST, &path, json!({ "name": "job" })).await;
    assert_eq!(status, 202, "{told:#}");
}

/// Waits until the machine is forgotten and nothing of it is there or bills.
async fn nothing_is_left(stack: &Stack, machine: &str) {
    let path = format!("/standby/associations/{machine}");
    stack
        .eventually("the machine to be forgotten", async |stack| {
            let (status, _) = stack.call(Method::GET, &path, Value::Null).await;
            (status == 404).then_some(())
        })
        .await;
    let vms = hosts(stack).await.into_iter().filter(|host| host.contains("gcp")).count();
    assert_eq!(vms, 0, "its standby is gone before it is forgotten: {:?}", hosts(stack).await);
    stack
        .eventually("nothing to bill", async |stack| stack.billing().await.is_empty().then_some(()))
        .await;
    stack
        .eventually("nothing to be listed", async |stack| {
            hosts(stack).await.is_empty().then_some(())
        })
        .await;
}

async fn phase(stack: &Stack, failover: &str, phase: &str) {
    stack
        .eventually(&format!("{phase} to begin"), async |stack| {
            (stack.status(failover).await["phase"] == phase).then_some(())
        })
        .await;
}

/// The association's own id: it is known by that after any move.
async fn machine(stack: &Stack, gpu: i64) -> String {
    text(&stack.get(&format!("/standby/associations/{gpu}")).await["association_id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_finds_no_offer_can_be_given_up_with_its_machine() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    let id = machine(&stack, gpu).await;
    stack.fault(json!({ "name": "price_jump", "params": { "factor": 50 } })).await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    stack
        .eventually("the failover to wait for an offer on the standby", async |stack| {
            let tie = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            let error = text(&stack.status(&failover).await["error"]);
            (tie["serving"] == "standby" && error.contains("no offer fits")).then_some(())
        })
        .await;
    let path = format!("/standby/associations/{gpu}/discard");
    for wrong in ["", "jo", "another"] {
        let (status, told) = stack.call(Method::POST, &path, json!({ "name": wrong })).await;
        assert_eq!(status, 422, "{told:#}");
    }
    let there = hosts(&stack).await;
    let vms = there.iter().filter(|host| host.contains("gcp")).count();
    assert_eq!(vms, 1, "the wrong name ends nothing: {there:?}");
    discard(&stack, gpu).await;
    nothing_is_left(&stack, &id).await;

    // What happened stays told.
    let status = stack.status(&failover).await;
    assert_eq!(status["state"], "cancelled", "{status:#}");
    assert_eq!(status["error"], "its user discarded the machine", "{status:#}");
    assert_eq!(stack.failovers_of(gpu).await.len(), 1);
    let log = stack.get("/audit?limit=200").await;
    let entries: Vec<(String, String, String)> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] == "discard")
        .map(|entry| (text(&entry["object"]), text(&entry["outcome"]), text(&entry["credential"])))
        .collect();
    let entry = |outcome: &str| (gpu.to_string(), outcome.to_owned(), "api_token".to_owned());
    let refused = entry("refused");
    assert_eq!(entries, [entry("done"), refused.clone(), refused.clone(), refused], "newest first");
    // Nothing of it comes back by itself.
    stack.clear_faults().await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(stack.billing().await, []);
    assert_eq!(stack.rented_gpus().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_without_a_clear_answer_leaves_nothing() {
    let mut stack = Stack::start().await;
    let gpu = stack.protected().await;
    let id = machine(&stack, gpu).await;
    let fault = json!({ "name": "create_times_out", "count": 1, "params": { "appears_after_s": 12, "hang_s": 2 } });
    stack.fault(fault).await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    phase(&stack, &failover, "provisioning").await;
    stack
        .eventually("the purchase to be sent", async |stack| {
            let armed = stack.sandbox(reqwest::Method::GET, "/faults", json!(null)).await;
            (armed["armed"] == json!([])).then_some(())
        })
        .await;
    discard(&stack, gpu).await;
    // Whoever takes over goes on from what is recorded.
    stack.kill9_server();
    stack.start_server().await;
    stack
        .eventually("what was bought to appear", async |stack| {
            (stack.rented_gpus().await == 2).then_some(())
        })
        .await;
    nothing_is_left(&stack, &id).await;
    assert_eq!(stack.rented_gpus().await, 2, "no other was bought");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_up_while_it_is_restored_or_switched_nothing_is_left() {
    let stack = Stack::start().await;
    // Each command holds the failover where it runs: before the last transfer, and after the machine
    // has its new GPU in the database but does not serve from it.
    let held = [("before_switch", "restoring", false), ("on_gpu", "restoring", true)];
    for (hook, at, switched) in held {
        let mut hooks = json!({ "on_gpu": null, "on_standby": null, "before_switch": null });
        hooks[hook] = json!("sleep 600");
        let gpu = stack.rent_with(JOB, hooks).await;
        stack.until_following(gpu).await;
        let id = machine(&stack, gpu).await;
        stack.pull_plug(gpu).await;
        let failover = stack.failover_of(gpu).await;
        phase(&stack, &failover, at).await;
        stack
            .eventually("the user's command to hold it", async |stack| {
                let tie = stack.try_get(&format!("/standby/associations/{id}")).await?;
                let moved = tie["gpu_instance_id"] != gpu;
                (moved == switched).then_some(())
            })
            .await;
        assert_eq!(stack.billing_gpus().await.len(), 2, "the lost one and the new one");
        let now = stack.get(&format!("/standby/associations/{id}")).await;
        discard(&stack, now["gpu_instance_id"].as_i64().unwrap()).await;
        nothing_is_left(&stack, &id).await;
        assert_eq!(stack.status(&failover).await["state"], "cancelled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn given_up_while_its_standby_is_made_nothing_is_left() {
    let stack = Stack::start().await;
    stack.fault(json!({ "name": "latency_ms", "params": { "ms": 700 } })).await;
    let gpu = stack.rent().await;
    let id = machine(&stack, gpu).await;
    discard(&stack, gpu).await;
    nothing_is_left(&stack, &id).await;
}
