//! An instance as the API shows it: one row of the list, or the single read.

use serde_json::{Map, Value, json};

use super::instance::Instance;
use super::life::{Bill, Silence, Stage};
use super::offer::{Slot, into_map};
use crate::host::{Endpoint, Published};
use crate::money::usd;

/// What a row needs besides the instance and its slot.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Where its host is reached, if it has one.
    pub endpoint: Option<Endpoint>,
    /// Where its other ports are.
    pub published: Vec<Published>,
    /// What Vast says instead of the status, faults included.
    pub silence: Option<Silence>,
    /// The lowest bid that runs now, micro-dollars per hour.
    pub floor_micro: i64,
    /// Now, unix milliseconds.
    pub now_ms: i64,
}

/// The row of an instance.
///
/// `ssh_host` and `ssh_port` would be Vast's proxy; here they lead straight to
/// the host, so that a client that falls back to them stays on this machine.
pub(crate) fn row(instance: &Instance, slot: &Slot, seen: &Seen) -> Map<String, Value> {
    let life = &instance.life;
    let reachable = life.has_ports() && seen.silence.is_none();
    let base = instance.gpu_micro();
    let billed_gpu = if life.bill(seen.silence) == Bill::Everything { base } else { 0 };
    let end_s = instance.created_ms / 1000 + slot.days_left * 86_400;
    let address = seen.endpoint.map(|endpoint| endpoint.addr.to_string());
    let port = seen.endpoint.map(|endpoint| endpoint.port);
    let up = reachable && instance.has_ssh();
    let mut row = slot.hardware();
    row.extend(into_map(json!({
        "id": instance.id,
        "label": instance.label,
        "actual_status": life.actual_status(seen.silence),
        "intended_status": life.intended_status(),
        "cur_state": life.cur.word(),
        "next_state": life.next_state(),
        "status_msg": status_msg(instance, seen.now_ms),
        "image_uuid": instance.image,
        "image_args": instance.args,
        "image_runtype": instance.runtype,
        "extra_env": instance.extra_env,
        "onstart": instance.onstart,
        "template_id": null,
        "template_hash_id": null,
        "template_name": null,
        "jupyter_token": "",
        "ssh_host": address,
        "ssh_port": port,
        "ssh_idx": (instance.id % 9 + 1).to_string(),
        "machine_dir_ssh_port": port,
        "public_ipaddr": address,
        "local_ipaddrs": format!("10.0.{}.{} 172.17.0.2 \n", instance.id / 250 % 250, instance.id % 250),
        "ports": if reachable { ports(instance, port.filter(|_| up), &seen.published) } else { Value::Null },
        "direct_port_start": -1,
        "direct_port_end": -1,
    })));
    row.extend(into_map(json!({
        "gpu_totalram": slot.gpu.ram_mb * i64::from(slot.num_gpus),
        "gpu_util": if life.has_ports() { json!(0.0) } else { Value::Null },
        "gpu_temp": if life.has_ports() { json!(36.0) } else { Value::Null },
        "cpu_util": 0.0,
        "mem_limit": null,
        "mem_usage": null,
        "vmem_usage": null,
        "disk_space": instance.disk_gb,
        "disk_util": -1,
        "disk_usage": -1,
        "rentable": false,
        "is_bid": instance.bid_micro.is_some(),
        "min_bid": usd(floor(instance, seen)),
        "dph_base": usd(base),
        "dph_total": usd(base + instance.disk_micro),
        "storage_total_cost": usd(instance.disk_micro),
        "start_date": instance.created_ms as f64 / 1000.0,
        "end_date": end_s,
        "duration": (end_s as f64 - seen.now_ms as f64 / 1000.0).max(0.0),
        "uptime_mins": if life.has_ports() { json!(((seen.now_ms - life.since_ms).max(0) / 60_000)) } else { Value::Null },
        "client_run_time": 1.1,
        "host_run_time": 2_592_000.0,
        "time_remaining": "",
        "time_remaining_isbid": "",
        "credit_balance": null,
        "credit_discount": null,
        "credit_discount_max": 0.0,
        "score": null,
        "volume_info": [],
        "search": cost(base, instance.disk_micro),
        "instance": cost(billed_gpu, if life.bill(seen.silence) == Bill::Nothing { 0 } else { instance.disk_micro }),
    })));
    row
}

/// What a bid must reach now: above our own while another holds the machine.
fn floor(instance: &Instance, seen: &Seen) -> i64 {
    match (instance.bid_micro, &instance.life.outbid) {
        (Some(bid), Some(_)) => seen.floor_micro.max(bid + bid / 10 + 1_000),
        _ => seen.floor_micro,
    }
}

fn cost(gpu: i64, disk: i64) -> Value {
    json!({
        "gpuCostPerHour": usd(gpu),
        "diskHour": usd(disk),
        "totalHour": usd(gpu + disk),
        "discountTotalHour": 0,
        "discountedTotalPerHour": usd(gpu + disk),
    })
}

