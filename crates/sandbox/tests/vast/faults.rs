//! Every fault that concerns Vast.ai, in the shape that the wire notes give.

use std::time::{Duration, Instant};

use sandbox::fault::Fault;
use sandbox::profile::ProfileName;
use sandbox::world::ProviderSays;
use serde_json::json;

use crate::bench::{Bench, body, words};

const GONE: Option<u32> = None;
const ONCE: Option<u32> = Some(1);

#[tokio::test]
async fn an_outbid_instance_says_so_in_three_words_and_resumes_by_itself() {
    let bench = Bench::start().await;
    let price = bench.offer().await["min_bid"].as_f64().expect("a bid") * 1.2;
    let id = bench.rent_running(json!({"price": price})).await;
    let port = bench.row(id).await["ports"].clone();
    let full = bench.rate(id);
    bench.arm(Fault::Outbid, Some(id), json!({"resume_after_s": 1.5}), ONCE).await;
    let row = bench.row(id).await;
    assert_eq!(words(&row), "running stopped stopped stopped", "the first word lags");
    assert!(row["ports"].is_null());
    assert!(bench.rate(id) < full);
    bench.until(id, "exited", |row| words(row) == "exited stopped stopped stopped").await;
    let row = bench.until(id, "back", |row| words(row) == "running running running running").await;
    assert_ne!(row["ports"], port);
    assert_eq!(bench.rate(id), full);
}

#[tokio::test]
async fn an_unaimed_outbid_strikes_only_bids_and_lasts_until_it_is_cleared() {
    let bench = Bench::start().await;
    let price = bench.offer().await["min_bid"].as_f64().expect("a bid") * 1.2;
    let bid = bench.rent_running(json!({"price": price})).await;
    let on_demand = bench.rent_running(json!({})).await;
    bench.arm(Fault::Outbid, None, json!({}), GONE).await;
    assert_eq!(bench.row(bid).await["cur_state"], "stopped");
    assert_eq!(bench.row(on_demand).await["cur_state"], "running");
    bench.running.world.faults().clear(Some(Fault::Outbid));
    bench.until(bid, "back", |row| words(row) == "running running running running").await;
}

#[tokio::test]
async fn a_customers_stop_keeps_an_outbid_instance_down() {
    let bench = Bench::start().await;
    let price = bench.offer().await["min_bid"].as_f64().expect("a bid") * 1.2;
    let id = bench.rent_running(json!({"price": price})).await;
    bench.arm(Fault::Outbid, Some(id), json!({}), GONE).await;
    bench.put(&format!("/api/v0/instances/{id}/"), json!({"state": "stopped"})).await;
    bench.running.world.faults().clear(None);
    let other = bench.rent_running(json!({})).await;
    assert_eq!(bench.row(other).await["cur_state"], "running");
    assert_eq!(bench.row(id).await["cur_state"], "stopped");
}

#[tokio::test]
async fn a_dead_machine_is_offline_free_and_healed() {
    let bench = Bench::start().await;
    let id = bench.rent_running(json!({})).await;
    let full = bench.rate(id).expect("a rate");
    bench.kill(id, ProviderSays::Offline).await;
    assert_eq!(bench.row(id).await["actual_status"], "running", "not noticed yet");
    let row = bench.until(id, "offline", |row| row["actual_status"] == "offline").await;
    assert_eq!(words(&row), "offline running running running");
    assert!(row["ports"].is_null());
    assert_eq!(bench.rate(id), Some(0));
    let start = bench.put(&format!("/api/v0/instances/{id}/"), json!({"state": "running"})).await;
    assert_eq!(start.json["error"], "resources_unavailable");
    bench.heal(id).await;
    bench.until(id, "running", |row| row["actual_status"] == "running").await;
    assert_eq!(bench.rate(id), Some(full));
}

#[tokio::test]
async fn offline_and_unknown_can_be_said_of_a_living_machine() {
    let bench = Bench::start().await;
    let id = bench.rent_running(json!({})).await;
    let full = bench.rate(id).expect("a rate");
    bench.arm(Fault::Unknown, Some(id), json!({}), GONE).await;
    assert_eq!(bench.row(id).await["actual_status"], "unknown");
    assert_eq!(bench.rate(id), Some(full), "nobody has said that it is off");
    bench.arm(Fault::Offline, Some(id), json!({}), GONE).await;
    assert_eq!(bench.row(id).await["actual_status"], "offline");
    bench.until(id, "offline", |row| row["instance"]["totalHour"] == 0.0).await;
    bench.running.world.faults().clear(None);
    bench.until(id, "running", |row| row["actual_status"] == "running").await;
}

