//! Users, how they prove who they are, and what they have chosen.

pub(crate) mod credential;
pub(crate) mod session;
pub(crate) mod session_store;
pub(crate) mod settings;
pub(crate) mod token;
pub(crate) mod user;
