//! The outside world that Dumont runs on: Vast.ai, Google Compute Engine, and SSH to their hosts.
//!
//! Each client turns a provider's wire into `domain` types and its refusals into one
//! [`domain::provider::ProviderError`]. Wire types stay in here. Nothing in this crate decides what
//! to do about an answer, and nothing ever sends a purchase twice.
//!
//! The crate installs no TLS provider: the program does so (rustls `ring`) before it makes a client.

pub mod gcp;
pub mod limiter;
mod measured;
mod message;
mod retry;
pub mod ssh;
pub mod vast;
