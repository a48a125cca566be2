//! The GPU models of the sandbox's market and the places where machines stand.
//!
//! Figures are public data-sheet values (memory in MB, bandwidth in GB/s,
//! compute in TFLOPS) and street prices rounded to cents. They make searches
//! behave like the real market; no client should depend on an exact value.

/// One GPU model as the market lists it.
#[derive(Debug)]
pub(crate) struct Gpu {
    /// Name on the wire, with spaces (`RTX 4090`).
    pub name: &'static str,
    /// Memory of one GPU, MB.
    pub ram_mb: i64,
    /// CUDA compute capability times 100 (890 = 8.9).
    pub compute_cap: i64,
    /// TFLOPS of one GPU.
    pub tflops: f64,
    /// Vast's deep-learning score of one GPU.
    pub dlperf: f64,
    /// Memory bandwidth, GB/s.
    pub mem_bw: f64,
    /// Board power, W.
    pub watts: f64,
    /// Typical on-demand price of one GPU, micro-dollars per hour.
    pub usd_micro_per_hour: i64,
    /// GPUs per slot, one entry per machine of the market that has this model.
    pub machines: &'static [Shape],
}

/// How one machine is cut up: how many slots, and how many GPUs in each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Slots that can be rented one by one.
    pub slots: u32,
    /// GPUs in each slot.
    pub gpus: u32,
}

const fn shape(slots: u32, gpus: u32) -> Shape {
    Shape { slots, gpus }
}

/// A place on the map, as `geolocation` names it.
#[derive(Debug)]
pub(crate) struct Place {
    /// The part of `geolocation` before the country code.
    pub region: &'static str,
    /// ISO 3166 two-letter country code.
    pub country: &'static str,
    /// Price level against the average, per cent.
    pub price_pct: i64,
}

/// Where the machines of the market stand.
pub(crate) const PLACES: &[Place] = &[
    Place { region: "California", country: "US", price_pct: 108 },
    Place { region: "Texas", country: "US", price_pct: 100 },
    Place { region: "Poland", country: "PL", price_pct: 92 },
    Place { region: "Germany", country: "DE", price_pct: 110 },
    Place { region: "Quebec", country: "CA", price_pct: 97 },
    Place { region: "Sweden", country: "SE", price_pct: 104 },
    Place { region: "Brazil", country: "BR", price_pct: 95 },
    Place { region: "Czechia", country: "CZ", price_pct: 90 },
    Place { region: "France", country: "FR", price_pct: 106 },
    Place { region: "Taiwan", country: "TW", price_pct: 88 },
    Place { region: "Norway", country: "NO", price_pct: 99 },
    Place { region: "Spain", country: "ES", price_pct: 101 },
    Place { region: "India", country: "IN", price_pct: 85 },
    Place { region: "United Kingdom", country: "GB", price_pct: 112 },
];

