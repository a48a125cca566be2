//! One rentable slot of a machine and how it looks in a search answer.
//!
//! A slot's facts never change. What changes (price level, whether it is
//! rented) comes in from the outside, so that a row is a pure function.

use serde_json::{Map, Value, json};

use super::gpu::{Gpu, Place};
use crate::host::Gpus;
use crate::money::usd;

/// Hours in the month that Vast divides a monthly storage price by.
const HOURS_PER_MONTH: f64 = 720.0;

/// A slot: the GPUs of a machine that are rented together under one ask id.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The number that is PUT to `/asks/{id}/`; `id` and `ask_contract_id`.
    pub ask_id: u64,
    /// The machine that the slot is part of; several slots share it.
    pub machine_id: u64,
    /// The seller.
    pub host_id: u64,
    /// The model of its GPUs.
    pub gpu: &'static Gpu,
    /// GPUs in the slot.
    pub num_gpus: u32,
    /// GPUs in the whole machine.
    pub machine_gpus: u32,
    /// First GPU number of this slot within the machine.
    pub first_gpu: u32,
    /// Where it stands.
    pub place: &'static Place,
    /// Seller is a data centre.
    pub datacenter: bool,
    /// Vast has verified the machine.
    pub verified: bool,
    /// Share of time up, 0..1.
    pub reliability: f64,
    /// On-demand price of the slot's GPUs, micro-dollars per hour.
    pub gpu_micro: i64,
    /// Lowest bid that runs, micro-dollars per hour.
    pub min_bid_micro: i64,
    /// Storage, dollars per GB and month.
    pub storage_cost: f64,
    /// Disk that can be had, GB.
    pub disk_gb: f64,
    /// Up link, Mb/s.
    pub inet_up: f64,
    /// Down link, Mb/s.
    pub inet_down: f64,
    /// Virtual cores that come with the slot.
    pub cpu_cores: u32,
    /// Memory that comes with the slot, MB.
    pub cpu_ram_mb: i64,
    /// Open ports.
    pub ports: u32,
    /// Address does not change.
    pub static_ip: bool,
    /// NVIDIA driver.
    pub driver: [u32; 3],
    /// Newest CUDA that the driver runs.
    pub cuda: f64,
    /// Days until the seller's offer ends.
    pub days_left: i64,
}

/// What kind of contract a search is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Fixed price, not interrupted.
    OnDemand,
    /// Interruptible, at a bid.
    Bid,
    /// Paid in advance, cheaper.
    Reserved,
}

impl Kind {
    /// Reads Vast's `type` word; both spellings of on-demand are in use.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "on-demand" | "ondemand" | "ask" => Some(Self::OnDemand),
            "bid" | "interruptible" => Some(Self::Bid),
            "reserved" => Some(Self::Reserved),
            _ => None,
        }
    }
}

/// The circumstances under which a row is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    /// Kind of contract asked for.
    pub kind: Kind,
    /// Disk the price includes, GB.
    pub storage_gb: f64,
    /// Price level in per cent; 100 unless a price jump is armed.
    pub price_pct: i64,
    /// The caller holds a slot of this machine already.
    pub rented: bool,
    /// Now, unix milliseconds.
    pub now_ms: i64,
}

/// Rounds like the real service prints: enough digits for a micro-dollar.
fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

impl Slot {
    /// Cost of `gb` of disk, micro-dollars per hour.
    pub(crate) fn disk_micro(&self, gb: f64) -> i64 {
        (self.storage_cost * gb / HOURS_PER_MONTH * 1e6).round() as i64
    }

    /// On-demand price of the GPUs at a price level, micro-dollars per hour.
    pub(crate) fn ask_micro(&self, price_pct: i64) -> i64 {
        self.gpu_micro * price_pct / 100
    }

    /// Lowest bid that runs at a price level, micro-dollars per hour.
    pub(crate) fn floor_micro(&self, price_pct: i64) -> i64 {
        self.min_bid_micro * price_pct / 100
    }

