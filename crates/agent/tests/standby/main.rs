//! The keeper as a program: told what to do over pipes, with the serving side as another program.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod bench;
mod cuts;
mod damage;
mod epochs;
mod orders;
mod own;
