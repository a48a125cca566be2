//! The journal: failovers, their steps, purchases and disposals.

pub(crate) mod disposal;
pub(crate) mod failed_machine;
pub(crate) mod failover;
pub(crate) mod failover_life;
pub(crate) mod intent;
pub(crate) mod intent_life;
pub(crate) mod intent_limits;
pub(crate) mod many;
pub(crate) mod step;
