//! How often one may try to open an invitation or a reset link. Its code can't be guessed; this keeps
//! those who try from costing anything.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::limit::network;
use crate::Fault;

/// Attempts of one network at once; one more every six seconds.
const AT_ONCE: u32 = 20;

/// Counts attempts.
#[derive(Debug)]
pub struct LinkLimiter {
    networks: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Default for LinkLimiter {
    fn default() -> Self {
        let several = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(several(10)).allow_burst(several(AT_ONCE));
        Self { networks: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }
}

impl LinkLimiter {
    /// Counts an attempt.
    ///
    /// # Errors
    /// `TooMany` with the seconds until the next one is let through.
    pub fn attempt(&self, address: Option<IpAddr>) -> Result<(), Fault> {
        let Some(address) = address else { return Ok(()) };
        self.networks.check_key(&network(address)).map_err(|until| {
            let left = until.wait_time_from(self.clock.now());
            Fault::TooMany { after_s: left.as_secs().saturating_add(1) }
        })
    }

    /// Forgets those who have not tried for a while.
    pub fn tidy(&self) {
        self.networks.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_closed_for_a_while_and_no_other() {
        let limiter = LinkLimiter::default();
        let here: IpAddr = "2001:db8::1".parse().expect("an address");
        let near: IpAddr = "2001:db8::2".parse().expect("an address");
        for _ in 0..AT_ONCE {
            limiter.attempt(Some(here)).expect("let through");
        }
        assert!(limiter.attempt(Some(near)).expect_err("closed").retry_after().is_some());
        limiter.attempt(Some(IpAddr::from([192, 0, 2, 1]))).expect("another network");
    }
}
