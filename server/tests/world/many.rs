//! Many machines, several lost at once.

use crate::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn three_of_ten_lost_in_the_same_second_are_recovered_once_each() {
    let stack = Stack::start().await;
    let mut gpus = Vec::new();
    for _ in 0..10 {
        gpus.push(stack.rent().await);
    }
    for gpu in &gpus {
        stack.until_following(*gpu).await;
    }
    let (lost, kept) = gpus.split_at(3);
    futures::future::join_all(lost.iter().map(|gpu| stack.pull_plug(*gpu))).await;
    let mut serving: Vec<i64> = kept.to_vec();
    for gpu in lost {
        let status = stack.ended(&stack.failover_of(*gpu).await).await;
        assert_eq!(status["success"], true, "{status:#}");
        serving.push(status["new_gpu_id"].as_i64().unwrap());
    }
    stack.only_bills(serving).await;
    assert_eq!(stack.rented_gpus().await, 13);
    for gpu in kept {
        assert!(stack.failovers_of(*gpu).await.is_empty(), "{gpu} was never lost");
    }
}
