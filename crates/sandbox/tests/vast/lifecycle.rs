//! The whole life of an instance.

use std::time::Duration;

use sandbox::profile::ProfileName;
use serde_json::json;

use crate::bench::{Bench, words};

#[tokio::test]
async fn stop_start_label_reboot_and_destroy() {
    let bench = Bench::start().await;
    let id = bench.rent_running(json!({"label": "lab"})).await;
    let row = bench.row(id).await;
    assert_eq!(words(&row), "running running running running");
    assert_eq!((row["label"].as_str(), row["is_bid"].as_bool()), (Some("lab"), Some(false)));
    let full = (row["dph_total"].as_f64().expect("a price") * 1e6).round() as i64;
    let disk = (row["storage_total_cost"].as_f64().expect("a price") * 1e6).round() as i64;
    assert_eq!(bench.rate(id), Some(full));

    let path = format!("/api/v0/instances/{id}/");
    assert_eq!(bench.put(&path, json!({"state": "stopped"})).await.json, json!({"success": true}));
    let row = bench.row(id).await;
    assert_eq!(words(&row), "exited stopped stopped stopped");
    assert!(row["ports"].is_null());
    assert_eq!(row["instance"]["gpuCostPerHour"], 0.0);
    assert_eq!(bench.rate(id), Some(disk));

    assert_eq!(bench.put(&path, json!({"state": "running"})).await.json, json!({"success": true}));
    bench.until(id, "running", |row| row["actual_status"] == "running").await;
    assert_eq!(bench.rate(id), Some(full));

    assert_eq!(bench.put(&path, json!({"label": "new name"})).await.json, json!({"success": true}));
    assert_eq!(bench.row(id).await["label"], "new name");
    assert_eq!(
        bench.put(&path, json!({"label": "x".repeat(1_025)})).await.json["error"],
        "label_too_long"
    );
    // At the purchase it may be shorter only.
    let refused = bench.create(json!({"label": "x".repeat(257)})).await;
    assert_eq!((refused.status, &refused.json["error"]), (400, &json!("invalid_args")));
    let longest = "x".repeat(256);
    let named = bench.rent(json!({"label": longest})).await;
    assert_eq!(bench.row(named).await["label"], longest);
    assert_eq!(bench.delete(&format!("/api/v0/instances/{named}/")).await.status, 200);

    assert_eq!(
        bench.put(&format!("/api/v0/instances/reboot/{id}/"), json!({})).await.json,
        json!({"success": true})
    );
    bench.until(id, "running", |row| row["actual_status"] == "running").await;

    assert_eq!(bench.delete(&path).await.json, json!({"success": true}));
    assert_eq!(bench.get(&path).await.json, json!({"instances": null}));
    assert_eq!(bench.list().await, Vec::<u64>::new());
    let again = bench.delete(&path).await;
    assert_eq!((again.status, again.json["error"].as_str()), (404, Some("no_such_instance")));
    assert_eq!(bench.rate(id), None, "the bill is closed");
}

