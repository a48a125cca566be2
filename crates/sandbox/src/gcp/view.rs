//! How VMs and operations look on the wire.

use serde_json::{Map, Value, json};
use time::{
    OffsetDateTime, UtcOffset,
    macros::{format_description, offset},
};

use super::{
    catalog, link, networks,
    operation::{Kind, Operation, Progress},
    vm::{Disk, TerminationAction, Vm},
};

const PACIFIC: UtcOffset = offset!(-8);

/// A moment as Compute writes it: milliseconds, at a fixed offset, so texts sort by time.
pub(super) fn timestamp(ms: i64) -> String {
    let nanos = i128::from(ms) * 1_000_000;
    let format = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]\
         [offset_hour sign:mandatory]:[offset_minute]"
    );
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .to_offset(PACIFIC)
        .format(&format)
        .unwrap_or_default()
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        map.insert(key.into(), value);
    }
}

/// A VM as `instances.get` shows it.
pub(super) fn instance(vm: &Vm) -> Value {
    let (project, zone) = (&vm.key.project, &vm.key.zone);
    let platform = catalog::machine_type(zone, &vm.machine_type).map(|kind| kind.platform);
    let mut map = Map::new();
    let mut set = |key: &str, value: Value| map.insert(key.into(), value);
    set("kind", "compute#instance".into());
    set("id", vm.id.to_string().into());
    set("creationTimestamp", timestamp(vm.created_ms).into());
    set("name", vm.key.name.clone().into());
    set("zone", link::link(&link::zone_path(project, zone)).into());
    set(
        "machineType",
        link::link(&link::zonal_path(project, zone, "machineTypes", &vm.machine_type)).into(),
    );
    set("status", vm.status.word().into());
    set("cpuPlatform", platform.unwrap_or("Unknown CPU Platform").into());
    set("networkInterfaces", json!([interface(vm)]));
    set("disks", vm.disks.iter().enumerate().map(|(at, d)| disk(vm, at, d)).collect());
    set(
        "metadata",
        json!({
            "kind": "compute#metadata",
            "fingerprint": vm.metadata_fingerprint(),
            "items": vm.metadata,
        }),
    );
    set("tags", json!({"items": vm.tags, "fingerprint": vm.tag_fingerprint()}));
    set("labels", json!(vm.labels));
    set("labelFingerprint", vm.label_fingerprint().into());
    set("scheduling", scheduling(vm));
    set("serviceAccounts", vm.service_accounts.clone().into());
    set("canIpForward", false.into());
    set("startRestricted", false.into());
    set("deletionProtection", vm.deletion_protection.into());
    set("fingerprint", vm.tag_fingerprint().into());
    set("selfLink", vm.key.link().into());
    put(&mut map, "description", vm.description.clone().map(Value::from));
    put(&mut map, "lastStartTimestamp", vm.last_start_ms.map(|ms| timestamp(ms).into()));
    put(&mut map, "lastStopTimestamp", vm.last_stop_ms.map(|ms| timestamp(ms).into()));
    Value::Object(map)
}

fn interface(vm: &Vm) -> Value {
    let project = &vm.key.project;
    let mut nic = json!({
        "kind": "compute#networkInterface",
        "name": "nic0",
        "network": link::link(&format!("projects/{project}/{}", vm.network.network)),
        "subnetwork": link::link(&networks::subnetwork_path(project, link::region_of(&vm.key.zone))),
        "networkIP": vm.network.internal_ip.to_string(),
        "stackType": "IPV4_ONLY",
    });
    let access = vm.network.external.as_ref().map(|name| {
        let mut config = json!({
            "kind": "compute#accessConfig",
            "type": "ONE_TO_ONE_NAT",
            "name": name,
            "networkTier": "PREMIUM",
        });
        if let (Some(ip), Some(map)) = (vm.nat_ip, config.as_object_mut()) {
            map.insert("natIP".into(), ip.to_string().into());
        }
        json!([config])
    });
    if let Some(map) = nic.as_object_mut() {
        put(map, "accessConfigs", access);
    }
    nic
}

