//! A GPU dies with no warning while a job writes.

use serde_json::json;

use crate::stack::{JOB, Plan, Stack};

over_both!(a_dead_gpu_is_replaced_by_exactly_one_with_every_file_proven);
async fn a_dead_gpu_is_replaced_by_exactly_one_with_every_file_proven(plan: Plan) {
    let stack = Stack::with(plan).await;
    let gpu = stack.protected().await;
    // All of it with the rsync of the standby's real image, which has known holes.
    let standby = stack.host_folder("vm-");
    let rsync =
        std::process::Command::new(standby.join("layer/bin/rsync")).arg("--version").output();
    let rsync = rsync.expect("rsync 3.2.7 is not here: scripts/setup --tests").stdout;
    assert!(String::from_utf8_lossy(&rsync).contains("version 3.2.7"));
    stack.pull_plug(gpu).await;
    let failover = stack.failover_of(gpu).await;
    let status = stack.ended(&failover).await;
    assert_eq!(status["success"], true, "{status:#}");
    assert_eq!(status["phase"], "complete");
    for phase in
        ["detecting", "gpu_lost", "failover_to_cpu", "searching_gpu", "provisioning", "restoring"]
    {
        assert!(status["phase_timings_ms"][phase].is_i64(), "{phase} has no time: {status:#}");
    }
    assert!(status["files_verified"].as_i64() > Some(3), "{status:#}");
    assert_eq!(status["data_restored"], true);
    assert!(status["time_to_cpu_ms"].as_i64() < status["total_time_ms"].as_i64(), "{status:#}");
    assert!(status["rpo_ms"].as_i64() >= Some(0), "{status:#}");
    let new_gpu = status["new_gpu_id"].as_i64().unwrap();
    assert_ne!(new_gpu, gpu);

    stack.only_bills(vec![new_gpu]).await;
    assert_eq!(stack.rented_gpus().await, 2, "one lost, one bought");
    let after = stack.until_following(new_gpu).await;
    assert_eq!(after["epoch"], 2);

    // The old GPU is gone, and shown so.
    let fate = stack
        .eventually("the old GPU to be shown gone", async |stack| {
            let status = stack.status(&failover).await;
            let instances = status["instances"].as_array()?.clone();
            instances.into_iter().find(|one| one["role"] == "old_gpu" && one["fate"] == "destroyed")
        })
        .await;
    assert!(!fate["verified_gone_at"].is_null());

    // The job goes on where it stood.
    let step = || {
        std::fs::read_to_string(stack.host_workspace(&new_gpu.to_string()).join("step"))
            .ok()?
            .trim()
            .parse::<i64>()
            .ok()
    };
    let first = stack.eventually("the job's step", async |_| step()).await;
    stack.eventually("the job to go on", async |_| step().filter(|now| *now > first + 2)).await;
}

over_both!(a_planned_move_takes_the_last_bytes_along);
async fn a_planned_move_takes_the_last_bytes_along(plan: Plan) {
    let stack = Stack::with(plan).await;
    // What it wrote last is written while it is told to stop.
    let stop = "pkill -f '^bash /workspace/job.sh$'; echo last > /workspace/last-words";
    let hooks = json!({ "on_gpu": JOB, "on_standby": null, "before_switch": stop });
    let gpu = stack.rent_with(JOB, hooks).await;
    stack.until_following(gpu).await;
    let begun = stack.post(&format!("/standby/failover/start/{gpu}"), json!({})).await;
    let status = stack.ended(begun["failover_id"].as_str().unwrap()).await;
    assert_eq!(
        (&status["success"], &status["kind"]),
        (&json!(true), &json!("planned")),
        "{status:#}"
    );
    assert_eq!(status["files_lost"], json!([]), "{status:#}");
    let new_gpu = status["new_gpu_id"].as_i64().unwrap();
    let words = stack.host_workspace(&new_gpu.to_string()).join("last-words");
    assert_eq!(std::fs::read_to_string(words).unwrap(), "last\n");
    stack.only_bills(vec![new_gpu]).await;
    stack.until_following(new_gpu).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_move_leaves_nothing_behind_unless_that_is_accepted() {
    let stack = Stack::with(Plan::by("agent")).await;
    // A checkpoint that is rewritten in place, at all times and faster than it can be read: large, and by two who
    // start nothing for it, so that it never holds still however busy the machine is.
    let writer = "while :; do printf %s $RANDOM 1<>/workspace/best.pt; done";
    let writer = format!(
        "head -c 40000000 /dev/urandom > /workspace/best.pt\n{JOB}\n\
         for _ in 1 2; do (setsid bash -c '{writer}' </dev/null >/dev/null 2>&1 &); done"
    );
    let hooks = json!({ "on_gpu": null, "on_standby": null, "before_switch": "true" });
    let gpu = stack.rent_with(&writer, hooks).await;
    stack.until_following(gpu).await;
    let tie = stack
        .eventually("the file to be told as in flux", async |stack| {
            let tie = stack.try_get(&format!("/standby/associations/{gpu}")).await?;
            (tie["gaps"]["lost"] == 1).then_some(tie)
        })
        .await;
    assert_eq!(tie["gaps"]["listed"][0]["path"], "best.pt", "{tie:#}");
    assert_eq!(tie["gaps"]["counts"], json!([{ "why": "in_flux", "entries": 1 }]));
    let path = format!("/standby/failover/start/{gpu}");
    let begun = stack.post(&path, json!({})).await;
    let status = stack.ended(begun["failover_id"].as_str().unwrap()).await;
    assert_eq!(status["success"], false, "{status:#}");
    let why = status["error"].as_str().unwrap();
    assert!(why.contains("nothing was changed") && why.contains("best.pt"), "{why}");
    assert_eq!(stack.billing_gpus().await, [gpu]);
    stack.until_following(gpu).await;
    // Who knows what stays behind may go.
    let begun = stack.post(&path, json!({ "accept_gaps": true })).await;
    let status = stack.ended(begun["failover_id"].as_str().unwrap()).await;
    assert_eq!(status["success"], true, "{status:#}");
    assert_eq!(status["gaps"]["lost"], 1, "{status:#}");
    assert!(status["files_lost"].is_null(), "none lost is not said: {status:#}");
}
