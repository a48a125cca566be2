//! How often one may try to get in: the bounds, and those counts that one process keeps for itself.
//!
//! What keeps a stranger from guessing a password is counted in the database (see
//! `service::attempts`). Here are the bound of an address, which spares this process the work, and the
//! one of a name as it was typed, which tells whoever typed it when to come back. It says nothing of
//! any account: it is the same for names that nobody has.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv4Addr};

use domain::time::Millis;
use store::Bucket;

use super::buckets::Buckets;
use crate::Fault;

/// Counts of one kind that are kept at most, about 40 bytes each.
const MOST: usize = 20_000;
/// Counts that stand for all names that no account has.
const NOBODIES: u64 = 256;
/// Longest name that any account has, bytes.
const NAME: usize = 254;

/// How often something may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// So often at once.
    pub burst: i64,
    /// Once more after so long, ms.
    pub every_ms: i64,
}

impl Bound {
    /// A count in the database.
    #[must_use]
    pub fn bucket(self, name: String) -> Bucket {
        Bucket { name, burst: self.burst, every_ms: self.every_ms }
    }
}

/// How often may be tried what opens an account.
#[derive(Debug, Clone, Copy)]
pub struct LoginLimits {
    /// Logins from one address, whatever the name.
    pub per_address: Bound,
    /// Logins with one name from one network.
    pub per_name: Bound,
    /// Logins to one account from one network, whatever it is called.
    pub per_network: Bound,
    /// Logins to one account from all networks together.
    pub per_account: Bound,
    /// Logins to one account from a browser that it knows.
    pub per_browser: Bound,
    /// Confirmations by one login or token.
    pub per_credential: Bound,
    /// Codes of a second factor, from one sender.
    pub per_code: Bound,
    /// The same from all senders together that are not known.
    pub codes_together: Bound,
}

impl Default for LoginLimits {
    fn default() -> Self {
        let bound = |burst, every_ms| Bound { burst, every_ms };
        Self {
            per_address: bound(30, 2_000),
            per_name: bound(10, 60_000),
            per_network: bound(10, 60_000),
            per_account: bound(100, 6_000),
            per_browser: bound(10, 60_000),
            per_credential: bound(10, 60_000),
            per_code: bound(10, 600_000),
            codes_together: bound(30, 600_000),
        }
    }
}

/// Counts tries.
#[derive(Debug)]
pub struct LoginLimiter {
    /// The bounds.
    pub limits: LoginLimits,
    addresses: Buckets,
    names: Buckets,
    key: RandomState,
}

impl LoginLimiter {
    /// With nothing counted yet.
    #[must_use]
    pub fn new(limits: LoginLimits) -> Self {
        Self {
            limits,
            addresses: Buckets::new(limits.per_address, MOST),
            names: Buckets::new(limits.per_name, MOST),
            key: RandomState::new(),
        }
    }

    /// Counts a try from an address.
    ///
    /// # Errors
    /// `TooMany` with the seconds until the next one is let through.
    pub fn address(&self, address: Option<IpAddr>, now: Millis) -> Result<(), Fault> {
        let Some(address) = address else { return Ok(()) };
        self.addresses.take(&network(address), now).map_err(too_many)
    }

    /// Counts a try with a name, whether anybody has it or not.
    ///
    /// # Errors
    /// `TooMany` with the seconds until the next one is let through.
    pub fn name(&self, address: Option<IpAddr>, name: &str, now: Millis) -> Result<(), Fault> {
        self.names.take(&(address.map(neighbourhood), key(name)), now).map_err(too_many)
    }

    /// Forgets what was tried with a name that turned out to be right.
    pub fn forget_name(&self, address: Option<IpAddr>, name: &str) {
        self.names.forget(&(address.map(neighbourhood), key(name)));
    }

    /// What stands for an account where nobody has this name: one of a few, so that strangers' names
    /// take no room in the database.
    #[must_use]
    pub fn nobody(&self, name: &str) -> String {
        format!("nobody-{}", self.key.hash_one(key(name)) % NOBODIES)
    }