    /// `California, US`.
    pub(crate) fn geolocation(&self) -> String {
        format!("{}, {}", self.place.region, self.place.country)
    }

    /// `535.86.05`.
    pub(crate) fn driver_text(&self) -> String {
        let [major, minor, patch] = self.driver;
        format!("{major}.{minor:02}.{patch:02}")
    }

    /// The driver as the number that Vast compares (535086005).
    pub(crate) fn driver_number(&self) -> i64 {
        let [major, minor, patch] = self.driver;
        i64::from(major) * 1_000_000 + i64::from(minor) * 1000 + i64::from(patch)
    }

    /// `RTX 4090`, or `2x RTX 4090`.
    pub(crate) fn machine(&self) -> String {
        match self.num_gpus {
            1 => self.gpu.name.to_owned(),
            count => format!("{count}x {}", self.gpu.name),
        }
    }

    /// What `nvidia-smi` shows on it.
    pub(crate) fn gpus(&self) -> Gpus {
        Gpus {
            name: self.gpu.name.to_owned(),
            count: self.num_gpus,
            memory_mib: self.gpu.ram_mb,
            driver: self.driver_text(),
            cuda: format!("{:.1}", self.cuda),
            watts: self.gpu.watts as u32,
            compute: format!("{:.1}", self.gpu.compute_cap as f64 / 100.0),
            machine: self.ask_id,
        }
    }

    /// Share of the machine's GPUs in this slot.
    pub(crate) fn gpu_frac(&self) -> f64 {
        round(f64::from(self.num_gpus) / f64::from(self.machine_gpus.max(1)), 4)
    }

    /// The columns that offers and instances have in common.
    pub(crate) fn hardware(&self) -> Map<String, Value> {
        let gpus = f64::from(self.num_gpus);
        let mut row = into_map(json!({
            "machine_id": self.machine_id,
            "host_id": self.host_id,
            "bundle_id": self.ask_id ^ 0x0f0f,
            "hosting_type": i32::from(self.datacenter),
            "num_gpus": self.num_gpus,
            "gpu_name": self.gpu.name,
            "gpu_arch": "nvidia",
            "gpu_ram": self.gpu.ram_mb,
            "gpu_frac": self.gpu_frac(),
            "gpu_lanes": 16,
            "gpu_mem_bw": self.gpu.mem_bw,
            "gpu_max_power": self.gpu.watts,
            "gpu_max_temp": 88.0,
            "gpu_display_active": false,
            "compute_cap": self.gpu.compute_cap,
            "cuda_max_good": self.cuda,
            "driver_version": self.driver_text(),
            "driver_vers": self.driver_number(),
            "total_flops": round(self.gpu.tflops * gpus, 2),
            "dlperf": round(self.gpu.dlperf * gpus, 2),
            "bw_nvlink": 0.0,
            "pcie_bw": 21.3,
            "pci_gen": 4.0,
        }));
        row.extend(into_map(json!({
            "cpu_name": if self.datacenter { "AMD EPYC 7763" } else { "AMD Ryzen 9 5950X" },
            "cpu_arch": "amd64",
            "cpu_cores": self.cpu_cores * (self.machine_gpus / self.num_gpus.max(1)),
            "cpu_cores_effective": f64::from(self.cpu_cores),
            "cpu_ghz": 3.4,
            "cpu_ram": self.cpu_ram_mb,
            "has_avx": 1,
            "mobo_name": "X570",
            "os_version": "22.04",
            "disk_bw": if self.datacenter { 6200.0 } else { 3100.0 },
            "disk_name": "nvme",
            "storage_cost": self.storage_cost,
            "inet_up": self.inet_up,
            "inet_down": self.inet_down,
            "inet_up_cost": 0.002,
            "inet_down_cost": 0.001,
            "internet_up_cost_per_tb": 2.0,
            "internet_down_cost_per_tb": 1.0,
            "direct_port_count": self.ports,
            "static_ip": self.static_ip,
            "geolocation": self.geolocation(),
            "geolocode": geolocode(self.place.country),
            "country_code": self.place.country,
            "reliability": self.reliability,
            "reliability2": self.reliability,
            "verification": if self.verified { "verified" } else { "unverified" },
            "vericode": i32::from(self.verified),
            "external": false,
            "webpage": null,
            "logo": "/static/logos/vastai_small2.png",
        })));
        row
    }

