//! Things by the numbers that their file system gave them, for telling whether one of them is an earlier one.

use std::collections::HashMap;

use crate::entry::Identity;

/// Things that are there, by device and number.
#[derive(Debug, Default)]
pub(super) struct Numbers(HashMap<(u64, u64), Vec<Identity>>);

impl Numbers {
    /// Whether one of them is provably what `earlier` was.
    pub(super) fn has(&self, earlier: &Identity) -> bool {
        let same = self.0.get(&(earlier.dev, earlier.ino));
        same.is_some_and(|same| same.iter().any(|now| now.is_still(earlier)))
    }
}

impl Extend<Identity> for Numbers {
    fn extend<I: IntoIterator<Item = Identity>>(&mut self, things: I) {
        for thing in things {
            self.0.entry((thing.dev, thing.ino)).or_default().push(thing);
        }
    }
}
