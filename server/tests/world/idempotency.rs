//! One purchase for each key: sent twice at once, and sent again after the process died in the middle.

use serde_json::{Value, json};

use crate::stack::Stack;

async fn an_offer(stack: &Stack) -> Value {
    let offers = stack.get("/instances/offers?num_gpus=1&limit=1").await;
    assert!(offers["as_of"].is_string(), "{offers}");
    offers["offers"][0]["id"].clone()
}

/// The instance as the provider lists it.
async fn as_listed(stack: &Stack, id: i64) -> Value {
    let key = std::fs::read_to_string(stack.dir.path().join("vast.key")).expect("the key");
    let url = format!("{}/api/v0/instances/{id}/", stack.sandbox_url);
    let answer = reqwest::Client::new().get(url).bearer_auth(key).send().await.expect("an answer");
    let told: Value = answer.json().await.expect("JSON");
    told["instances"].clone()
}

async fn rent(stack: &Stack, key: &str, wanted: &Value) -> Option<(u16, Value)> {
    let request = reqwest::Client::new()
        .post(format!("{}/api/v1/instances", stack.url))
        .bearer_auth(&stack.token)
        .header("idempotency-key", key)
        .json(wanted);
    let answer = request.send().await.ok()?;
    Some((answer.status().as_u16(), answer.json().await.ok()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_and_one_later_buy_one_gpu_under_the_given_name() {
    let stack = Stack::start().await;
    // Only the offer is needed; what older clients send beside it is taken.
    let wanted = json!({
        "offer_id": an_offer(&stack).await, "label": "trainer 7", "skip_standby": true,
        "ports": [8080], "onstart_cmd": "true", "skip_validation": true,
    });
    let both = tokio::join!(rent(&stack, "once", &wanted), rent(&stack, "once", &wanted));
    let both = [both.0.expect("an answer"), both.1.expect("an answer")];
    let made: Vec<&(u16, Value)> = both.iter().filter(|(status, _)| *status == 201).collect();
    assert!(!made.is_empty(), "{both:?}");
    for (status, told) in &both {
        assert!(*status == 201 || told["code"] == "request_open", "{status} {told}");
    }
    let later = rent(&stack, "once", &wanted).await.expect("an answer");
    assert_eq!(&later, made[0], "the same answer again");
    assert_eq!(stack.rented_gpus().await, 1, "one purchase");
    let id = &later.1["id"];
    let row = as_listed(&stack, id.as_i64().expect("a number")).await;
    assert_eq!(row["onstart"], "true", "{row:#}");
    let env = row["extra_env"].to_string();
    assert!(env.contains("-p 8080:8080"), "{env}");
    stack
        .eventually("the instance to answer with its name", async |stack| {
            let found = stack.try_get(&format!("/instances/{id}")).await?;
            assert_eq!(found["label"], "trainer 7");
            Some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_process_died_buys_nothing_more() {
    let mut stack = Stack::start().await;
    let wanted = json!({"offer_id": an_offer(&stack).await, "skip_standby": true});
    let slow = json!({ "name": "create_times_out", "count": 1, "params": { "appears_after_s": 1, "hang_s": 60 } });
    stack.fault(slow).await;
    let url = stack.url.clone();
    let (token, first) = (stack.token.clone(), wanted.clone());
    let asked = tokio::spawn(async move {
        let request = reqwest::Client::new().post(format!("{url}/api/v1/instances"));
        let request = request.bearer_auth(token).header("idempotency-key", "once").json(&first);
        request.send().await.is_ok()
    });
    stack
        .eventually("the purchase to be sent", async |stack| {
            (stack.rented_gpus().await == 1).then_some(())
        })
        .await;
    stack.kill9_server();
    assert!(!asked.await.expect("no panic"), "the first has no answer");
    stack.start_server().await;
    for _ in 0..2 {
        let (status, told) = rent(&stack, "once", &wanted).await.expect("an answer");
        assert_eq!((status, told["code"].as_str()), (409, Some("request_open")), "{told}");
    }
    assert_eq!(stack.rented_gpus().await, 1, "nothing was bought again");
}
