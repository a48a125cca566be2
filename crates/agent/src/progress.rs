//! How much this process has done for who asks it: a number that rises with each byte that was read and
//! each entry that was looked at. A side that says that it is still at work says it along.

use std::sync::atomic::{AtomicU64, Ordering};

static DONE: AtomicU64 = AtomicU64::new(0);

/// So much more was done.
pub(crate) fn made(more: u64) {
    DONE.fetch_add(more, Ordering::Relaxed);
}

/// How much was done.
pub(crate) fn done() -> u64 {
    DONE.load(Ordering::Relaxed)
}
