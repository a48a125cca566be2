//! The host behind a VM: log in, boot script, files that survive.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::cloud::{Cloud, DEADLINE, nat_ip, spot};

/// A key pair made by OpenSSH; gives the public line.
async fn make_key(path: &Path) -> String {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "tester", "-f"])
        .arg(path)
        .status()
        .await
        .expect("ssh-keygen is installed");
    assert!(made.success());
    std::fs::read_to_string(path.with_extension("pub")).unwrap().trim().to_owned()
}

/// Tries until the host answers; gives what the command printed.
async fn ssh(key: &Path, vm: &Value, port: u16, command: &str) -> String {
    let ip = nat_ip(vm).unwrap();
    let attempt = async || {
        Command::new("ssh")
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"])
            .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"])
            .args(["-o", "ConnectTimeout=5", "-o", "IdentitiesOnly=yes"])
            .args(["-p", &port.to_string(), "-i"])
            .arg(key)
            .arg(format!("user@{ip}"))
            .arg(command)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap()
    };
    let mut last = String::new();
    let found = tokio::time::timeout(DEADLINE, async {
        loop {
            let output = attempt().await;
            if output.status.success() {
                return String::from_utf8(output.stdout).unwrap().trim().to_owned();
            }
            last = String::from_utf8_lossy(&output.stderr).into_owned();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    found.unwrap_or_else(|_| panic!("no login at {ip}: {last}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_metadata_log_in_and_the_startup_script_runs_at_each_boot() {
    let cloud = Cloud::start().await;
    let port = cloud.running.world.options().standby_port;
    let key = cloud.dir.path().join("key");
    let public = make_key(&key).await;
    let script = "#!/bin/bash\necho boot >> /root/boots\nsync";
    let keys = format!("user:{public}");
    let body = spot("vm1", &[("ssh-keys", &keys), ("startup-script", script)]);
    let vm = cloud.insert(body).await;

    let until_booted = |times: usize| {
        format!(
            "for n in $(seq 200); do [ \"$(grep -c boot /root/boots)\" = {times} ] && exit 0; sleep 0.05; done; exit 1"
        )
    };
    ssh(&key, &vm, port, &until_booted(1)).await;
    ssh(&key, &vm, port, "echo kept > /workspace/file").await;

    cloud.act("vm1", "stop", json!({})).await;
    cloud.act("vm1", "start", json!({})).await;
    let (_, vm) = cloud.vm("vm1").await;
    ssh(&key, &vm, port, &until_booted(2)).await;
    assert_eq!(ssh(&key, &vm, port, "cat /workspace/file").await, "kept");

    let other = cloud.dir.path().join("other");
    let second = make_key(&other).await;
    let fingerprint = &vm["metadata"]["fingerprint"];
    let items = json!([{"key": "ssh-keys", "value": format!("ubuntu:{second}")}]);
    cloud.act("vm1", "setMetadata", json!({"fingerprint": fingerprint, "items": items})).await;
    assert_eq!(ssh(&other, &vm, port, "id -u").await, "0");
    cloud.delete("vm1").await;
    let rows = cloud.running.world.gcp().rows(&cloud.running.world);
    assert!(rows.is_empty());
    cloud.running.stop().await;
}
