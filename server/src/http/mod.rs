//! Who may ask, how often, and how answers are framed. Knows nothing of what is asked.

pub mod body;
pub mod browser;
mod buckets;
pub mod client;
pub mod csrf;
pub mod describe;
pub mod docs;
pub mod events;
pub mod extract;
pub mod guard;
pub mod headers;
pub mod hosts;
pub mod idempotency;
pub mod identity;
pub mod limit;
pub mod link_limit;
pub mod listener;
pub mod problem;
pub mod quiet;
pub mod ready;
pub mod router;
pub mod session;
pub mod streams;
pub mod words;
