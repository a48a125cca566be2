//! The way to a GPU: a program that is started, and what it says where it fails.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
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

/// Starts programs, on a thread that was there before the keeper confined itself: what it starts may open
/// what the keeper may not, as the key of the way to a GPU.
#[derive(Clone)]
pub(super) struct Launcher(SyncSender<(Command, Sender<std::io::Result<Child>>)>);

impl Launcher {
    pub(super) fn start() -> Self {
        let (ask, asked) = sync_channel::<(Command, Sender<std::io::Result<Child>>)>(1);
        std::thread::spawn(move || {
            for (command, answer) in asked {
                // Who asked waits for it.
                let _ = answer.send(spawn(&command));
            }
        });
        Self(ask)
    }

    fn spawn(&self, command: &Command) -> std::io::Result<Child> {
        let gone = || std::io::Error::other("nothing starts programs any more");
        let (answer, answered) = channel();
        self.0.send((command.clone(), answer)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

fn spawn(command: &Command) -> std::io::Result<Child> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| std::io::Error::other("none is given"))?;
    std::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

impl Way {
    /// Starts it.
    pub(super) fn start(
        launcher: &Launcher,
        command: &Command,
    ) -> Result<(Self, Connection), Refusal> {
        let failed =
            |error: &dyn std::fmt::Display| Refusal::Failed(format!("the way to the GPU: {error}"));
        let mut child = launcher.spawn(command).map_err(|error| failed(&error))?;
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
