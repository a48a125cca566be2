//! What the engine is told at start.

use std::time::Duration;

use domain::verdict::VerdictPolicy;

/// Addresses and limits. The defaults are for the real providers.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Vast's base address.
    pub vast_url: String,
    /// Google Compute's address, where it is not the real one.
    pub gcp_endpoint: Option<String>,
    /// Port on which standbys answer SSH.
    pub standby_ssh_port: u16,
    /// Whether either provider is not the real one; marks every failover.
    pub sandbox: bool,
    /// Keep to the rate limits that Vast publishes. Off only against a provider that has none.
    pub published_limits: bool,
    /// Name of this process among those that share a database.
    pub holder: String,
    /// `dumont-agent`, where this installation has it: what was kept by it is taken over by it, whatever
    /// standbys follow by now.
    pub agent: Option<crate::data::Program>,
    /// Whether standbys shall follow by it; else by rsync.
    pub follow_by_agent: bool,
    /// Limits of waiting.
    pub timings: Timings,
    /// Limits of the verdict.
    pub verdict: VerdictPolicy,
}

/// How long things may take, and how often they are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// Between two looks at a provider's list.
    pub poll: Duration,
    /// Between two beats of a heartbeat.
    pub beat: Duration,
    /// How long an ambiguous purchase is looked for before another offer is tried.
    pub visibility: Duration,
    /// How long a new GPU may take until it runs.
    pub boot: Duration,
    /// How long it may take from running until it answers SSH.
    pub ssh: Duration,
    /// How long one user command may take.
    pub hook: Duration,
    /// How long a lease lasts without renewal.
    pub lease: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            beat: Duration::from_millis(400),
            visibility: Duration::from_secs(20),
            boot: Duration::from_secs(900),
            ssh: Duration::from_secs(180),
            hook: Duration::from_secs(60),
            lease: Duration::from_millis(3000),
        }
    }
}

/// The real Vast.ai.
pub const VAST_URL: &str = "https://console.vast.ai";

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            vast_url: VAST_URL.into(),
            gcp_endpoint: None,
            standby_ssh_port: 22,
            sandbox: false,
            published_limits: true,
            holder: "dumont".into(),
            agent: None,
            follow_by_agent: true,
            timings: Timings::default(),
            verdict: VerdictPolicy::default(),
        }
    }
}
