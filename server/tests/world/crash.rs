//! The server dies by `kill -9` in each phase of a failover, and the failover ends all the same: one
//! GPU bought, nothing left behind.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::stack::{Plan, Stack};

async fn killed_in(phase: &str, plan: Plan) {
    // Slow enough that each phase can be met; the same path.
    let mut stack = Stack::with(Plan { profile: "reference", ..plan }).await;
    let gpu = stack.protected().await;
    stack.pull_plug(gpu).await;
    if phase == "detecting" {
        // Before anything is recorded: the verdict is under way.
        tokio::time::sleep(Duration::from_millis(900)).await;
    } else {
        meet(&stack, gpu, phase).await;
    }
    stack.kill9_server();
    stack.start_server().await;
    let status = stack.ended(&stack.failover_of(gpu).await).await;
    assert_eq!(status["success"], true, "killed in {phase}: {status:#}");
    let new_gpu = status["new_gpu_id"].as_i64().unwrap();
    assert!(status["files_verified"].as_i64() > Some(3));
    stack.only_bills(vec![new_gpu]).await;
    assert_eq!(stack.rented_gpus().await, 2, "killed in {phase}: exactly one was bought");
    assert_eq!(stack.failovers_of(gpu).await.len(), 1, "killed in {phase}: one failover");
    stack.until_following(new_gpu).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_under_way_goes_on_in_the_process_beside() {
    let Some(database) = postgres().await else { return };
    let plan = Plan { profile: "reference", database: Some(database), ..Plan::default() };
    let mut stack = Stack::with(plan).await;
    let gpu = stack.protected().await;
    // The machine is the first server's; the second has nothing to do but to be there.
    let (_beside, url) = stack.start_beside().await;
    stack.pull_plug(gpu).await;
    meet(&stack, gpu, "provisioning").await;
    stack.kill9_server();
    stack.url = url;
    let status = stack.ended(&stack.failover_of(gpu).await).await;
    assert_eq!(status["success"], true, "{status:#}");
    let new_gpu = status["new_gpu_id"].as_i64().unwrap();
    stack.only_bills(vec![new_gpu]).await;
    assert_eq!(stack.rented_gpus().await, 2, "exactly one was bought");
    stack.until_following(new_gpu).await;
}

/// Waits until a phase has begun, or the failover has gone past it.
async fn meet(stack: &Stack, gpu: i64, phase: &str) {
    let failover = stack.failover_of(gpu).await;
    let begun = Instant::now();
    loop {
        let status = stack.status(&failover).await;
        let phases = status["phases"].as_array().unwrap();
        if phases.iter().any(|one| one["name"] == phase && !one["started_at"].is_null()) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "never reached {phase}: {status:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

macro_rules! killed_in_each {
    ($($name:ident = $phase:literal,)+) => { $(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                super::killed_in($phase, super::Plan::by("rsync")).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite_by_agent() {
                super::killed_in($phase, super::Plan::by("agent")).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                let Some(database) = super::postgres().await else { return };
                let plan = super::Plan { database: Some(database), ..super::Plan::default() };
                super::killed_in($phase, plan).await;
            }
        }
    )+ };
}

killed_in_each! {
    detecting = "detecting",
    gpu_lost = "gpu_lost",
    failover_to_cpu = "failover_to_cpu",
    searching_gpu = "searching_gpu",
    provisioning = "provisioning",
    restoring = "restoring",
}

/// A database of the test's own on the server that the environment names.
async fn postgres() -> Option<String> {
    let Ok(base) = std::env::var("DUMONT_TEST_POSTGRES_URL") else {
        println!("skipped: DUMONT_TEST_POSTGRES_URL is not set");
        return None;
    };
    let name = format!("world_{}", uuid::Uuid::new_v4().simple());
    Some(crate::purchase::new_database(&base, &name))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_was_cut_off_cleans_up_after_the_restart() {
    let mut stack = Stack::with(Plan { profile: "reference", ..Plan::default() }).await;
    let gpu = stack.protected().await;
    let begun = stack.post(&format!("/standby/failover/simulate/{gpu}"), json!({})).await;
    let failover = begun["failover_id"].as_str().unwrap().to_owned();
    stack
        .eventually("the drill's GPU to bill", async |stack| {
            (stack.billing_gpus().await.len() == 2).then_some(())
        })
        .await;
    stack.kill9_server();
    stack.start_server().await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
    assert_eq!(stack.billing_gpus().await, [gpu]);
}
