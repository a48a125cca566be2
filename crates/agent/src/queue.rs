//! What has arrived and waits to be taken: bounded in bytes, so that a peer that sends without being
//! asked is made to wait and not held in memory.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::frame::{Frame, read_frame};
use crate::source::SourceError;

/// Most bytes that wait. More than what a side that keeps to its window sends ahead, so that neither
/// waits for the other to take first.
pub(crate) const WAITING_MAX: usize = 8 << 20;

/// The receiving end of a connection, read by a thread of its own.
pub(crate) struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// Nothing comes any more; why, until somebody was told.
    ended: Option<Option<SourceError>>,
    /// Nobody takes any more.
    dropped: bool,
}

impl Queue {
    /// Reads `input` from now on; `greet` takes what comes before the frames.
    pub(crate) fn new<R: Read + Send + 'static>(
        mut input: R,
        greet: impl FnOnce(&mut R) -> Result<(), SourceError> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), moved: Condvar::new() });
        let theirs = Arc::clone(&shared);
        std::thread::spawn(move || {
            let end = greet(&mut input).and_then(|()| theirs.fill(&mut input)).err();
            let mut state = theirs.lock();
            state.ended = Some(end);
            drop(state);
            theirs.moved.notify_all();
        });
        Self { shared }
    }

    /// The next frame; nothing where the other side ended in order.
    pub(crate) fn take(&self, patience: Option<Duration>) -> Result<Option<Frame>, SourceError> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        let mut state = self.shared.lock();
        loop {
            if let Some(frame) = state.frames.pop_front() {
                state.bytes = state.bytes.saturating_sub(frame.len());
                drop(state);
                self.shared.moved.notify_all();
                return Ok(Some(frame));
            }
            if let Some(end) = &mut state.ended {
                return end.take().map_or(Ok(None), Err);
            }
            state = match deadline {
                None => self.shared.moved.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(SourceError::Closed(std::io::ErrorKind::TimedOut.into()));
                    }
                    self.shared
                        .moved
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    /// Whether something can be taken without waiting.
    pub(crate) fn is_ready(&self) -> bool {
        let state = self.shared.lock();
        !state.frames.is_empty() || state.ended.is_some()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.lock().dropped = true;
        self.shared.moved.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, input: &mut dyn Read) -> Result<(), SourceError> {
        while let Some(frame) = read_frame(input)? {
            let mut state = self.lock();
            while state.bytes >= WAITING_MAX && !state.dropped {
                state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.dropped {
                return Ok(());
            }
            state.bytes += frame.len();
            state.frames.push_back(frame);
            drop(state);
            self.moved.notify_all();
        }
        Ok(())
    }
}
