//! Who may ask, how often, and how answers are framed. Knows nothing of what is asked.

pub mod client;
pub mod csrf;
pub mod describe;
pub mod docs;
pub mod events;
pub mod extract;
pub mod guard;
pub mod headers;
pub mod idempotency;
pub mod identity;
pub mod limit;
pub mod problem;
pub mod router;
pub mod session;
pub mod words;
