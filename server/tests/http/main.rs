//! The whole server over real HTTP, with a real store and a provider sandbox in the same process.
//! On SQLite always, and on Postgres where `DUMONT_TEST_POSTGRES_URL` names a server.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

#[macro_use]
mod world;
#[path = "../support/authenticator.rs"]
mod authenticator;

mod access;
mod accounts;
mod assets;
mod audit;
mod authorization;
mod bodies;
mod buttons;
mod contract;
mod credentials;
mod cross_site;
mod database;
mod description;
mod drawings;
mod environment;
mod events;
mod figures;
mod hosts;
mod idempotency;
mod joining;
mod limits;
mod lockout;
mod notifications;
mod order;
mod pages;
mod passkeys;
mod passwords;
mod people;
mod problems;
mod second_factor;
mod seed;
mod sessions;
mod sharing;
#[path = "../support/totp.rs"]
mod totp;
mod ways_out;
