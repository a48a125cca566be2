//! A GPU that is silent while its provider says that it runs: not lost at once, lost after a while, and
//! not destroyed with what only it has.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Plan, Stack};

/// The usual patience, or that of an account that can't wait; and how long what is left is kept.
async fn patience(stack: &Stack, silence: i64, keep: i64) {
    let settings =
        json!({ "enabled": true, "silence_seconds": silence, "keep_lost_minutes": keep });
    stack.post("/standby/configure", settings).await;
}

async fn check(stack: &Stack, gpu: i64, key: &str) -> Option<bool> {
    let found = stack.try_get(&format!("/failover/readiness/{gpu}")).await?;
    let checks = found["checks"].as_array()?.clone();
    checks.iter().find(|check| check["key"] == key)?["ok"].as_bool()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gpu_that_stalls_for_eight_seconds_keeps_its_machine() {
    let stack = Stack::start().await;
    patience(&stack, 30, 30).await;
    let gpu = stack.protected().await;
    stack
        .fault(
            json!({ "name": "host_frozen", "target": gpu.to_string(), "params": { "seconds": 8 } }),
        )
        .await;
    // It is told that it is not ready while it is silent, and that it is again.
    stack
        .eventually("the silence to be told", async |stack| {
            (!check(stack, gpu, "gpu_answers").await?).then_some(())
        })
        .await;
    stack
        .eventually("the answer to be told", async |stack| {
            check(stack, gpu, "gpu_answers").await?.then_some(())
        })
        .await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let report = stack.get("/standby/failover/report?days=1").await;
    assert_eq!(report["history"], json!([]), "{report:#}");
    assert_eq!(stack.billing_gpus().await, [gpu]);
    assert_eq!(stack.get(&format!("/standby/associations/{gpu}")).await["epoch"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gpu_that_died_while_nobody_looked_is_found_out_after_a_restart() {
    let mut stack = Stack::start().await;
    let gpu = stack.protected().await;
    stack.kill9_server();
    let dead = json!({ "name": "host_dies", "target": gpu.to_string(), "params": { "provider_says": "running" } });
    stack.fault(dead).await;
    stack.start_server().await;
    let status = stack.ended(&stack.failover_of(gpu).await).await;
    assert_eq!(
        (&status["cause"], &status["success"]),
        (&json!("silent"), &json!(true)),
        "{status:#}"
    );
}

over_both!(a_gpu_that_was_cut_off_is_kept_until_what_only_it_has_is_saved);
async fn a_gpu_that_was_cut_off_is_kept_until_what_only_it_has_is_saved(plan: Plan) {
    let stack = Stack::with(plan).await;
    patience(&stack, 5, 30).await;
    let gpu = stack.protected().await;
    stack.fault(json!({ "name": "network_cut", "target": gpu.to_string() })).await;
    // Written where nobody can see it.
    let only = stack.host_workspace(&gpu.to_string()).join("only-here");
    std::fs::write(&only, "the best checkpoint").unwrap();
    let failover = stack.failover_of(gpu).await;
    let status = stack.ended(&failover).await;
    assert_eq!(
        (&status["cause"], &status["success"]),
        (&json!("silent"), &json!(true)),
        "{status:#}"
    );
    let new_gpu = status["new_gpu_id"].as_i64().unwrap();
    let old = |status: &Value| {
        let instances = status["instances"].as_array().unwrap();
        instances.iter().find(|one| one["role"] == "old_gpu").cloned().unwrap()
    };
    assert!(old(&status)["kept_until"].is_string(), "{status:#}");
    assert_eq!(old(&status)["fate"], "pending");
    tokio::time::sleep(Duration::from_secs(8)).await;
    let mut both = vec![gpu, new_gpu];
    both.sort_unstable();
    assert_eq!(stack.billing_gpus().await, both, "it is neither stopped nor destroyed");
    assert!(only.exists());

    stack.sandbox(Method::POST, &format!("/hosts/{gpu}/heal"), json!({})).await;
    let late = stack
        .eventually("the late writes to be saved", async |stack| {
            Some(old(&stack.status(&failover).await)["late_writes"].clone())
                .filter(|late| !late.is_null())
        })
        .await;
    assert!(late["files"].as_i64() >= Some(1), "{late:#}");
    stack.only_bills(vec![new_gpu]).await;
    let folder = late["path"].as_str().unwrap().trim_start_matches('/');
    let standby = stack.host_workspace("vm-");
    let saved = standby
        .ancestors()
        .find_map(|above| std::fs::read_to_string(above.join(folder).join("only-here")).ok());
    assert_eq!(saved.as_deref(), Some("the best checkpoint"), "in {folder}");
    // It was seen right before it went that nothing was written after that.
    let late = old(&stack.status(&failover).await)["late_writes"].clone();
    assert_eq!(late["settled"], json!(true), "{late:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_its_provider_called_offline_is_fetched_from_when_it_is_back() {
    let stack = Stack::start().await;
    patience(&stack, 5, 30).await;
    let gpu = stack.protected().await;
    let target = gpu.to_string();
    stack.fault(json!({ "name": "offline", "target": target })).await;
    stack.fault(json!({ "name": "network_cut", "target": target })).await;
    let only = stack.host_workspace(&target).join("only-here");
    std::fs::write(&only, "the best checkpoint").unwrap();
    let failover = stack.failover_of(gpu).await;
    let status = stack.ended(&failover).await;
    assert_eq!(
        (&status["cause"], &status["success"]),
        (&json!("host_offline"), &json!(true)),
        "{status:#}"
    );
    let new_gpu = status["new_gpu_id"].as_i64().unwrap();
    let old = |status: &Value| {
        let instances = status["instances"].as_array().unwrap();
        instances.iter().find(|one| one["role"] == "old_gpu").cloned().unwrap()
    };
    assert_eq!(old(&status)["fate"], "pending", "{status:#}");
    assert!(old(&status)["kept_until"].is_string(), "{status:#}");

    // The host is back, the work with it, and nobody had asked that it be stopped.
    stack.clear_faults().await;
    stack.sandbox(Method::POST, &format!("/hosts/{gpu}/heal"), json!({})).await;
    let late = stack
        .eventually("the late writes to be saved", async |stack| {
            Some(old(&stack.status(&failover).await)["late_writes"].clone())
                .filter(|late| !late.is_null())
        })
        .await;
    let folder = late["path"].as_str().unwrap().trim_start_matches('/');
    let standby = stack.host_workspace("vm-");
    let saved = standby
        .ancestors()
        .find_map(|above| std::fs::read_to_string(above.join(folder).join("only-here")).ok());
    assert_eq!(saved.as_deref(), Some("the best checkpoint"), "in {folder}");
    // Then nothing keeps it any more.
    stack.only_bills(vec![new_gpu]).await;
    stack
        .eventually("the old GPU to be told of as gone", async |stack| {
            (old(&stack.status(&failover).await)["fate"] == "destroyed").then_some(())
        })
        .await;
}
