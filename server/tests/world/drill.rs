//! A rehearsal leaves the running GPU alone and nothing behind.

use serde_json::json;

use crate::stack::{Plan, Stack};

over_both!(a_drill_proves_the_data_and_leaves_nothing);
async fn a_drill_proves_the_data_and_leaves_nothing(plan: Plan) {
    let stack = Stack::with(plan).await;
    let gpu = stack.protected().await;
    let standbys = stack.billing().await.len();
    let before = step(&stack, gpu);
    let begun =
        stack.post(&format!("/standby/failover/simulate/{gpu}"), json!({ "reason": "test" })).await;
    assert_eq!(begun["phase"], "detecting");
    let status = stack.ended(begun["failover_id"].as_str().unwrap()).await;
    assert_eq!(status["success"], true, "{status:#}");
    assert_eq!(status["kind"], "drill");
    assert!(status["files_verified"].as_i64() > Some(3), "{status:#}");
    // Nothing is waited for here: a drill is over only when all it made is gone.
    assert_eq!(stack.billing_gpus().await, [gpu]);
    assert_eq!(stack.billing().await.len(), standbys);
    let candidate = status["instances"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["role"] == "candidate")
        .unwrap()
        .clone();
    assert_eq!(candidate["fate"], "destroyed");
    assert!(!candidate["verified_gone_at"].is_null());
    // The job never stopped, the machine never moved.
    stack
        .eventually("the job to go on", async |stack| (step(stack, gpu) > before + 5).then_some(()))
        .await;
    let tie = stack.get(&format!("/standby/associations/{gpu}")).await;
    assert_eq!((tie["epoch"].as_i64(), tie["serving"].as_str()), (Some(1), Some("gpu")));
    // A drill is in no report of real failovers.
    let report = stack.get("/standby/failover/report?days=1").await;
    assert_eq!(report["total_failovers"], 0);
    assert!(report["success_rate"].is_null(), "nothing happened yet, which is not 0 %: {report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_without_a_purchase_rents_nothing() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    let begun = stack
        .post(&format!("/standby/failover/simulate/{gpu}"), json!({ "simulate_new_gpu": false }))
        .await;
    let status = stack.ended(begun["failover_id"].as_str().unwrap()).await;
    assert_eq!(status["success"], true, "{status:#}");
    assert_eq!(stack.rented_gpus().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_at_once_are_one_drill() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    let path = format!("/standby/failover/simulate/{gpu}");
    let calls = (0..4)
        .map(|_| stack.call(reqwest::Method::POST, &path, json!({ "simulate_new_gpu": false })));
    let answers = futures::future::join_all(calls).await;
    let accepted = answers.iter().filter(|(status, _)| *status == 200).count();
    let refused = answers.iter().filter(|(status, _)| *status == 409).count();
    assert_eq!((accepted, refused), (1, 3), "{answers:?}");
}

fn step(stack: &Stack, gpu: i64) -> i64 {
    let file = stack.host_workspace(&gpu.to_string()).join("step");
    std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
