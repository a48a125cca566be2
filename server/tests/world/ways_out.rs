//! The ways out of trouble, each to its end: back to a GPU, a pause cut short, deletions that froze a copy
//! accepted by one process and made by the next, or undone on the GPU.

use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::stack::{Plan, Stack, text};

async fn association(stack: &Stack, machine: &str) -> Option<Value> {
    stack.try_get(&format!("/standby/associations/{machine}")).await
}

/// A machine that was left on its standby: its GPU is lost, and its failover was called off.
async fn on_standby(stack: &Stack) -> (i64, String) {
    let gpu = stack.protected().await;
    let machine = text(&association(stack, &gpu.to_string()).await.unwrap()["association_id"]);
    stack.fault(json!({ "name": "no_credit" })).await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    stack
        .eventually("the standby to serve", async |stack| {
            (association(stack, &machine).await?["serving"] == "standby").then_some(())
        })
        .await;
    stack.post(&format!("/standby/failover/{failover}/cancel"), json!({})).await;
    stack.ended(&failover).await;
    stack.clear_faults().await;
    (gpu, machine)
}

over_both!(the_way_back_leads_from_the_standby_to_a_gpu_with_all_its_files);
async fn the_way_back_leads_from_the_standby_to_a_gpu_with_all_its_files(plan: Plan) {
    let stack = Stack::with(plan).await;
    let (gpu, machine) = on_standby(&stack).await;
    let path = format!("/standby/associations/{machine}/back-to-gpu");
    let begun = stack.post(&path, json!({})).await;
    let back = stack.ended(begun["failover_id"].as_str().unwrap()).await;
    assert_eq!(
        (back["success"].as_bool(), &back["kind"]),
        (Some(true), &json!("planned")),
        "{back:#}"
    );
    assert!(back["files_verified"].as_i64() > Some(3), "{back:#}");
    let new_gpu = back["new_gpu_id"].as_i64().unwrap();
    assert_ne!(new_gpu, gpu);
    stack.only_bills(vec![new_gpu]).await;
    let tie = stack.until_following(new_gpu).await;
    assert_eq!((&tie["serving"], text(&tie["association_id"])), (&json!("gpu"), machine));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_ended_wakes_the_failover() {
    let stack = Stack::start().await;
    let gpu = stack.protected().await;
    stack.fault(json!({ "name": "no_credit" })).await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    stack
        .eventually("the failover to wait", async |stack| {
            (stack.status(&failover).await["state"] == "waiting").then_some(())
        })
        .await;
    // A pause that no test outlasts: only being woken ends it.
    store::install_drivers();
    let url = format!("sqlite://{}", stack.database_file().display());
    let mut database = sqlx::AnyConnection::connect(&url).await.unwrap();
    stack
        .eventually("the newest attempt to be over, and made to wait for an hour", async |_| {
            let url = format!("sqlite://{}", stack.database_file().display());
            let mut database = sqlx::AnyConnection::connect(&url).await.ok()?;
            let waits = sqlx::query("UPDATE failover_steps SET retry_at = retry_at + 3600000 WHERE failover_id = $1 AND seq = (SELECT MAX(seq) FROM failover_steps WHERE failover_id = $1) AND outcome = 'retry'")
                .bind(&failover)
                .execute(&mut database)
                .await
                .ok()?;
            (waits.rows_affected() == 1).then_some(())
        })
        .await;
    stack.clear_faults().await;
    let attempts = "SELECT COUNT(*) FROM failover_steps WHERE failover_id = $1";
    let count = async |database: &mut sqlx::AnyConnection| -> i64 {
        sqlx::query_scalar(attempts).bind(&failover).fetch_one(database).await.unwrap()
    };
    let before = count(&mut database).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(count(&mut database).await, before, "it waits");
    stack.post(&format!("/standby/failover/{failover}/retry"), json!({})).await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
}

/// A machine whose copy froze, since its GPU lost 30 files that it had; and the list of them.
async fn frozen(stack: &Stack) -> (i64, Value) {
    stack.post("/standby/configure", json!({ "enabled": true, "max_delete_percent": 1 })).await;
    let gpu = stack.protected().await;
    let data = stack.host_workspace(&gpu.to_string()).join("data");
    std::fs::create_dir(&data).unwrap();
    for number in 0..30 {
        std::fs::write(data.join(format!("{number}.txt")), format!("{number}")).unwrap();
    }
    stack
        .eventually("the files to be copied", async |stack| {
            let tie = association(stack, &gpu.to_string()).await?;
            (tie["files"].as_i64() > Some(33)).then_some(())
        })
        .await;
    // One look more, so that all of them are on the standby and not only seen.
    let count = association(stack, &gpu.to_string()).await.unwrap()["sync_count"].as_i64();
    stack
        .eventually("another sync", async |stack| {
            let tie = association(stack, &gpu.to_string()).await?;
            (tie["sync_count"].as_i64() > count).then_some(())
        })
        .await;
    // At once: a copy that follows closely could see it half done.
    std::fs::rename(&data, stack.dir.path().join("removed")).unwrap();
    let held = stack
        .eventually("the copy to freeze", async |stack| {
            let held = stack.try_get(&format!("/standby/associations/{gpu}/deletions")).await?;
            held["digest"].is_string().then_some(held)
        })
        .await;
    (gpu, held)
}

/// Whether a file is in the copy, as the standby's host has it.
fn copied(stack: &Stack, gpu: i64, path: &str) -> bool {
    let hosts = std::fs::read_dir(stack.dir.path().join("sandbox/hosts")).unwrap();
    let names = hosts.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let standby = names
        .filter(|name| !name.contains(&gpu.to_string()))
        .find(|name| stack.host_workspace(name).join("train.log").exists());
    stack.host_workspace(&standby.unwrap()).join(path).exists()
}

over_both!(what_was_accepted_before_the_process_died_is_made_by_the_next);
async fn what_was_accepted_before_the_process_died_is_made_by_the_next(plan: Plan) {
    let mut stack = Stack::with(plan).await;
    let (gpu, held) = frozen(&stack).await;
    assert!(held["files"].as_i64() >= Some(30), "{held:#}");
    let listed: Vec<String> =
        held["listed"].as_array().unwrap().iter().map(|one| text(&one["path"])).collect();
    assert!(listed.contains(&"data/7.txt".to_owned()), "{listed:?}");
    assert!(copied(&stack, gpu, "data/7.txt"));
    let path = format!("/standby/associations/{gpu}/accept-deletions");
    let other = json!({ "digest": "0".repeat(64) });
    assert_eq!(stack.call(reqwest::Method::POST, &path, other).await.0, 409);
    stack.post(&path, json!({ "digest": held["digest"] })).await;
    stack.kill9_server();
    stack.start_server().await;
    stack
        .eventually("the deletions to be made", async |stack| {
            (!copied(stack, gpu, "data")).then_some(())
        })
        .await;
    stack.until_following(gpu).await;
}

over_both!(what_was_deleted_is_brought_back_to_the_gpu_and_followed_again);
async fn what_was_deleted_is_brought_back_to_the_gpu_and_followed_again(plan: Plan) {
    let stack = Stack::with(plan).await;
    let (gpu, held) = frozen(&stack).await;
    let data = stack.host_workspace(&gpu.to_string()).join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("7.txt"), "written anew").unwrap();
    let path = format!("/standby/associations/{gpu}/restore-deletions");
    stack.post(&path, json!({ "digest": held["digest"] })).await;
    stack.until_following(gpu).await;
    stack
        .eventually("the files to be there again", async |_| {
            (std::fs::read(data.join("29.txt")).ok()? == b"29").then_some(())
        })
        .await;
    assert_eq!(std::fs::read_to_string(data.join("7.txt")).unwrap(), "written anew");
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 30);
    let held = stack.get(&format!("/standby/associations/{gpu}/deletions")).await;
    assert_eq!(held["digest"], Value::Null, "nothing is held back any more");
}
