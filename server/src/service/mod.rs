//! What each operation does, once, for the REST API and the pages alike.
//!
//! A service takes the caller's account, asks the store and the engine for that account only, and
//! answers with a view. It knows nothing of HTTP.

pub mod account;
pub mod attempts;
pub mod audit;
pub mod auth;
pub mod balance;
pub mod browsers;
pub mod confirm;
pub mod credentials;
pub mod environment;
pub mod failover;
pub mod figures;
pub mod grants;
pub mod guess;
pub mod instances;
pub mod journal;
pub mod machines;
pub mod notifications;
mod owner;
pub mod passkeys;
pub mod password;
pub mod people;
pub mod readiness;
pub mod report;
pub mod second_factor;
pub mod settings;
pub mod setup;
pub mod shared;
pub mod standby;
pub mod whose;
