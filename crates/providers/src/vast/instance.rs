//! One instance out of Vast's list. Only its id has to be there.

use domain::gpu::{Endpoint, GpuInstance};
use domain::id::GpuId;
use domain::time::Millis;
use serde_json::Value;

use super::row::Row;
use crate::message;

/// Longest `status_msg` that is kept, in characters.
const LONGEST_STATUS: usize = 500;

/// The instance in a row; `None` without an id.
pub(super) fn instance(row: Row<'_>) -> Option<GpuInstance> {
    let is_bid = row.flag("is_bid").unwrap_or(false);
    let actual_status = row.text("actual_status");
    let running = actual_status.as_deref() == Some("running");
    Some(GpuInstance {
        id: GpuId(row.int("id")?),
        machine_id: row.int("machine_id"),
        label: row.text("label"),
        intended_status: row.text("intended_status"),
        cur_state: row.text("cur_state"),
        next_state: row.text("next_state"),
        status_msg: row.text("status_msg").map(|text| message::clip(&text, LONGEST_STATUS)),
        ssh: if running { direct(row).or_else(|| proxy(row)) } else { None },
        public_ip: row.text("public_ipaddr"),
        gpu_name: row.text("gpu_name"),
        num_gpus: row.int("num_gpus"),
        gpu_ram_mb: row.int("gpu_ram"),
        cpu_cores: row.float("cpu_cores_effective").or_else(|| row.float("cpu_cores")),
        cpu_ram_mb: row.int("cpu_ram"),
        disk_gb: row.float("disk_space"),
        // `instance.totalHour` is what is billed now; `dph_total` leaves parts of a bid rental out.
        usd_per_hour: row
            .child("instance")
            .and_then(|cost| cost.money("totalHour"))
            .or_else(|| row.money("dph_total")),
        is_bid,
        bid: if is_bid { row.money("dph_base") } else { None },
        min_bid: row.money("min_bid"),
        image: row.text("image_uuid"),
        geolocation: row.text("geolocation"),
        reliability: row.float("reliability2").or_else(|| row.float("reliability")),
        started_at: row.float("start_date").and_then(seconds),
        gpu_util: row.float("gpu_util"),
        gpu_temp: row.float("gpu_temp"),
        actual_status,
    })
}

/// The port on the machine itself. It changes with each start and is absent while stopped.
fn direct(row: Row<'_>) -> Option<Endpoint> {
    let bound = row.child("ports")?.get("22/tcp")?;
    let first = match bound {
        Value::Array(list) => list.first()?,
        other => other,
    };
    Some(Endpoint { host: row.text("public_ipaddr")?, port: port(Row(first).int("HostPort")?)? })
}

/// Vast's own relay: slower, sometimes dead, but there without open ports.
fn proxy(row: Row<'_>) -> Option<Endpoint> {
    Some(Endpoint { host: row.text("ssh_host")?, port: port(row.int("ssh_port")?)? })
}

fn port(number: i64) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port != 0)
}

fn seconds(unix: f64) -> Option<Millis> {
    #[expect(clippy::cast_possible_truncation, reason = "the range was just checked")]
    (unix > 0.0 && unix < 1e11).then(|| Millis((unix * 1000.0).round() as i64))
}

#[cfg(test)]
mod tests {
    use domain::gpu::GpuState;
    use domain::money::MicroUsd;
    use serde_json::json;

    use super::*;

    fn running() -> Value {
        json!({"id": 28_000_001, "label": "lab", "actual_status": "running", "intended_status": "running",
            "cur_state": "running", "next_state": "running", "status_msg": "success, running x/ssh\n",
            "ssh_host": "ssh5.vast.ai", "ssh_port": 12345, "public_ipaddr": "203.0.113.9\n",
            "ports": {"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": "20000"}]},
            "gpu_name": "RTX 4090", "num_gpus": 1, "gpu_ram": 24564.0, "is_bid": true, "dph_base": 0.25, "min_bid": 0.2,
            "dph_total": 0.26, "instance": {"gpuCostPerHour": 0.25, "diskHour": 0.02, "totalHour": 0.3543},
            "start_date": 1_790_000_000.5})
    }

    #[test]
    fn the_direct_port_comes_first_and_blanks_are_cut_off() {
        let read = instance(Row(&running())).expect("an id");
        assert_eq!(read.ssh, Some(Endpoint { host: "203.0.113.9".into(), port: 20_000 }));
        assert_eq!(read.usd_per_hour, Some(MicroUsd(354_300)));
        assert_eq!((read.bid, read.min_bid), (Some(MicroUsd(250_000)), Some(MicroUsd(200_000))));
        assert_eq!(read.started_at, Some(Millis(1_790_000_000_500)));
        assert_eq!(read.status_msg.as_deref(), Some("success, running x/ssh"));
        assert_eq!(read.state(), GpuState::Running);
    }

    #[test]
    fn without_ports_the_relay_and_without_running_nothing() {
        let mut row = running();
        row["ports"] = Value::Null;
        let read = instance(Row(&row)).expect("an id");
        assert_eq!(read.ssh, Some(Endpoint { host: "ssh5.vast.ai".into(), port: 12_345 }));
        for word in [json!("loading"), json!("exited"), json!("offline"), Value::Null] {
            row["actual_status"] = word.clone();
            assert_eq!(instance(Row(&row)).expect("an id").ssh, None, "{word}");
        }
    }

    #[test]
    fn an_outbid_record_and_a_lost_host_are_told_apart() {
        let outbid = json!({"id": 1, "is_bid": true, "actual_status": "loading", "intended_status": "stopped",
            "cur_state": "stopped", "next_state": "stopped", "status_msg": "\n#5 [2/6] RUN mkdir"});
        assert_eq!(instance(Row(&outbid)).expect("an id").state(), GpuState::Preempted);
        let offline = json!({"id": 1, "actual_status": "offline", "cur_state": "running"});
        assert_eq!(instance(Row(&offline)).expect("an id").state(), GpuState::HostLost);
    }

    #[test]
    fn only_the_id_is_needed() {
        let bare =
            json!({"id": "42", "label": null, "ports": "odd", "instance": 3, "gpu_util": null});
        let read = instance(Row(&bare)).expect("an id");
        assert_eq!((read.id, read.label, read.usd_per_hour), (GpuId(42), None, None));
        assert_eq!(instance(Row(&json!({"label": "x"}))), None);
        let mut long = running();
        long["status_msg"] = json!("x".repeat(9000));
        assert_eq!(
            instance(Row(&long)).and_then(|read| read.status_msg).map(|text| text.chars().count()),
            Some(500)
        );
    }
}
