//! The way to a GPU: a program that is started, and what it says where it fails.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::connection::Connection;
use crate::order::{Command, Refusal};
use crate::source::SourceError;

/// A GPU that says nothing for so long is gone: while it works on something it says so each second.
const PATIENCE: Duration = Duration::from_secs(20);
/// The end of what the program writes to its error output, bytes.
const TAIL: usize = 2_000;

/// A program that leads to a GPU. Dropping it ends it.
pub(super) struct Way {
    child: Child,
    errors: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Way {
    /// Starts it.
    pub(super) fn start(command: &Command) -> Result<(Self, Connection), Refusal> {
        let failed =
            |error: &dyn std::fmt::Display| Refusal::Failed(format!("the way to the GPU: {error}"));
        let (program, arguments) = command.split_first().ok_or_else(|| failed(&"none is given"))?;
        let mut child = std::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&error))?;
        let errors = Arc::new(Mutex::new(Vec::new()));
        let reader = child.stderr.take().map(|mut told| {
            let errors = Arc::clone(&errors);
            std::thread::spawn(move || {
                let mut buffer = [0_u8; 512];
                while let Ok(read @ 1..) = told.read(&mut buffer) {
                    let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
                    errors.extend_from_slice(buffer.get(..read).unwrap_or_default());
                    let surplus = errors.len().saturating_sub(TAIL);
                    errors.drain(..surplus);
                }
            })
        });
        let (Some(input), Some(output)) = (child.stdout.take(), child.stdin.take()) else {
            return Err(failed(&"it has no pipes"));
        };
        Ok((Self { child, errors, reader }, Connection::new(input, output, PATIENCE)))
    }

    /// What went wrong, with the last words of the program.
    pub(super) fn word(&mut self, error: &SourceError) -> String {
        // What it says at its end comes with its end.
        for _ in 0..50 {
            if self.reader.as_ref().is_none_or(JoinHandle::is_finished) {
                break;
            }
            crate::whole::pause(Duration::from_millis(10));
        }
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = String::from_utf8_lossy(&errors);
        let errors = errors.trim();
        let silent = matches!(error, SourceError::Closed(error) if error.kind() == std::io::ErrorKind::TimedOut);
        match (errors.is_empty(), silent) {
            (false, _) => format!("{error}; {errors}"),
            (true, true) => format!(
                "the GPU said nothing for {} s; where that is so from the start, its login shell never runs \
                 what it is told to",
                PATIENCE.as_secs()
            ),
            (true, false) => error.to_string(),
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
