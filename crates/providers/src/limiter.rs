//! Waiting one's turn before a call, so that a provider's rate limit is never met from this process.
//!
//! A [`Gate`] lets a number of calls through in any stretch of time, in the order in which they
//! came. It knows no provider and sends nothing.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

/// How soon one who can wait looks again whether the queue is empty.
const AGAIN: Duration = Duration::from_millis(100);

/// How often something may be called: at most `calls` in any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls in one window; 0 counts as 1.
    pub calls: usize,
    /// Length of the window; zero sets no bound.
    pub window: Duration,
}

impl Rate {
    /// One call in this many milliseconds.
    #[must_use]
    pub const fn every_ms(ms: u64) -> Self {
        Self { calls: 1, window: Duration::from_millis(ms) }
    }

    /// No bound.
    pub const UNBOUNDED: Self = Self::every_ms(0);
}

/// The turn would come after the caller's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the next call is allowed in {} ms", wait.as_millis())]
pub struct NotYet {
    /// How long from now, as far as is known; others may be waiting too.
    pub wait: Duration,
}

/// One rate limit and the queue in front of it.
#[derive(Debug)]
pub struct Gate {
    rate: Rate,
    /// Held by whoever is next; the mutex hands it on in order of arrival.
    turn: tokio::sync::Mutex<()>,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// The last calls let through, oldest first, never more than the rate's.
    sent: VecDeque<Instant>,
    /// Closed until then, since the provider said so.
    closed_until: Option<Instant>,
}

