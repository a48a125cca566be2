//! What a copy does not hold as it is on the GPU.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::gaps::{GapCount, GapReason, Gaps as Known, Sight, Unwatched};

/// All of it at the end of the newest sync.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gaps {
    /// Entries that work is missing of: all but devices and what was excluded.
    pub lost: i64,
    /// How many, by reason.
    pub counts: Vec<GapCount>,
    /// Some by name.
    pub listed: Vec<Gap>,
    /// Of how many of the GPU's processes it was known what they had open for writing; of the others' files it
    /// is only known that they held still while they were read.
    #[serde(default)]
    pub sight: Option<Sight>,
    /// Why changes are not heard of as they happen and each sync looks at everything; `null` where they are.
    #[serde(default)]
    pub unwatched: Option<Unwatched>,
}

/// One by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gap {
    /// Path below the workspace.
    pub path: String,
    /// Why.
    pub why: GapReason,
    /// Bytes, where they are known.
    pub bytes: Option<i64>,
    /// Since when no newer version of it is in the copy, where that is known.
    pub since: Option<Time>,
}

impl From<&Known> for Gaps {
    fn from(known: &Known) -> Self {
        let listed = known.listed.iter().map(|one| Gap {
            path: one.path.clone(),
            why: one.why,
            bytes: one.bytes,
            since: one.since.map(Time),
        });
        Self {
            lost: known.lost(),
            counts: known.counts.clone(),
            listed: listed.collect(),
            sight: known.sight,
            unwatched: known.unwatched,
        }
    }
}
