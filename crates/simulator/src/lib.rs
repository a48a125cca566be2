//! The real engine in a simulated world: supervisor, workers, saga, purchase, reaper and rentals as they
//! are, on simulated providers, hosts and clocks, with the same SQL on a database in memory.
//!
//! One seed gives one world and one journal, byte for byte. Simulated time passes only when everything
//! waits, so that minutes take milliseconds. After each step [`oracle`] looks whether what must hold does.

#![expect(clippy::expect_used, reason = "a world that can't be made is no world")]

mod cases;
mod chance;
mod host;
pub mod oracle;
mod outside;
mod plan;
mod process;
mod run;
mod template;
mod world;

pub use plan::Plan;
pub use run::{Outcome, run, run_plan};
