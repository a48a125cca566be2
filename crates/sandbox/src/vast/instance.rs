//! One rented instance: what was asked for, what it costs, and its life.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::life::{Bill, Life, Silence};

/// A public key that may log in to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// Number of the key.
    pub id: u64,
    /// The account that it belongs to.
    pub account: u64,
    /// An OpenSSH public key line.
    pub public_key: String,
    /// Unix milliseconds.
    pub created_ms: i64,
}

/// Reads that do not show a new instance yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hidden {
    /// Hidden until then, unix milliseconds.
    pub until_ms: Option<i64>,
    /// Hidden from so many reads.
    pub reads: u32,
}

impl Hidden {
    /// True if this read does not show the instance; counts the read.
    pub(crate) fn strikes(&mut self, now_ms: i64) -> bool {
        if self.until_ms.is_some_and(|until| now_ms < until) {
            return true;
        }
        let hidden = self.reads > 0;
        self.reads = self.reads.saturating_sub(1);
        hidden
    }
}

/// A line of the instance's own journal, shown as its daemon log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub text: String,
}

/// Lines of the journal that are kept.
const JOURNAL: usize = 200;

/// One rented instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Instance {
    /// The contract's number.
    pub id: u64,
    /// Who pays.
    pub account: u64,
    /// The slot that it uses.
    pub ask_id: u64,
    /// The customer's label.
    pub label: Option<String>,
    /// The image asked for.
    pub image: String,
    /// The boot script.
    pub onstart: Option<String>,
    /// Environment, ports and volumes as given, in order.
    pub extra_env: Vec<(String, String)>,
    /// `runtype` as given.
    pub runtype: String,
    /// Arguments of the image's entry point.
    #[serde(default)]
    pub args: Vec<String>,
    /// Disk, GB.
    pub disk_gb: f64,
    /// The bid, micro-dollars per hour; none for on-demand.
    pub bid_micro: Option<i64>,
    /// The price of the GPUs on demand when it was rented, micro-dollars per hour.
    pub ask_micro: i64,
    /// The price of the disk, micro-dollars per hour.
    pub disk_micro: i64,
    /// Unix milliseconds.
    pub created_ms: i64,
    /// Keys that may log in.
    pub keys: Vec<Key>,
    /// Rises when the keys change.
    pub keys_version: u32,
    /// A counted fault has made its SSH port refuse.
    pub ssh_dead: bool,
    /// Its files are made anew before the next boot.
    #[serde(default)]
    pub renew: bool,
    /// The key that can only start, stop and destroy this instance.
    pub api_key: String,
    /// Where it stands.
    pub life: Life,
    /// Not shown yet.
    pub hidden: Hidden,
    /// What happened to it, oldest first.
    pub journal: Vec<Event>,
}

impl Instance {
    /// The rate for the GPUs while it runs, micro-dollars per hour.
    pub(crate) fn gpu_micro(&self) -> i64 {
        self.bid_micro.unwrap_or(self.ask_micro)
    }

    /// The rate now, micro-dollars per hour.
    pub(crate) fn rate_micro(&self, silence: Option<Silence>) -> i64 {
        match self.life.bill(silence) {
            Bill::Nothing => 0,
            Bill::Disk => self.disk_micro,
            Bill::Everything => self.gpu_micro() + self.disk_micro,
        }
    }

    /// Adds a line to the journal.
    pub(crate) fn note(&mut self, at_ms: i64, text: impl Into<String>) {
        self.journal.push(Event { at_ms, text: text.into() });
        let excess = self.journal.len().saturating_sub(JOURNAL);
        self.journal.drain(..excess);
    }

