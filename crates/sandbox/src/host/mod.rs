//! The real hosts behind the instances.
//!
//! A host is a process tree of its own in a bubblewrap container with its own
//! files, and an SSH server that this process makes reachable on a loopback
//! address of its own. This module knows nothing of providers or money.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

mod address;
mod carry;
mod container;
mod files;
mod hosts;
mod launcher;
mod one;
mod relay;
mod table;

pub use hosts::Hosts;

/// Which of the two networks a host is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// 127.78.x.y, on a port that changes.
    Gpu,
    /// 127.77.x.y, always on the standby's SSH port.
    Standby,
}

/// What a new host is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSpec {
    /// A name of its own for ever: letters, digits, `-`, `_`.
    pub id: String,
    /// Its network.
    pub kind: HostKind,
    /// OpenSSH public key lines that may log in.
    pub keys: Vec<String>,
    /// Run by bash at every boot, after the SSH server is up.
    pub boot_script: Option<String>,
    /// Environment of every login and of the boot script.
    pub env: Vec<(String, String)>,
}

/// Where a host's SSH server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// An address in 127.0.0.0/8.
    pub addr: Ipv4Addr,
    /// Its TCP port.
    pub port: u16,
}

/// What the network lets through to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Net {
    /// Everything.
    Up,
    /// Nothing, silently: open connections hang, new ones are never answered.
    Cut,
    /// Connections are refused, and open ones are reset.
    Refuse,
}

/// How a host's processes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// Running.
    Up,
    /// Stopped in the middle of everything.
    Frozen,
    /// Killed by a fault; files kept, network a black hole.
    Dead,
    /// Shut down in order; files kept.
    Halted,
}

/// What a host uses now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Live processes.
    pub processes: u32,
    /// Their resident memory, shared pages counted in each.
    pub rss_bytes: u64,
    /// Bytes of its own files; none when nobody looked.
    pub disk_bytes: Option<u64>,
}

/// Why something about a host could not be done.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No host has this id.
    #[error("there is no host {0}")]
    Unknown(String),
    /// A host has this id already.
    #[error("there is a host {0} already")]
    Exists(String),
    /// The id has a character that is not allowed.
    #[error("{0:?} is not a host id")]
    BadId(String),
    /// This machine can't run hosts.
    #[error("hosts can't run here: {0}")]
    Unable(String),
    /// It does not run, and only a running one can do that.
    #[error("host {0} does not run")]
    NotRunning(String),
    /// It runs, and only one that does not can do that.
    #[error("host {0} is still running")]
    StillRunning(String),
    /// It was started but never answered.
    #[error("host {id} did not come up: {log}")]
    Silent {
        /// Which host.
        id: String,
        /// The end of its console.
        log: String,
    },
    /// A file or a process refused.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// What of a host survives a restart of the sandbox; its files are on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HostRecord {
    /// Its id.
    pub id: String,
    /// Its network.
    pub kind: HostKind,
    /// Where it is, or was last, reached.
    pub endpoint: Endpoint,
    /// How it was.
    pub life: Life,
    /// How its network was.
    pub net: Net,
}

/// Usage of many hosts by id.
pub type Usages = HashMap<String, Usage>;
