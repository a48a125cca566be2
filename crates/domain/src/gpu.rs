//! A GPU instance as its provider tells it, and what that word means for us.

use serde::{Deserialize, Serialize};

use crate::id::GpuId;
use crate::money::MicroUsd;
use crate::time::Millis;

/// One rented GPU instance, read from the provider's list. Every field but the id may be unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuInstance {
    /// Vast's number.
    pub id: GpuId,
    /// Physical machine.
    pub machine_id: Option<i64>,
    /// Label given at creation.
    pub label: Option<String>,
    /// `actual_status`, as sent.
    pub actual_status: Option<String>,
    /// `intended_status`, as sent.
    pub intended_status: Option<String>,
    /// `cur_state`, as sent.
    pub cur_state: Option<String>,
    /// `next_state`, as sent.
    pub next_state: Option<String>,
    /// `status_msg`, trimmed and shortened to 500 characters.
    pub status_msg: Option<String>,
    /// Direct SSH address, else the proxy's; none while it is not running.
    pub ssh: Option<Endpoint>,
    /// Public address, trimmed.
    pub public_ip: Option<String>,
    /// Model with spaces, for example `RTX 4090`.
    pub gpu_name: Option<String>,
    /// How many GPUs.
    pub num_gpus: Option<i64>,
    /// Per GPU, MB.
    pub gpu_ram_mb: Option<i64>,
    /// Cores that the instance may use.
    pub cpu_cores: Option<f64>,
    /// MB.
    pub cpu_ram_mb: Option<i64>,
    /// GB.
    pub disk_gb: Option<f64>,
    /// What is billed per hour now, all parts.
    pub usd_per_hour: Option<MicroUsd>,
    /// Interruptible (a bid) or on demand.
    pub is_bid: bool,
    /// Our bid per hour, where it is one.
    pub bid: Option<MicroUsd>,
    /// What a bid must reach now, where known.
    pub min_bid: Option<MicroUsd>,
    /// Image it runs.
    pub image: Option<String>,
    /// `California, US`.
    pub geolocation: Option<String>,
    /// 0..1.
    pub reliability: Option<f64>,
    /// Start of the contract.
    pub started_at: Option<Millis>,
    /// Percent, 0..100.
    pub gpu_util: Option<f64>,
    /// °C.
    pub gpu_temp: Option<f64>,
}

/// Where a host answers SSH.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Address or name.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

crate::text_enum! {
    /// What the provider's record of an instance comes to.
    pub enum GpuState ("gpu state") {
        /// Being made, loading, or rebooting.
        Provisioning = "provisioning",
        /// Runs, and says where SSH answers.
        Running = "running",
        /// Someone with the account's key stopped it, or the rental ended.
        Stopped = "stopped",
        /// Outbid: the provider stopped an interruptible instance; it may come back by itself.
        Preempted = "preempted",
        /// Its host is offline or silent.
        HostLost = "host_lost",
        /// The container ended though it should run.
        Crashed = "crashed",
    }
}

impl GpuInstance {
    /// What this record means. Follows the wire notes' recommended order; `actual_status` alone
    /// never says that an instance is stopped, since it lags.
    #[must_use]
    pub fn state(&self) -> GpuState {
        let actual = self.actual_status.as_deref().unwrap_or("");
        let all_stopped = [&self.intended_status, &self.cur_state, &self.next_state]
            .iter()
            .all(|state| state.as_deref() == Some("stopped"));
        if matches!(actual, "offline" | "unknown") {
            return GpuState::HostLost;
        }
        if all_stopped {
            return if self.was_outbid() { GpuState::Preempted } else { GpuState::Stopped };
        }
        match actual {
            "exited" if self.intended_status.as_deref() == Some("running") => GpuState::Crashed,
            "running" if self.ssh.is_some() => GpuState::Running,
            _ => GpuState::Provisioning,
        }
    }

    /// Whether it was bought and waits for its GPUs, which another holds.
    #[must_use]
    pub fn waits_for_gpus(&self) -> bool {
        self.intended_status.as_deref() == Some("running")
            && self.cur_state.as_deref() == Some("stopped")
            && self.actual_status.as_deref() != Some("running")
    }

    /// What the provider says, where the image can't be had: another host would fare no better.
    #[must_use]
    pub fn image_trouble(&self) -> Option<&str> {
        const WORDS: [&str; 5] = [
            "manifest unknown",
            "manifest for ",
            "pull access denied",
            "repository does not exist",
            "toomanyrequests",
        ];
        let said = self.status_msg.as_deref()?;
        let lower = said.to_lowercase();
        WORDS.iter().any(|words| lower.contains(words)).then_some(said)
    }

