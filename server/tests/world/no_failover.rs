//! What must never be taken for a lost GPU.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::stack::Stack;

/// Long enough for a wrong verdict to become a failover, several times over.
const QUIET: Duration = Duration::from_secs(15);

async fn assert_no_failover(stack: &Stack, gpu: i64) {
    let active = stack.get("/standby/failover/active").await;
    assert_eq!(active["active_count"], 0, "{active:#}");
    let report = stack.get("/standby/failover/report?days=1").await;
    assert_eq!(report["history"], json!([]), "{report:#}");
    assert_eq!(stack.rented_gpus().await, 1);
    let tie = stack.get(&format!("/standby/associations/{gpu}")).await;
    assert_eq!(tie["epoch"], 1, "{tie:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_pause_is_no_loss_and_the_machine_comes_back() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    stack.post(&format!("/instances/{gpu}/pause"), json!({})).await;
    tokio::time::sleep(QUIET).await;
    assert_no_failover(&stack, gpu).await;
    stack.post(&format!("/instances/{gpu}/resume"), json!({})).await;
    stack.until_following(gpu).await;
    tokio::time::sleep(QUIET).await;
    assert_no_failover(&stack, gpu).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_outage_of_a_minute_is_no_loss() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    stack.fault(json!({ "name": "vast_api_down" })).await;
    stack.fault(json!({ "name": "gcp_api_down" })).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    stack.clear_faults().await;
    stack.until_following(gpu).await;
    assert_no_failover(&stack, gpu).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_lying_lists_are_no_loss() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    for fault in ["rate_limited_plain", "rate_limited_json", "list_empty_200", "key_refused"] {
        stack.fault(json!({ "name": fault })).await;
        tokio::time::sleep(QUIET / 2).await;
        stack.clear_faults().await;
    }
    stack.fault(json!({ "name": "list_misses_row", "target": gpu.to_string() })).await;
    tokio::time::sleep(QUIET / 2).await;
    stack.clear_faults().await;
    stack.until_following(gpu).await;
    assert_no_failover(&stack, gpu).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_concludes_nothing_from_its_own_absence() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    stack.signal_server(Signal::SIGSTOP);
    tokio::time::sleep(Duration::from_secs(20)).await;
    stack.signal_server(Signal::SIGCONT);
    tokio::time::sleep(QUIET).await;
    stack.until_following(gpu).await;
    assert_no_failover(&stack, gpu).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_standby_is_no_lost_gpu_and_comes_back() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    let name =
        stack.get(&format!("/standby/associations/{gpu}")).await["cpu_standby"]["name"].clone();
    stack.fault(json!({ "name": "standby_preempted", "target": name, "count": 1 })).await;
    stack
        .eventually("the preemption to be seen", async |stack| {
            let tie: Value = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            (tie["cpu_standby"]["status"] != "ready").then_some(())
        })
        .await;
    stack
        .eventually("the standby to be back", async |stack| {
            let tie: Value = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            (tie["cpu_standby"]["status"] == "ready" && tie["state"] == "following").then_some(())
        })
        .await;
    assert_no_failover(&stack, gpu).await;
}
