//! Two machines whose image brought one SSH host key along: told and shown, and never refused.

use serde_json::{Value, json};

use crate::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn machines_with_one_host_key_are_told_of_each_other_and_fail_over_all_the_same() {
    let stack = Stack::start().await;
    stack.fault(json!({ "name": "host_key_baked" })).await;
    let one = stack.protected().await;
    let alone = stack.get(&format!("/standby/associations/{one}")).await;
    assert_eq!(alone["host_key_shared"], json!([]), "nobody else has it yet");
    let two = stack.protected().await;
    let told = stack
        .eventually("the shared key to be told", async |stack| {
            let list = stack.try_get("/notifications?limit=200").await?;
            let all = list["notifications"].as_array()?.clone();
            let shared: Vec<Value> =
                all.into_iter().filter(|one| one["kind"] == "host_key_shared").collect();
            (!shared.is_empty()).then_some(shared)
        })
        .await;
    assert_eq!(told.len(), 1, "once for both: {told:#?}");
    assert_eq!(
        (&told[0]["gpu_instance_id"], &told[0]["severity"]),
        (&json!(two), &json!("warning"))
    );
    for (here, there) in [(one, two), (two, one)] {
        let shown = stack.get(&format!("/standby/associations/{here}")).await;
        let shared = shown["host_key_shared"].as_array().unwrap();
        assert_eq!(shared.len(), 1, "{shown:#}");
        assert_eq!(shared[0]["gpu_instance_id"], there);
        assert_eq!((&shared[0]["side"], &shared[0]["other_side"]), (&json!("gpu"), &json!("gpu")));
        let listed = stack.get("/standby/associations").await;
        assert_eq!(
            listed["associations"][here.to_string()]["host_key_shared"],
            shown["host_key_shared"]
        );
        let page = stack.page(&format!("/app/machines/{here}")).await;
        assert!(page.contains("the same SSH host key"), "it is on the page of {here}");
    }

    // What replaces a machine has the image's key too: a warning, and no reason to give it back.
    stack.pull_plug(one).await;
    let status = stack.ended(&stack.failover_of(one).await).await;
    assert_eq!(status["success"], true, "{status:#}");
    assert_eq!(stack.rented_gpus().await, 3, "the first candidate was taken");
    let new = status["new_gpu_id"].as_i64().unwrap();
    let shown = stack.get(&format!("/standby/associations/{new}")).await;
    assert_eq!(shown["host_key_shared"][0]["gpu_instance_id"], two);
    stack.only_bills(vec![two, new]).await;
}
