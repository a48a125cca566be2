//! What a sandbox is started with.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::profile::ProfileName;

/// The SSH port of every standby unless told otherwise. Not 22, because an
/// ordinary user may not bind that.
pub const STANDBY_SSH_PORT: u16 = 2222;

/// Where hosts keep their files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Disks {
    /// All on this machine's own file system, which is as large as it is.
    #[default]
    Shared,
    /// Each on a file system of its own, as large as was asked for. Needs root.
    Own,
}

/// The settings of one sandbox.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Address of the one listener; port 0 lets the system choose
    #[arg(long, env = "DUMONT_SANDBOX_LISTEN", default_value = "127.0.0.1:8700")]
    pub listen: SocketAddr,
    /// Folder for the state, the credentials and the hosts' files
    #[arg(long, env = "DUMONT_SANDBOX_DATA", default_value = "sandbox-data")]
    pub data: PathBuf,
    /// How long the providers take for things
    #[arg(long, env = "DUMONT_SANDBOX_PROFILE", value_enum, default_value_t = ProfileName::Instant)]
    pub profile: ProfileName,
    /// Factor on the figures of the profile `typical`
    #[arg(long, env = "DUMONT_SANDBOX_SCALE", default_value_t = 1.0)]
    pub scale: f64,
    /// Enforce the providers' own rate limits
    #[arg(long, env = "DUMONT_SANDBOX_RATE_LIMITS")]
    pub rate_limits: bool,
    /// SSH port of every standby host
    #[arg(long, env = "DUMONT_SANDBOX_STANDBY_PORT", default_value_t = STANDBY_SSH_PORT)]
    pub standby_port: u16,
    /// Whether a host's disk ends where it was asked to
    #[arg(long, env = "DUMONT_SANDBOX_DISKS", value_enum, default_value_t = Disks::Shared)]
    pub disks: Disks,
    /// The `dumont-sandbox` binary that runs inside each host; found next to
    /// the running program when not given
    #[arg(long, env = "DUMONT_SANDBOX_BIN")]
    pub host_program: Option<PathBuf>,
}

impl Options {
    /// Settings for a sandbox in `data` on a port that the system picks, in
    /// the profile `instant`; what tests want.
    #[must_use]
    pub fn in_dir(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: data.into(),
            profile: ProfileName::Instant,
            scale: 1.0,
            rate_limits: false,
            standby_port: STANDBY_SSH_PORT,
            disks: Disks::Shared,
            host_program: None,
        }
    }
}
