//! A standby that is not what it was: prepared anew, and never believed where it differs.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_standby_that_lacks_what_it_needs_is_prepared_anew_and_follows_again() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    let root = stack.standby_root();
    let state = root.join("var/lib/dumont");
    let key = std::fs::read(state.join("id_ed25519.pub")).unwrap();
    std::fs::rename(&state, root.join("var/lib/lost")).unwrap();
    stack
        .eventually("the standby to be prepared anew", async |_| {
            let anew = std::fs::read(state.join("id_ed25519.pub")).ok()?;
            (anew != key).then_some(())
        })
        .await;
    let before = stack.get(&format!("/standby/associations/{gpu}")).await;
    let count = before["sync_count"].as_i64().unwrap();
    stack
        .eventually("it to follow again, under its new key", async |stack| {
            let one = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            let follows = one["state"] == "following" && one["sync_problem"].is_null();
            (follows && one["sync_count"].as_i64()? > count + 1).then_some(())
        })
        .await;
    // And it takes over.
    stack.pull_plug(gpu).await;
    let status = stack.ended(&stack.failover_of(gpu).await).await;
    assert_eq!(status["success"], true, "{status:#}");
    stack.only_bills(vec![status["new_gpu_id"].as_i64().unwrap()]).await;
}

/// Something on the standby goes on writing whatever is frozen there: each new GPU differs in the same file.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_difference_on_two_gpus_ends_the_buying_and_is_told() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    let workspace = stack.standby_root().join("workspace");
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    stack
        .eventually("the standby to serve", async |stack| {
            let tie = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            (tie["serving"] == "standby").then_some(())
        })
        .await;
    let writing = Arc::new(AtomicBool::new(true));
    let on = Arc::clone(&writing);
    let writer = std::thread::spawn(move || {
        let file = workspace.join("by-hand.log");
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        while on.load(Ordering::Relaxed) {
            file.write_all(b"still here\n").unwrap();
            std::thread::park_timeout(Duration::from_millis(2));
        }
    });
    let waiting = stack
        .eventually("the failover to wait for someone to look", async |stack| {
            let list = stack.try_get("/notifications?limit=200").await?;
            let told = list["notifications"].as_array()?.iter().any(|one| {
                one["kind"] == "failover_waiting" && one["figures"]["waits_for"] == "difference"
            });
            let status = stack.try_get(&format!("/standby/failover/status/{failover}")).await?;
            (told && status["state"] == "waiting").then_some(status)
        })
        .await;
    assert!(waiting["error"].as_str().unwrap().contains("by-hand.log"), "{waiting:#}");
    assert!(waiting["completed_at"].is_null());
    let tie = stack.get(&format!("/standby/associations/{gpu}")).await;
    assert_eq!(tie["serving"], "standby", "the work goes on where it is");
    let bought = stack.rented_gpus().await;
    assert_eq!(bought, 3, "two candidates, and no third");
    stack
        .eventually("both candidates to be given back", async |stack| {
            stack.billing_gpus().await.iter().all(|one| *one == gpu).then_some(())
        })
        .await;

    // It buys nothing for as often as it looks again, until someone asks for it.
    let told = stack.post(&format!("/standby/failover/{failover}/retry"), json!({})).await;
    assert!(!told.is_null());
    stack
        .eventually("it to have looked again", async |stack| {
            let status = stack.try_get(&format!("/standby/failover/status/{failover}")).await?;
            (status["state"] == "waiting").then_some(())
        })
        .await;
    assert_eq!(stack.rented_gpus().await, bought);
    writing.store(false, Ordering::Relaxed);
    writer.join().unwrap();
    stack.post(&format!("/standby/failover/{failover}/cancel"), json!({})).await;
    stack.ended(&failover).await;
    let tie = stack.get(&format!("/standby/associations/{gpu}")).await;
    assert_eq!(tie["serving"], "standby");
}
