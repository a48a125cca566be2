//! The words and decisions of Dumont, with nothing that touches the world.
//!
//! Everything here is a value or a function of values: no clock, no runtime, no I/O, so that the
//! same code runs in the server, in tests and in the browser. Reading the time, drawing an id and
//! calling a provider belong to the crates that depend on this one.

pub mod access;
pub mod association;
pub mod audit;
pub mod buying;
pub mod failover;
pub mod fence;
pub mod frozen;
pub mod gaps;
pub mod gpu;
pub mod grant;
pub mod host_key;
pub mod id;
pub mod launch;
pub mod money;
pub mod name;
pub mod notification;
pub mod offer;
pub mod point;
pub mod policy;
pub mod pricing;
pub mod progress;
pub mod provider;
pub mod rental;
pub mod report;
pub mod route;
pub mod standby;
pub mod text_enum;
pub mod time;
pub mod verdict;
pub mod view;
