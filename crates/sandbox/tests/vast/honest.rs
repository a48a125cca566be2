//! What is not played, or cannot be had, is refused in words: nothing is taken in silence, and no
//! answer looks as if an instance were gone.

use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, body, ssh, stdout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_not_played_says_so_and_never_that_something_is_gone() {
    let bench = Bench::start().await;
    let id = bench.rent(json!({})).await;
    for (method, path) in [
        (Method::GET, "/api/v0/machines/".to_owned()),
        (Method::GET, format!("/api/v0/instances/{id}/volumes/")),
        (Method::POST, format!("/api/v0/instances/{id}/")),
        (Method::PATCH, "/api/v0/users/current/".to_owned()),
        (Method::GET, "/api/v0/instances/balance/".to_owned()),
        (Method::DELETE, "/api/v0/instances/-1/".to_owned()),
        (Method::POST, "/api/v0/commands/rclone/".to_owned()),
        (Method::PUT, "/api/v0/volumes/".to_owned()),
        (Method::GET, "/api/v9/instances/".to_owned()),
    ] {
        let reply = bench.call(&bench.key, method.clone(), &path, None).await.expect("an answer");
        assert_eq!(reply.status, 501, "{method} {path}: {}", reply.text);
        assert_eq!(reply.content_type, "application/json", "{method} {path}");
        assert_eq!(
            (&reply.json["success"], &reply.json["error"]),
            (&json!(false), &json!("not_implemented")),
            "{method} {path}: {}",
            reply.text
        );
    }
    assert_eq!(bench.list().await, [id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anyone_may_search_and_nobody_may_rent_without_a_key() {
    let bench = Bench::start().await;
    let search = json!({"rentable": {"eq": true}, "limit": 3});
    let found = bench.call("", Method::POST, "/api/v0/bundles/", Some(search.clone())).await;
    let found = found.expect("an answer");
    assert_eq!(found.status, 200, "{}", found.text);
    assert_eq!(found.json["offers"].as_array().map(Vec::len), Some(3));
    let wrong = bench.call("no-such-key", Method::POST, "/api/v0/bundles/", Some(search)).await;
    assert_eq!(wrong.expect("an answer").status, 401);
    let ask = found.json["offers"][0]["id"].clone();
    let rented =
        bench.call("", Method::PUT, &format!("/api/v0/asks/{ask}/"), Some(body(json!({})))).await;
    assert_eq!(rented.expect("an answer").status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_had_is_refused_and_nothing_is_rented() {
    let bench = Bench::start().await;
    for extra in [
        json!({"template_hash_id": "deadbeefdeadbeef"}),
        json!({"template_id": 4}),
        json!({"volume_info": {"create_new": false, "volume_id": 3, "mount_path": "/mnt"}}),
        json!({"env": {"-v V.881:/mnt": "1"}}),
        json!({"vm": true}),
        json!({"runtype": "teletype"}),
        json!({"args": "not a list", "runtype": "args"}),
        json!({"args": ["x".repeat(5_000)], "runtype": "args"}),
    ] {
        let reply = bench.create(extra.clone()).await;
        assert_eq!(reply.status, 400, "{extra}: {}", reply.text);
        assert_eq!(reply.json["success"], false, "{extra}: {}", reply.text);
    }
    assert!(bench.list().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_arguments_runs_them_and_shows_its_ports() {
    let bench = Bench::start().await;
    let id = bench
        .rent(json!({
            "runtype": "args",
            "args": ["/bin/bash", "-c", "echo \"said: $1\" '$HOME'", "zero", "it's one"],
            "env": {"-p 8080:8080": "1"},
        }))
        .await;
    let row = bench
        .until(id, "running", |row| row["actual_status"] == "running" && !row["ports"].is_null())
        .await;
    assert_eq!(row["image_args"][4], "it's one");
    assert!(row["ports"]["8080/tcp"][0]["HostPort"].is_string(), "{row}");
    assert!(row["ports"].get("22/tcp").is_none(), "no SSH in this run type: {row}");
    let console = async || bench.running.world.hosts().console(&format!("vast-{id}")).await;
    for _ in 0..600 {
        if console().await.expect("a console").contains("said: it's one $HOME") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the arguments did not run: {:?}", console().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recycled_instance_is_made_anew_and_a_rebooted_one_is_not() {
    let bench = Bench::start().await;
    let (file, line) = bench.ssh_key("id");
    let id = {
        bench.post("/api/v0/ssh/", json!({"ssh_key": line})).await;
        bench.rent_running(json!({})).await
    };
    let row = bench.row(id).await;
    ssh(&row, &file, "echo kept > /workspace/file; echo kept > /root/file").await;
    for (verb, expected) in [("reboot", "kept\nkept"), ("recycle", "")] {
        let reply = bench.put(&format!("/api/v0/instances/{verb}/{id}/"), json!({})).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let row = bench
            .until(id, "running", |row| {
                row["actual_status"] == "running" && !row["ports"].is_null()
            })
            .await;
        let read = ssh(&row, &file, "cat /workspace/file /root/file").await;
        assert_eq!(stdout(&read), expected, "{verb}: {read:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_offers_are_rented_at_once_and_one_by_a_search() {
    let bench = Bench::start().await;
    let found = bench.post("/api/v0/bundles/", json!({"num_gpus": {"eq": 1}, "limit": 2})).await;
    let ids: Vec<Value> =
        found.json["offers"].as_array().expect("offers").iter().map(|o| o["id"].clone()).collect();
    let bulk = bench.post("/api/v0/asks/bulk/", body(json!({"ids": ids}))).await;
    assert_eq!(bulk.status, 200, "{}", bulk.text);
    assert_eq!(bulk.json["success"], true, "{}", bulk.text);
    let launched = bench
        .put(
            "/api/v0/launch_instance/",
            body(json!({"q": {"gpu_name": {"eq": "RTX 4090"}, "order": [["dph_total", "asc"]]}})),
        )
        .await;
    assert_eq!(launched.json["success"], true, "{}", launched.text);
    assert!(launched.json["new_contract"].is_u64(), "{}", launched.text);
    assert_eq!(bench.list().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_constrained_command_looks_into_an_instance() {
    let bench = Bench::start().await;
    let id = bench.rent_running(json!({})).await;
    let path = format!("/api/v0/instances/command/{id}/");
    let reply = bench.put(&path, json!({"command": "ls -a /"})).await;
    assert_eq!(reply.json["success"], true, "{}", reply.text);
    let url = reply.json["result_url"].as_str().expect("an address").to_owned();
    let path_of = url.strip_prefix(&bench.running.url).expect("at the sandbox").to_owned();
    let text = bench.get(&path_of).await.text;
    assert!(text.contains("workspace"), "{text}");
    for command in ["cat /etc/passwd", "ls / ; id", "ls $(id)", "", "rm -rf /../../../../x"] {
        let refused = bench.put(&path, json!({"command": command})).await;
        assert_eq!(refused.status, 400, "{command}: {}", refused.text);
    }
}
