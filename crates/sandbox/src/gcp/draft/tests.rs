use serde_json::{Value, json};

use super::*;

fn spot() -> Value {
    json!({
        "name": "vm1", "machineType": "zones/europe-west1-b/machineTypes/e2-medium",
        "disks": [{"boot": true, "autoDelete": true, "initializeParams": {
            "sourceImage": "projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts",
            "diskType": "zones/europe-west1-b/diskTypes/pd-standard", "diskSizeGb": "100"}}],
        "networkInterfaces": [{"network": "global/networks/default",
            "accessConfigs": [{"name": "External NAT", "type": "ONE_TO_ONE_NAT"}]}],
        "metadata": {"items": [{"key": "ssh-keys", "value": "user:ssh-ed25519 AAAA user"}]},
        "labels": {"managed-by": "x"}, "tags": {"items": ["standby"]},
        "scheduling": {"provisioningModel": "SPOT", "instanceTerminationAction": "STOP",
            "onHostMaintenance": "TERMINATE", "automaticRestart": false}
    })
}

fn read(body: Value) -> Result<Draft, String> {
    let body = body::read(body.to_string().as_bytes()).map_err(|e| e.message().to_owned())?;
    Draft::new(body, "p", "europe-west1-b").map_err(|e| e.message().to_owned())
}

fn with(change: impl FnOnce(&mut Value)) -> Result<Draft, String> {
    let mut body = spot();
    change(&mut body);
    read(body)
}

#[test]
fn the_body_that_the_python_client_sends_is_accepted() {
    let draft = read(spot()).unwrap();
    assert_eq!(draft.machine_type, "e2-medium");
    assert_eq!(draft.disks[0].size_gb, 100);
    assert_eq!(draft.external.as_deref(), Some("External NAT"));
    assert!(draft.scheduling.spot() && draft.scheduling.preemptible);
    assert_eq!(draft.scheduling.on_preemption, Some(TerminationAction::Stop));
}

#[test]
fn full_urls_and_numbers_as_gcloud_sends_them_are_accepted() {
    let base = "http://127.0.0.1:1/compute/v1/projects/p";
    let draft = with(|body| {
        body["machineType"] = json!(format!("{base}/zones/europe-west1-b/machineTypes/e2-small"));
        body["disks"][0]["initializeParams"]["diskType"] =
            json!(format!("{base}/zones/europe-west1-b/diskTypes/pd-ssd"));
        body["disks"][0]["initializeParams"]["diskSizeGb"] = json!(20);
        body["networkInterfaces"][0]["network"] = json!(format!("{base}/global/networks/default"));
    });
    let draft = draft.unwrap();
    assert_eq!((draft.disks[0].kind.as_str(), draft.disks[0].size_gb), ("pd-ssd", 20));
}

#[test]
fn a_spot_machine_can_t_restart_by_itself() {
    let refused = with(|body| body["scheduling"]["automaticRestart"] = json!(true));
    assert_eq!(
        refused.unwrap_err(),
        "Invalid value for field 'resource.scheduling.preemptible': 'true'. Scheduling must have \
         preemptible be false when AutomaticRestart is true."
    );
    assert!(with(|body| body["scheduling"]["onHostMaintenance"] = json!("MIGRATE")).is_err());
    assert!(with(|body| body["scheduling"]["provisioningModel"] = json!("STANDARD")).is_err());
    assert!(with(|body| body["scheduling"]["instanceTerminationAction"] = json!("X")).is_err());
}

#[test]
fn an_ordinary_machine_restarts_and_migrates() {
    let draft = with(|body| body["scheduling"] = json!({})).unwrap();
    let s = draft.scheduling;
    assert!(!s.spot() && s.automatic_restart && s.migrate && s.on_preemption.is_none());
}

#[test]
fn an_older_preemptible_machine_is_not_spot_but_costs_the_same() {
    let draft = with(|body| body["scheduling"] = json!({"preemptible": true})).unwrap();
    let s = draft.scheduling;
    assert!(s.spot() && !s.spot_model && !s.automatic_restart && !s.migrate);
}

#[test]
fn each_bad_field_is_named() {
    let cases: [(&str, &str, Value); 10] = [
        ("/name", "resource.name", json!("VM_1")),
        ("/machineType", "resource.machineType", json!("e2-medium")),
        ("/machineType", "resource.machineType", json!("zones/europe-west1-b/machineTypes/e9")),
        ("/machineType", "resource.machineType", json!("zones/us-east1-b/machineTypes/e2-medium")),
        ("/disks", "resource.disks", json!([])),
        ("/disks/0/autoDelete", "resource.disks[0].autoDelete", json!(false)),
        ("/disks/0/initializeParams/diskSizeGb", "diskSizeGb", json!("5")),
        (
            "/disks/0/initializeParams/diskType",
            "diskType",
            json!("zones/europe-west1-b/diskTypes/x"),
        ),
        ("/networkInterfaces", "resource.networkInterfaces", json!([])),
        ("/tags/items", "resource.tags.items[0]", json!(["No"])),
    ];
    for (at, field, value) in cases {
        let refused = with(|body| *body.pointer_mut(at).unwrap() = value.clone()).unwrap_err();
        assert!(refused.starts_with("Invalid value for field '"), "{refused}");
        assert!(refused.contains(field), "{at} {value}: {refused}");
    }
}
