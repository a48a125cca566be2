//! The paths that changed on the GPU and are not known to be on the standby: they name what is lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Paths that are kept; when more change, that there were more.
const KEPT: usize = 10_000;
/// Bytes of all paths that are kept; a list has room for 10,000 of 200 bytes each.
const KEPT_BYTES: usize = 2 * 1024 * 1024;
/// Longest path that a system has, bytes; what is longer names no file and is not kept.
const PATH: usize = 4 * 1024;

/// Paths seen to change after the newest complete sync began. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct DirtyPaths(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Whether every change since the newest complete sync was seen.
    known: bool,
    /// Whether changes are seen now.
    watching: bool,
    /// Whether all changes since the present sync began were seen.
    seen_since_begin: bool,
    before: Changes,
    since: Changes,
}

#[derive(Debug, Default)]
struct Changes {
    paths: BTreeSet<String>,
    bytes: usize,
    more: bool,
}

impl Changes {
    fn add(&mut self, path: String) {
        if self.paths.contains(&path) {
            return;
        }
        let bytes = self.bytes.saturating_add(path.len());
        if path.len() > PATH || self.paths.len() >= KEPT || bytes > KEPT_BYTES {
            self.more = true;
            return;
        }
        self.bytes = bytes;
        self.paths.insert(path);
    }
}

impl DirtyPaths {
    /// The paths, relative to the workspace, in order; a folder that appeared ends in `/` and stands
    /// for what is in it. `None`: not known, since changes were not seen for a while.
    #[must_use]
    pub fn names(&self) -> Option<Vec<String>> {
        let state = self.lock();
        let all = || state.before.paths.union(&state.since.paths).take(KEPT).cloned().collect();
        state.known.then(all)
    }

    /// Whether more paths changed than are named.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        let state = self.lock();
        state.before.more
            || state.since.more
            || state.before.paths.union(&state.since.paths).count() > KEPT
    }

    /// How many paths are named; `None`: not known.
    #[must_use]
    pub fn count(&self) -> Option<i64> {
        self.names().map(|names| i64::try_from(names.len()).unwrap_or(i64::MAX))
    }

    /// From now on changes are seen. What changed before is not known until a sync that begins now or
    /// later is complete.
    pub(super) fn watched(&self) {
        let mut state = self.lock();
        state.watching = true;
        state.known = false;
        state.seen_since_begin = false;
    }

    /// Changes are no longer seen. What was known stays known: it is asked for when the GPU is lost,
    /// and that is when its watch ends.
    pub(super) fn unwatched(&self) {
        let mut state = self.lock();
        state.watching = false;
        state.seen_since_begin = false;
    }

    /// A path changed.
    pub(super) fn changed(&self, path: String) {
        self.lock().since.add(path);
    }

    /// Something changed whose name can't be kept.
    pub(super) fn changed_unnamed(&self) {
        self.lock().since.more = true;
    }

    /// A sync begins.
    pub(super) fn sync_begins(&self) {
        let mut state = self.lock();
        let since = std::mem::take(&mut state.since);
        state.before.more |= since.more;
        since.paths.into_iter().for_each(|path| state.before.add(path));
        state.seen_since_begin = state.watching;
    }

    /// The sync that began last is complete.
    pub(super) fn sync_completes(&self) {
        let mut state = self.lock();
        state.before = Changes::default();
        state.known = state.seen_since_begin;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::id::Epoch;

    use super::*;
    use crate::live::Machine;

    fn complete(dirty: &DirtyPaths) {
        dirty.sync_begins();
        dirty.sync_completes();
    }

    #[test]
    fn what_changed_during_a_sync_stays_dirty_after_it() {
        let dirty = DirtyPaths::default();
        assert_eq!(dirty.names(), None);
        dirty.watched();
        complete(&dirty);
        dirty.changed("a".into());
        dirty.sync_begins();
        dirty.changed("b".into());
        assert_eq!(dirty.names().unwrap(), ["a", "b"]);
        dirty.sync_completes();
        assert_eq!(dirty.names().unwrap(), ["b"]);
    }

    #[test]
    fn what_was_seen_before_a_failover_is_not_named_in_the_next() {
        let dirty = DirtyPaths::default();
        dirty.watched();
        complete(&dirty);
        dirty.changed("a".into());
        let machine = Machine::default();
        machine.set_dirty(Epoch(1), dirty);
        assert_eq!(machine.dirty(Epoch(1)).names().unwrap(), ["a"]);
        // Lost again before the standby follows the new GPU: what changed there is not known.
        assert_eq!(machine.dirty(Epoch(2)).names(), None);
        assert!(!machine.dirty(Epoch(2)).overflowed());
    }

    #[test]
    fn a_failed_sync_clears_nothing() {
        let dirty = DirtyPaths::default();
        dirty.watched();
        complete(&dirty);
        dirty.changed("a".into());
        dirty.sync_begins();
        dirty.changed("b".into());
        dirty.sync_begins();
        assert_eq!(dirty.names().unwrap(), ["a", "b"]);
        dirty.sync_completes();
        assert_eq!(dirty.names().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn after_a_gap_nothing_is_known_until_a_sync_that_began_later() {
        let dirty = DirtyPaths::default();
        dirty.watched();
        complete(&dirty);
        dirty.changed("a".into());
        dirty.unwatched();
        assert_eq!(dirty.names().unwrap(), ["a"], "the loss itself makes nothing unknown");
        dirty.sync_begins();
        dirty.watched();
        assert_eq!(dirty.names(), None);
        dirty.sync_completes();
        assert_eq!(dirty.names(), None, "that sync began before the watch");
        complete(&dirty);
        assert_eq!(dirty.names().unwrap(), Vec::<String>::new());
        dirty.unwatched();
        complete(&dirty);
        assert_eq!(dirty.names(), None, "changes during and after it were not seen");
    }

    #[test]
    fn long_paths_are_bounded_by_their_bytes_and_told() {
        let dirty = DirtyPaths::default();
        dirty.watched();
        complete(&dirty);
        dirty.changed("x".repeat(PATH + 1));
        assert_eq!((dirty.names().unwrap().len(), dirty.overflowed()), (0, true), "no path");
        complete(&dirty);
        for number in 0..KEPT {
            dirty.changed(format!("{number:0>4000}"));
        }
        let bytes: usize = dirty.names().unwrap().iter().map(String::len).sum();
        assert!(bytes <= KEPT_BYTES, "{bytes}");
        assert!(dirty.overflowed());
        // What was kept while another sync goes on counts too.
        dirty.sync_begins();
        (0..KEPT).for_each(|number| dirty.changed(format!("{number:1>4000}")));
        let bytes: usize = dirty.names().unwrap().iter().map(String::len).sum();
        assert!(bytes <= 2 * KEPT_BYTES, "{bytes}");
        dirty.changed_unnamed();
        assert!(dirty.overflowed());
    }

    #[test]
    fn too_many_are_bounded_and_told() {
        let dirty = DirtyPaths::default();
        dirty.watched();
        complete(&dirty);
        (0..=KEPT).for_each(|number| dirty.changed(number.to_string()));
        assert_eq!(dirty.names().unwrap().len(), KEPT);
        assert!(dirty.overflowed());
        complete(&dirty);
        assert!(!dirty.overflowed());
    }
}
