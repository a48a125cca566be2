//! Permission for each step that changes the disk, so that a test can end the program between any two.

use rustix::io::Errno;

use super::error::Result;

/// Asked before each step. An error ends the work right there, as a loss of power to this program would:
/// nothing is tidied up on the way out.
pub trait Steps: Send {
    /// May it go on? `what` names the step.
    ///
    /// # Errors
    /// [`super::KeepError::Stopped`].
    fn step(&mut self, what: &'static str) -> Result<()>;

    /// An error that the disk shall answer this step of a journal with; a test says so instead of it.
    fn refuse(&mut self, _: &'static str) -> Option<Errno> {
        None
    }
}

/// Goes on always.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoOn;

impl Steps for GoOn {
    fn step(&mut self, _: &'static str) -> Result<()> {
        Ok(())
    }
}
