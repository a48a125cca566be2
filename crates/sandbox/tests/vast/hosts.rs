//! Instances whose real hosts are logged in to.

use sandbox::fault::Fault;
use serde_json::json;

use crate::bench::{Bench, ssh, stdout};

#[tokio::test]
async fn an_account_key_logs_in_and_onstart_has_run_with_its_environment() {
    let bench = Bench::start().await;
    let (file, line) = bench.ssh_key("id");
    bench.post("/api/v0/ssh/", json!({"ssh_key": line})).await;
    let id = bench
        .rent_running(json!({
            "onstart": "echo \"onstart says $GREETING\"; echo $GREETING-$CONTAINER_ID > /workspace/made",
            "env": {"GREETING": "hello", "-p 8080:8080": "1"},
        }))
        .await;
    let row = bench.row(id).await;
    assert!(row["ports"]["8080/tcp"][0]["HostPort"].is_string(), "{row}");
    assert_eq!(row["extra_env"], json!([["-p 8080:8080", "1"], ["GREETING", "hello"]]));
    let wait = "for n in $(seq 100); do [ -s /workspace/made ] && break; sleep 0.05; done; cat /workspace/made; id -u";
    let said = ssh(&row, &file, wait).await;
    assert_eq!(stdout(&said), format!("hello-{id}\n0"), "{said:?}");

    let logs = bench
        .put(&format!("/api/v0/instances/request_logs/{id}/"), json!({"tail": "1000"}))
        .await
        .json;
    let url = logs["result_url"].as_str().expect("an address").replace(&bench.running.url, "");
    let text = bench.call("", reqwest::Method::GET, &url, None).await.expect("an answer");
    assert_eq!(text.status, 200);
    assert!(text.text.contains("onstart says hello"), "{}", text.text);
    let daemon = bench
        .put(&format!("/api/v0/instances/request_logs/{id}/"), json!({"daemon_logs": "true"}))
        .await
        .json;
    let url = daemon["result_url"].as_str().expect("an address").replace(&bench.running.url, "");
    let text = bench.call("", reqwest::Method::GET, &url, None).await.expect("an answer").text;
    assert!(text.contains("actual_status is running"), "{text}");
}

#[tokio::test]
async fn a_stop_keeps_the_files_and_a_start_changes_the_port() {
    let bench = Bench::start().await;
    let (file, line) = bench.ssh_key("id");
    bench.post("/api/v0/ssh/", json!({"ssh_key": line})).await;
    let id = bench.rent_running(json!({"onstart": "date +%s%N >> /workspace/boots"})).await;
    let before = bench.row(id).await;
    assert!(ssh(&before, &file, "echo kept > /workspace/file").await.status.success());
    let path = format!("/api/v0/instances/{id}/");
    bench.put(&path, json!({"state": "stopped"})).await;
    assert!(!ssh(&before, &file, "true").await.status.success(), "a stopped host lets nobody in");
    bench.put(&path, json!({"state": "running"})).await;
    let after = bench.until(id, "running", |row| !row["ports"].is_null()).await;
    assert_ne!(before["ports"]["22/tcp"][0]["HostPort"], after["ports"]["22/tcp"][0]["HostPort"]);
    let wait = "for n in $(seq 100); do [ $(wc -l < /workspace/boots) = 2 ] && break; sleep 0.05; done; cat /workspace/file; wc -l < /workspace/boots";
    let said = ssh(&after, &file, wait).await;
    assert_eq!(stdout(&said), "kept\n2", "{said:?}");
    bench.delete(&path).await;
    assert!(!ssh(&after, &file, "true").await.status.success());
}

#[tokio::test]
async fn a_key_of_the_instance_comes_and_goes() {
    let bench = Bench::start().await;
    let (file, line) = bench.ssh_key("late");
    let id = bench.rent_running(json!({})).await;
    let row = bench.row(id).await;
    assert!(!ssh(&row, &file, "true").await.status.success());
    let path = format!("/api/v0/instances/{id}/ssh/");
    let attached = bench.post(&path, json!({"ssh_key": line})).await.json;
    assert_eq!(attached, json!({"success": true, "msg": "SSH key attached successfully"}));
    assert!(ssh(&row, &file, "true").await.status.success());
    let keys = bench.get(&path).await.json["ssh_keys"].as_str().expect("JSON in text").to_owned();
    let keys: serde_json::Value = serde_json::from_str(&keys).expect("JSON");
    assert_eq!(keys[0]["public_key"], line.as_str());
    assert_eq!(bench.delete(&format!("{path}{}/", keys[0]["id"])).await.status, 200);
    assert!(!ssh(&row, &file, "true").await.status.success());
}

#[tokio::test]
async fn a_restart_of_the_sandbox_brings_instances_back_with_their_files() {
    let bench = Bench::start().await;
    let (file, line) = bench.ssh_key("id");
    bench.post("/api/v0/ssh/", json!({"ssh_key": line})).await;
    let id = bench.rent_running(json!({"label": "survivor"})).await;
    let stopped = bench.rent(json!({"target_state": "stopped"})).await;
    let row = bench.row(id).await;
    assert!(ssh(&row, &file, "echo kept > /workspace/file").await.status.success());
    let bench = bench.restart().await;
    assert_eq!(bench.list().await, [id, stopped]);
    let mut said = String::new();
    for _ in 0..200 {
        let row = bench.row(id).await;
        assert_eq!(
            (row["label"].as_str(), row["actual_status"].as_str()),
            (Some("survivor"), Some("running"))
        );
        let output = ssh(&row, &file, "cat /workspace/file").await;
        said = stdout(&output);
        if output.status.success() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(said, "kept");
    assert!(bench.rate(id) > bench.rate(stopped));
    let next = bench.rent(json!({"target_state": "stopped"})).await;
    assert!(next > stopped, "numbers are not used twice");
}

#[tokio::test]
async fn running_but_ssh_refuses_until_the_fault_is_cleared() {
    let bench = Bench::start().await;
    let (file, line) = bench.ssh_key("id");
    bench.post("/api/v0/ssh/", json!({"ssh_key": line})).await;
    let id = bench.rent_running(json!({})).await;
    let row = bench.row(id).await;
    assert!(ssh(&row, &file, "true").await.status.success());
    bench.arm(Fault::SshDead, Some(id), json!({}), None).await;
    let mut refused = false;
    for _ in 0..200 {
        refused = !ssh(&row, &file, "true").await.status.success();
        if refused {
            break;
        }
    }
    assert!(refused);
    assert_eq!(bench.row(id).await["actual_status"], "running");
    bench.running.world.faults().clear(Some(Fault::SshDead));
    let mut open = false;
    for _ in 0..200 {
        open = ssh(&row, &file, "true").await.status.success();
        if open {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(open);
}
