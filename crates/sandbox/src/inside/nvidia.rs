//! `nvidia-smi` of a host whose offer has GPUs: what scripts ask of it.
//!
//! No GPU is there, so nothing is used and nothing runs; names, memory, number and driver are the
//! offer's.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// The GPUs that a host has according to its offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpus {
    /// The market's name, such as `RTX 4090`.
    pub name: String,
    /// How many.
    pub count: u32,
    /// Memory of each as the market has it, which is what the driver calls MiB.
    pub memory_mib: i64,
    /// The driver, such as `535.86.05`.
    pub driver: String,
    /// The newest CUDA that the driver runs, such as `12.2`.
    pub cuda: String,
    /// Board power, W.
    pub watts: u32,
    /// Compute capability, such as `8.9`.
    pub compute: String,
    /// What the GPUs' own numbers are made from.
    pub machine: u64,
}

/// What is printed, and the status that it ends with.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// For standard output.
    pub text: String,
    /// The exit status.
    pub status: u8,
}

fn said(text: String) -> Said {
    Said { text, status: 0 }
}

impl Gpus {
    /// Answers a command line, the program's name left out.
    #[must_use]
    pub fn answer(&self, args: &[String]) -> Said {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        match args.as_slice() {
            [] => said(self.table()),
            ["-L" | "--list-gpus"] => said(self.list()),
            ["-q" | "--query"] => said(self.long()),
            ["--version"] => said(format!(
                "NVIDIA-SMI version  : {0}\nNVML version        : {0}\nDRIVER version      : {0}\nCUDA Version        : {1}\n",
                self.driver, self.cuda
            )),
            _ => self.query(&args),
        }
    }

    /// The driver's own name for the model.
    fn model(&self) -> String {
        let consumer = self.name.split_once(' ').is_some_and(|(line, number)| {
            line == "GTX" || (line == "RTX" && number.starts_with(|c| ('2'..='5').contains(&c)))
        });
        if consumer {
            format!("NVIDIA GeForce {}", self.name)
        } else {
            format!("NVIDIA {}", self.name)
        }
    }

    fn uuid(&self, index: u32) -> String {
        let mut number = self.machine.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(index);
        let mut part = || {
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            number
        };
        let (a, b) = (part(), part());
        format!(
            "GPU-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xffff,
            b >> 48,
            b & 0xffff_ffff_ffff
        )
    }

    fn list(&self) -> String {
        (0..self.count)
            .map(|index| format!("GPU {index}: {} (UUID: {})\n", self.model(), self.uuid(index)))
            .collect()
    }

    /// `--query-gpu=… --format=csv,noheader,nounits`, with `-i` or `--id` in front, between or behind.
    fn query(&self, args: &[&str]) -> Said {
        let (mut fields, mut format, mut ids) = (None, "", Vec::new());
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, value),
                None => (*arg, rest.next().copied().unwrap_or_default()),
            };
            match name {
                "--query-gpu" => fields = Some((value, true)),
                "--query-compute-apps" => fields = Some((value, false)),
                "--format" | "-f" => format = value,
                "-i" | "--id" => ids.extend(value.split(',')),
                _ => {
                    return refused(
                        "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.",
                        1,
                    );
                }
            }
        }
        let Some((fields, of_gpus)) = fields else {
            return refused(
                "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.",
                1,
            );
        };
        let words: Vec<&str> = format.split(',').map(str::trim).collect();
        if !words.contains(&"csv") {
            return refused("\"--format=\" switch is missing.", 1);
        }
        let chosen = |index: &u32| {
            ids.is_empty()
                || ids.iter().any(|id| *id == index.to_string() || *id == self.uuid(*index))
        };
        let gpus: Vec<u32> = (0..self.count).filter(chosen).collect();
        if gpus.is_empty() {
            return refused("No devices were found", 6);
        }
        let shown = if of_gpus { gpus } else { Vec::new() };
        self.csv(fields, &shown, of_gpus, !words.contains(&"noheader"), !words.contains(&"nounits"))
    }

    fn csv(&self, fields: &str, gpus: &[u32], of_gpus: bool, header: bool, units: bool) -> Said {
        let mut columns = Vec::new();
        for name in fields.split(',').map(str::trim) {
            let unit =
                if of_gpus { self.field(name, 0).map(|(_, unit)| unit) } else { app_field(name) };
            let Some(unit) = unit else {
                return refused(&format!("Field \"{name}\" is not a valid field to query."), 2);
            };
            columns.push((name, unit));
        }
        let mut text = String::new();
        if header {
            let names = columns.iter().map(|(name, unit)| match *unit {
                "" => (*name).to_owned(),
                unit => format!("{name} [{unit}]"),
            });
            let _ = writeln!(text, "{}", names.collect::<Vec<_>>().join(", "));
        }
        for index in gpus {
            let values = columns.iter().filter_map(|(name, _)| self.field(name, *index));
            let values = values.map(|(value, unit)| match unit {
                unit if units && !unit.is_empty() => format!("{value} {unit}"),
                _ => value,
            });
            let _ = writeln!(text, "{}", values.collect::<Vec<_>>().join(", "));
        }
        said(text)
    }

    /// The value of a field and its unit.
    fn field(&self, name: &str, index: u32) -> Option<(String, &'static str)> {
        let mib = self.memory_mib;
        Some(match name {
            "index" | "module_id" => (index.to_string(), ""),
            "count" => (self.count.to_string(), ""),
            "name" | "gpu_name" => (self.model(), ""),
            "uuid" | "gpu_uuid" => (self.uuid(index), ""),
            "serial" | "gpu_serial" | "fan.speed.n" => ("[N/A]".into(), ""),
            "driver_version" => (self.driver.clone(), ""),
            "compute_cap" => (self.compute.clone(), ""),
            "pci.bus_id" | "gpu_bus_id" => (bus(index), ""),
            "memory.total" => (mib.to_string(), "MiB"),
            "memory.used" | "memory.reserved" => ("1".into(), "MiB"),
            "memory.free" => ((mib - 1).to_string(), "MiB"),
            "utilization.gpu" | "utilization.memory" | "fan.speed" => ("0".into(), "%"),
            "temperature.gpu" => ("36".into(), ""),
            "power.draw" => ("22.40".into(), "W"),
            "power.limit" | "power.max_limit" | "enforced.power.limit" => {
                (format!("{}.00", self.watts), "W")
            }
            "pstate" => ("P8".into(), ""),
            "persistence_mode" => ("Enabled".into(), ""),
            "display_active" | "display_mode" | "mig.mode.current" => ("Disabled".into(), ""),
            _ => return None,
        })
    }

    fn table(&self) -> String {
        let bar = "+-----------------------------------------------------------------------------------------+\n";
        let mut text = bar.to_owned();
        let _ = writeln!(
            text,
            "| {:<87} |",
            format!(
                "NVIDIA-SMI {0:<22} Driver Version: {0:<14} CUDA Version: {1}",
                self.driver, self.cuda
            )
        );
        text.push_str(bar);
        let mib = self.memory_mib;
        for index in 0..self.count {
            let line = format!(
                "{index:>3}  {:<30} {} {:>8}MiB / {mib:>6}MiB     0%   Default",
                self.model(),
                bus(index),
                1
            );
            let _ = writeln!(text, "| {line:<87} |");
        }
        text.push_str(bar);
        let _ = writeln!(text, "| {:<87} |", "No running processes found");
        text.push_str(bar);
        text
    }

    fn long(&self) -> String {
        let mut text = format!(
            "\n==============NVSMI LOG==============\n\nDriver Version                            : {}\nCUDA Version                              : {}\n\nAttached GPUs                             : {}\n",
            self.driver, self.cuda, self.count
        );
        let mib = self.memory_mib;
        for index in 0..self.count {
            let _ = writeln!(
                text,
                "GPU {}\n    Product Name                          : {}\n    GPU UUID                              : {}\n    FB Memory Usage\n        Total                             : {mib} MiB\n        Used                              : 1 MiB\n        Free                              : {} MiB\n",
                bus(index),
                self.model(),
                self.uuid(index),
                mib - 1
            );
        }
        text
    }
}