/// Every model of the market.
pub(crate) const GPUS: &[Gpu] = &[
    Gpu {
        name: "RTX 3060",
        ram_mb: 12288,
        compute_cap: 860,
        tflops: 12.7,
        dlperf: 9.1,
        mem_bw: 360.0,
        watts: 170.0,
        usd_micro_per_hour: 62_000,
        machines: &[shape(4, 1), shape(2, 1), shape(3, 1)],
    },
    Gpu {
        name: "RTX 3070",
        ram_mb: 8192,
        compute_cap: 860,
        tflops: 20.3,
        dlperf: 12.0,
        mem_bw: 448.0,
        watts: 220.0,
        usd_micro_per_hour: 70_000,
        machines: &[shape(4, 1), shape(2, 2)],
    },
    Gpu {
        name: "RTX 3080",
        ram_mb: 10240,
        compute_cap: 860,
        tflops: 29.8,
        dlperf: 17.2,
        mem_bw: 760.0,
        watts: 320.0,
        usd_micro_per_hour: 98_000,
        machines: &[shape(3, 1), shape(2, 2)],
    },
    Gpu {
        name: "RTX 3090",
        ram_mb: 24576,
        compute_cap: 860,
        tflops: 35.6,
        dlperf: 20.5,
        mem_bw: 936.0,
        watts: 350.0,
        usd_micro_per_hour: 171_000,
        machines: &[shape(4, 1), shape(4, 1), shape(2, 2), shape(2, 1), shape(1, 4)],
    },
    Gpu {
        name: "RTX 4070",
        ram_mb: 12282,
        compute_cap: 890,
        tflops: 29.1,
        dlperf: 21.4,
        mem_bw: 504.0,
        watts: 200.0,
        usd_micro_per_hour: 112_000,
        machines: &[shape(3, 1), shape(2, 1)],
    },
    Gpu {
        name: "RTX 4080",
        ram_mb: 16376,
        compute_cap: 890,
        tflops: 48.7,
        dlperf: 32.2,
        mem_bw: 717.0,
        watts: 320.0,
        usd_micro_per_hour: 205_000,
        machines: &[shape(2, 1), shape(2, 2)],
    },
    Gpu {
        name: "RTX 4090",
        ram_mb: 24564,
        compute_cap: 890,
        tflops: 82.6,
        dlperf: 50.3,
        mem_bw: 1008.0,
        watts: 450.0,
        usd_micro_per_hour: 345_000,
        machines: &[
            shape(4, 1),
            shape(4, 1),
            shape(4, 1),
            shape(4, 2),
            shape(2, 4),
            shape(1, 8),
            shape(2, 1),
        ],
    },
    Gpu {
        name: "RTX 5080",
        ram_mb: 16303,
        compute_cap: 1200,
        tflops: 56.3,
        dlperf: 39.0,
        mem_bw: 960.0,
        watts: 360.0,
        usd_micro_per_hour: 262_000,
        machines: &[shape(2, 1), shape(1, 2)],
    },
    Gpu {
        name: "RTX 5090",
        ram_mb: 32607,
        compute_cap: 1200,
        tflops: 104.8,
        dlperf: 71.5,
        mem_bw: 1792.0,
        watts: 575.0,
        usd_micro_per_hour: 498_000,
        machines: &[shape(4, 1), shape(4, 1), shape(2, 2), shape(1, 4), shape(1, 8)],
    },
    Gpu {
        name: "RTX A4000",
        ram_mb: 16376,
        compute_cap: 860,
        tflops: 19.2,
        dlperf: 13.4,
        mem_bw: 448.0,
        watts: 140.0,
        usd_micro_per_hour: 98_000,
        machines: &[shape(4, 1), shape(3, 1)],
    },
    Gpu {
        name: "RTX A5000",
        ram_mb: 24564,
        compute_cap: 860,
        tflops: 27.8,
        dlperf: 18.9,
        mem_bw: 768.0,
        watts: 230.0,
        usd_micro_per_hour: 185_000,
        machines: &[shape(4, 1), shape(2, 2)],
    },
    Gpu {
        name: "RTX A6000",
        ram_mb: 49140,
        compute_cap: 860,
        tflops: 38.7,
        dlperf: 23.8,
        mem_bw: 768.0,
        watts: 300.0,
        usd_micro_per_hour: 405_000,
        machines: &[shape(4, 1), shape(2, 2), shape(2, 1)],
    },
    Gpu {
        name: "RTX 6000Ada",
        ram_mb: 49140,
        compute_cap: 890,
        tflops: 91.1,
        dlperf: 55.0,
        mem_bw: 960.0,
        watts: 300.0,
        usd_micro_per_hour: 598_000,
        machines: &[shape(2, 1), shape(1, 4)],
    },
    Gpu {
        name: "L40S",
        ram_mb: 46068,
        compute_cap: 890,
        tflops: 91.6,
        dlperf: 54.1,
        mem_bw: 864.0,
        watts: 350.0,
        usd_micro_per_hour: 618_000,
        machines: &[shape(4, 1), shape(2, 2), shape(1, 8)],
    },
    Gpu {
        name: "A100 PCIE",
        ram_mb: 40960,
        compute_cap: 800,
        tflops: 19.5,
        dlperf: 31.0,
        mem_bw: 1555.0,
        watts: 250.0,
        usd_micro_per_hour: 602_000,
        machines: &[shape(4, 1), shape(2, 2)],
    },
    Gpu {
        name: "A100 SXM4",
        ram_mb: 81920,
        compute_cap: 800,
        tflops: 19.5,
        dlperf: 36.8,
        mem_bw: 2039.0,
        watts: 400.0,
        usd_micro_per_hour: 872_000,
        machines: &[shape(4, 1), shape(4, 2), shape(1, 8)],
    },
    Gpu {
        name: "H100 PCIE",
        ram_mb: 81559,
        compute_cap: 900,
        tflops: 51.2,
        dlperf: 61.0,
        mem_bw: 2039.0,
        watts: 350.0,
        usd_micro_per_hour: 1_720_000,
        machines: &[shape(2, 1), shape(1, 2)],
    },
    Gpu {
        name: "H100 SXM",
        ram_mb: 81559,
        compute_cap: 900,
        tflops: 66.9,
        dlperf: 82.0,
        mem_bw: 3350.0,
        watts: 700.0,
        usd_micro_per_hour: 1_985_000,
        machines: &[shape(4, 1), shape(2, 2), shape(1, 8)],
    },
];
