//! What a provider may answer instead of what was asked for: each is told in words that mend it, once, is tried a
//! bounded number of times, leaves nothing behind, and is over by itself when its cause is.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{JOB, Stack};

/// How often a fault struck.
async fn struck(stack: &Stack, fault: &str, of: u64) -> u64 {
    let faults = stack.sandbox(Method::GET, "/faults", json!(null)).await;
    let armed = faults["armed"].as_array().unwrap().clone();
    let left = armed.iter().find(|one| one["name"] == fault).and_then(|one| one["count"].as_u64());
    of - left.unwrap_or(0)
}

/// A machine whose standby is refused in this way; then the cause is mended.
async fn standby_refused(fault: &str, params: Value, words: &str) {
    const OFTEN: u64 = 1_000;
    let stack = Stack::start().await;
    stack.fault(json!({ "name": fault, "params": params, "count": OFTEN })).await;
    let gpu = stack.rent().await;
    let path = format!("/standby/associations/{gpu}");
    let tie = stack
        .eventually("the reason to be told", async |stack| {
            let tie = stack.try_get(&path).await?;
            tie["reason"].as_str().is_some_and(|why| why.contains(words)).then_some(tie)
        })
        .await;
    assert_eq!(tie["state"], "degraded", "{tie:#}");
    let before = struck(&stack, fault, OFTEN).await;
    tokio::time::sleep(std::time::Duration::from_secs(12)).await;
    let during = struck(&stack, fault, OFTEN).await - before;
    assert!(during <= 12, "{fault}: {during} calls in 12 s");
    let news = stack.get("/notifications").await;
    let all = news["notifications"].as_array().unwrap();
    let of = |kind: &str| all.iter().filter(|one| one["kind"] == kind).count();
    assert_eq!((of("standby_degraded"), of("credentials_refused")), (1, 0), "{news:#}");
    stack.clear_faults().await;
    stack.until_following(gpu).await;
    let vms = stack.billing().await.into_iter().filter(|(provider, _)| provider == "gcp").count();
    assert_eq!(vms, 1, "one standby and nothing left of those that were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_the_organisation_is_told_as_that() {
    standby_refused("org_policy", json!({}), "a policy of the organisation forbids it").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_switched_on_is_told_as_that() {
    standby_refused("api_disabled", json!({}), "Compute Engine is not switched on").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_told_as_that() {
    standby_refused("quota_exceeded", json!({}), "QUOTA_EXCEEDED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_is_told_to_have_failed_and_did_not_makes_no_second_vm() {
    let stack = Stack::start().await;
    stack.fault(json!({ "name": "operation_fails", "count": 1 })).await;
    let gpu = stack.protected().await;
    let vms = stack.billing().await.into_iter().filter(|(provider, _)| provider == "gcp").count();
    assert_eq!(vms, 1);
    // Nor does one whose deletion is told to have failed, and did, stay behind.
    stack
        .fault(
            json!({ "name": "operation_fails", "count": 1, "params": { "operation": "delete" } }),
        )
        .await;
    let (status, told) =
        stack.call(Method::DELETE, &format!("/standby/provision/{gpu}"), json!({})).await;
    assert!(status < 300 || status == 404 || status == 405, "{status} {told}");
    if status >= 300 {
        let body = json!({ "destroy_standby": true });
        stack.call(Method::DELETE, &format!("/instances/{gpu}?destroy_standby=true"), body).await;
    }
    stack
        .eventually("the VM to be gone", async |stack| {
            stack.billing().await.iter().all(|(provider, _)| provider != "gcp").then_some(())
        })
        .await;
}

/// A failover under a fault of Vast.ai's; its status when `when` holds.
async fn lost_under(fault: Value) -> (Stack, String) {
    let stack = Stack::start().await;
    let gpu = stack.rent_with(JOB, json!({ "on_gpu": JOB })).await;
    stack.until_following(gpu).await;
    stack.fault(fault).await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    (stack, failover)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_was_sold_twice_is_given_back_and_another_is_bought() {
    let (stack, failover) = lost_under(json!({ "name": "offer_sold_twice", "count": 1 })).await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
    stack.only_bills(vec![status["new_gpu_id"].as_i64().unwrap()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_can_not_be_pulled_ends_the_buying_and_goes_on_when_it_can() {
    let fault = json!({ "name": "image_unpullable", "params": { "reason": "denied" } });
    let (stack, failover) = lost_under(fault).await;
    let waiting = stack
        .eventually("the failover to wait for a person", async |stack| {
            let status = stack.status(&failover).await;
            let error = status["error"].as_str()?;
            error.contains("could not be prepared").then_some(status)
        })
        .await;
    assert!(waiting["error"].as_str().unwrap().contains("denied"), "{waiting:#}");
    let rented = stack.rented_gpus().await;
    assert!(rented <= 4, "three candidates at most: {rented}");
    stack.clear_faults().await;
    stack.post(&format!("/standby/failover/{failover}/retry"), json!({})).await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
    stack.only_bills(vec![status["new_gpu_id"].as_i64().unwrap()]).await;
    let news = stack.get("/notifications").await;
    let all = news["notifications"].as_array().unwrap();
    let waits = all.iter().filter(|one| one["figures"]["waits_for"] == "preparation").count();
    assert_eq!(waits, 1, "{news:#}");
}