fn disk(vm: &Vm, at: usize, disk: &Disk) -> Value {
    let path = link::zonal_path(&vm.key.project, &vm.key.zone, "disks", &disk.name);
    json!({
        "kind": "compute#attachedDisk",
        "type": "PERSISTENT",
        "mode": "READ_WRITE",
        "source": link::link(&path),
        "deviceName": disk.device,
        "index": at,
        "boot": disk.boot,
        "autoDelete": true,
        "interface": "SCSI",
        "diskSizeGb": disk.size_gb.to_string(),
    })
}

fn scheduling(vm: &Vm) -> Value {
    let s = &vm.scheduling;
    let mut map = Map::new();
    map.insert("onHostMaintenance".into(), if s.migrate { "MIGRATE" } else { "TERMINATE" }.into());
    map.insert("automaticRestart".into(), s.automatic_restart.into());
    map.insert("preemptible".into(), s.preemptible.into());
    map.insert("provisioningModel".into(), if s.spot_model { "SPOT" } else { "STANDARD" }.into());
    put(
        &mut map,
        "instanceTerminationAction",
        s.on_preemption.map(|action| match action {
            TerminationAction::Stop => "STOP".into(),
            TerminationAction::Delete => "DELETE".into(),
        }),
    );
    Value::Object(map)
}

/// An operation as `zoneOperations.get` shows it. Nothing that means failure is in it unless it
/// failed: clients take the mere presence of those fields for one.
pub(super) fn operation(op: &Operation) -> Value {
    let zone_path = link::zone_path(&op.target.project, &op.target.zone);
    let path = link::zonal_path(&op.target.project, &op.target.zone, "operations", &op.name);
    let mut map = Map::new();
    let mut set = |key: &str, value: Value| map.insert(key.into(), value);
    set("kind", "compute#operation".into());
    set("id", op.id.to_string().into());
    set("name", op.name.clone().into());
    set("zone", link::link(&zone_path).into());
    set("operationType", op.kind.word().into());
    let target =
        if op.kind == Kind::BulkInsert { link::link(&zone_path) } else { op.target.link() };
    set("targetLink", target.into());
    set("targetId", op.target_id.to_string().into());
    set("user", op.user.clone().into());
    set("insertTime", timestamp(op.insert_ms).into());
    set("startTime", timestamp(op.insert_ms).into());
    set("selfLink", link::link(&path).into());
    match &op.progress {
        Progress::Running => {
            set("status", "RUNNING".into());
            set("progress", 0.into());
        }
        Progress::Done { end_ms, failure } => {
            set("status", "DONE".into());
            set("progress", 100.into());
            set("endTime", timestamp(*end_ms).into());
            if let Some(failure) = failure {
                set("error", failure.json());
                set("httpErrorStatusCode", failure.http_status.into());
                set("httpErrorMessage", failure.http_message.clone().into());
            }
        }
    }
    put(&mut map, "operationGroupId", op.group.clone().map(Value::from));
    put(&mut map, "statusMessage", op.kind.message().map(Value::from));
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gcp::vm::{Status, tests::sample};

    #[test]
    fn times_are_written_in_pacific_standard_time() {
        assert_eq!(timestamp(1_728_938_709_545), "2024-10-14T12:45:09.545-08:00");
    }

    #[test]
    fn an_instance_has_full_links_and_numbers_as_text() {
        let shown = instance(&sample("vm1"));
        assert_eq!(shown["id"], "42");
        assert_eq!(
            shown["machineType"],
            "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west1-b/machineTypes/e2-medium"
        );
        assert_eq!(shown["networkInterfaces"][0]["accessConfigs"][0]["natIP"], "127.77.0.2");
        assert_eq!(shown["disks"][0]["diskSizeGb"], "100");
        assert_eq!(shown["scheduling"]["provisioningModel"], "SPOT");
        assert_eq!(shown["scheduling"]["instanceTerminationAction"], "STOP");
        assert_eq!(shown["status"], "RUNNING");
    }

    #[test]
    fn a_stopped_instance_has_no_address() {
        let mut vm = sample("vm1");
        vm.status = Status::Terminated;
        vm.nat_ip = None;
        let config = instance(&vm)["networkInterfaces"][0]["accessConfigs"][0].clone();
        assert_eq!(config["type"], "ONE_TO_ONE_NAT");
        assert!(config.get("natIP").is_none());
    }
}