#[tokio::test]
async fn a_low_bid_is_refused_or_leaves_a_stopped_instance() {
    let bench = Bench::start().await;
    let offer = bench.offer().await;
    let floor = offer["min_bid"].as_f64().expect("a bid");
    let clean = bench.create(json!({"price": floor / 2.0, "cancel_unavail": true})).await;
    assert_eq!((clean.status, clean.json["error"].as_str()), (400, Some("invalid_price")));
    assert_eq!(bench.list().await, Vec::<u64>::new());

    let dirty = bench.create(json!({"price": floor / 2.0, "label": "low"})).await;
    assert_eq!((dirty.status, dirty.json["success"].as_bool()), (200, Some(false)));
    let id = dirty.json["new_contract"].as_u64().expect("a contract all the same");
    let row = bench.row(id).await;
    assert_eq!(
        (words(&row).as_str(), row["label"].as_str()),
        ("created stopped stopped stopped", Some("low"))
    );
    let queued = bench.put(&format!("/api/v0/instances/{id}/"), json!({"state": "running"})).await;
    assert_eq!(queued.status, 200);
    assert_eq!(
        queued.json,
        json!({"success": false, "error": "resources_unavailable", "msg": "Required resources are currently unavailable, state change queued."})
    );

    let bid = format!("/api/v0/instances/bid_price/{id}/");
    let none = bench.put(&bid, json!({"client_id": "me", "price": 0})).await;
    assert_eq!(
        (none.status, none.json["msg"].as_str()),
        (400, Some("Please set a bid price >= 0.001."))
    );
    assert_eq!(
        bench.put(&bid, json!({"client_id": "me", "price": floor * 1.5})).await.json,
        json!({"success": true})
    );
    let row = bench.until(id, "running", |row| row["actual_status"] == "running").await;
    assert_eq!(row["is_bid"], true);
    assert!((row["dph_base"].as_f64().expect("a price") - floor * 1.5).abs() < 1e-6);

    bench.put(&bid, json!({"client_id": "me", "price": floor / 2.0})).await;
    let row = bench.row(id).await;
    assert!(words(&row).ends_with("stopped stopped stopped"), "{}", words(&row));
}

#[tokio::test]
async fn the_typical_profile_shows_every_status_in_order() {
    let bench = Bench::with(|options| {
        options.profile = ProfileName::Typical;
        options.scale = 0.02;
    })
    .await;
    let id = bench.rent(json!({})).await;
    let mut seen: Vec<String> = Vec::new();
    let row = bench.until(id, "running", |row| row["actual_status"] == "running");
    tokio::pin!(row);
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        tokio::select! {
            _ = &mut row => break,
            _ = tick.tick() => {
                let word = bench.row(id).await["actual_status"].as_str().unwrap_or("null").to_owned();
                if seen.last() != Some(&word) {
                    seen.push(word);
                }
            }
        }
    }
    let order = ["null", "created", "loading", "running"];
    let places: Vec<_> = seen
        .iter()
        .map(|word| order.iter().position(|known| known == word).expect("a known word"))
        .collect();
    assert!(places.is_sorted() && places.contains(&2), "{seen:?}");
}

#[tokio::test]
async fn a_create_that_makes_no_sense_changes_nothing() {
    let bench = Bench::start().await;
    assert_eq!(bench.create(json!({"disk": 2})).await.json["error"], "invalid_args");
    assert_eq!(
        bench.create(json!({"onstart": "x".repeat(4_049)})).await.json["error"],
        "invalid_args"
    );
    assert_eq!(bench.create(json!({"disk": 90_000})).await.json["error"], "invalid_args");
    let unknown = bench
        .put("/api/v0/asks/1234567/", crate::bench::body(json!({"cancel_unavail": false})))
        .await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.json,
        json!({"success": false, "error": "invalid_args", "msg": "error 404/3603: no_such_ask Instance type by id 1234567 is not available.", "ask_id": 1_234_567})
    );
    assert_eq!(bench.list().await, Vec::<u64>::new());
    assert!(bench.running.world.ledger().rows().is_empty());
}

#[tokio::test]
async fn many_at_once_start_stop_and_end() {
    let bench = Bench::start().await;
    let ids = [bench.rent_running(json!({})).await, bench.rent_running(json!({})).await];
    bench.put("/api/v0/instances/", json!({"state": "stopped", "ids": ids})).await;
    for id in ids {
        assert_eq!(bench.row(id).await["cur_state"], "stopped");
    }
    let gone = reqwest::Method::DELETE;
    let reply = bench
        .call(&bench.key, gone, "/api/v0/instances/", Some(json!({"instance_ids": ids})))
        .await
        .expect("an answer");
    assert_eq!(reply.json, json!({"success": true}));
    assert_eq!(bench.list().await, Vec::<u64>::new());
}