    /// The row of a search answer.
    pub(crate) fn row(&self, shown: &Shown) -> Map<String, Value> {
        let base = match shown.kind {
            Kind::OnDemand => self.ask_micro(shown.price_pct),
            Kind::Bid => self.floor_micro(shown.price_pct),
            Kind::Reserved => self.ask_micro(shown.price_pct) * 80 / 100,
        };
        let disk = self.disk_micro(shown.storage_gb);
        let total = base + disk;
        let perf = self.gpu.dlperf * f64::from(self.num_gpus);
        let flops = self.gpu.tflops * f64::from(self.num_gpus);
        let seconds_left = self.days_left * 86_400;
        let cost = json!({
            "gpuCostPerHour": usd(base),
            "diskHour": usd(disk),
            "totalHour": usd(total),
            "discountTotalHour": 0,
            "discountedTotalPerHour": usd(total),
        });
        let mut row = self.hardware();
        row.extend(into_map(json!({
            "id": self.ask_id,
            "ask_contract_id": self.ask_id,
            "gpu_total_ram": self.gpu.ram_mb * i64::from(self.num_gpus),
            "gpu_ids": (self.first_gpu..self.first_gpu + self.num_gpus).collect::<Vec<_>>(),
            "dlperf_per_dphtotal": round(perf / usd(total).max(1e-6), 3),
            "flops_per_dphtotal": round(flops / usd(total).max(1e-6), 3),
            "score": round(perf / usd(total).max(1e-6) * self.reliability, 3),
            "disk_space": self.disk_gb,
            "storage_total_cost": usd(disk),
            "public_ipaddr": null,
            "reliability_mult": round(self.reliability, 4),
            "expected_reliability": self.reliability,
            "rentable": true,
            "rented": shown.rented,
        })));
        row.extend(into_map(json!({
            "is_bid": shown.kind == Kind::Bid,
            "min_bid": usd(self.floor_micro(shown.price_pct)),
            "dph_base": usd(base),
            "dph_total": usd(total),
            "dph_total_adj": usd(total),
            "discounted_dph_total": usd(total),
            "discounted_hourly": 0,
            "discount_rate": 0,
            "credit_discount_max": 0.0,
            "vram_costperhour": round(usd(base) / (self.gpu.ram_mb as f64 / 1000.0 * f64::from(self.num_gpus)), 6),
            "start_date": shown.now_ms as f64 / 1000.0 - 30.0 * 86_400.0,
            "end_date": shown.now_ms as f64 / 1000.0 + seconds_left as f64,
            "duration": seconds_left as f64,
            "time_remaining": "",
            "time_remaining_isbid": "",
            "vms_enabled": false,
            "is_vm_deverified": false,
            "resource_type": "gpu",
            "cluster_id": null,
            "avail_vol_ask_id": null,
            "avail_vol_dph": null,
            "avail_vol_size": null,
            "hostname": null,
            "bundled_results": null,
            "rn": 1,
            "search": cost.clone(),
            "instance": cost,
        })));
        row
    }
}

/// A stable number for a country, in the place of Vast's own hash.
fn geolocode(country: &str) -> i64 {
    country.bytes().fold(7, |hash, byte| hash * 31 + i64::from(byte))
}

/// The object inside a `json!` object; empty for anything else.
pub(crate) fn into_map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
