//! The Vast.ai side of the sandbox, over real HTTP, with real hosts.

mod bench;
mod charges;
mod cli;
mod faults;
mod hosts;
mod lifecycle;
mod listing;
mod owners;
mod search;
