//! An outbid GPU comes back by itself: it changes nothing and does not go on billing.

use serde_json::json;

use crate::stack::{Plan, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn an_outbid_gpu_that_resumes_during_the_failover_changes_no_byte() {
    let stack = Stack::with(Plan { profile: "reference", ..Plan::default() }).await;
    let gpu = stack.protected_bid().await;
    stack.fault(json!({ "name": "outbid", "target": gpu.to_string(), "params": { "resume_after_s": 6 } })).await;
    let failover = stack.failover_of(gpu).await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
    assert_eq!(status["cause"], "outbid", "{status:#}");
    let new_gpu = status["new_gpu_id"].as_i64().unwrap();
    stack.only_bills(vec![new_gpu]).await;
    stack.until_following(new_gpu).await;
    // The job left its mark with every step: the new GPU's log goes up without a break or a repeat
    // from the old machine after the point of restore.
    let log = std::fs::read_to_string(stack.host_workspace(&new_gpu.to_string()).join("train.log"))
        .unwrap();
    let steps: Vec<i64> =
        log.lines().filter_map(|line| line.strip_prefix("step ")?.parse().ok()).collect();
    // The job notes a step after it has logged it: the one that it was cut off in between comes twice.
    let repeated = steps.windows(2).filter(|pair| pair[1] == pair[0]).count();
    assert!(
        repeated <= 1 && steps.windows(2).all(|pair| [0, 1].contains(&(pair[1] - pair[0]))),
        "a stale write came through: {steps:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbid_gpu_that_resumes_while_the_user_is_on_the_standby_is_stopped() {
    let stack = Stack::start().await;
    stack
        .post(
            "/standby/configure",
            json!({ "enabled": true, "sync_interval": 2, "auto_recovery": false }),
        )
        .await;
    let gpu = stack.protected_bid().await;
    stack.fault(json!({ "name": "outbid", "target": gpu.to_string(), "params": { "resume_after_s": 8 } })).await;
    let status = stack.ended(&stack.failover_of(gpu).await).await;
    assert_eq!(status["ending"], "on_standby", "{status:#}");
    let standby = stack.get(&format!("/standby/associations/{gpu}")).await["cpu_standby"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    // The only VM there is.
    assert!(standby.starts_with("dumont-"));
    let copy = stack.host_workspace("vm-");
    let frozen = std::fs::read_to_string(copy.join("step")).unwrap_or_else(|error| {
        let there: Vec<_> =
            std::fs::read_dir(&copy).unwrap().flatten().map(|one| one.path()).collect();
        panic!("{error}: {} has {there:?}", copy.display())
    });
    let state = |rows: &serde_json::Value| {
        rows["hosts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["id"] == gpu.to_string().as_str() || row["id"] == gpu)
            .cloned()
    };
    // It comes back by itself, and is stopped again, and stays so.
    let mut stopped = 0;
    stack
        .eventually("the zombie to stay stopped", async |stack| {
            let rows = stack.sandbox(reqwest::Method::GET, "/state", json!(null)).await;
            let row = state(&rows)?;
            (row["process"] != "up").then_some(())
        })
        .await;
    for _ in 0..100 {
        let rows = stack.sandbox(reqwest::Method::GET, "/state", json!(null)).await;
        if state(&rows).is_some_and(|row| row["process"] != "up") {
            stopped += 1;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert!(stopped > 60, "the zombie ran for most of the time");
    assert_eq!(
        std::fs::read_to_string(copy.join("step")).unwrap(),
        frozen,
        "the standby's copy changed"
    );
}
