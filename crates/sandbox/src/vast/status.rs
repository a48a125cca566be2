//! The words of an instance's life: how far it has come, what is wanted of
//! it, what it costs, and what host it calls for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far the container has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The contract is being provisioned; `actual_status` is null.
    Null,
    /// Created, not started.
    Created,
    /// The image is being fetched and started.
    Loading,
    /// The container runs.
    Running,
    /// It ran and does not.
    Exited,
}

/// What is wanted of, or granted to, the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Contract {
    /// Running.
    Running,
    /// Stopped.
    Stopped,
    /// Being destroyed.
    Unloaded,
}

impl Contract {
    /// The word on the wire.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Unloaded => "unloaded",
        }
    }
}

/// What Vast says of a machine that it has lost touch with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Silence {
    /// Disconnected; not billed.
    Offline,
    /// No recent heartbeat.
    Unknown,
}

/// Why a stopped instance is waiting to run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outbid {
    /// When the bid wins again by itself.
    pub resume_at_ms: Option<i64>,
    /// The arming of the fault that holds it down until it is cleared.
    pub until_cleared: Option<u64>,
}

/// An instance that does not get past a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stuck {
    /// The last stage that it reaches.
    pub stage: Stage,
    /// What `status_msg` repeats.
    pub msg: Option<String>,
    /// The arming of the fault that holds it until it is cleared.
    pub until_cleared: Option<u64>,
}

/// How long the steps of a life take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    /// From the contract to `created`.
    pub created: Duration,
    /// From `created` to `running`.
    pub loading: Duration,
    /// From `running` to an SSH server that answers.
    pub ssh: Duration,
    /// From a start to an SSH server that answers.
    pub resume: Duration,
    /// From a stop to the container's end.
    pub stop: Duration,
    /// How long `actual_status` lags behind an outbid.
    pub lag: Duration,
}

/// Which rate applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bill {
    /// Nothing: the machine is offline.
    Nothing,
    /// Storage only.
    Disk,
    /// GPUs and storage.
    Everything,
}

/// What host the instance calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// No host, and no files.
    Nothing,
    /// Files, no processes.
    Halted,
    /// A running host; SSH is refused until it is `open`.
    Booted {
        /// Connections are let through.
        open: bool,
    },
}
