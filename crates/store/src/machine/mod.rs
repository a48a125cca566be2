//! Protected machines: where they run, what stands by, and what is measured on them.

pub(crate) mod association;
pub(crate) mod choice;
mod deletions;
pub(crate) mod discard;
mod exclusion;
mod fence;
pub(crate) mod fenced;
pub(crate) mod gpu_stay;
pub(crate) mod heard;
pub(crate) mod launch;
pub(crate) mod placement;
pub(crate) mod removal;
pub(crate) mod rental;
mod returns;
pub(crate) mod running;
mod standby;
pub(crate) mod sync_cycle;
pub(crate) mod verdict;
