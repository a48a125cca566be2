//! gcloud, unmodified, where it is installed.

use std::{path::PathBuf, process::Stdio};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::cloud::{Cloud, ZONE, nat_ip};

struct Gcloud<'a> {
    cloud: &'a Cloud,
    config: PathBuf,
}

impl Gcloud<'_> {
    async fn output(&self, arguments: &[&str]) -> std::process::Output {
        Command::new("gcloud")
            .args(arguments)
            .arg("--format=json")
            .env("CLOUDSDK_CONFIG", &self.config)
            .env("CLOUDSDK_CORE_PROJECT", &self.cloud.project)
            .env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")
            .env("CLOUDSDK_CORE_DISABLE_USAGE_REPORTING", "1")
            .env("CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "1")
            .env(
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE",
                format!("{}/compute/v1/", self.cloud.running.url),
            )
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap()
    }

    async fn run(&self, arguments: &[&str]) -> Value {
        let output = self.output(arguments).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gcloud {arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gcloud_drives_a_vm_through_its_life() {
    if Command::new("gcloud").arg("--version").output().await.is_err() {
        eprintln!("SKIPPED: gcloud is not installed");
        return;
    }
    let cloud = Cloud::start().await;
    let key = cloud.dir.path().join("key.json");
    std::fs::write(&key, cloud.key.to_string()).unwrap();
    let gcloud = Gcloud { cloud: &cloud, config: cloud.dir.path().join("gcloud") };
    let key = format!("--key-file={}", key.display());
    gcloud.run(&["auth", "activate-service-account", &key]).await;

    let zone = format!("--zone={ZONE}");
    let made = gcloud
        .run(&[
            "compute",
            "instances",
            "create",
            "vm1",
            &zone,
            "--machine-type=e2-small",
            "--provisioning-model=SPOT",
            "--instance-termination-action=STOP",
            "--image-family=ubuntu-2204-lts",
            "--image-project=ubuntu-os-cloud",
            "--boot-disk-size=20GB",
            "--labels=role=standby",
        ])
        .await;
    assert_eq!(made[0]["status"], "RUNNING", "{made}");
    assert!(nat_ip(&made[0]).is_some());

    let vm = gcloud.run(&["compute", "instances", "describe", "vm1", &zone]).await;
    assert_eq!(vm["scheduling"]["provisioningModel"], "SPOT");
    assert_eq!(vm["disks"][0]["diskSizeGb"], "20");
    let list = gcloud.run(&["compute", "instances", "list"]).await;
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    let filter = "--filter=labels.role=standby AND status=RUNNING";
    let list = gcloud.run(&["compute", "instances", "list", filter]).await;
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    let list = gcloud.run(&["compute", "instances", "list", "--filter=name=other"]).await;
    assert_eq!(list.as_array().map(Vec::len), Some(0), "{list}");

    let update = ["compute", "instances", "add-labels", "vm1", &zone, "--labels=more=yes"];
    gcloud.run(&update).await;
    let update = ["compute", "instances", "add-metadata", "vm1", &zone, "--metadata=k=v"];
    gcloud.run(&update).await;
    let (_, vm) = cloud.vm("vm1").await;
    assert_eq!(vm["labels"], json!({"role": "standby", "more": "yes"}));
    assert_eq!(vm["metadata"]["items"], json!([{"key": "k", "value": "v"}]));

    gcloud.run(&["compute", "instances", "stop", "vm1", &zone]).await;
    assert_eq!(cloud.vm("vm1").await.1["status"], "TERMINATED");
    gcloud.run(&["compute", "instances", "start", "vm1", &zone]).await;
    assert_eq!(cloud.vm("vm1").await.1["status"], "RUNNING");

    let zones = gcloud.run(&["compute", "zones", "list"]).await;
    assert!(zones.as_array().unwrap().iter().any(|zone| zone["name"] == "us-central1-a"));
    let zones = format!("--zones={ZONE}");
    let types = gcloud.run(&["compute", "machine-types", "list", &zones]).await;
    assert!(types.as_array().unwrap().iter().any(|kind| kind["name"] == "e2-medium"));
    let medium = gcloud.run(&["compute", "machine-types", "describe", "e2-medium", &zone]).await;
    assert_eq!(medium["memoryMb"], 4096);
    let operations = gcloud.run(&["compute", "operations", "list", &zones]).await;
    let kinds: Vec<&str> = operations
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|op| op["operationType"].as_str())
        .collect();
    assert!(kinds.contains(&"insert") && kinds.contains(&"stop"), "{kinds:?}");

    let regions = gcloud.run(&["compute", "regions", "list"]).await;
    assert!(regions.as_array().unwrap().iter().any(|region| region["name"] == "europe-west1"));
    let networks = gcloud.run(&["compute", "networks", "list"]).await;
    assert_eq!(networks[0]["name"], "default");
    let region = "--region=europe-west1";
    gcloud.run(&["compute", "networks", "subnets", "describe", "default", region]).await;
    let kinds = gcloud.run(&["compute", "disk-types", "list", &zones]).await;
    assert_eq!(kinds.as_array().map(Vec::len), Some(3), "{kinds}");
    let family =
        ["compute", "images", "describe-from-family", "debian-12", "--project=debian-cloud"];
    assert_eq!(gcloud.run(&family).await["family"], "debian-12");

    gcloud.run(&["compute", "instances", "add-tags", "vm1", &zone, "--tags=ssh"]).await;
    gcloud.run(&["compute", "instances", "reset", "vm1", &zone]).await;
    let protect = ["compute", "instances", "update", "vm1", &zone, "--deletion-protection"];
    gcloud.run(&protect).await;
    let (_, vm) = cloud.vm("vm1").await;
    assert_eq!((&vm["tags"]["items"], &vm["deletionProtection"]), (&json!(["ssh"]), &json!(true)));
    let kept = gcloud.output(&["compute", "instances", "delete", "vm1", &zone]).await;
    let errors = String::from_utf8_lossy(&kept.stderr);
    assert!(!kept.status.success() && errors.contains("protected against deletion"), "{errors}");
    let release = ["compute", "instances", "update", "vm1", &zone, "--no-deletion-protection"];
    gcloud.run(&release).await;
    gcloud.run(&["compute", "instances", "stop", "vm1", &zone]).await;
    let larger = "--machine-type=e2-standard-2";
    gcloud.run(&["compute", "instances", "set-machine-type", "vm1", &zone, larger]).await;
    assert!(cloud.vm("vm1").await.1["machineType"].as_str().unwrap().ends_with("e2-standard-2"));
    let bulk =
        ["compute", "instances", "bulk", "create", &zone, "--name-pattern=many-#", "--count=2"];
    let more =
        ["--machine-type=e2-small", "--image-family=debian-12", "--image-project=debian-cloud"];
    gcloud.run(&[&bulk[..], &more[..]].concat()).await;
    assert_eq!((cloud.vm("many-1").await.0, cloud.vm("many-2").await.0), (200, 200));

    gcloud.run(&["compute", "instances", "delete", "vm1", &zone]).await;
    assert_eq!(cloud.vm("vm1").await.0, 404);

    cloud.arm("zone_exhausted", None, json!({}), Some(1)).await;
    let short = gcloud.output(&["compute", "instances", "create", "vm2", &zone]).await;
    let errors = String::from_utf8_lossy(&short.stderr);
    assert!(!short.status.success() && errors.contains("enough resources"), "{errors}");
    cloud.running.stop().await;
}
