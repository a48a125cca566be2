//! Copies between instances.

use serde_json::json;

use crate::bench::{Bench, ssh, stdout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_copied_from_one_instance_to_another() {
    let bench = Bench::start().await;
    let (file, line) = bench.ssh_key("id");
    bench.post("/api/v0/ssh/", json!({"ssh_key": line})).await;
    let from = bench.rent_running(json!({})).await;
    let to = bench.rent_running(json!({})).await;
    let (source, target) = (bench.row(from).await, bench.row(to).await);
    let make = "mkdir -p /workspace/run/deep && cd /workspace/run && echo 1 >deep/a && ln -s deep/a link && chmod 640 deep/a && touch -d @1600000000 deep/a";
    assert!(ssh(&source, &file, make).await.status.success());
    // A link that leads out of the folder into which files are copied must not be followed out of the
    // instance: it is one of its own.
    assert!(
        ssh(
            &target,
            &file,
            "mkdir /root/elsewhere && ln -s /../../../../root/elsewhere /workspace/out"
        )
        .await
        .status
        .success()
    );

    let copy = async |src: &str, dst: &str| {
        let order = json!({"client_id": "me", "src_id": from.to_string(), "src_path": src, "dst_id": to, "dst_path": dst});
        let reply = bench.put("/api/v0/commands/copy_direct/", order).await;
        assert_eq!((reply.status, &reply.json["success"]), (200, &json!(true)), "{}", reply.text);
        assert!(reply.json["msg"].as_str().expect("a message").contains("copy initiated"));
    };
    let until = async |script: &str, expected: &str| {
        let mut said = String::new();
        for _ in 0..600 {
            said = stdout(&ssh(&target, &file, script).await);
            if said == expected {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{script}: {said:?} and not {expected:?}");
    };
    copy("/workspace/run/", "/workspace/got").await;
    let look = "cd /workspace/got && stat -c '%a %Y' deep/a && readlink link && cat link";
    until(look, "640 1600000000\ndeep/a\n1").await;
    copy("/workspace/run", "/workspace").await;
    until("cat /workspace/run/deep/a", "1").await;
    copy("/workspace/run/deep/a", "/workspace/one").await;
    until("cat /workspace/one/a", "1").await;
    copy("/workspace/run/", "/workspace/out").await;
    until("cat /root/elsewhere/deep/a", "1").await;
    // One that fails says so in the log of the receiving instance.
    copy("/workspace/none/", "/workspace/got").await;
    let journal = async || {
        let asked = bench
            .put(&format!("/api/v0/instances/request_logs/{to}/"), json!({"daemon_logs": "true"}))
            .await;
        let url = asked.json["result_url"].as_str().expect("an address").to_owned();
        let path = url.strip_prefix(&bench.running.url).expect("ours").to_owned();
        bench.call("", reqwest::Method::GET, &path, None).await.expect("a log").text
    };
    for _ in 0..600 {
        if journal().await.contains("copy of /workspace/none/") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(journal().await.contains("failed"), "{}", journal().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_ones_own_instances_and_from_one_to_another() {
    let bench = Bench::start().await;
    let (from, to) = (bench.rent(json!({})).await, bench.rent(json!({})).await);
    let order = |src: serde_json::Value, dst: serde_json::Value| json!({"src_id": src, "src_path": "/workspace/", "dst_id": dst, "dst_path": "/workspace/"});
    for (body, status) in [
        (order(json!(from), json!(from)), 400),
        (order(json!(from), json!(99)), 404),
        (order(json!("x"), json!(to)), 400),
        (order(json!("local"), json!(to)), 501),
        (json!({"src_id": from, "dst_id": to, "src_path": "workspace", "dst_path": "/"}), 400),
    ] {
        let reply = bench.put("/api/v0/commands/copy_direct/", body.clone()).await;
        assert_eq!(
            (reply.status, &reply.json["success"]),
            (status, &json!(false)),
            "{body}: {}",
            reply.text
        );
    }
    let stranger = bench.another_key();
    let path = "/api/v0/commands/copy_direct/";
    let reply = bench
        .call(&stranger, reqwest::Method::PUT, path, Some(order(json!(from), json!(to))))
        .await
        .expect("an answer");
    assert_eq!(reply.status, 404, "{}", reply.text);
    let cancel =
        bench.call(&bench.key, reqwest::Method::DELETE, path, Some(json!({"dst_id": to}))).await;
    assert_eq!(cancel.expect("an answer").status, 200);
}
