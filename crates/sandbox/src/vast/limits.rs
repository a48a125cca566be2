//! Vast's rate limits: a least interval per endpoint and key, and for the
//! search a number per minute. Published values (wire notes, section 3).

use std::collections::{HashMap, VecDeque};

/// Searches allowed in a minute.
const SEARCHES_PER_MINUTE: usize = 10;

/// A kind of call that is limited, and named in faults, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    /// The account.
    User,
    /// Search for offers.
    Search,
    /// Create.
    Create,
    /// The list.
    List,
    /// One instance.
    Get,
    /// Start, stop, label.
    Change,
    /// Reboot and recycle.
    Reboot,
    /// Change of a bid.
    Bid,
    /// Destroy.
    Destroy,
    /// Keys of the account and of instances.
    Keys,
    /// Logs.
    Logs,
    /// Charges.
    Charges,
    /// Anything else.
    Other,
}

impl Endpoint {
    /// The name that a fault can aim at.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Search => "search",
            Self::Create => "create",
            Self::List => "list",
            Self::Get => "get",
            Self::Change => "change",
            Self::Reboot => "reboot",
            Self::Bid => "bid",
            Self::Destroy => "destroy",
            Self::Keys => "keys",
            Self::Logs => "logs",
            Self::Charges => "charges",
            Self::Other => "other",
        }
    }

    /// Which endpoint a route is.
    pub(crate) fn of(method: &str, route: &str) -> Self {
        let route = route.trim_end_matches('/');
        let Some(path) = route.strip_prefix("/api/v0/").or_else(|| route.strip_prefix("/api/v1/"))
        else {
            return Self::Other;
        };
        match (method, path) {
            (_, "users/current") => Self::User,
            (_, "bundles" | "search/asks") => Self::Search,
            (_, "asks/{id}") => Self::Create,
            ("GET", "instances") => Self::List,
            ("GET", "instances/{id}") => Self::Get,
            ("PUT", "instances" | "instances/{id}") => Self::Change,
            ("DELETE", "instances" | "instances/{id}") => Self::Destroy,
            (_, "instances/reboot/{id}" | "instances/recycle/{id}") => Self::Reboot,
            (_, "instances/bid_price/{id}") => Self::Bid,
            (_, "instances/request_logs/{id}") => Self::Logs,
            (_, "charges") => Self::Charges,
            (_, path) if path.starts_with("ssh") || path.contains("/ssh") => Self::Keys,
            _ => Self::Other,
        }
    }

    /// Least seconds between two calls of one key; none is unlimited.
    const fn interval_ms(self) -> Option<i64> {
        match self {
            Self::Create => Some(4_500),
            Self::Destroy => Some(3_000),
            Self::Change | Self::Reboot | Self::Keys | Self::List | Self::Charges => Some(1_000),
            Self::Bid => Some(5_500),
            Self::Get => Some(2_000),
            Self::User | Self::Search | Self::Logs | Self::Other => None,
        }
    }
}

/// When each key last called what.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    last: HashMap<(u64, Endpoint), i64>,
    searches: HashMap<u64, VecDeque<i64>>,
}

impl Limits {
    /// Counts a call; gives the threshold in seconds if it comes too early. A
    /// refused call does not push the next one further away.
    pub(crate) fn refuse(&mut self, account: u64, endpoint: Endpoint, now_ms: i64) -> Option<f64> {
        if endpoint == Endpoint::Search {
            let calls = self.searches.entry(account).or_default();
            calls.retain(|at| now_ms - at < 60_000);
            if calls.len() >= SEARCHES_PER_MINUTE {
                return Some(60.0 / SEARCHES_PER_MINUTE as f64);
            }
            calls.push_back(now_ms);
            return None;
        }
        let interval = endpoint.interval_ms()?;
        if self.last.get(&(account, endpoint)).is_some_and(|last| now_ms - last < interval) {
            return Some(interval as f64 / 1000.0);
        }
        self.last.insert((account, endpoint), now_ms);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_create_within_four_and_a_half_seconds_is_refused() {
        let mut limits = Limits::default();
        assert_eq!(limits.refuse(1, Endpoint::Create, 0), None);
        assert_eq!(limits.refuse(1, Endpoint::Create, 4_499), Some(4.5));
        assert_eq!(limits.refuse(2, Endpoint::Create, 10), None, "another account");
        assert_eq!(limits.refuse(1, Endpoint::List, 10), None, "another endpoint");
        assert_eq!(limits.refuse(1, Endpoint::Create, 4_500), None);
    }

    #[test]
    fn ten_searches_a_minute() {
        let mut limits = Limits::default();
        for at in 0..10 {
            assert_eq!(limits.refuse(1, Endpoint::Search, at), None);
        }
        assert_eq!(limits.refuse(1, Endpoint::Search, 59_000), Some(6.0));
        assert_eq!(limits.refuse(1, Endpoint::Search, 60_000), None);
    }

    #[test]
    fn routes_are_told_apart() {
        assert_eq!(Endpoint::of("PUT", "/api/v0/asks/{id}/"), Endpoint::Create);
        assert_eq!(Endpoint::of("GET", "/api/v1/instances/"), Endpoint::List);
        assert_eq!(Endpoint::of("DELETE", "/api/v0/instances/{id}/"), Endpoint::Destroy);
        assert_eq!(Endpoint::of("POST", "/api/v0/instances/{id}/ssh/"), Endpoint::Keys);
        assert_eq!(Endpoint::of("GET", "/api/v0/users/current"), Endpoint::User);
    }
}