    /// Forgets those who have not tried for a while.
    pub fn tidy(&self, now: Millis) {
        self.addresses.tidy(now);
        self.names.tidy(now);
    }

    /// How many counts are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.addresses.len() + self.names.len()
    }
}

/// What is said of tries that have to wait.
pub(crate) fn too_many(wait_ms: i64) -> Fault {
    Fault::TooMany { after_s: u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000).max(1) }
}

/// A name as it is looked up, and no longer than any account's.
fn key(name: &str) -> String {
    let mut key = name.trim().to_lowercase();
    key.truncate(key.floor_char_boundary(NAME));
    key
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

/// What one stranger may well have all of: an IPv4 /24, an IPv6 /48. Of who tries one account's
/// password, a neighbour is taken for the same one; all else they do is not touched by it.
#[must_use]
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() & 0xffff_ff00)),
        IpAddr::V6(six) => IpAddr::from((six.to_bits() & (u128::MAX << 80)).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> LoginLimiter {
        let bound = |burst, every_ms| Bound { burst, every_ms };
        let limits = LoginLimits {
            per_address: bound(5, 1_000),
            per_name: bound(3, 1_000),
            ..LoginLimits::default()
        };
        LoginLimiter::new(limits)
    }

    fn from(host: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, host]))
    }

    #[test]
    fn a_name_is_closed_for_a_while_to_one_network_and_open_to_others() {
        let limiter = limiter();
        for host in 1..=3 {
            limiter.name(from(host), "Ana", Millis(0)).expect("let through");
        }
        let refused = limiter.name(from(9), " ana ", Millis(0)).expect_err("closed");
        assert_eq!(refused.retry_after(), Some(1));
        limiter.name(from(9), "bob", Millis(0)).expect("another name is open");
        let elsewhere = Some(IpAddr::from([10, 0, 1, 9]));
        limiter.name(elsewhere, "ana", Millis(0)).expect("another network is open");
        limiter.forget_name(from(4), "ANA");
        limiter.name(from(9), "ana", Millis(0)).expect("it was right");
    }

    #[test]
    fn an_address_is_closed_whatever_the_name() {
        let limiter = limiter();
        for _ in 0..5 {
            limiter.address(from(1), Millis(0)).expect("let through");
        }
        assert!(limiter.address(from(1), Millis(0)).is_err());
        limiter.address(from(2), Millis(0)).expect("another address is open");
    }

    #[test]
    fn a_hundred_thousand_names_take_no_more_room_than_there_is() {
        let limiter = limiter();
        let mut nobodies = std::collections::HashSet::new();
        for n in 0..100_000_u32 {
            let address = Some(IpAddr::from(n.to_be_bytes()));
            limiter.address(address, Millis(0)).expect("let through");
            limiter.name(address, &format!("name {n}"), Millis(0)).expect("let through");
            nobodies.insert(limiter.nobody(&format!("name {n}")));
        }
        assert_eq!(limiter.kept(), 2 * MOST);
        assert_eq!(nobodies.len() as u64, NOBODIES);
        limiter.tidy(Millis(10_000));
        assert_eq!(limiter.kept(), 0);
        // A name of any length is one of a bounded length.
        assert!(key(&"é".repeat(10_000)).len() <= NAME);
    }

    #[test]
    fn a_network_counts_as_one() {
        let at = |text: &str| -> IpAddr { text.parse().expect("an address") };
        assert_eq!(network(at("2001:db8::1")), network(at("2001:db8::ffff:2")));
        assert_ne!(network(at("2001:db8::1")), network(at("2001:db8:0:1::1")));
        assert_eq!(neighbourhood(at("192.0.2.1")), neighbourhood(at("192.0.2.254")));
        assert_ne!(neighbourhood(at("192.0.2.1")), neighbourhood(at("192.0.3.1")));
        assert_eq!(neighbourhood(at("::ffff:192.0.2.1")), neighbourhood(at("192.0.2.9")));
        assert_eq!(neighbourhood(at("2001:db8:7::1")), neighbourhood(at("2001:db8:7:ffff::2")));
        assert_ne!(neighbourhood(at("2001:db8:7::1")), neighbourhood(at("2001:db8:8::1")));
    }
}
