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
}

impl Gaps {
    /// Entries that work is missing of.
    #[must_use]
    pub fn lost(&self) -> i64 {
        let lost = self.counts.iter().filter(|one| one.why.is_loss());
        lost.fold(0, |sum, one| sum.saturating_add(one.entries))
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
        };
        assert_eq!(gaps.lost(), 0);
        gaps.counts.push(count(GapReason::InFlux, 1));
        gaps.listed.push(gap("best.pt", GapReason::InFlux));
        assert_eq!((gaps.lost(), gaps.of(GapReason::InFlux)), (1, 1));
        assert_eq!(gaps.words(), "1 in flux (best.pt)");
    }
}
