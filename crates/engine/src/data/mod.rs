//! The data path: a workspace followed onto its standby, brought to a new GPU, and proven there.
//!
//! Everything runs on the hosts, as fixed scripts over SSH; here is what is asked of them, what their
//! answers mean, and the loop that keeps asking. The standby pulls from a GPU and pushes to a new one
//! with a key that never leaves it; a GPU holds no key. Who may change the copy is decided on the
//! standby itself, under a lock, by the epoch recorded there. Nothing here touches the database.
//!
//! On a standby: the copy at the workspace's own path; everything else in `/var/lib/dumont` (`epoch`,
//! the key, `versions/<epoch>-<cycle>/` with what syncs replaced or deleted, `drill-<id>/`).
//!
//! Where both hosts can run it, `dumont-agent` does the work instead ([`Program`], [`Keeper`]): it keeps
//! recovery points in `/var/lib/dumont/keep` and proves a GPU against what the one before it read. Lock,
//! epoch and the GPU that is followed are the same files, so that either way may be gone at any time.

mod cycle;
mod dirty;
mod error;
mod follow;
mod hook;
mod job;
mod keeper;
mod late;
mod mounts;
mod plan;
mod prepare;
mod program;
mod progress;
mod prove;
mod reach;
mod rehearse;
mod restore;
mod takeover;
mod verify;
mod watch;
mod wire;

pub use cycle::{CycleOutcome, CycleReport, CycleRequest, cycle, cycle_with};
pub use dirty::DirtyPaths;
pub use error::DataError;
pub use follow::{Agents, FollowEvent, FollowPlan, Follower, Shells, Sources};
pub use hook::{Begun, begun, hook_env, run_hook};
pub use job::{end_standby_job, freeze_writes, thaw_writes};
pub use keeper::{Keeper, KeptCycle, KeptPoint, Sent};
pub use late::{Hold, Late, fetch_late, hold_left};
pub use mounts::mounts_below;
pub use prepare::{StandbyFacts, prepare_gpu, prepare_standby, trust_gpu};
pub use program::Program;
pub use progress::Progress;
pub use reach::reach;
pub use rehearse::{Pinned, forget_rehearsal, rehearse};
pub use restore::{bring_back, repair, restore, restore_with};
pub use takeover::{Taken, takeover};
pub use verify::{verify, verify_with};
