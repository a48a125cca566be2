//! The v1 list over HTTP.

use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn more_than_twenty_five_instances_come_in_pages() {
    let bench = Bench::start().await;
    let offers = bench
        .post("/api/v0/bundles/", json!({"order": [["dph_total", "asc"]], "limit": 28}))
        .await
        .json["offers"]
        .clone();
    let mut made = Vec::new();
    for offer in offers.as_array().expect("offers") {
        let label = if made.len() % 2 == 0 { json!("even") } else { json!(null) };
        let body = crate::bench::body(json!({"target_state": "stopped", "label": label}));
        let reply = bench.put(&format!("/api/v0/asks/{}/", offer["id"]), body).await;
        made.push(reply.json["new_contract"].as_u64().expect("a contract"));
    }
    let first = bench.get("/api/v1/instances/?select_filters=%7B%7D&order_by=%5B%7B%22col%22%3A+%22id%22%2C+%22dir%22%3A+%22asc%22%7D%5D&limit=25").await.json;
    assert_eq!(
        (first["instances_found"].as_u64(), first["total_instances"].as_u64()),
        (Some(25), Some(28))
    );
    assert_eq!(first["label_counts"], json!({"": 14, "even": 14}));
    let token =
        first["next_token"].as_str().expect("a token").replace('=', "%3D").replace('+', "%2B");
    let second = bench.get(&format!("/api/v1/instances/?after_token={token}")).await.json;
    assert!(second["next_token"].is_null());
    let ids: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page["instances"].as_array().expect("rows"))
        .map(|row| row["id"].as_u64().expect("an id"))
        .collect();
    assert_eq!(ids, made);
    let even = bench.get("/api/v1/instances/?select_filters=%7B%22label%22%3A%7B%22eq%22%3A%22even%22%7D%7D&select_cols=%5B%22label%22%5D").await.json;
    assert_eq!(even["instances_found"], 14);
    assert_eq!(
        even["instances"][0].as_object().expect("a row").len(),
        2,
        "only the label and the id"
    );
    let refused = bench
        .get("/api/v1/instances/?select_filters=%7B%22num_gpus%22%3A%7B%22eq%22%3A1%7D%7D")
        .await;
    assert_eq!((refused.status, refused.json["error"].as_str()), (400, Some("invalid_request")));
    assert_eq!(
        refused.json["msg"],
        "Error in query parameters: num_gpus is not a valid search key"
    );
    let token = bench.get("/api/v1/instances/?after_token=zzz").await;
    assert_eq!((token.status, token.json["error"].as_str()), (400, Some("invalid_token")));
    let filters = bench.get("/api/v0/instances/filters/").await.json;
    assert_eq!(filters["filters"][0]["actual_status"], "created");
}

#[tokio::test]
async fn the_v0_list_is_retired() {
    let bench = Bench::start().await;
    let reply = bench.get("/api/v0/instances/").await;
    assert_eq!(reply.status, 410);
    assert_eq!(
        reply.json,
        json!({"success": false, "error": "deprecated_endpoint", "msg": "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead."})
    );
}
