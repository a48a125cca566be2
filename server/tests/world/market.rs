//! What is told of the market while the provider keeps its answers to itself.

use serde_json::json;

use crate::stack::Stack;

/// Far longer than anybody waits for.
const HELD_MS: u64 = 600_000;

#[tokio::test(flavor = "multi_thread")]
async fn while_a_search_is_held_back_what_is_known_is_told_with_its_age_and_else_when_to_ask_again()
{
    let stack = Stack::start().await;
    let known = stack.get("/instances/offers?num_gpus=1").await;
    assert!(known["count"].as_u64().is_some_and(|count| count > 0), "{known}");
    let held = json!({ "name": "latency_ms", "target": "search", "params": { "ms": HELD_MS } });
    stack.fault(held).await;

    let url = format!("{}/api/v1/instances/offers?num_gpus=2", stack.url);
    let unknown = reqwest::Client::new().get(url).bearer_auth(&stack.token).send().await;
    let unknown = unknown.expect("an answer");
    assert_eq!(unknown.status(), 429);
    let again = unknown.headers().get("retry-after").and_then(|value| value.to_str().ok());
    assert!(
        again.and_then(|seconds| seconds.parse().ok()).is_some_and(|s: u64| s > 0),
        "{again:?}"
    );

    // By now the first search is older than what passes as new, so it is asked anew, in vain.
    let again = stack.get("/instances/offers?num_gpus=1").await;
    assert_eq!(again["as_of"], known["as_of"], "as old as it is");
    assert_eq!(again["offers"], known["offers"]);
}
