//! Money: the balance, the charges, and an empty account.

use serde_json::json;

use crate::bench::{Bench, words};

#[tokio::test]
async fn credit_goes_down_and_an_empty_account_stops_what_runs() {
    let bench = Bench::start().await;
    let account = bench.running.credentials.account_id;
    let world = bench.running.world.clone();
    let id = bench.rent_running(json!({})).await;
    assert!(world.set_balance_micro(account, 1));
    let row = bench.until(id, "stopped", |row| row["cur_state"] == "stopped").await;
    assert!(words(&row).ends_with("stopped stopped stopped"), "{}", words(&row));
    bench.until(id, "exited", |row| row["actual_status"] == "exited").await;
    let user = bench.get("/api/v0/users/current/").await.json;
    let credit = user["credit"].as_f64().expect("credit");
    assert!((-0.01..=0.0).contains(&credit), "{credit}");
    let start = bench.put(&format!("/api/v0/instances/{id}/"), json!({"state": "running"})).await;
    assert_eq!((start.status, start.json["error"].as_str()), (400, Some("insufficient_credit")));
    let create = bench.create(json!({})).await;
    assert_eq!(create.status, 400);
    assert_eq!(
        create.json,
        json!({"success": false, "error": "insufficient_credit", "msg": "Your account lacks credit; see the billing page."})
    );
    assert!(world.set_balance_micro(account, 5_000_000));
    assert_eq!(
        bench.put(&format!("/api/v0/instances/{id}/"), json!({"state": "running"})).await.json,
        json!({"success": true})
    );
    bench.until(id, "running", |row| row["actual_status"] == "running").await;
}

#[tokio::test]
async fn charges_name_the_instance_and_add_up_with_the_ledger() {
    let bench = Bench::start().await;
    let id = bench.rent_running(json!({"label": "paid"})).await;
    bench.delete(&format!("/api/v0/instances/{id}/")).await;
    let filter = "%7B%22type%22%3A%7B%22in%22%3A%5B%22instance%22%5D%7D%7D";
    let charges = bench.get(&format!("/api/v0/charges/?select_filters={filter}")).await.json;
    let results = charges["results"].as_array().expect("rows");
    assert!(
        results
            .iter()
            .all(|row| row["source"] == format!("instance-{id}") && row["type"] == "instance")
    );
    let total: f64 = results.iter().map(|row| row["amount"].as_f64().expect("an amount")).sum();
    let world = &bench.running.world;
    let ledger =
        world.ledger().cost_micro("vast.ai", &id.to_string(), world.now_ms()).expect("a bill");
    assert!((total * 1e6 - ledger as f64).abs() <= 2.0, "{total} against {ledger}");
}
