//! A restore tells how far it is while it runs, and its row ends with what was moved.

use std::time::Duration;

use domain::failover::{RestoreOutput, StepName, VerifyOutput};
use domain::id::FailoverId;
use store::{Keyring, Store};

use crate::stack::{Plan, Stack};

const FILES: usize = 160;
const SIZE: usize = 3_000_000;

over_both!(a_restore_goes_forward_and_ends_with_what_was_moved);
async fn a_restore_goes_forward_and_ends_with_what_was_moved(plan: Plan) {
    let mut stack = Stack::with(plan).await;
    let gpu = stack.protected().await;
    let workspace = stack.host_workspace(&gpu.to_string());
    let folder = workspace.join("data");
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..FILES {
        let content: Vec<u8> = (0..SIZE).map(|at| (at * 31 + number * 17) as u8).collect();
        std::fs::write(folder.join(format!("{number}.bin")), content).unwrap();
    }
    let all = i64::try_from(FILES * SIZE).unwrap();
    stack
        .eventually("the data to be on the standby", async |stack| {
            let tie = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            (tie["bytes"].as_i64()? >= all).then_some(())
        })
        .await;
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    let mut seen: Vec<(i64, i64)> = Vec::new();
    loop {
        let status = stack.status(&failover).await;
        let now = &status["progress"];
        if now["step"] == "restore" {
            let moved = (now["files"].as_i64().unwrap(), now["bytes"].as_i64().unwrap());
            assert!(now["bytes_total"].as_i64().is_none_or(|total| total >= all), "{now}");
            assert!(now["left_ms"].as_i64().is_none_or(|left| left >= 0), "{now}");
            seen.push(moved);
        }
        if !status["completed_at"].is_null() {
            assert_eq!(status["success"], true, "{status:#}");
            assert!(now.is_null(), "nothing is moved after the end");
            break;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert!(!seen.is_empty(), "no progress was seen");
    assert!(seen.is_sorted(), "{seen:?}");

    stack.kill9_server();
    let keys = Keyring::from_file(&stack.dir.path().join("master.key")).unwrap();
    let url = format!("sqlite://{}", stack.database_file().display());
    let store = Store::open(&url, keys).await.unwrap();
    let rows = store.steps().list(&FailoverId::new(failover)).await.unwrap();
    let row = |name| rows.iter().rev().find(|row| row.name == name).unwrap();
    let restore = row(StepName::Restore);
    let output: RestoreOutput = serde_json::from_value(restore.output.clone()).unwrap();
    let progress = restore.progress.unwrap();
    assert_eq!((progress.last.files, progress.last.bytes), (output.files, Some(output.bytes)));
    assert!(output.bytes >= all);
    assert_eq!(progress.whole.files, Some(output.files), "an empty GPU gets all there is");
    let verify = row(StepName::Verify);
    let proof: VerifyOutput = serde_json::from_value(verify.output.clone()).unwrap();
    assert_eq!(verify.progress.unwrap().last.files, proof.verified);
    store.close().await;
}