    /// The environment variables among [`Self::extra_env`]; options of the
    /// container runtime (`-p`, `-v`, `-h`) are none.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.extra_env.iter().filter(|(name, _)| is_variable(name)).cloned()
    }

    /// Container ports that were asked for, such as `8080/tcp`.
    pub(crate) fn wanted_ports(&self) -> Vec<String> {
        self.extra_env.iter().filter_map(|(name, _)| port_option(name)).collect()
    }

    /// TCP ports that others reach at a port that changes with each start. SSH has one anyway.
    pub(crate) fn published_ports(&self) -> Vec<u16> {
        let wanted = self.wanted_ports();
        let tcp = wanted.iter().filter_map(|port| port.strip_suffix("/tcp")?.parse().ok());
        let mut ports: Vec<u16> = tcp.filter(|port| *port != 22).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// A port of the machine that was asked for twice, which the container runtime refuses.
    pub(crate) fn port_asked_twice(&self) -> Option<String> {
        let mut seen = HashSet::new();
        let mut ports = self.extra_env.iter().filter_map(|(name, _)| machine_port(name));
        ports.find(|port| !seen.insert(port.clone()))
    }

    /// What runs at each boot. There is no image here whose entry point could take the arguments:
    /// the boot script gets them, or they are a command by themselves.
    pub(crate) fn boot_script(&self) -> Option<String> {
        if self.args.is_empty() {
            return self.onstart.clone();
        }
        let quoted: Vec<String> =
            self.args.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
        let words = quoted.join(" ");
        Some(match &self.onstart {
            Some(script) => format!("set -- {words}\n{script}"),
            None => format!("exec {words}"),
        })
    }

    /// Whether an SSH server is part of the run type.
    pub(crate) fn has_ssh(&self) -> bool {
        self.runtype.is_empty() || self.runtype.contains("ssh") || self.runtype.contains("jupyter")
    }
}

fn is_variable(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// `-p 8080:80/udp` as `80/udp`.
fn port_option(name: &str) -> Option<String> {
    let mapping = name.strip_prefix("-p")?.trim();
    let (mapping, protocol) = mapping.split_once('/').unwrap_or((mapping, "tcp"));
    let inner = mapping.rsplit(':').next()?;
    inner.parse::<u16>().ok().map(|port| format!("{port}/{protocol}"))
}

/// `-p 8080:80/udp` as `8080/udp`.
fn machine_port(name: &str) -> Option<String> {
    let mapping = name.strip_prefix("-p")?.trim();
    let (mapping, protocol) = mapping.split_once('/').unwrap_or((mapping, "tcp"));
    let outer = mapping.rsplit(':').nth(1)?;
    outer.parse::<u16>().ok().map(|port| format!("{port}/{protocol}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vast::life::Pace;

    fn instance() -> Instance {
        Instance {
            id: 1,
            account: 1,
            ask_id: 1,
            label: None,
            image: "ubuntu:22.04".into(),
            onstart: None,
            extra_env: vec![
                ("A".into(), "B".into()),
                ("-p 8080:80".into(), "1".into()),
                ("-p 53:53/udp".into(), "1".into()),
                ("-h".into(), "box".into()),
            ],
            runtype: "ssh_direc ssh_proxy".into(),
            args: Vec::new(),
            disk_gb: 20.0,
            bid_micro: Some(200_000),
            ask_micro: 345_000,
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

    #[test]
    fn only_variables_reach_the_environment() {
        let variables: Vec<_> = instance().variables().collect();
        assert_eq!(variables, [("A".to_owned(), "B".to_owned())]);
        assert_eq!(instance().wanted_ports(), ["80/tcp", "53/udp"]);
        assert_eq!(instance().published_ports(), [80]);
    }

    #[test]
    fn a_port_of_the_machine_can_be_had_once() {
        let mut it = instance();
        assert_eq!(it.port_asked_twice(), None);
        it.extra_env.push(("-p 8080:81".into(), "1".into()));
        assert_eq!(it.port_asked_twice().as_deref(), Some("8080/tcp"));
    }

    #[test]
    fn the_rate_follows_the_life() {
        let mut it = instance();
        assert_eq!(it.rate_micro(None), 4_000);
        it.life.tick(0);
        it.life.booted(0);
        assert_eq!(it.rate_micro(None), 204_000);
        assert_eq!(it.rate_micro(Some(Silence::Unknown)), 204_000);
        assert_eq!(it.rate_micro(Some(Silence::Offline)), 0);
        it.bid_micro = None;
        assert_eq!(it.rate_micro(None), 349_000);
    }

    #[test]
    fn a_hidden_instance_appears_after_its_reads_or_its_time() {
        let mut reads = Hidden { until_ms: None, reads: 2 };
        assert_eq!([reads.strikes(0), reads.strikes(0), reads.strikes(0)], [true, true, false]);
        let mut timed = Hidden { until_ms: Some(10), reads: 0 };
        assert_eq!([timed.strikes(9), timed.strikes(10)], [true, false]);
    }

    #[test]
    fn the_journal_is_bounded() {
        let mut it = instance();
        for at in 0..500 {
            it.note(at, "x");
        }
        assert_eq!(it.journal.len(), JOURNAL);
        assert_eq!(it.journal.last().map(|event| event.at_ms), Some(499));
    }
}
