//! What the keeper says.

use serde::{Deserialize, Serialize};

use super::{Gaps, Refusal};

/// What is said meanwhile and at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// It takes long, and goes on.
    Alive,
    /// So much is to be moved.
    Wanted(Amount),
    /// So much was moved so far.
    Moved(Amount),
    /// It is done.
    Done(Box<Done>),
    /// It is not.
    Refused(Refusal),
}

/// Files and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amount {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What was done, by order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// Of [`super::Order::Cycle`].
    Cycle(CycleDone),
    /// Of [`super::Order::TakeOver`].
    Taken(TakenDone),
    /// Of [`super::Order::Status`].
    Status(StatusTold),
    /// Of [`super::Order::Points`], the newest first.
    Points(Vec<PointTold>),
    /// Of [`super::Order::Own`].
    Own(OwnDone),
    /// Of [`super::Order::Pin`].
    Pinned(PointTold),
    /// Of [`super::Order::Unpin`].
    Unpinned,
    /// Of [`super::Order::Restore`].
    Restored(RestoreDone),
    /// Of [`super::Order::Prove`].
    Proven(ProofDone),
    /// Of [`super::Order::Difference`].
    Difference(DifferenceTold),
    /// Of [`super::Order::GoBack`]: the point that it made; none where there was nothing to change.
    Back(Option<PointTold>),
}

/// A recovery point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointTold {
    /// Rises.
    pub id: u64,
    /// The epoch in which it was taken.
    pub epoch: u64,
    /// All that was written before is in it: by the GPU's clock, ms since 1970.
    pub began_ms: i64,
    /// When it was complete here, by the standby's clock.
    pub received_ms: i64,
    /// How what changed was found.
    pub how: How,
    /// Files and links in it.
    pub files: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Entries that are new, different or gone since the point before.
    pub changed: u64,
    /// It stays, whatever its age.
    pub pinned: bool,
    /// What it lacked of the workspace when it was made; none where that is not known, as of a point that
    /// was made of something else.
    pub lacks: Option<LacksTold>,
}

/// What a point lacked of the workspace when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LacksTold {
    /// Files that never held still: their last whole version is in it.
    pub flux: u64,
    /// Files that never arrived as they were read: their last version is in it.
    pub corrupt: u64,
    /// Entries that are not protected, those that the user excluded not counted.
    pub unprotected: u64,
}

/// How the changes of a point were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Everything was listed.
    Scan,
    /// Only what the watch told was.
    Watched,
    /// What the standby's own job left, or what was here before points were kept.
    Standby,
    /// The copy was put back.
    Back,
}

/// How a cycle ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CycleEnd {
    /// The last point is what the workspace was when it began; whether it was made by this cycle.
    Whole {
        /// Whether anything was different.
        news: bool,
    },
    /// The guard stopped it; nothing was changed.
    Frozen {
        /// Files that would be lost over the time that is looked at.
        lost: u64,
        /// Of so many.
        of: u64,
        /// What this cycle would have lost; none where it is not known.
        held: Option<HeldTold>,
    },
}

/// Losses that were held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTold {
    /// Stands for exactly this set.
    pub digest: [u8; 32],
    /// Files and links.
    pub files: u64,
    /// Folders.
    pub folders: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Some by name, a folder's with a slash at its end and without bytes.
    pub named: Vec<(Vec<u8>, Option<u64>)>,
}

/// What a cycle did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleDone {
    /// How it ended.
    pub end: CycleEnd,
    /// The point that is the newest now.
    pub point: Option<PointTold>,
    /// What came.
    pub fetched: Amount,
    /// Files lost by it.
    pub lost: u64,
    /// Files that never held still: their last whole version is kept.
    pub flux: u64,
    /// Entries that are not protected.
    pub unprotected: u64,
    /// Files that never arrived as they were read: their last version is kept.
    pub corrupt: u64,
    /// What the point lacks, by name.
    pub gaps: Gaps,
    /// What had been written to the copy here before it.
    pub drift: Drift,
}

/// What was found to have been written to the copy on the standby since a point was made of it. It is in
/// a point of its own, and the copy is what the GPU has again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Drift {
    /// The point that holds it.
    pub point: Option<u64>,
    /// Files and links that were new or different.
    pub written: u64,
    /// Those that were gone.
    pub removed: u64,
    /// What could not be read, or was open for writing: it is in no point.
    pub unread: u64,
}

/// The copy as it was taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenDone {
    /// The last point, where there is one.
    pub point: Option<PointTold>,
    /// The copy is not that point everywhere.
    pub cut_off: Option<CutOff>,
}

/// A change of the copy that was decided and could not be finished, or an index that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CutOff {
    /// What was met, in words.
    pub words: String,
    /// Nothing is known of any path: the index was lost.
    pub unknown: bool,
    /// Paths that are not what the point says.
    pub damaged: u64,
    /// Some of them.
    pub named: Vec<Vec<u8>>,
}

/// How things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusTold {
    /// The epoch in whose name the copy follows.
    pub epoch: u64,
    /// The last point.
    pub last: Option<PointTold>,
    /// Points that are kept.
    pub points: u64,
    /// How long ago the moment is whose state is durable here; none where there never was one.
    pub lag_ms: Option<u64>,
    /// Files that never hold still.
    pub flux: u64,
    /// Entries that are not protected, and their bytes as far as they are known.
    pub unprotected: Amount,
    /// Bytes of contents that only earlier points refer to.
    pub history_bytes: u64,
    /// Bytes free on the disk.
    pub free_bytes: u64,
    /// What the last point lacks, by name.
    pub gaps: Gaps,
    /// Each file's content was read and hashed on the GPU since this moment, by the standby's clock, ms
    /// since 1970; none where there is no file.
    pub proven_since_ms: Option<i64>,
    /// The copy is not the last point everywhere, and no cycle has mended it yet.
    pub cut_off: Option<CutOff>,
}

/// What was written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDone {
    /// The point that holds it; the last one where nothing was written.
    pub point: Option<PointTold>,
    /// Files and links that are new or different.
    pub written: u64,
    /// Those that are gone.
    pub removed: u64,
    /// What could not be read, or never held still.
    pub unread: u64,
}

/// What bringing did. Whether it is all there, only a proof says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreDone {
    /// What was sent.
    pub sent: Amount,
    /// What did not go as it should.
    pub troubles: u64,
    /// Some of it in words.
    pub named: Vec<String>,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofDone {
    /// Files and links that are what the point says, content and all that belongs to it.
    pub proven: u64,
    /// The bytes of those files.
    pub bytes: u64,
    /// Entries that differ.
    pub differing: u64,
    /// Some of them.
    pub named: Vec<Vec<u8>>,
}

/// What going back would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceTold {
    /// Files that would be there again.
    pub added: u64,
    /// Files that would be as they were.
    pub changed: u64,
    /// Files that would not be there.
    pub removed: u64,
    /// Bytes that would be brought.
    pub bytes: u64,
    /// Files whose content of then is not here any more.
    pub missing: u64,
    /// Some of the paths.
    pub named: Vec<Vec<u8>>,
}
