//! How often one may try to log in: per address and per account, so that neither one host against
//! many accounts nor many hosts against one account get far.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::Fault;

/// How many attempts are let through.
#[derive(Debug, Clone, Copy)]
pub struct LoginLimits {
    /// Attempts from one address at once; one more every two seconds.
    pub per_address: NonZeroU32,
    /// Attempts on one account at once; one more every six seconds.
    pub per_account: NonZeroU32,
}

impl Default for LoginLimits {
    fn default() -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self { per_address: at_least_one(30), per_account: at_least_one(10) }
    }
}

/// Counts attempts.
#[derive(Debug)]
pub struct LoginLimiter {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    accounts: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl LoginLimiter {
    /// With nothing counted yet.
    #[must_use]
    pub fn new(limits: LoginLimits) -> Self {
        let address =
            Quota::per_minute(NonZeroU32::MIN.saturating_add(29)).allow_burst(limits.per_address);
        let account =
            Quota::per_minute(NonZeroU32::MIN.saturating_add(9)).allow_burst(limits.per_account);
        Self {
            addresses: RateLimiter::keyed(address),
            accounts: RateLimiter::keyed(account),
            clock: DefaultClock::default(),
        }
    }

    /// Counts an attempt, whether the account exists or not.
    ///
    /// # Errors
    /// `TooMany` with the seconds until the next one is let through.
    pub fn attempt(&self, address: Option<IpAddr>, account: &str) -> Result<(), Fault> {
        let now = self.clock.now();
        let wait = |until: governor::NotUntil<_>| {
            let left = until.wait_time_from(now);
            Fault::TooMany { after_s: left.as_secs().saturating_add(1) }
        };
        if let Some(address) = address {
            self.addresses.check_key(&network(address)).map_err(wait)?;
        }
        let account: String = account.trim().to_lowercase().chars().take(254).collect();
        self.accounts.check_key(&account).map_err(wait)
    }

    /// Forgets those who have not tried for a while.
    pub fn tidy(&self) {
        self.addresses.retain_recent();
        self.accounts.retain_recent();
    }
}

/// One customer's network: an IPv6 host may choose among 2^64 addresses.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_none() => {
            IpAddr::from((six.to_bits() & !u128::from(u64::MAX)).to_be_bytes())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> LoginLimiter {
        let count = |number| NonZeroU32::new(number).expect("not zero");
        LoginLimiter::new(LoginLimits { per_address: count(5), per_account: count(3) })
    }

    #[test]
    fn an_account_is_closed_for_a_while_whatever_the_address() {
        let limiter = limiter();
        for host in 1..=3 {
            limiter.attempt(Some(IpAddr::from([10, 0, 0, host])), "Ana").expect("let through");
        }
        let refused =
            limiter.attempt(Some(IpAddr::from([10, 0, 0, 9])), " ana ").expect_err("closed");
        assert!((1..=7).contains(&refused.retry_after().expect("a wait")), "{refused:?}");
        limiter.attempt(Some(IpAddr::from([10, 0, 0, 9])), "bob").expect("another account is open");
    }

    #[test]
    fn an_address_is_closed_whatever_the_account() {
        let limiter = limiter();
        let host = Some(IpAddr::from([10, 0, 0, 1]));
        for account in ["a", "b", "c", "d", "e"] {
            limiter.attempt(host, account).expect("let through");
        }
        assert!(limiter.attempt(host, "f").is_err());
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let here: IpAddr = "2001:db8::1".parse().expect("an address");
        let there: IpAddr = "2001:db8::ffff:2".parse().expect("an address");
        assert_eq!(network(here), network(there));
        assert_ne!(network(here), network("2001:db8:0:1::1".parse().expect("an address")));
    }
}
