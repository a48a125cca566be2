//! How long a provider takes for each thing, as a table per profile.
//!
//! Figures of `typical` are the measured ones of the wire notes (Vast.ai:
//! search 1.3 s, create 1.6 s, 72.8 s to running, 12.4 s more to SSH; GCP:
//! 24 s from insert to SSH, 136 s for a delete); the rest are middles of the
//! ranges reported there.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

/// Which table of latencies is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ProfileName {
    /// Everything answers at once.
    Instant,
    /// As measured at the real providers, times the scale.
    Typical,
    /// The phase times that the product's own figures are compared with.
    Reference,
}

/// One thing that a provider takes time for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Latency {
    /// Answer to a search for offers.
    VastSearch,
    /// Answer to a create.
    VastCreate,
    /// Answer to a stop.
    VastStop,
    /// Answer to a destroy.
    VastDestroy,
    /// From the contract to the status `created`.
    VastCreated,
    /// From `created` over `loading` to `running`.
    VastLoading,
    /// From `running` to an SSH server that answers.
    VastSsh,
    /// From a start of a stopped instance to an SSH server that answers.
    VastResume,
    /// From an insert to its operation `DONE` and the VM `RUNNING`.
    GcpInsert,
    /// From `RUNNING` to an SSH server that answers.
    GcpBoot,
    /// From a stop to its operation `DONE`.
    GcpStop,
    /// From a delete to its operation `DONE`.
    GcpDelete,
    /// From a start to its operation `DONE`.
    GcpStart,
}

/// The latencies in force for the life of one sandbox.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Which table.
    pub name: ProfileName,
    /// Factor on the table `typical`.
    pub scale: f64,
}

impl Profile {
    /// How long `what` takes.
    #[must_use]
    pub fn delay(&self, what: Latency) -> Duration {
        match self.name {
            ProfileName::Instant => Duration::ZERO,
            ProfileName::Reference => Duration::from_millis(reference_ms(what)),
            ProfileName::Typical => {
                Duration::from_millis(typical_ms(what)).mul_f64(self.scale.clamp(0.0, 1000.0))
            }
        }
    }

    /// How long Vast.ai takes to notice that a host's machine is gone and to
    /// say `offline`.
    #[must_use]
    pub fn notices_dead_host(&self) -> Duration {
        match self.name {
            ProfileName::Instant | ProfileName::Reference => Duration::from_secs(2),
            ProfileName::Typical => Duration::from_secs(30).mul_f64(self.scale.clamp(0.0, 1000.0)),
        }
    }
}

const fn typical_ms(what: Latency) -> u64 {
    match what {
        Latency::VastSearch => 1_300,
        Latency::VastCreate => 1_600,
        Latency::VastStop | Latency::VastDestroy => 700,
        Latency::VastCreated => 2_000,
        Latency::VastLoading => 70_800,
        Latency::VastSsh => 12_400,
        Latency::VastResume => 10_000,
        Latency::GcpInsert | Latency::GcpStart => 8_000,
        Latency::GcpBoot => 16_000,
        Latency::GcpStop => 40_000,
        Latency::GcpDelete => 136_000,
    }
}

const fn reference_ms(what: Latency) -> u64 {
    match what {
        Latency::VastSearch => 3_500,
        Latency::VastCreate | Latency::VastSsh => 500,
        Latency::VastCreated => 250,
        Latency::VastLoading => 1_750,
        Latency::VastStop | Latency::GcpBoot => 2_000,
        Latency::GcpInsert | Latency::GcpStart => 1_000,
        Latency::VastDestroy | Latency::VastResume | Latency::GcpStop | Latency::GcpDelete => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(profile: Profile, parts: &[Latency]) -> Duration {
        parts.iter().map(|what| profile.delay(*what)).sum()
    }

    #[test]
    fn the_reference_profile_keeps_its_phase_times() {
        let profile = Profile { name: ProfileName::Reference, scale: 7.0 };
        let boot =
            [Latency::VastCreate, Latency::VastCreated, Latency::VastLoading, Latency::VastSsh];
        assert_eq!(sum(profile, &boot), Duration::from_secs(3));
        assert_eq!(sum(profile, &[Latency::GcpInsert, Latency::GcpBoot]), Duration::from_secs(3));
        assert_eq!(profile.delay(Latency::VastSearch), Duration::from_millis(3_500));
    }

    #[test]
    fn the_scale_shrinks_only_the_typical_profile() {
        let typical = Profile { name: ProfileName::Typical, scale: 0.1 };
        assert_eq!(
            sum(typical, &[Latency::VastCreated, Latency::VastLoading]),
            Duration::from_millis(7_280)
        );
        let instant = Profile { name: ProfileName::Instant, scale: 9.0 };
        assert_eq!(instant.delay(Latency::VastLoading), Duration::ZERO);
    }
}
