//! A stop leaves no process behind, whatever was being made when it came.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use std::path::Path;
use std::time::Duration;

use sandbox::{Options, Sandbox};
use serde_json::json;

/// Processes whose command line names the folder: bubblewrap's, inside and outside.
fn left(folder: &Path) -> Vec<String> {
    let wanted = folder.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(wanted).then(|| format!("{:?}: {line}", entry.file_name()))
    });
    lines.collect()
}

async fn stopped_amid(hosts: usize, wait: Duration, orderly: bool) -> Vec<String> {
    static RING: std::sync::Once = std::sync::Once::new();
    RING.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::in_dir(folder.path().join("data"));
    options.host_program = Some(env!("CARGO_BIN_EXE_dumont-sandbox").into());
    let running = Sandbox::start(options).await.unwrap();
    let http = reqwest::Client::new();
    let call = |method, path: String, body: serde_json::Value| {
        let request = http.request(method, format!("{}{path}", running.url));
        request.bearer_auth(&running.credentials.vast_api_key).json(&body).send()
    };
    let mut asks = Vec::new();
    let mut last = 0.0;
    while asks.len() < hosts {
        let search =
            json!({"dph_total": {"gt": last}, "order": [["dph_total", "asc"]], "limit": 64});
        let found = call(reqwest::Method::POST, "/api/v0/bundles/".into(), search).await.unwrap();
        let found: serde_json::Value = found.json().await.unwrap();
        let offers = found["offers"].as_array().unwrap().clone();
        assert!(!offers.is_empty(), "only {} offers", asks.len());
        last = offers.last().unwrap()["dph_total"].as_f64().unwrap();
        asks.extend(offers.iter().map(|offer| offer["id"].clone()));
    }
    let order =
        json!({"image": "ubuntu:22.04", "disk": 10, "runtype": "ssh", "onstart": "sleep 1000"});
    let rents = asks
        .iter()
        .take(hosts)
        .map(|ask| call(reqwest::Method::PUT, format!("/api/v0/asks/{ask}/"), order.clone()));
    for rented in futures::future::join_all(rents).await {
        assert_eq!(rented.unwrap().status(), 200);
    }
    tokio::time::sleep(wait).await;
    if orderly {
        running.stop().await;
        return left(folder.path());
    }
    drop(running);
    // Without a stop it takes a moment; how long is the kernel's affair.
    for _ in 0..600 {
        if left(folder.path()).is_empty() {
            return Vec::new();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    left(folder.path())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_host_outlives_a_stop_that_comes_while_72_are_being_made() {
    for ms in [0, 150, 400] {
        let left = stopped_amid(72, Duration::from_millis(ms), true).await;
        assert!(left.is_empty(), "{} are left after {ms} ms: {}", left.len(), left.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_host_outlives_a_sandbox_that_is_dropped_while_they_are_being_made() {
    for ms in [50, 300] {
        let left = stopped_amid(24, Duration::from_millis(ms), false).await;
        assert!(left.is_empty(), "{} are left after {ms} ms: {}", left.len(), left.join("\n"));
    }
}
