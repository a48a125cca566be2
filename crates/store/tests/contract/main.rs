//! What the store promises, run on SQLite always and on Postgres when `DUMONT_TEST_POSTGRES_URL`
//! names a server: each test has a file or a schema of its own.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test stops at the first surprise"
)]

#[macro_use]
mod world;

mod accounts;
mod associations;
mod buying;
mod credentials;
mod deletions;
mod discards;
mod disposals;
mod engine;
mod failovers;
mod fences;
mod figures;
mod files;
mod fixtures;
mod getting_in;
mod grants;
mod intents;
mod links;
mod many;
mod measurements;
mod notifications;
mod owners;
mod passkeys;
mod returns;
mod running;
mod sessions;
mod standbys;
mod steps;
mod tokens;
mod words;