/// Docker's port map; null while nothing can be reached. Each port is reached at another that changes
/// with each start; those of UDP are not carried and keep their number.
fn ports(instance: &Instance, ssh: Option<u16>, published: &[Published]) -> Value {
    let bound = |port: &str| json!([{"HostIp": "0.0.0.0", "HostPort": port}]);
    let mut map = Map::new();
    for wanted in instance.wanted_ports() {
        let number = wanted.split('/').next().unwrap_or_default();
        let tcp = wanted.ends_with("/tcp");
        let found = published.iter().find(|port| tcp && port.inside.to_string() == number);
        let outside = found.map_or_else(|| number.to_owned(), |port| port.outside.to_string());
        map.insert(wanted, bound(&outside));
    }
    if let Some(ssh) = ssh {
        map.insert("22/tcp".into(), bound(&ssh.to_string()));
    }
    Value::Object(map)
}

/// What the status line narrates.
fn status_msg(instance: &Instance, now_ms: i64) -> Option<String> {
    let life = &instance.life;
    if let Some(stuck) = life.stuck.as_ref().filter(|stuck| life.stage >= stuck.stage) {
        return stuck.msg.clone().or_else(|| Some("Retrying in 2 seconds".into()));
    }
    match life.stage {
        Stage::Null => None,
        Stage::Created => Some(String::new()),
        Stage::Loading => {
            let step = ((now_ms - life.since_ms).max(0) / 5_000 + 1).min(6);
            Some(format!("\n#{} [{step}/6] pulling {}\n", step + 3, instance.image))
        }
        Stage::Running | Stage::Exited => Some(format!("success, running {}/ssh", instance.image)),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::vast::catalogue;
    use crate::vast::instance::Hidden;
    use crate::vast::life::{Life, Outbid, Pace};

    fn instance() -> Instance {
        Instance {
            id: 28_000_001,
            account: 1,
            ask_id: 7_100_011,
            label: Some("lab".into()),
            image: "ubuntu:22.04".into(),
            onstart: None,
            extra_env: vec![("-p 8080:8080".into(), "1".into())],
            runtype: "ssh_direc ssh_proxy".into(),
            args: Vec::new(),
            disk_gb: 20.0,
            bid_micro: Some(30_000),
            ask_micro: 60_000,
            disk_micro: 4_000,
            created_ms: 0,
            keys: Vec::new(),
            keys_version: 0,
            ssh_dead: false,
            renew: false,
            api_key: "k".into(),
            life: Life::begin(0, &Pace::default()),
            hidden: Hidden::default(),
            journal: Vec::new(),
        }
    }

    fn shown(instance: &Instance, silence: Option<Silence>) -> Map<String, Value> {
        let slots = catalogue::build();
        let endpoint = Some(Endpoint { addr: Ipv4Addr::new(127, 78, 0, 9), port: 20_022 });
        row(
            instance,
            &slots[0],
            &Seen {
                endpoint,
                published: vec![Published { inside: 8080, outside: 40_001 }],
                silence,
                floor_micro: 25_000,
                now_ms: 90_000,
            },
        )
    }

    #[test]
    fn a_running_instance_has_ports_as_strings_and_the_full_rate() {
        let mut it = instance();
        it.life.tick(0);
        it.life.booted(0);
        let row = shown(&it, None);
        assert_eq!(row["actual_status"], "running");
        assert_eq!(row["ports"]["22/tcp"][0]["HostPort"], "20022");
        assert_eq!(row["ports"]["8080/tcp"][0]["HostPort"], "40001");
        assert_eq!(row["public_ipaddr"], "127.78.0.9");
        assert_eq!(row["instance"]["totalHour"], 0.034);
        assert_eq!(row["extra_env"], json!([["-p 8080:8080", "1"]]));
        assert_eq!(row["status_msg"], "success, running ubuntu:22.04/ssh");
    }

    #[test]
    fn a_new_one_has_null_for_status_and_ports_and_pays_for_its_disk() {
        let row = shown(&instance(), None);
        assert!(row["actual_status"].is_null() && row["ports"].is_null());
        assert_eq!(row["instance"]["gpuCostPerHour"], 0.0);
        assert_eq!(row["instance"]["totalHour"], 0.004);
        assert_eq!(row["dph_total"], 0.034);
    }

    #[test]
    fn an_outbid_one_still_says_running_in_one_field() {
        let mut it = instance();
        it.life.tick(0);
        it.life.booted(0);
        let pace = Pace { lag: std::time::Duration::from_secs(3), ..Pace::default() };
        it.life.evict(1_000, &pace, Some(Outbid { resume_at_ms: None, until_cleared: None }));
        let row = shown(&it, None);
        assert_eq!(
            [&row["actual_status"], &row["intended_status"], &row["cur_state"], &row["next_state"]],
            ["running", "stopped", "stopped", "stopped"]
        );
        assert!(row["ports"].is_null());
    }

    #[test]
    fn an_offline_one_costs_nothing() {
        let mut it = instance();
        it.life.tick(0);
        it.life.booted(0);
        let row = shown(&it, Some(Silence::Offline));
        assert_eq!(row["actual_status"], "offline");
        assert_eq!(row["instance"]["totalHour"], 0.0);
        assert!(row["ports"].is_null());
    }
}
