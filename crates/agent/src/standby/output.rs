//! What the keeper says, and a thread that says each second that it is still here while it works.

use std::io::{Stdout, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::frame::{MAGIC, write_message};
use crate::keep::Progress;
use crate::order::{Amount, Told};
use crate::source::SourceError;

const TICK: Duration = Duration::from_secs(1);
/// Least time between two words of how far it is.
const APART: Duration = Duration::from_millis(200);

pub(super) struct Output(Arc<Mutex<State>>);

struct State {
    output: Stdout,
    busy: bool,
    spoke: bool,
}

impl State {
    fn say(&mut self, told: &Told) -> Result<(), SourceError> {
        let mut bytes = Vec::new();
        write_message(&mut bytes, told)?;
        self.spoke = true;
        self.output.write_all(&bytes)?;
        Ok(self.output.flush()?)
    }
}

impl Output {
    /// Says that the program runs.
    pub(super) fn open() -> Result<Self, SourceError> {
        let mut output = std::io::stdout();
        output.write_all(b"\n")?;
        output.write_all(MAGIC)?;
        output.write_all(b"\n")?;
        output.flush()?;
        let state = Arc::new(Mutex::new(State { output, busy: false, spoke: false }));
        let theirs = Arc::clone(&state);
        std::thread::spawn(move || {
            loop {
                crate::whole::pause(TICK);
                let mut state = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                if state.busy && !std::mem::take(&mut state.spoke) {
                    // Who no longer listens is met by the next word.
                    let _ = state.say(&Told::Alive);
                }
            }
        });
        Ok(Self(state))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn say(&self, told: &Told) -> Result<(), SourceError> {
        self.lock().say(told)
    }

    /// Says that so much is to come.
    pub(super) fn wanted(&self, progress: Progress) {
        // As above.
        let _ = self.say(&Told::Wanted(amount(progress)));
    }

    pub(super) fn busy(&self) -> Busy<'_> {
        self.lock().busy = true;
        Busy(self)
    }

    /// For telling how far something is: not more often than anyone looks, and the last word at its end.
    pub(super) fn pace(&self) -> Pace<'_> {
        Pace { output: self, said: Instant::now(), newest: None }
    }
}

pub(super) struct Busy<'a>(&'a Output);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.lock().busy = false;
    }
}

pub(super) struct Pace<'a> {
    output: &'a Output,
    said: Instant,
    newest: Option<Progress>,
}

impl Pace<'_> {
    pub(super) fn tell(&mut self, progress: Progress) {
        self.newest = Some(progress);
        if self.said.elapsed() >= APART {
            self.say();
        }
    }

    fn say(&mut self) {
        if let Some(progress) = self.newest.take() {
            self.said = Instant::now();
            let _ = self.output.say(&Told::Moved(amount(progress)));
        }
    }
}

impl Drop for Pace<'_> {
    fn drop(&mut self) {
        self.say();
    }
}

fn amount(progress: Progress) -> Amount {
    Amount { files: progress.files, bytes: progress.bytes }
}
