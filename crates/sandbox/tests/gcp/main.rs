//! The simulated Compute Engine over real HTTP, with real hosts behind its VMs.
//!
//! Google's own clients take part: the Rust client library always, gcloud and the Python library
//! where they are installed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

mod access;
mod bulk;
mod changes;
mod cloud;
mod faults;
mod gcloud;
mod honest;
mod hosts;
mod lists;
mod python;
mod restart;
mod sdk;
mod settings;
mod there;
mod trouble;
