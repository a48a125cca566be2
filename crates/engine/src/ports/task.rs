//! Where the engine's tasks run: on the runtime, or where a thread says so among the tasks of that thread
//! alone, so that whoever drives those can hold or drop them all at once, as a process is held or killed.

use std::cell::Cell;

use tokio::task::{JoinHandle, JoinSet};
use tokio_util::task::TaskTracker;

thread_local! {
    static LOCAL: Cell<bool> = const { Cell::new(false) };
}

/// From now on tasks that begin on this thread stay among its own: in the [`tokio::task::LocalSet`] that
/// the one which began them runs in.
pub fn keep_on_this_thread() {
    LOCAL.set(true);
}

/// Begins a task.
#[expect(clippy::disallowed_methods, reason = "the one place that begins tasks")]
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if LOCAL.get() { tokio::task::spawn_local(task) } else { tokio::spawn(task) }
}

/// Begins a task of a set.
pub(crate) fn spawn_in<F>(set: &mut JoinSet<F::Output>, task: F)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if LOCAL.get() {
        set.spawn_local(task);
    } else {
        set.spawn(task);
    }
}

/// Begins a task that is waited for at the end.
pub(crate) fn spawn_tracked(
    tracker: &TaskTracker,
    task: impl Future<Output = ()> + Send + 'static,
) {
    if LOCAL.get() {
        tracker.spawn_local(task);
    } else {
        tracker.spawn(task);
    }
}
