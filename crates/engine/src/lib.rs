//! The part of Dumont that acts: it watches machines, follows them, fails them over, buys, restores
//! and cleans up.
//!
//! Decisions are made by pure functions in `domain`; what is done about them is recorded in `store`
//! before and after it happens; the outside is reached through [`ports`] alone. Nothing here knows about
//! HTTP or pages. See `docs/ARCHITECTURE.md` for the walkthroughs.

pub mod account;
mod adapters;
pub mod config;
pub mod context;
pub mod data;
pub mod error;
pub mod handle;
pub mod hooks;
mod left;
mod leftovers;
mod listing;
pub mod live;
mod market;
mod news;
mod ops;
mod poller;
pub mod ports;
mod purchase;
mod reaper;
mod rentals;
mod saga;
mod selfcheck;
mod supervisor;
#[cfg(test)]
mod testing;
mod worker;

pub use config::EngineConfig;
pub use error::EngineError;
pub use handle::{Balance, Check, Engine, Fleet, GcpAccount, Readiness, Rent, VastAccount};
