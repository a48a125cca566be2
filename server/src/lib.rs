//! Dumont's server: one process that runs the engine and answers people and programs.
//!
//! What an operation does is written once, in [`service`]; the REST API ([`api`]) and the pages
//! ([`web`]) only translate to and from it. [`http`] decides who may ask at all. Nothing here talks
//! to a provider or a host; that is the engine's.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod descriptors;
pub mod dumont;
pub mod fault;
pub mod gauges;
pub mod hardening;
pub mod housekeeping;
pub mod http;
pub mod kept;
pub mod lifecycle;
pub mod memo;
pub mod serve;
pub mod service;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod web;

pub use dumont::Dumont;
pub use fault::Fault;
