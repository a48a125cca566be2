//! Google's Python client library, unmodified, where it is installed.

use std::{path::PathBuf, process::Stdio};

use tokio::process::Command;

use crate::cloud::{Cloud, ZONE};

/// The Python to use; `DUMONT_TEST_PYTHON` names one of a virtual environment.
async fn python() -> Option<PathBuf> {
    let python = std::env::var_os("DUMONT_TEST_PYTHON").map_or("python3".into(), PathBuf::from);
    let probe = Command::new(&python)
        .args(["-c", "import google.cloud.compute_v1"])
        .stderr(Stdio::null())
        .status()
        .await;
    probe.is_ok_and(|status| status.success()).then_some(python)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_drives_a_vm_through_its_life() {
    let Some(python) = python().await else {
        eprintln!("SKIPPED: the Python package google-cloud-compute is not installed");
        return;
    };
    let cloud = Cloud::start().await;
    let key = cloud.dir.path().join("key.json");
    std::fs::write(&key, cloud.key.to_string()).unwrap();
    cloud.arm("zone_exhausted", Some("short"), serde_json::json!({}), None).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gcp/client.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&key)
        .args([&cloud.running.url, &cloud.project, ZONE])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let (out, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{errors}");
    assert_eq!(
        out.trim(),
        "vm1 RUNNING TERMINATED RUNNING gone 409 stock-out protected running quota_exceeded org_policy \
         api_disabled clock_skew operation_fails"
    );
    cloud.running.stop().await;
}
