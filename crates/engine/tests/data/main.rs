//! The data path on real hosts: real files, real rsync, over real SSH.
#![expect(clippy::expect_used, clippy::panic, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "real hosts take real time")]

mod cut_off;
mod fencing;
mod follower;
mod hooks;
mod hostile;
mod kept;
mod late;
mod memory;
mod progress;
mod proof;
mod rehearsal;
mod rig;
mod speed;
mod sync;
mod tripwire;
