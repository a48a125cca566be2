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
mod copy;
mod disk;
mod files;
mod filter;
mod ground;
mod hosts;
mod image;
mod launcher;
mod layer;
mod look;
mod one;
mod relay;
mod rootfs;
mod table;
mod tools;
mod wrap;

pub use crate::inside::Gpus;
pub use hosts::Hosts;
pub(crate) use image::OURS as OWN_IMAGES;
pub use image::UnknownImage;

/// Whether the image's name asks for a disk of its own.
pub(crate) fn wants_own_disk(image: &str) -> bool {
    image::Image::named(image).is_ok_and(|image| image.own_disk)
}

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
    /// Run by bash, or by sh where there is none, at every boot, after the SSH server is up.
    pub boot_script: Option<String>,
    /// Environment of every login and of the boot script.
    pub env: Vec<(String, String)>,
    /// The image that it plays: an ordinary name, or one under `dumont-sandbox/`, which lacks things.
    pub image: String,
    /// The size of its disk, bytes; none is the machine's own. Needs root.
    pub disk_bytes: Option<u64>,
    /// What its `nvidia-smi` shows; none is no such program.
    pub gpus: Option<Gpus>,
    /// TCP ports of the host that are reached from outside, each at one that the system chooses.
    pub ports: Vec<u16>,
}

impl HostSpec {
    /// An ordinary host that nobody can log in to yet.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: HostKind) -> Self {
        Self {
            id: id.into(),
            kind,
            keys: Vec::new(),
            boot_script: None,
            env: Vec::new(),
            image: String::new(),
            disk_bytes: None,
            gpus: None,
            ports: Vec::new(),
        }
    }
}

/// A port of a host, and where it is reached on the host's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// What the host's own program listens on.
    pub inside: u16,
    /// What others connect to.
    pub outside: u16,
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
    /// There is no such image.
    #[error(transparent)]
    Image(#[from] UnknownImage),
    /// The host's disk is the machine's own, and only one of its own can be full.
    #[error("host {0} has no disk of its own")]
    SharedDisk(String),
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

/// Whether there is an image of this name.
pub(crate) fn check_image(name: &str) -> Result<(), UnknownImage> {
    image::Image::named(name).map(drop)
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
    /// The image that it plays.
    #[serde(default)]
    pub image: String,
    /// The size of its own disk, bytes.
    #[serde(default)]
    pub disk_bytes: Option<u64>,
    /// What it publishes.
    #[serde(default)]
    pub ports: Vec<Published>,
}

/// Usage of many hosts by id.
pub type Usages = HashMap<String, Usage>;