    /// Whether the market explains a stop: an interruptible instance whose bid no longer reaches
    /// the floor. An unknown floor counts as outbid, since nobody else stops a bid in silence;
    /// a bid that still reaches it was stopped by its owner.
    #[must_use]
    pub fn was_outbid(&self) -> bool {
        self.is_bid
            && match (self.bid, self.min_bid) {
                (Some(bid), Some(floor)) => bid < floor,
                _ => true,
            }
    }
}

/// The rate of the dearest instance that runs or is about to; `None` where none does, or none's is
/// known. What a replacement costs at the least, were that one lost.
#[must_use]
pub fn dearest_rate(instances: &[GpuInstance]) -> Option<MicroUsd> {
    instances
        .iter()
        .filter(|one| !matches!(one.state(), GpuState::Stopped | GpuState::Preempted))
        .filter_map(|one| one.usd_per_hour)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(actual: Option<&str>, three: [&str; 3]) -> GpuInstance {
        let [intended, current, next] = three.map(|state| Some(state.to_owned()));
        GpuInstance {
            id: GpuId(1),
            machine_id: None,
            label: None,
            actual_status: actual.map(str::to_owned),
            intended_status: intended,
            cur_state: current,
            next_state: next,
            status_msg: None,
            ssh: Some(Endpoint { host: "h".into(), port: 22 }),
            public_ip: None,
            gpu_name: None,
            num_gpus: None,
            gpu_ram_mb: None,
            cpu_cores: None,
            cpu_ram_mb: None,
            disk_gb: None,
            usd_per_hour: None,
            is_bid: false,
            bid: None,
            min_bid: None,
            image: None,
            geolocation: None,
            reliability: None,
            started_at: None,
            gpu_util: None,
            gpu_temp: None,
        }
    }

    #[test]
    fn the_three_states_decide_a_stop_and_the_bid_decides_whose() {
        let mut stopped = instance(Some("running"), ["stopped"; 3]);
        assert_eq!(stopped.state(), GpuState::Stopped);
        stopped.is_bid = true;
        assert_eq!(stopped.state(), GpuState::Preempted);
        stopped.bid = Some(MicroUsd(200_000));
        stopped.min_bid = Some(MicroUsd(150_000));
        assert_eq!(stopped.state(), GpuState::Stopped);
        stopped.min_bid = Some(MicroUsd(250_000));
        assert_eq!(stopped.state(), GpuState::Preempted);
    }

    #[test]
    fn an_image_that_can_not_be_had_and_gpus_that_another_holds_are_seen_while_it_is_made() {
        let mut made = instance(Some("loading"), ["running", "stopped", "running"]);
        assert_eq!(made.state(), GpuState::Provisioning);
        assert!(made.waits_for_gpus() && made.image_trouble().is_none());
        for words in [
            "Error response from daemon: manifest unknown",
            "Error: pull access denied for me/private, repository does not exist",
            "toomanyrequests: You have reached your pull rate limit.",
        ] {
            made.status_msg = Some(words.into());
            assert_eq!(made.image_trouble(), Some(words));
        }
        made.status_msg = Some("#5 [2/6] RUN mkdir -p /workspace".into());
        assert_eq!(made.image_trouble(), None);
        for three in [["running"; 3], ["stopped"; 3]] {
            assert!(!instance(Some("loading"), three).waits_for_gpus(), "{three:?}");
        }
        assert!(!instance(Some("running"), ["running", "stopped", "running"]).waits_for_gpus());
    }

    #[test]
    fn host_words_and_lagging_words_are_read_in_order() {
        assert_eq!(instance(Some("offline"), ["running"; 3]).state(), GpuState::HostLost);
        assert_eq!(instance(Some("unknown"), ["stopped"; 3]).state(), GpuState::HostLost);
        assert_eq!(instance(Some("exited"), ["running"; 3]).state(), GpuState::Crashed);
        assert_eq!(instance(None, ["running"; 3]).state(), GpuState::Provisioning);
        assert_eq!(instance(Some("running"), ["running"; 3]).state(), GpuState::Running);
        let mut no_ssh = instance(Some("running"), ["running"; 3]);
        no_ssh.ssh = None;
        assert_eq!(no_ssh.state(), GpuState::Provisioning);
    }
}
