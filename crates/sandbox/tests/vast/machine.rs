//! What an instance's machine has: GPUs, ports, variables and a disk, as they were rented.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::{Bench, ssh, stdout};

/// An instance with a key, its row, and the key's file.
async fn rented(bench: &Bench, order: Value) -> (u64, Value, std::path::PathBuf) {
    let (file, line) = bench.ssh_key("id");
    bench.post("/api/v0/ssh/", json!({"ssh_key": line})).await;
    let id = bench.rent_running(order).await;
    (id, bench.row(id).await, file)
}

fn port(row: &Value, inside: &str) -> u16 {
    row["ports"][inside][0]["HostPort"].as_str().and_then(|port| port.parse().ok()).expect("a port")
}

#[tokio::test]
async fn nvidia_smi_says_what_the_offer_says() {
    let bench = Bench::start().await;
    let (_, row, file) =
        rented(&bench, json!({"image": "nvidia/cuda:12.4.1-devel-ubuntu22.04"})).await;
    let query = "nvidia-smi --query-gpu=name,memory.total,driver_version,count --format=csv,noheader,nounits; nvidia-smi -L | wc -l; . /etc/os-release; echo $ID $VERSION_ID";
    let said = stdout(&ssh(&row, &file, query).await);
    let lines: Vec<&str> = said.lines().collect();
    let gpus = row["num_gpus"].as_u64().expect("a number");
    let expected = format!(
        "{}, {}, {}, {gpus}",
        row["gpu_name"].as_str().expect("a name"),
        row["gpu_ram"],
        row["driver_version"].as_str().expect("a version")
    );
    assert!(lines[0].ends_with(&expected), "{said} and not {expected}");
    assert_eq!(lines[gpus as usize..], [gpus.to_string().as_str(), "ubuntu 22.04"]);
}

#[tokio::test]
async fn a_published_port_is_reached_where_the_api_says_and_the_host_is_told() {
    let bench = Bench::start().await;
    let order = json!({"env": {"-p 18080:18080": "1", "-p 5000:5000/udp": "1", "A": "B"}});
    let (id, row, file) = rented(&bench, order).await;
    let outside = port(&row, "18080/tcp");
    assert_ne!(outside, 18_080, "the machine's port is another, as at Vast");
    let said = stdout(
        &ssh(
            &row,
            &file,
            "echo $VAST_CONTAINERLABEL $VAST_TCP_PORT_18080 $VAST_TCP_PORT_22 $PUBLIC_IPADDR $A",
        )
        .await,
    );
    let address = row["public_ipaddr"].as_str().expect("an address").trim().to_owned();
    assert_eq!(said, format!("C.{id} {outside} {} {address} B", port(&row, "22/tcp")));

    let serve = "setsid python3 -c 'import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((\"0.0.0.0\", 18080)); s.listen()\nwhile True: c = s.accept()[0]; c.sendall(c.recv(9)[::-1]); c.close()' >/dev/null 2>&1 & for n in $(seq 100); do (echo > /dev/tcp/127.0.0.1/18080) 2>/dev/null && break; sleep 0.05; done";
    assert!(ssh(&row, &file, serve).await.status.success());
    assert_eq!(ask(&address, outside).await.as_deref(), Some("cba"));
    // With the instance stopped the port refuses; after a start it is another, and the host knows it.
    let path = format!("/api/v0/instances/{id}/");
    bench.put(&path, json!({"state": "stopped"})).await;
    bench.until(id, "stopped", |row| row["actual_status"] == "exited").await;
    assert_eq!(ask(&address, outside).await, None);
    bench.put(&path, json!({"state": "running"})).await;
    let row = bench.until(id, "running", |row| !row["ports"].is_null()).await;
    let after = port(&row, "18080/tcp");
    assert_ne!(after, outside);
    assert_eq!(
        stdout(&ssh(&row, &file, "echo $VAST_TCP_PORT_18080 $VAST_TCP_PORT_22").await),
        format!("{after} {}", port(&row, "22/tcp"))
    );
}

/// What a server answers; none when it can't be reached.
async fn ask(address: &str, port: u16) -> Option<String> {
    let mut stream = TcpStream::connect((address, port)).await.ok()?;
    stream.write_all(b"abc").await.ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await.ok()?;
    Some(said)
}

#[tokio::test]
async fn a_port_that_is_asked_for_twice_is_told_in_the_runtimes_words() {
    let bench = Bench::start().await;
    let id = bench.rent(json!({"env": {"-p 8080:80": "1", "-p 8080:81": "1"}})).await;
    let row = bench
        .until(id, "created", |row| {
            row["status_msg"].as_str().is_some_and(|msg| msg.contains("Bind"))
        })
        .await;
    assert_eq!(row["actual_status"], "created");
    let msg = row["status_msg"].as_str().expect("a message");
    assert!(msg.contains("Bind for 0.0.0.0:8080 failed: port is already allocated"), "{msg}");
    assert!(row["ports"].is_null());
}

#[tokio::test]
async fn an_image_that_is_none_is_told_as_a_failed_pull() {
    let bench = Bench::start().await;
    let id = bench.rent(json!({"image": "dumont-sandbox/host:fast"})).await;
    let row = bench
        .until(id, "stuck", |row| {
            row["status_msg"].as_str().is_some_and(|msg| msg.contains("manifest unknown"))
        })
        .await;
    assert_eq!(row["actual_status"], "loading");
    assert_eq!(bench.delete(&format!("/api/v0/instances/{id}/")).await.status, 200);
    assert!(bench.row(id).await.is_null());
}

#[tokio::test]
async fn a_rented_disk_ends_and_a_fault_fills_it() {
    let bench = Bench::start().await;
    if !bench.running.world.hosts().can_have_disks() {
        eprintln!("SKIPPED: a rented disk that ends (file systems can't be made here)");
        return;
    }
    let order = json!({"image": "dumont-sandbox/host:own-disk", "disk": 9});
    let (id, row, file) = rented(&bench, order).await;
    let size = "df -B1 --output=size /workspace | tail -1";
    let size: f64 = stdout(&ssh(&row, &file, size).await).parse().expect("a number");
    assert!((8.5e9..=9e9).contains(&size), "{size}");
    let fault = json!({"name": "disk_full", "target": id, "params": {"free_bytes": 4096}});
    let armed = bench.call("", reqwest::Method::POST, "/_sandbox/faults", Some(fault)).await;
    assert_eq!(armed.expect("an answer").status, 201);
    let put = "head -c 1M /dev/zero >/workspace/x || echo $?";
    let mut said = String::new();
    for _ in 0..200 {
        said = stdout(&ssh(&row, &file, put).await);
        if said == "1" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(said, "1", "the disk is full");
    // A boot of the sandbox keeps what is on it.
    assert!(
        ssh(&row, &file, "rm -f /.filler /workspace/x; echo kept >/workspace/y; sync")
            .await
            .status
            .success()
    );
    let bench = bench.restart().await;
    let mut kept = String::new();
    for _ in 0..200 {
        kept = stdout(&ssh(&bench.row(id).await, &file, "cat /workspace/y").await);
        if kept == "kept" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(kept, "kept");
}
