//! A switch that ends on a GPU that answers nobody, or on one that was launched with less than the lost one:
//! both are told wherever the end is told.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::stack::{JOB, Stack};

/// Changes a row while the server runs.
async fn change(stack: &Stack, statement: &'static str) -> u64 {
    store::install_drivers();
    let url = format!("sqlite://{}", stack.database_file().display());
    let mut database = sqlx::AnyConnection::connect(&url).await.unwrap();
    let changed = sqlx::query(statement).execute(&mut database).await.unwrap().rows_affected();
    database.close().await.unwrap();
    changed
}

async fn told(stack: &Stack, kind: &str, failover: &str) -> Value {
    let news = stack.get("/notifications").await;
    let all = news["notifications"].as_array().unwrap().clone();
    all.into_iter()
        .find(|one| one["kind"] == kind && one["failover_id"] == failover)
        .unwrap_or_else(|| panic!("no {kind} of {failover} in {news:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_gpu_that_dies_at_the_switch_is_told_of_as_unanswered_and_the_old_disk_is_kept() {
    let stack = Stack::start().await;
    // Begins on the new GPU alone, and holds the switch until that is gone.
    let slow = "[ \"$DUMONT_SIDE\" = gpu ] && sleep 50";
    let gpu = stack.rent_with(JOB, json!({ "on_gpu": slow })).await;
    stack.until_following(gpu).await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    let new_gpu = stack
        .eventually("the machine to be on a new GPU", async |stack| {
            let all = stack.try_get("/standby/associations").await?;
            let one = all["associations"].as_object()?.values().next()?.clone();
            let on = one["gpu_instance_id"].as_i64()?;
            (on != gpu && one["serving"] == "gpu").then_some(on)
        })
        .await;
    let dead = json!({ "provider_says": "running" });
    stack.sandbox(Method::POST, &format!("/hosts/{new_gpu}/kill"), dead).await;
    // As if it had been tried for as long as a GPU may take to answer.
    let aged = "UPDATE intents SET changed_at = changed_at - 200000 WHERE state = 'adopted' AND failover_id IS NOT NULL";
    assert_eq!(change(&stack, aged).await, 1);
    let status = stack.ended(&failover).await;
    assert_eq!(
        (&status["state"], &status["ending"], &status["success"]),
        (&json!("failed"), &json!("unanswered"), &json!(false)),
        "{status:#}"
    );
    assert_eq!(status["total_time_ms"], Value::Null, "nobody is on a GPU: {status:#}");
    let ready = stack.get(&format!("/failover/readiness/{new_gpu}")).await;
    assert_eq!(ready["ready"], false, "{ready:#}");
    let news = told(&stack, "failover_failed", &failover).await;
    assert_eq!(news["figures"]["unanswered"], true, "{news:#}");
    let page = stack.page(&format!("/app/failovers/{failover}")).await;
    assert!(
        page.contains("did not answer any more, or on which nothing could be started"),
        "{page}"
    );
    let report = stack.get("/standby/failover/report?days=1&kind=real").await;
    assert_eq!(report["successful_failovers"], 0, "{report:#}");
    assert_eq!(report["failed_failovers"], 1, "{report:#}");
    let old = status["instances"].as_array().unwrap().iter().find(|one| one["role"] == "old_gpu");
    assert_ne!(old.unwrap()["fate"], "destroyed", "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_replacement_is_launched_without_is_told_and_asked_for_again_by_the_next() {
    let stack = Stack::start().await;
    // As long as the provider takes: held back until the data is there it would be longer.
    let script = format!("{JOB}\n# {}", "x".repeat(4_040 - JOB.chars().count() - 3));
    let gpu = stack.rent_with(&script, json!({ "on_gpu": JOB })).await;
    stack.until_following(gpu).await;
    let mut on = gpu;
    for _ in 0..2 {
        stack.pull_plug(on).await;
        let failover = stack.failover_of(on).await;
        let status = stack.ended(&failover).await;
        assert_eq!(status["success"], true, "{status:#}");
        assert_eq!(status["left_out"], json!(["start_script"]), "{status:#}");
        on = status["new_gpu_id"].as_i64().unwrap();
        stack.until_following(on).await;
        let tie = stack.get(&format!("/standby/associations/{on}")).await;
        assert_eq!(tie["left_out"], json!(["start_script"]), "{tie:#}");
        let ready = stack.get(&format!("/failover/readiness/{on}")).await;
        assert_eq!(ready["left_out"], json!(["start_script"]), "{ready:#}");
        let news = told(&stack, "failover_complete", &failover).await;
        assert_eq!(news["figures"]["left_out"], json!(["start_script"]), "{news:#}");
        for path in [format!("/app/failovers/{failover}"), format!("/app/machines/{on}")] {
            let page = stack.page(&path).await;
            assert!(page.contains("Missing: the start script."), "{path}: {page}");
        }
    }
}