/// The unit of a field of running programs.
fn app_field(name: &str) -> Option<&'static str> {
    match name {
        "pid" | "name" | "process_name" | "gpu_uuid" | "gpu_name" | "gpu_bus_id" => Some(""),
        "used_memory" | "used_gpu_memory" => Some("MiB"),
        _ => None,
    }
}

fn bus(index: u32) -> String {
    format!("00000000:{:02X}:00.0", index + 1)
}

fn refused(why: &str, status: u8) -> Said {
    Said { text: format!("{why}\n"), status }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpus() -> Gpus {
        Gpus {
            name: "RTX 4090".into(),
            count: 2,
            memory_mib: 24_564,
            driver: "535.86.05".into(),
            cuda: "12.2".into(),
            watts: 450,
            compute: "8.9".into(),
            machine: 77,
        }
    }

    fn answer(line: &str) -> Said {
        gpus().answer(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn fields_are_given_with_and_without_header_and_units() {
        let line = "--query-gpu=name,memory.total,driver_version --format=csv";
        assert_eq!(
            answer(&format!("{line},noheader,nounits")).text,
            "NVIDIA GeForce RTX 4090, 24564, 535.86.05\n".repeat(2)
        );
        assert_eq!(
            answer(&format!("-i 1 {line}")).text,
            "name, memory.total [MiB], driver_version\nNVIDIA GeForce RTX 4090, 24564 MiB, 535.86.05\n"
        );
        assert_eq!(answer("--query-gpu count --format csv,noheader").text, "2\n2\n");
    }

    #[test]
    fn each_gpu_has_a_number_of_its_own_that_stays() {
        let list = answer("-L").text;
        let lines: Vec<&str> = list.lines().collect();
        assert!(lines[0].starts_with("GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-"), "{list}");
        assert_ne!(lines[0].split("UUID").nth(1), lines[1].split("UUID").nth(1));
        assert_eq!(list, answer("--list-gpus").text);
        assert!(answer("").text.contains("Driver Version: 535.86.05"));
        assert!(answer("-q").text.contains("Attached GPUs                             : 2"));
    }

    #[test]
    fn no_program_runs_on_them() {
        let apps = "--query-compute-apps=pid,used_memory --format=csv";
        assert_eq!(answer(apps).text, "pid, used_memory [MiB]\n");
        assert_eq!(answer(&format!("{apps},noheader")).text, "");
    }

    #[test]
    fn what_it_does_not_know_it_refuses() {
        assert_eq!(answer("--query-gpu=colour --format=csv").status, 2);
        assert_eq!(answer("--query-gpu=name").status, 1);
        assert_eq!(answer("dmon").status, 1);
        assert_eq!(answer("-i 7 --query-gpu=name --format=csv").status, 6);
    }

    #[test]
    fn models_have_the_drivers_names() {
        let model = |name: &str| Gpus { name: name.into(), ..gpus() }.model();
        assert_eq!(model("RTX 6000Ada"), "NVIDIA RTX 6000Ada");
        assert_eq!(model("RTX 5090"), "NVIDIA GeForce RTX 5090");
        assert_eq!(model("A100 SXM4"), "NVIDIA A100 SXM4");
    }
}