#[tokio::test]
async fn a_create_that_answers_500_has_created() {
    let bench = Bench::start().await;
    bench.arm(Fault::Create500ButCreated, None, json!({}), ONCE).await;
    let reply = bench.create(json!({"label": "ghost"})).await;
    assert_eq!((reply.status, reply.json["success"].as_bool()), (500, Some(false)));
    let ids = bench.list().await;
    assert_eq!(ids.len(), 1);
    assert_eq!(bench.row(ids[0]).await["label"], "ghost");
    assert!(bench.rate(ids[0]) > Some(0), "it bills");
    bench.arm(Fault::Create500ButCreated, None, json!({"status": 502}), ONCE).await;
    let reply = bench.create(json!({})).await;
    assert_eq!((reply.status, reply.content_type.as_str()), (502, "text/html"));
    assert_eq!(bench.list().await.len(), 2);
}

#[tokio::test]
async fn a_create_that_times_out_appears_later_or_never() {
    let bench = Bench::start().await;
    bench
        .arm(Fault::CreateTimesOut, None, json!({"hang_s": 0.2, "appears_after_s": 1.0}), ONCE)
        .await;
    let offer = bench.offer().await["id"].clone();
    let lost = bench
        .call(
            &bench.key,
            reqwest::Method::PUT,
            &format!("/api/v0/asks/{offer}/"),
            Some(body(json!({"label": "late"}))),
        )
        .await;
    assert!(lost.is_err(), "no reply: {lost:?}");
    assert_eq!(bench.list().await, Vec::<u64>::new());
    assert_eq!(bench.running.world.ledger().rows().len(), 1, "it bills before it is seen");
    let start = Instant::now();
    while bench.list().await.is_empty() {
        assert!(start.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let id = bench.list().await[0];
    assert_eq!(bench.row(id).await["label"], "late");

    bench.arm(Fault::CreateTimesOut, None, json!({"hang_s": 0.1}), ONCE).await;
    let offer = bench.offer().await["id"].clone();
    let lost = bench
        .call(
            &bench.key,
            reqwest::Method::PUT,
            &format!("/api/v0/asks/{offer}/"),
            Some(body(json!({}))),
        )
        .await;
    assert!(lost.is_err());
    assert_eq!(bench.running.world.ledger().rows().len(), 1, "nothing was made");
}

#[tokio::test]
async fn the_bid_too_low_fault_strikes_any_bid_and_may_hide_the_contract() {
    let bench = Bench::start().await;
    let price = bench.offer().await["dph_base"].as_f64().expect("a price");
    bench.arm(Fault::BidTooLow, None, json!({"new_contract": false}), ONCE).await;
    let reply = bench.create(json!({"price": price, "label": "low", "cancel_unavail": true})).await;
    assert_eq!((reply.status, reply.json["success"].as_bool()), (200, Some(false)));
    assert!(reply.json.get("new_contract").is_none());
    let ids = bench.list().await;
    assert_eq!(words(&bench.row(ids[0]).await), "created stopped stopped stopped");
}

#[tokio::test]
async fn a_gone_offer_answers_in_three_shapes_and_leaves_the_market() {
    let bench = Bench::start().await;
    for (status, error, part) in [
        (404, "invalid_args", "is not available"),
        (410, "no_such_ask", "is no longer available"),
        (400, "no_such_ask", "is not available"),
    ] {
        let offer = bench.offer().await["id"].clone();
        bench.arm(Fault::OfferGone, None, json!({"status": status}), ONCE).await;
        let reply = bench.create(json!({})).await;
        assert_eq!((u64::from(reply.status), reply.json["error"].as_str()), (status, Some(error)));
        assert!(reply.text.contains(part) && reply.text.contains("no_such_ask"), "{}", reply.text);
        assert_eq!(reply.json["ask_id"], offer);
        assert_ne!(bench.offer().await["id"], offer);
    }
    assert_eq!(bench.list().await, Vec::<u64>::new());
}

#[tokio::test]
async fn a_list_lags_misses_a_row_and_lies() {
    let bench = Bench::start().await;
    bench.arm(Fault::ListLag, None, json!({"reads": 2}), ONCE).await;
    let id = bench.rent(json!({})).await;
    assert_eq!(bench.list().await, Vec::<u64>::new());
    assert_eq!(
        bench.get(&format!("/api/v0/instances/{id}/")).await.json,
        json!({"instances": null})
    );
    assert_eq!(bench.list().await, [id]);

    let other = bench.rent(json!({})).await;
    bench.arm(Fault::ListMissesRow, Some(id), json!({}), ONCE).await;
    assert_eq!(bench.list().await, [other]);
    assert_eq!(bench.list().await, [id, other]);

    for (shape, expected) in [
        (
            "list",
            json!({"success": true, "instances_found": 0, "total_instances": 0, "label_counts": {}, "next_token": null, "instances": []}),
        ),
        ("no_key", json!({"success": true})),
        ("blank", json!(null)),
    ] {
        bench.arm(Fault::ListEmpty200, None, json!({"shape": shape}), ONCE).await;
        let reply = bench.get("/api/v1/instances/").await;
        assert_eq!((reply.status, reply.json), (200, expected), "{shape}");
    }
    bench.arm(Fault::ListEmpty200, None, json!({"shape": "success_false"}), ONCE).await;
    let reply = bench.get("/api/v1/instances/").await;
    assert_eq!((reply.status, reply.json["error"].as_str()), (200, Some("deprecated_endpoint")));
    assert_eq!(bench.list().await, [id, other]);
}

#[tokio::test]
async fn a_destroy_that_lies_leaves_it_running_and_billing() {
    let bench = Bench::start().await;
    let id = bench.rent_running(json!({})).await;
    let full = bench.rate(id);
    bench.arm(Fault::Destroy200StillRunning, Some(id), json!({}), ONCE).await;
    let path = format!("/api/v0/instances/{id}/");
    assert_eq!(bench.delete(&path).await.json, json!({"success": true}));
    assert_eq!(words(&bench.row(id).await), "running running running running");
    assert_eq!(bench.rate(id), full);
    assert_eq!(bench.delete(&path).await.json, json!({"success": true}));
    assert!(bench.row(id).await.is_null());
}

#[tokio::test]
async fn rate_limits_come_as_text_and_as_two_kinds_of_json() {
    let bench = Bench::start().await;
    bench.arm(Fault::RateLimitedPlain, None, json!({}), ONCE).await;
    let plain = bench.get("/api/v1/instances/").await;
    assert_eq!((plain.status, plain.text.as_str()), (429, "API requests too frequent"));
    assert!(plain.content_type.starts_with("text/plain"));
    bench.arm(Fault::RateLimitedPlain, None, json!({"threshold": 4.5}), ONCE).await;
    assert_eq!(
        bench.get("/api/v1/instances/").await.text,
        "API requests too frequent: endpoint threshold=4.5"
    );
    bench.arm(Fault::RateLimitedJson, None, json!({}), ONCE).await;
    let detail = bench.get("/api/v1/instances/").await;
    assert_eq!(
        (detail.status, detail.json),
        (429, json!({"detail": "API requests too frequent endpoint threshold=1.0"}))
    );
    bench.arm(Fault::RateLimitedJson, None, json!({"shape": "error"}), ONCE).await;
    assert_eq!(bench.get("/api/v1/instances/").await.json["error"], "rate_limit_exceeded");
    let world = &bench.running.world;
    world.faults().arm(
        Fault::RateLimitedPlain,
        Some("create".into()),
        json!({}),
        ONCE,
        world.now_ms(),
    );
    assert_eq!(bench.list().await, Vec::<u64>::new(), "aimed at another endpoint");
    assert_eq!(bench.create(json!({})).await.status, 429);
}

#[tokio::test]
async fn the_real_rate_limits_hold_when_they_are_switched_on() {
    let bench = Bench::with(|options| options.rate_limits = true).await;
    assert_eq!(bench.get("/api/v1/instances/").await.status, 200);
    let second = bench.get("/api/v1/instances/").await;
    assert_eq!(
        (second.status, second.text.as_str()),
        (429, "API requests too frequent: endpoint threshold=1.0")
    );
    let other = bench.another_key();
    assert_eq!(
        bench
            .call(&other, reqwest::Method::GET, "/api/v1/instances/", None)
            .await
            .expect("an answer")
            .status,
        200
    );
}

#[tokio::test]
async fn a_stuck_instance_stays_where_the_fault_says_until_it_is_cleared() {
    let bench = Bench::start().await;
    bench.arm(Fault::StuckLoading, None, json!({}), GONE).await;
    let id = bench.rent(json!({})).await;
    let row = bench.until(id, "loading", |row| row["actual_status"] == "loading").await;
    assert_eq!(row["status_msg"], "Retrying in 2 seconds");
    bench.running.world.faults().clear(None);
    bench.until(id, "running", |row| row["actual_status"] == "running").await;

    bench.arm(Fault::StuckLoading, None, json!({"status": "created"}), ONCE).await;
    let broken = bench.rent(json!({})).await;
    let row = bench.until(broken, "created", |row| row["actual_status"] == "created").await;
    assert!(
        row["status_msg"].as_str().is_some_and(|text| text.contains("OCI runtime create failed")),
        "{row}"
    );
    let next = bench.rent_running(json!({})).await;
    assert_ne!(next, broken, "a counted fault strikes once");
    bench.arm(Fault::StuckLoading, None, json!({"status": "null"}), ONCE).await;
    let null = bench.rent(json!({})).await;
    bench.rent_running(json!({})).await;
    assert!(bench.row(null).await["actual_status"].is_null());
}

#[tokio::test]
async fn no_credit_refuses_the_next_create_cleanly() {
    let bench = Bench::start().await;
    bench.arm(Fault::NoCredit, None, json!({}), ONCE).await;
    let reply = bench.create(json!({})).await;
    assert_eq!((reply.status, reply.json["error"].as_str()), (400, Some("insufficient_credit")));
    assert_eq!(bench.list().await, Vec::<u64>::new());
    assert_eq!(bench.create(json!({})).await.status, 200);
}

#[tokio::test]
async fn a_refused_key_answers_with_401_404_or_403() {
    let bench = Bench::start().await;
    for status in [401_u16, 404, 403] {
        bench.arm(Fault::KeyRefused, None, json!({"status": status}), ONCE).await;
        let reply = bench.get("/api/v0/users/current/").await;
        assert_eq!((reply.status, reply.json["error"].as_str()), (status, Some("auth_error")));
    }
    assert_eq!(bench.get("/api/v0/users/current/").await.status, 200);
}

#[tokio::test]
async fn an_outage_is_a_503_page_or_silence() {
    let bench = Bench::start().await;
    bench.arm(Fault::VastApiDown, None, json!({}), GONE).await;
    let reply = bench.get("/api/v1/instances/").await;
    assert_eq!((reply.status, reply.content_type.as_str()), (503, "text/html"));
    assert_eq!(bench.get("/api/v0/gpu_names/unique/").await.status, 503);
    bench.running.world.faults().clear(None);
    assert_eq!(bench.list().await, Vec::<u64>::new());
    bench.arm(Fault::VastApiDown, None, json!({"hang_s": 0.05}), ONCE).await;
    let lost = bench.call(&bench.key, reqwest::Method::GET, "/api/v1/instances/", None).await;
    assert!(lost.is_err(), "{lost:?}");
}

#[tokio::test]
async fn latency_delays_an_answer() {
    let bench = Bench::start().await;
    bench.arm(Fault::LatencyMs, None, json!({"ms": 300}), ONCE).await;
    let start = Instant::now();
    bench.list().await;
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_undo_its_create() {
    let bench = Bench::with(|options| {
        options.profile = ProfileName::Typical;
        options.scale = 10.0;
    })
    .await;
    let path = "/api/v0/asks/7100011/";
    let call = bench.put(path, body(json!({"label": "orphan"})));
    let rented = async {
        while bench.running.world.ledger().rows().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = rented => {}
        reply = call => panic!("answered before its time: {reply:?}"),
    }
    let ids = bench.list().await;
    assert_eq!(ids.len(), 1);
    assert_eq!(bench.row(ids[0]).await["label"], "orphan");
}

#[tokio::test]
async fn a_baked_host_key_is_the_images_and_all_others_are_their_own() {
    let bench = Bench::start().await;
    let own = [bench.rent_running(json!({})).await, bench.rent_running(json!({})).await];
    bench.arm(Fault::HostKeyBaked, None, json!({}), GONE).await;
    let baked = [bench.rent_running(json!({})).await, bench.rent_running(json!({})).await];
    let other = bench.rent_running(json!({"image": "another:1"})).await;
    let shown = async |id: u64| {
        let row = bench.row(id).await;
        let port = row["ports"]["22/tcp"][0]["HostPort"].as_str().expect("a port").to_owned();
        let at = row["public_ipaddr"].as_str().expect("an address").to_owned();
        let scan = tokio::process::Command::new("ssh-keyscan")
            .args(["-t", "ed25519", "-p", &port, &at])
            .output()
            .await
            .expect("it runs");
        let line = crate::bench::stdout(&scan);
        line.split_once(' ').expect("a key").1.to_owned()
    };
    assert_eq!(shown(baked[0]).await, shown(baked[1]).await);
    let mut different = vec![shown(own[0]).await, shown(own[1]).await];
    different.extend([shown(baked[0]).await, shown(other).await]);
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 4);
}