impl Gate {
    /// A gate with nobody in front of it.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, turn: tokio::sync::Mutex::default(), book: Mutex::default() }
    }

    /// Waits for the turn. Giving up (dropping the future) uses up nothing.
    ///
    /// # Errors
    /// At once, where it is already known that the turn comes after `deadline`; else at the deadline.
    pub async fn pass(&self, deadline: Instant) -> Result<(), NotYet> {
        let Ok(_turn) = timeout_at(deadline, self.turn.lock()).await else {
            return Err(self.not_yet(Instant::now()));
        };
        loop {
            let now = Instant::now();
            let opens = self.opens(now, 0);
            if opens <= now {
                self.note(now);
                return Ok(());
            }
            if opens > deadline {
                return Err(self.not_yet(now));
            }
            sleep_until(opens).await;
        }
    }

    /// As [`Self::pass`], for what can wait: goes through when that leaves `kept` calls of the window
    /// to others and nobody stands in the queue, and is never in anybody's way meanwhile. One call of
    /// a window is let through in any case.
    ///
    /// # Errors
    /// As [`Self::pass`].
    pub async fn pass_leaving(&self, kept: usize, deadline: Instant) -> Result<(), NotYet> {
        loop {
            let now = Instant::now();
            if self.try_leaving(kept, now) {
                return Ok(());
            }
            let next = self.opens(now, kept).max(now + AGAIN);
            if next > deadline {
                return Err(NotYet { wait: next.saturating_duration_since(now) });
            }
            sleep_until(next).await;
        }
    }

    /// Whether [`Self::pass_leaving`] would go through at once.
    #[must_use]
    pub fn is_open_leaving(&self, kept: usize) -> bool {
        let now = Instant::now();
        self.turn.try_lock().is_ok() && self.opens(now, kept) <= now
    }

    fn try_leaving(&self, kept: usize, now: Instant) -> bool {
        let Ok(_turn) = self.turn.try_lock() else { return false };
        let open = self.opens(now, kept) <= now;
        if open {
            self.note(now);
        }
        open
    }

    /// Keeps everyone out for a while, after the provider refused a call for its rate.
    pub fn close_for(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.closed_until = book.closed_until.max(Some(until));
    }

    /// When the next call may go that leaves so many of a window to others.
    fn opens(&self, now: Instant, kept: usize) -> Instant {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = self.rate.calls.saturating_sub(kept).max(1);
        // The one that has to be out of the window first.
        let last = book.sent.len().checked_sub(calls).and_then(|place| book.sent.get(place));
        let by_rate = last.map_or(now, |sent| *sent + self.rate.window);
        by_rate.max(book.closed_until.unwrap_or(now))
    }

    fn note(&self, now: Instant) {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.sent.push_back(now);
        while book.sent.len() > self.rate.calls.max(1) {
            book.sent.pop_front();
        }
    }

    fn not_yet(&self, now: Instant) -> NotYet {
        NotYet { wait: self.opens(now, 0).saturating_duration_since(now) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_spaced_in_the_order_of_arrival() {
        let gate = Arc::new(Gate::new(Rate::every_ms(1000)));
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..4u64 {
            let gate = Arc::clone(&gate);
            tasks.spawn(async move {
                gate.pass(start + secs(60)).await.expect("a turn");
                (n, start.elapsed().as_secs())
            });
            tokio::task::yield_now().await;
        }
        let mut order = tasks.join_all().await;
        order.sort_by_key(|(_, at)| *at);
        assert_eq!(order, [(0, 0), (1, 1), (2, 2), (3, 3)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_lets_a_burst_through_and_then_waits_for_it_to_pass() {
        let gate = Gate::new(Rate { calls: 3, window: secs(60) });
        let start = Instant::now();
        let mut at = Vec::new();
        for _ in 0..4 {
            gate.pass(start + secs(600)).await.expect("a turn");
            at.push(start.elapsed().as_secs());
        }
        assert_eq!(at, [0, 0, 0, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_wait_leaves_its_part_of_a_window_to_others() {
        let gate = Gate::new(Rate { calls: 5, window: secs(60) });
        let start = Instant::now();
        for _ in 0..2 {
            assert!(gate.is_open_leaving(3));
            gate.pass_leaving(3, start).await.expect("there is room");
        }
        assert!(!gate.is_open_leaving(3) && gate.is_open_leaving(2));
        assert_eq!(gate.pass_leaving(3, start + secs(9)).await, Err(NotYet { wait: secs(60) }));
        for _ in 0..3 {
            gate.pass(start).await.expect("what was left goes through at once");
        }
        assert_eq!(gate.pass(start).await, Err(NotYet { wait: secs(60) }));
        // Of five in a window the last three have to be out of it: they were all sent at the start.
        gate.pass_leaving(3, start + secs(90)).await.expect("a new window");
        assert_eq!(start.elapsed(), secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_wait_stands_in_nobodys_way() {
        let gate = Arc::new(Gate::new(Rate::every_ms(10_000)));
        let start = Instant::now();
        gate.pass(start).await.expect("a turn");
        let page = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.pass_leaving(0, start + secs(60)).await.map(|()| start.elapsed()) }
        });
        tokio::task::yield_now().await;
        gate.pass(start + secs(60)).await.expect("a turn");
        assert_eq!(start.elapsed(), secs(10));
        let waited = page.await.expect("no panic").expect("a turn");
        assert!(waited >= secs(20), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_refused_at_once_and_costs_nothing() {
        let gate = Gate::new(Rate::every_ms(5000));
        let start = Instant::now();
        gate.pass(start).await.expect("the first goes through");
        assert_eq!(gate.pass(start + secs(2)).await, Err(NotYet { wait: secs(5) }));
        assert_eq!(start.elapsed(), Duration::ZERO);
        gate.pass(start + secs(5)).await.expect("a turn at 5 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_holds_even_the_one_already_waiting() {
        let gate = Arc::new(Gate::new(Rate::every_ms(1000)));
        let start = Instant::now();
        gate.pass(start).await.expect("a turn");
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.pass(start + secs(60)).await.map(|()| start.elapsed().as_secs()) }
        });
        tokio::task::yield_now().await;
        gate.close_for(secs(12));
        assert_eq!(waiting.await.expect("no panic"), Ok(12));
    }

    #[tokio::test(start_paused = true)]
    async fn no_bound_means_no_wait() {
        let gate = Gate::new(Rate::UNBOUNDED);
        let start = Instant::now();
        for _ in 0..100 {
            gate.pass(start).await.expect("a turn");
        }
    }
}
