//! Whether somebody still writes to a file. A look at the host's processes counts for every file that was
//! not changed since: nobody who had it open then can have written to it after. So one look serves
//! for many files.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::{Clock, Nanos};
use crate::entry::Identity;
use crate::hash::Hash;
use crate::lookout::{How, Lookout, Seen};
use crate::source::Sight;
use crate::whole::FRESH;

/// So much more time passes between two looks that nobody waits for than a look takes.
const REST: u32 = 200;

/// Who has files open for writing, as far as it has to be known.
pub(crate) struct Writers {
    lookout: Lookout,
    clock: Arc<dyn Clock>,
    root: Vec<u8>,
    dev: u64,
    seen: Option<(Nanos, Nanos, Seen)>,
    /// When the mappings of all processes were last looked at, and for how long.
    everyone: Option<(Nanos, std::time::Duration)>,
    /// Files that a process has open and that are not what was kept of them: which content that was.
    differ: HashMap<(u64, u64), Hash>,
}

impl Writers {
    /// Of a workspace whose folder is at `root`.
    pub(crate) fn new(lookout: Lookout, clock: Arc<dyn Clock>, root: Vec<u8>, dev: u64) -> Self {
        Self { lookout, clock, root, dev, seen: None, everyone: None, differ: HashMap::new() }
    }

    /// Looks now.
    pub(crate) fn look(&mut self) -> &Seen {
        let began = self.clock.now();
        let rested = |(ended, took): (Nanos, std::time::Duration)| {
            began < ended || began.since(ended) >= took * REST
        };
        // What is asked only once doesn't wait for it.
        let everyone = self.seen.is_some() && self.everyone.is_none_or(rested);
        let mut seen = self.lookout.look(&self.root, self.dev, everyone);
        if everyone {
            let now = self.clock.now();
            self.everyone = Some((now, now.since(began)));
        } else if self.everyone.is_none() {
            seen.sight = seen.sight.min(Sight::Part);
        }
        self.differ.retain(|file, _| seen.open.contains_key(file));
        let ended = self.clock.now();
        &self.seen.insert((began, ended, seen)).2
    }

    /// What was seen lately; looks where that is long ago, by what a look costs.
    pub(crate) fn lately(&mut self) -> &Seen {
        let now = self.clock.now();
        let is_due = self.seen.as_ref().is_none_or(|(began, ended, _)| {
            now < *ended || now.since(*ended) >= ended.since(*began) * REST
        });
        if is_due {
            self.look();
        }
        self.seen()
    }

    fn seen(&mut self) -> &Seen {
        if self.seen.is_none() {
            self.look();
        }
        &self
            .seen
            .get_or_insert_with(|| {
                let none = Seen { sight: Sight::None, open: HashMap::new(), mapped: Vec::new() };
                (Nanos::default(), Nanos::default(), none)
            })
            .2
    }

    /// Of how many processes it is known.
    pub(crate) fn sight(&mut self) -> Sight {
        self.seen().sight
    }

    /// Who has this file open for writing, where it is still as it is told here. What was seen before
    /// `since` of one that was open then is looked at anew: it may be closed by now.
    pub(crate) fn of(&mut self, file: &Identity, since: Nanos) -> Option<How> {
        let key = (file.dev, file.ino);
        let settled = Nanos(file.ctime.0.saturating_add(FRESH.as_nanos().cast_signed()));
        let counts = self.seen.as_ref().is_some_and(|(began, _, seen)| {
            settled < *began && (*began >= since || !seen.open.contains_key(&key))
        });
        if !counts {
            self.look();
        }
        self.seen().open.get(&key).copied()
    }

    /// Remembers that a file that is open differs from what was kept of it.
    pub(crate) fn set_differs(&mut self, file: &Identity, from: Hash) {
        self.differ.insert((file.dev, file.ino), from);
    }

    /// Whether it is known to.
    pub(crate) fn differs(&self, file: &Identity, from: Hash) -> bool {
        self.differ.get(&(file.dev, file.ino)) == Some(&from)
    }
}
