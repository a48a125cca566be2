//! Recovery points and the way back to one.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::association::{Association as Tie, DataPath, Serving, WhyRsync};
use crate::point::{Change, Difference, Lacks, PointKind, Points, Return, ReturnState};

/// `GET /standby/associations/{machine_id}/points`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryPoints {
    /// Whether this machine's copy keeps recovery points. By rsync it does not: then versions of changed and
    /// deleted files lie on the standby, and nothing can be gone back to from here.
    pub kept: bool,
    /// Why by rsync, where it is.
    pub why_rsync: Option<WhyRsync>,
    /// The newest points, the newest first.
    pub points: Vec<RecoveryPoint>,
    /// How many there are; `null` where none are kept.
    pub count: Option<i64>,
    /// Each file's content was read and hashed where it was written since this moment; `null` where that is
    /// not known.
    pub proven_since: Option<Time>,
    /// Bytes that earlier points take beside the copy.
    pub history_bytes: Option<i64>,
    /// Why the copy is not the newest point everywhere, where it is not.
    pub cut_off: Option<String>,
    /// Where the work is: that is what goes back.
    pub serving: Serving,
    /// The newest way back that was asked for.
    pub last_return: Option<PointReturn>,
}

/// A recovery point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryPoint {
    /// Rises.
    pub id: i64,
    /// Fencing number of the machine when it was made.
    pub epoch: i64,
    /// When it was complete, by the standby's clock.
    pub at: Time,
    /// Of what it was made.
    pub kind: PointKind,
    /// Files and links in it.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Entries that are new, different or gone since the point before.
    pub changed: i64,
    /// It stays, whatever its age.
    pub pinned: bool,
    /// What it lacked of the workspace when it was made; `null` where that is not known.
    pub lacks: Option<Lacks>,
}

/// `GET /standby/associations/{machine_id}/points/{point}`: what going back to it would change now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PointDifference {
    /// The point.
    pub point: i64,
    /// At and below this path; empty: everywhere.
    pub path: String,
    /// Files that would be there again.
    pub added: i64,
    /// Files that would be as they were.
    pub changed: i64,
    /// Files that would not be there any more.
    pub removed: i64,
    /// Bytes that would be brought.
    pub bytes: i64,
    /// Files whose content of then is not kept any more; with any, going back is refused.
    pub missing: i64,
    /// Some of the paths.
    pub listed: Vec<String>,
}

/// A way back that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PointReturn {
    /// To which point.
    pub point: i64,
    /// When that was made.
    pub point_at: Option<Time>,
    /// At and below this path; empty: everywhere.
    pub path: String,
    /// Where the work was, and what went back.
    pub serving: Serving,
    /// When it was asked for.
    pub asked_at: Time,
    /// What became of it.
    pub state: ReturnState,
    /// The point that holds what was there before.
    pub before: Option<i64>,
    /// Files that it changes, where that is known.
    pub files: Option<i64>,
    /// Bytes that are brought, where that is known.
    pub bytes: Option<i64>,
    /// Why it did not work out last.
    pub problem: Option<String>,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// `POST /standby/associations/{machine_id}/points/{point}/go-back`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GoBack {
    /// At and below this path of the workspace; everything when absent or empty.
    #[cfg_attr(feature = "openapi", schema(max_length = 1024, required = false))]
    pub path: String,
    /// That files are changed under whatever runs there is agreed to. Without it nothing is done.
    pub accept_changes: bool,
}

/// Query of a point's difference.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct DifferenceQuery {
    /// At and below this path of the workspace; everything when absent or empty.
    #[cfg_attr(feature = "openapi", param(max_length = 1024))]
    pub path: Option<String>,
}

impl RecoveryPoints {
    /// Of a machine whose copy keeps none, or none that could be asked for.
    #[must_use]
    pub fn none(tie: &Tie, last: Option<&Return>) -> Self {
        Self {
            kept: tie.sync.path == Some(DataPath::Agent),
            why_rsync: tie.sync.why_rsync,
            points: Vec::new(),
            count: None,
            proven_since: None,
            history_bytes: None,
            cut_off: None,
            serving: tie.serving,
            last_return: last.map(PointReturn::from),
        }
    }

    /// With what its standby tells.
    #[must_use]
    pub fn with(self, points: &Points) -> Self {
        Self {
            points: points.listed.iter().map(RecoveryPoint::from).collect(),
            count: Some(points.count),
            proven_since: points.proven_since.map(Time),
            history_bytes: Some(points.history_bytes),
            cut_off: points.cut_off.clone(),
            ..self
        }
    }
}

impl From<&crate::point::RecoveryPoint> for RecoveryPoint {
    fn from(point: &crate::point::RecoveryPoint) -> Self {
        Self {
            id: point.id,
            epoch: point.epoch.0,
            at: Time(point.at),
            kind: point.kind,
            files: point.files,
            bytes: point.bytes,
            changed: point.changed,
            pinned: point.pinned,
            lacks: point.lacks,
        }
    }
}

impl PointDifference {
    /// Of a point, at a path.
    #[must_use]
    pub fn new(point: i64, path: String, found: Difference) -> Self {
        let Change { added, changed, removed, bytes } = found.change;
        let (missing, listed) = (found.missing, found.listed);
        Self { point, path, added, changed, removed, bytes, missing, listed }
    }

    /// How many files it would change.
    #[must_use]
    pub const fn files(&self) -> i64 {
        self.added.saturating_add(self.changed).saturating_add(self.removed)
    }
}

impl From<&Return> for PointReturn {
    fn from(back: &Return) -> Self {
        Self {
            point: back.point,
            point_at: back.point_at.map(Time),
            path: back.path.clone(),
            serving: back.serving,
            asked_at: Time(back.asked_at),
            state: back.state,
            before: back.before,
            files: back.change.map(Change::files),
            bytes: back.change.map(|change| change.bytes),
            problem: back.problem.clone(),
            ended_at: back.ended_at.map(Time),
        }
    }
}
