//! Searching, and what a rental does to the market.

use reqwest::Method;
use sandbox::fault::Fault;
use serde_json::{Value, json};

use crate::bench::Bench;

fn ids(offers: &Value) -> Vec<u64> {
    offers
        .as_array()
        .expect("offers")
        .iter()
        .map(|offer| offer["id"].as_u64().expect("an id"))
        .collect()
}

#[tokio::test]
async fn the_three_spellings_of_a_search_agree() {
    let bench = Bench::start().await;
    let query = json!({"gpu_name": {"eq": "RTX 4090"}, "order": [["dph_total", "asc"]], "type": "bid", "limit": "5", "allocated_storage": 40.0});
    let posted = bench.post("/api/v0/bundles/", query.clone()).await;
    assert_eq!((posted.status, posted.content_type.as_str()), (200, "application/json"));
    let put = bench.put("/api/v0/search/asks/", json!({"select_cols": ["*"], "q": query})).await;
    let in_url = query
        .to_string()
        .replace('"', "%22")
        .replace(' ', "+")
        .replace('{', "%7B")
        .replace('}', "%7D");
    let got = bench.get(&format!("/api/v0/bundles?q={in_url}")).await;
    assert_eq!(ids(&posted.json["offers"]).len(), 5);
    assert_eq!(ids(&posted.json["offers"]), ids(&put.json["offers"]));
    assert_eq!(ids(&posted.json["offers"]), ids(&got.json["offers"]));
    for offer in posted.json["offers"].as_array().expect("offers") {
        assert_eq!(offer["dph_base"], offer["min_bid"]);
        assert_eq!(offer["id"], offer["ask_contract_id"]);
    }
}

#[tokio::test]
async fn a_page_holds_sixty_four_and_prices_lead_to_the_next() {
    let bench = Bench::start().await;
    let order = json!([["dph_total", "asc"]]);
    let first =
        bench.post("/api/v0/bundles/", json!({"limit": 5000, "order": order})).await.json["offers"]
            .clone();
    assert_eq!(ids(&first).len(), 64);
    let last = first[63]["dph_total"].clone();
    let second = bench
        .post("/api/v0/bundles/", json!({"order": order, "dph_total": {"gte": last}}))
        .await
        .json["offers"]
        .clone();
    let more: Vec<_> = ids(&second).into_iter().filter(|id| !ids(&first).contains(id)).collect();
    assert!(more.len() > 50, "{} more offers", more.len());
}

#[tokio::test]
async fn renting_takes_the_offer_and_destroying_gives_it_back() {
    let bench = Bench::start().await;
    let offer = bench.offer().await;
    let ask = offer["id"].as_u64().expect("an id");
    let reply = bench
        .put(
            &format!("/api/v0/asks/{ask}/"),
            crate::bench::body(json!({"target_state": "stopped"})),
        )
        .await;
    let id = reply.json["new_contract"].as_u64().expect("a contract");
    let find = json!({"ask_contract_id": {"eq": ask}});
    assert_eq!(
        ids(&bench.post("/api/v0/bundles/", find.clone()).await.json["offers"]),
        Vec::<u64>::new()
    );
    let siblings = bench
        .post("/api/v0/bundles/", json!({"machine_id": {"eq": offer["machine_id"]}}))
        .await
        .json["offers"]
        .clone();
    assert!(!ids(&siblings).is_empty());
    assert!(siblings.as_array().expect("offers").iter().all(|sibling| sibling["rented"] == true));
    let again = bench.put(&format!("/api/v0/asks/{ask}/"), crate::bench::body(json!({}))).await;
    assert_eq!(again.status, 410);
    assert_eq!(again.json["error"], "no_such_ask");
    assert_eq!(
        bench.delete(&format!("/api/v0/instances/{id}/")).await.json,
        json!({"success": true})
    );
    assert_eq!(ids(&bench.post("/api/v0/bundles/", find).await.json["offers"]), [ask]);
}

#[tokio::test]
async fn keys_are_checked_and_the_gpu_names_need_none() {
    let bench = Bench::start().await;
    let none =
        bench.call("", Method::GET, "/api/v0/users/current/", None).await.expect("an answer");
    assert_eq!((none.status, none.json["error"].as_str()), (401, Some("auth_error")));
    let wrong = bench
        .call("nonsense", Method::GET, "/api/v0/users/current/", None)
        .await
        .expect("an answer");
    assert_eq!((wrong.status, wrong.json["msg"].as_str()), (401, Some("Invalid user key")));
    let in_url = bench
        .call("", Method::GET, &format!("/api/v0/users/current?api_key={}", bench.key), None)
        .await
        .expect("an answer");
    assert_eq!(in_url.status, 200);
    assert!((in_url.json["credit"].as_f64().expect("credit") - 100.0).abs() < 0.01);
    let names =
        bench.call("", Method::GET, "/api/v0/gpu_names/unique/", None).await.expect("an answer");
    assert!(names.json["gpu_names"].as_array().expect("names").contains(&json!("RTX 4090")));
}

#[tokio::test]
async fn a_bad_search_is_refused_by_name() {
    let bench = Bench::start().await;
    let column = bench.post("/api/v0/bundles/", json!({"colour": {"eq": "red"}})).await;
    assert_eq!((column.status, column.json["error"].as_str()), (400, Some("invalid_request")));
    assert!(column.text.contains("colour is not a valid search key"), "{}", column.text);
}

#[tokio::test]
async fn a_price_jump_raises_every_offer_and_the_next_contract() {
    let bench = Bench::start().await;
    let before = bench.offer().await;
    bench.arm(Fault::PriceJump, None, json!({"factor": 3}), None).await;
    let after = bench.offer().await;
    assert_eq!(before["id"], after["id"]);
    let base = |offer: &Value| offer["dph_base"].as_f64().expect("a price");
    assert!((base(&after) - 3.0 * base(&before)).abs() < 1e-4);
    let id = bench.rent(json!({"target_state": "stopped"})).await;
    assert!((base(&bench.row(id).await) - base(&after)).abs() < 1e-6);
}
