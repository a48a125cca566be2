//! The REST API: requests in, answers out, one thin function per row of the HTTP contract.
//!
//! A handler takes its account from [`Owner`](crate::http::identity::Owner) alone, calls one
//! service, and says the status. [`table`] is the only list of routes there is: the router, the
//! OpenAPI document and the authorization test are all made from it.

pub mod access;
pub mod audit;
pub mod auth;
pub mod balance;
pub mod events;
pub mod failover;
pub mod grants;
pub mod instances;
pub mod notifications;
pub mod passkeys;
pub mod people;
pub mod settings;
pub mod standby;
pub mod table;
