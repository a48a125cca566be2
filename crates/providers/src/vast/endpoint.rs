//! Vast's endpoints, as far as its rate limits tell them apart, and those limits.
//!
//! The figures are the `x-rate-limit` notes of Vast's own OpenAPI files; its staff calls them
//! approximate. What is not published gets one second.

use std::time::Duration;

use crate::limiter::{Gate, Rate};

/// A group of calls under one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    User,
    Search,
    Create,
    List,
    Get,
    Update,
    Destroy,
    Reboot,
    Bid,
    Keys,
    Logs,
}

impl Endpoint {
    #[cfg(test)]
    const ALL: [Self; 11] = [
        Self::User,
        Self::Search,
        Self::Create,
        Self::List,
        Self::Get,
        Self::Update,
        Self::Destroy,
        Self::Reboot,
        Self::Bid,
        Self::Keys,
        Self::Logs,
    ];

    /// What Vast allows, with a tenth of a second on top for calls that travel unequally fast.
    fn published(self) -> Rate {
        match self {
            Self::Search => Rate { calls: 10, window: Duration::from_secs(60) },
            Self::Create => Rate::every_ms(4600),
            Self::Bid => Rate::every_ms(5600),
            Self::Destroy => Rate::every_ms(3100),
            Self::Get => Rate::every_ms(2100),
            Self::User | Self::List | Self::Update | Self::Reboot | Self::Keys | Self::Logs => {
                Rate::every_ms(1100)
            }
        }
    }

    /// How long to stay away after a 429 that does not say it.
    pub(super) fn penalty(self) -> Duration {
        match self {
            Self::Create => Duration::from_secs(12),
            Self::Search => Duration::from_secs(6),
            other => (other.published().window * 2).max(Duration::from_secs(2)),
        }
    }
}

/// Which rate limits the client keeps by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// Vast's published ones.
    Published,
    /// None; for tests against a sandbox that has none.
    None,
}

impl Limits {
    /// Vast's published limits.
    #[must_use]
    pub const fn published() -> Self {
        Self::Published
    }

    /// No limits at all.
    #[must_use]
    pub const fn none() -> Self {
        Self::None
    }

    pub(super) fn gate(self, endpoint: Endpoint) -> Gate {
        Gate::new(match self {
            Self::Published => endpoint.published(),
            Self::None => Rate::UNBOUNDED,
        })
    }
}

/// Searches a minute, of the ten that Vast allows this process, that one account gets for what can
/// wait. Not of Vast's making: what is left is for other accounts, and for failovers of all.
const SEARCHES_OF_ONE: Rate = Rate { calls: 6, window: Duration::from_secs(60) };

/// One account's gates. Searching is limited by the caller's address, so all accounts share that one;
/// here is only an account's share of it.
#[derive(Debug)]
pub(super) struct Gates {
    /// In front of what can wait.
    pub(super) share: Gate,
    user: Gate,
    create: Gate,
    list: Gate,
    get: Gate,
    update: Gate,
    destroy: Gate,
    reboot: Gate,
    bid: Gate,
    keys: Gate,
    logs: Gate,
}

impl Gates {
    pub(super) fn new(limits: Limits) -> Self {
        let share = match limits {
            Limits::Published => SEARCHES_OF_ONE,
            Limits::None => Rate::UNBOUNDED,
        };
        Self {
            share: Gate::new(share),
            user: limits.gate(Endpoint::User),
            create: limits.gate(Endpoint::Create),
            list: limits.gate(Endpoint::List),
            get: limits.gate(Endpoint::Get),
            update: limits.gate(Endpoint::Update),
            destroy: limits.gate(Endpoint::Destroy),
            reboot: limits.gate(Endpoint::Reboot),
            bid: limits.gate(Endpoint::Bid),
            keys: limits.gate(Endpoint::Keys),
            logs: limits.gate(Endpoint::Logs),
        }
    }

    /// The gate in front of an endpoint; `None` for searching.
    pub(super) fn of(&self, endpoint: Endpoint) -> Option<&Gate> {
        Some(match endpoint {
            Endpoint::User => &self.user,
            Endpoint::Search => return None,
            Endpoint::Create => &self.create,
            Endpoint::List => &self.list,
            Endpoint::Get => &self.get,
            Endpoint::Update => &self.update,
            Endpoint::Destroy => &self.destroy,
            Endpoint::Reboot => &self.reboot,
            Endpoint::Bid => &self.bid,
            Endpoint::Keys => &self.keys,
            Endpoint::Logs => &self.logs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_bounded_and_its_penalty_is_longer_than_its_spacing() {
        for endpoint in Endpoint::ALL {
            let rate = endpoint.published();
            assert!(rate.window > Duration::ZERO, "{endpoint:?}");
            let spacing = rate.window / u32::try_from(rate.calls).expect("small");
            assert!(endpoint.penalty() >= spacing, "{endpoint:?}");
        }
    }
}
