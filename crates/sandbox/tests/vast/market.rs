//! What is paid for and does not come: an offer that two have, an image that nobody can fetch.

use sandbox::fault::Fault;
use serde_json::{Value, json};

use crate::bench::{Bench, body};

fn words(row: &Value) -> [&str; 4] {
    ["actual_status", "cur_state", "intended_status", "next_state"]
        .map(|name| row[name].as_str().unwrap_or("null"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_is_sold_twice_runs_once_and_then_the_other_one_does() {
    let bench = Bench::start().await;
    let ask = bench.offer().await["id"].as_u64().expect("an offer");
    let path = format!("/api/v0/asks/{ask}/");
    let first = bench.put(&path, body(json!({"label": "first"}))).await;
    let first = first.json["new_contract"].as_u64().expect("a contract");
    bench.until(first, "running", |row| row["actual_status"] == "running").await;
    assert_ne!(bench.offer().await["id"].as_u64(), Some(ask), "what is rented is not offered");
    assert_eq!(bench.put(&path, body(json!({}))).await.status, 410, "and can't be had");

    bench.arm(Fault::OfferSoldTwice, Some(ask), json!({}), Some(1)).await;
    assert_eq!(bench.offer().await["id"].as_u64(), Some(ask), "it is offered again");
    let second = bench.put(&path, body(json!({"label": "second"}))).await;
    assert_eq!((second.status, &second.json["success"]), (200, &json!(true)), "{}", second.text);
    let second = second.json["new_contract"].as_u64().expect("a contract");
    assert_ne!(second, first);
    let row = bench.until(second, "created", |row| row["actual_status"] == "created").await;
    assert_eq!(words(&row), ["created", "stopped", "running", "running"]);
    assert!(row["ports"].is_null(), "{row}");
    let rate = bench.rate(second).expect("a bill");
    assert!(rate > 0 && rate < bench.rate(first).expect("a bill") / 4, "storage bills: {rate}");
    let again =
        bench.put(&format!("/api/v0/instances/{second}/"), json!({"state": "running"})).await;
    assert_eq!(again.json["error"], "resources_unavailable", "{}", again.text);
    assert_eq!(words(&bench.row(first).await), ["running"; 4], "the first is not touched");

    bench.delete(&format!("/api/v0/instances/{first}/")).await;
    let row = bench.until(second, "running", |row| row["actual_status"] == "running").await;
    assert_eq!(words(&row), ["running"; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_nobody_can_fetch_leaves_its_instance_loading() {
    let bench = Bench::start().await;
    let world = &bench.running.world;
    for (reason, said) in [
        (None, "manifest for no-such/image:9 not found: manifest unknown"),
        (Some("denied"), "pull access denied for no-such/image:9"),
        (Some("rate"), "toomanyrequests"),
    ] {
        let params = json!({"reason": reason});
        world.faults().arm(Fault::ImageUnpullable, None, params, Some(1), world.now_ms());
        let id = bench.rent(json!({"image": "no-such/image:9"})).await;
        let row = bench
            .until(id, "loading", |row| {
                row["status_msg"].as_str().is_some_and(|msg| msg.contains(said))
            })
            .await;
        assert_eq!(words(&row), ["loading", "running", "running", "running"]);
        let msg = row["status_msg"].as_str().expect("a message");
        assert!(msg.starts_with("Error response from daemon: "), "{msg}");
        let reboot = bench.put(&format!("/api/v0/instances/reboot/{id}/"), json!({})).await;
        assert_eq!(reboot.status, 200);
        assert_eq!(bench.row(id).await["actual_status"], "loading", "and a reboot is no help");
        assert!(bench.rate(id).expect("a bill") > 0, "its storage bills");
        bench.delete(&format!("/api/v0/instances/{id}/")).await;
        assert!(bench.row(id).await.is_null());
    }
}
