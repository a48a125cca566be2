//! Users, how they prove who they are, what they have chosen, and what they are told.

pub(crate) mod attempt;
pub(crate) mod audit;
pub(crate) mod browser;
pub(crate) mod credential;
pub(crate) mod grant;
pub(crate) mod idempotency;
pub(crate) mod link;
pub(crate) mod notification;
pub(crate) mod passkey;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod session_store;
pub(crate) mod settings;
pub(crate) mod token;
pub(crate) mod user;
