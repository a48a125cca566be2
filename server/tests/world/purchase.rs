//! A provider that lies about purchases: never two GPUs, never a leaked one.

use std::process::Command;

use serde_json::{Value, json};

use crate::stack::Stack;

/// Fails a machine over while a fault is armed; the new GPU and its failover's status.
async fn recovered_under(stack: &Stack, fault: Value) -> (i64, Value) {
    let gpu = stack.protected().await;
    stack.fault(fault).await;
    stack.pull_plug(gpu).await;
    let status = stack.ended(&stack.failover_of(gpu).await).await;
    assert_eq!(status["success"], true, "{status:#}");
    (status["new_gpu_id"].as_i64().unwrap(), status)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_created_all_the_same_is_found_by_its_label() {
    let stack = Stack::start().await;
    let (new_gpu, _) =
        recovered_under(&stack, json!({ "name": "create_500_but_created", "count": 1 })).await;
    stack.only_bills(vec![new_gpu]).await;
    assert_eq!(
        stack.rented_gpus().await,
        2,
        "the one that appeared was used, no second one was bought"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_appears_after_it_was_given_up_is_destroyed() {
    let stack = Stack::start().await;
    let fault = json!({ "name": "create_times_out", "count": 1, "params": { "appears_after_s": 45, "hang_s": 1 } });
    let (new_gpu, _) = recovered_under(&stack, fault).await;
    stack
        .eventually("the late one to appear", async |stack| {
            (stack.rented_gpus().await == 3).then_some(())
        })
        .await;
    stack.only_bills(vec![new_gpu]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_is_gone_leads_to_the_next() {
    let stack = Stack::start().await;
    let (new_gpu, _) = recovered_under(&stack, json!({ "name": "offer_gone", "count": 2 })).await;
    stack.only_bills(vec![new_gpu]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_that_lies_is_repeated_until_the_old_gpu_is_gone() {
    let stack = Stack::start().await;
    let (new_gpu, _) =
        recovered_under(&stack, json!({ "name": "destroy_200_still_running", "count": 2 })).await;
    stack.only_bills(vec![new_gpu]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_lags_does_not_make_us_buy_twice() {
    let stack = Stack::start().await;
    let (new_gpu, _) =
        recovered_under(&stack, json!({ "name": "list_lag", "params": { "seconds": 3 } })).await;
    stack.only_bills(vec![new_gpu]).await;
    assert_eq!(stack.rented_gpus().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credit_it_waits_on_the_standby_and_says_so() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    stack.fault(json!({ "name": "no_credit" })).await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    let waiting = stack
        .eventually("the failover to wait on the standby", async |stack| {
            let status = stack.status(&failover).await;
            let tie = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            // The step that brought it there may still be open when it serves there.
            (tie["serving"] == "standby"
                && !status["time_to_cpu_ms"].is_null()
                && status["error"].as_str().is_some_and(|error| error.contains("credit")))
            .then_some(status)
        })
        .await;
    assert!(waiting["completed_at"].is_null());
    stack.clear_faults().await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
    stack.only_bills(vec![status["new_gpu_id"].as_i64().unwrap()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_failover_stays_on_the_standby_and_fails_back_later() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    stack.fault(json!({ "name": "no_credit" })).await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    stack
        .eventually("the standby to serve", async |stack| {
            let tie = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            (tie["serving"] == "standby").then_some(())
        })
        .await;
    stack.post(&format!("/standby/failover/{failover}/cancel"), json!({})).await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], false, "{status:#}");
    stack.clear_faults().await;
    let begun = stack.post(&format!("/standby/failover/{failover}/failback"), json!({})).await;
    let back = stack.ended(begun["failover_id"].as_str().unwrap()).await;
    assert_eq!(
        (back["success"].as_bool(), back["kind"].as_str()),
        (Some(true), Some("planned")),
        "{back:#}"
    );
    let new_gpu = back["new_gpu_id"].as_i64().unwrap();
    stack.only_bills(vec![new_gpu]).await;
    stack.until_following(new_gpu).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_failover_of_a_living_gpu_loses_nothing() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    let begun = stack
        .post(&format!("/standby/failover/start/{gpu}"), json!({ "reason": "moving house" }))
        .await;
    let status = stack.ended(begun["failover_id"].as_str().unwrap()).await;
    assert_eq!(
        (status["success"].as_bool(), status["kind"].as_str()),
        (Some(true), Some("planned")),
        "{status:#}"
    );
    stack.only_bills(vec![status["new_gpu_id"].as_i64().unwrap()]).await;
}

/// Makes a database with the machine's own client and gives its address.
pub fn new_database(base: &str, name: &str) -> String {
    let made = Command::new("psql")
        .arg(base)
        .args(["-qc", &format!("CREATE DATABASE {name}")])
        .status()
        .unwrap();
    assert!(made.success());
    let (server, _) = base.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}
