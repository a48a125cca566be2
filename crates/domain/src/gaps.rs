//! What a copy does not hold as it is on the GPU, as far as that is known.
//!
//! Only where the standby keeps recovery points is it known at all: rsync takes what it read for whole.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// How many are kept by name.
pub const LISTED: usize = 40;

crate::text_enum! {
    /// Why something is not in a copy as it is on the GPU.
    pub enum GapReason ("reason for a gap") {
        /// It never held still while it was read: its last whole version is kept, where there was one.
        InFlux = "in_flux",
        /// It never arrived as it was read: its last version is kept.
        Corrupt = "corrupt",
        /// The GPU refuses to read it.
        Unreadable = "unreadable",
        /// Another file system is mounted there.
        OtherFileSystem = "other_file_system",
        /// A device node.
        Device = "device",
        /// Its path is longer than what is kept.
        PathTooLong = "path_too_long",
        /// It holds more than what is kept of one entry.
        TooLarge = "too_large",
        /// It was found damaged on the standby, and is fetched anew.
        Damaged = "damaged",
        /// Not protected, for a reason that is not named.
        NotProtected = "not_protected",
        /// Some of its extended attributes are not kept.
        Attributes = "attributes",
        /// Its user excluded it.
        Excluded = "excluded",
    }
}

crate::text_enum! {
    /// Of how many of the GPU's processes it is known what they have open for writing. Of the others' files it
    /// is only known that they held still while they were read.
    pub enum Sight ("sight") {
        /// Of none.
        None = "none",
        /// Of some.
        Part = "part",
        /// Of all that the GPU shows.
        All = "all",
    }
}

crate::text_enum! {
    /// Why changes are not heard of as they happen: then each sync looks at everything.
    pub enum Unwatched ("reason for not watching") {
        /// The kernel's queue ran over.
        Overflow = "overflow",
        /// The kernel watches no more folders for this user.
        Limit = "limit",
        /// The kernel can't watch there, or its watch ended.
        Unavailable = "unavailable",
        /// More changed than is kept a list of.
        TooMany = "too_many",
        /// It is a network file system, to which others write unseen.
        Network = "network",
        /// Another folder stands in the workspace's place.
        RootReplaced = "root_replaced",
    }
}

/// What was found to have been written to a copy that follows a GPU. It is in a point of its own, and the
/// copy is what the GPU has again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Drift {
    /// The point that holds it.
    pub point: Option<i64>,
    /// Files and links that were new or different.
    pub written: i64,
    /// Those that were gone.
    pub removed: i64,
    /// What could not be read: it is in no point.
    pub unread: i64,
}

impl GapReason {
    /// Whether work is missing for it. A device holds none, what was excluded is not wanted, and with some
    /// attributes gone the content is there.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        !matches!(self, Self::Device | Self::Excluded | Self::Attributes)
    }
}

/// How many there are for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GapCount {
    /// The reason.
    pub why: GapReason,
    /// Entries; a folder that can't be read is one, whatever is in it.
    pub entries: i64,
}

/// One by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Path below the workspace.
    pub path: String,
    /// Why.
    pub why: GapReason,
    /// Bytes, where they are known.
    pub bytes: Option<i64>,
    /// Since when no newer version of it is in the copy, where that is known.
    pub since: Option<Millis>,
}

/// All of them at the end of one sync.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Gaps {
    /// How many, by reason; reasons that there are none for are left out.
    pub counts: Vec<GapCount>,
    /// Some by name, [`LISTED`] at most.
    pub listed: Vec<Gap>,
    /// Of how many of the GPU's processes it was known what they had open for writing.
    pub sight: Option<Sight>,
    /// Why changes are not heard of as they happen, where they are not.
    pub unwatched: Option<Unwatched>,
}

impl Gaps {
    /// Entries that work is missing of.
    #[must_use]
    pub fn lost(&self) -> i64 {
        let lost = self.counts.iter().filter(|one| one.why.is_loss());
        lost.fold(0, |sum, one| sum.saturating_add(one.entries))
    }

    /// With entries that were found damaged on the standby, some of them by name.
    #[must_use]
    pub fn with_damaged(mut self, entries: i64, named: Vec<String>) -> Self {
        let why = GapReason::Damaged;
        self.counts.retain(|one| one.why != why);
        self.listed.retain(|one| one.why != why);
        self.counts.push(GapCount { why, entries });
        let known = named.into_iter().map(|path| Gap { path, why, bytes: None, since: None });
        let known: Vec<Gap> = known.collect();
        self.listed.splice(0..0, known);
        self.listed.truncate(LISTED);
        self
    }

    /// Entries for one reason.
    #[must_use]
    pub fn of(&self, why: GapReason) -> i64 {
        self.counts.iter().find(|one| one.why == why).map_or(0, |one| one.entries)
    }

    /// What work is missing of, in English, for a journal.
    #[must_use]
    pub fn words(&self) -> String {
        let counts = self.counts.iter().filter(|one| one.why.is_loss());
        let counts: Vec<String> =
            counts.map(|one| format!("{} {}", one.entries, english(one.why))).collect();
        let named = self.listed.iter().filter(|one| one.why.is_loss()).take(5);
        let named: Vec<&str> = named.map(|one| one.path.as_str()).collect();
        format!("{} ({})", counts.join(", "), named.join(", "))
    }
}

const fn english(why: GapReason) -> &'static str {
    match why {
        GapReason::InFlux => "in flux",
        GapReason::Corrupt => "not arrived as read",
        GapReason::Unreadable => "not readable",
        GapReason::OtherFileSystem => "on another file system",
        GapReason::Device => "device",
        GapReason::PathTooLong => "with too long a path",
        GapReason::TooLarge => "too large",
        GapReason::Damaged => "damaged on the standby",
        GapReason::NotProtected => "not protected",
        GapReason::Attributes => "with attributes that are not kept",
        GapReason::Excluded => "excluded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_and_what_was_excluded_hold_no_work_back() {
        let count = |why, entries| GapCount { why, entries };
        let gap = |path: &str, why| Gap { path: path.into(), why, bytes: None, since: None };
        let mut gaps = Gaps {
            counts: vec![count(GapReason::Device, 2), count(GapReason::Excluded, 9)],
            listed: vec![gap("null", GapReason::Device)],
            ..Gaps::default()
        };
        assert_eq!(gaps.lost(), 0);
        gaps.counts.push(count(GapReason::InFlux, 1));
        gaps.listed.push(gap("best.pt", GapReason::InFlux));
        assert_eq!((gaps.lost(), gaps.of(GapReason::InFlux)), (1, 1));
        assert_eq!(gaps.words(), "1 in flux (best.pt)");
        let taken = gaps.with_damaged(2, vec!["a".into(), "b".into()]);
        assert_eq!((taken.of(GapReason::Damaged), taken.lost()), (2, 3));
        assert_eq!(taken.words(), "1 in flux, 2 damaged on the standby (a, b, best.pt)");
        assert_eq!(taken.with_damaged(1, vec!["a".into()]).of(GapReason::Damaged), 1);
    }
}
