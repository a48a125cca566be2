//! A provider sandbox: one process that speaks the wire protocols of Vast.ai
//! and of Google Compute Engine, and keeps a real host behind each instance.
//!
//! It exists so that the whole product can be run, tested and measured
//! without a cloud account. It is a program of its own: nothing in it is
//! linked into `dumont`, and it never talks to a real provider.
//!
//! [`Sandbox::start`] runs it inside another program (tests do); the binary
//! `dumont-sandbox` is a thin shell around the same call.

#![recursion_limit = "256"]

pub mod account;
pub mod admin;
pub mod console;
pub mod fault;
pub mod gcp;
pub mod host;
pub mod inside;
pub mod ledger;
pub mod money;
pub mod options;
pub mod profile;
mod serve;
pub mod snapshot;
pub mod vast;
pub mod world;

pub use options::{Disks, Options};
pub use serve::{Running, Sandbox, StartError};
pub use world::{HostEvent, HostRow, ProviderSays, World};
