use domain::id::Epoch;
use domain::verdict::Cause;
use store::Finish;

use super::*;
use crate::testing::{Bench, NOW};

/// How a planned move's fence ends that comes so long after its last sync, and the epoch after it.
async fn fenced_after(ms: i64) -> (Outcome, Epoch) {
    let bench = Bench::new().await;
    let of = bench.machine().await;
    let failover = bench.failover(&of, Kind::Planned, Cause::Manual).await;
    let store = &bench.context.store;
    let steps = store.steps();
    let synced = steps.begin(&failover.id, StepName::FinalSync, 0, NOW).await.expect("begun");
    let end = Finish {
        ended_at: NOW,
        outcome: Outcome::Ok,
        retry_at: None,
        provider_ms: 0,
        output: serde_json::json!({}),
        error: None,
    };
    steps.finish(&failover.id, synced.seq, &end).await.expect("ended");
    bench.pass(ms);
    let row = steps.begin(&failover.id, StepName::Fence, 0, bench.context.now()).await;
    let row = row.expect("begun");
    let rows = steps.list(&failover.id).await.expect("read");
    let run = Run {
        context: &bench.context,
        failover: &failover,
        association: &of,
        rows: &rows,
        row: &row,
    };
    let end = run_fence(&run).await;
    let now = store.associations().find(&of.id).await.expect("read").expect("there");
    (end.outcome, now.epoch)
}

async fn run_fence(of: &Run<'_>) -> StepEnd {
    run(of).await.unwrap_or_else(|end| end)
}

#[tokio::test]
async fn a_planned_move_leaves_its_gpu_only_on_a_sync_of_now() {
    assert_eq!(fenced_after(STILL_LAST_MS).await, (Outcome::Ok, Epoch(2)));
    // Synced again first, which this machine can't be: it has no standby.
    assert_eq!(fenced_after(STILL_LAST_MS + 1).await, (Outcome::Failed, Epoch(1)));
}
