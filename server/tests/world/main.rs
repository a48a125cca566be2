//! The product as its users have it: the real binary against the provider sandbox, with real hosts,
//! and everything that can go wrong made to go wrong from outside.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

/// A test over each way to follow, whichever is the usual one.
macro_rules! over_both {
    ($name:ident) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn by_agent() {
                super::$name($crate::stack::Plan::by("agent")).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn by_rsync() {
                super::$name($crate::stack::Plan::by("rsync")).await;
            }
        }
    };
}

mod buying;
mod crash;
mod credentials;
mod discard;
mod drill;
mod failover;
mod flood;
mod host_keys;
mod idempotency;
mod many;
mod market;
mod monitoring;
mod no_failover;
mod notifications;
mod points;
#[path = "../support/port.rs"]
mod port;
mod process;
mod progress;
mod providers;
mod purchase;
mod silence;
mod stack;
mod standby;
mod switch;
mod ways_out;
mod zombie;
