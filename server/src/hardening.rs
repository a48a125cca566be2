//! What this process keeps to itself: keys are in its memory, and may be in its environment.
//!
//! Other processes of the same user can't read either, nor attach to it, and no dump of it is written
//! when it crashes. Root can do what root can.

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Closes memory and environment to others, for as long as the process lives.
///
/// # Errors
/// The system refuses; what could be closed is closed.
pub fn close_memory() -> Result<(), Errno> {
    // A dump that is handed to a program instead of a file has no bound of size: the flag is what
    // prevents that, and it is also what keeps debuggers and /proc/<pid>/mem away.
    let hidden = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).and(hidden)
}
