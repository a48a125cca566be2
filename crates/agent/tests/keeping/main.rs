//! Keeping a workspace, against folders of this host.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(unreachable_pub, reason = "a test of one program")]

mod bench;
mod cycles;
mod guards;
mod random;
mod recovery;
mod restores;
mod tree;
