//! The Vast.ai side of the sandbox, over real HTTP, with real hosts.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod bench;
mod charges;
mod cli;
mod copy;
mod faults;
mod honest;
mod hosts;
mod lifecycle;
mod listing;
mod machine;
mod market;
mod owners;
mod search;
