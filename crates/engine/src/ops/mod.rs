//! The operations behind [`crate::Engine`], one file per noun.

pub(crate) mod credentials;
pub(crate) mod discard;
pub(crate) mod failovers;
pub(crate) mod fleet;
pub(crate) mod points;
pub(crate) mod protect;
pub(crate) mod readiness;
pub(crate) mod rent;
mod verdict;
