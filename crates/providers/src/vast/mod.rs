//! The Vast.ai client.
//!
//! Vast answers errors with status 200, leaves machines behind refused purchases, and keeps a
//! retired list that is simply empty. So every reply is judged in one place (`error`), a list is
//! complete or it is an error, and [`VastClient::buy`] is sent once whatever happens.

mod account;
mod client;
mod create;
mod endpoint;
mod error;
mod instance;
mod keys;
mod launch;
mod lifecycle;
mod list;
mod logs;
mod names;
mod offers;
mod row;

pub use account::Account;
pub use client::{Vast, VastClient};
pub use create::{Bought, Create};
pub use endpoint::Limits;
pub use list::Listing;

/// Where the real service answers.
pub const BASE_URL: &str = "https://console.vast.ai";
