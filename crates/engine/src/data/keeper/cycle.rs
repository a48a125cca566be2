//! One sync by the keeper.

use agent::entry::Unprotected;
use agent::order::{
    CycleDone, CycleEnd, CycleOrder, Done, HeldTold, Order, PointTold, Refusal, Told, Why,
};
use agent::source::Blind;
use domain::frozen::{Deletion, Deletions, LISTED};
use domain::gaps::{self, Drift, Gap, GapCount, GapReason, Gaps, Sight, Unwatched};
use domain::time::Millis;

use super::{Keeper, another, count, number, progress, refused, way};
use crate::data::wire::{checked, words};
use crate::data::{CycleOutcome, CycleReport, CycleRequest, DataError, Progress};

const WHAT: &str = "sync";
/// Losses are counted over so many seconds.
const WINDOW: u64 = 600;

/// What of a sync only the keeper knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeptCycle {
    /// The recovery point that is the newest now.
    pub point: Option<i64>,
    /// What of the workspace is not in it as it is on the GPU.
    pub gaps: Gaps,
    /// What had been written to the copy on the standby, where something had.
    pub drift: Option<Drift>,
}

impl Keeper {
    /// Syncs once. `program` is where the GPU has its own; `host` is what tells this GPU from others.
    ///
    /// # Errors
    /// As [`super::super::cycle`].
    pub async fn cycle(
        &mut self,
        request: &CycleRequest,
        program: &str,
        host: &str,
        pending: &mut (dyn FnMut(Progress) + Send),
        moved: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<CycleReport, DataError> {
        let endpoint = &request.endpoint;
        let order = Order::Cycle(CycleOrder {
            epoch: number(request.epoch),
            trusted: format!("{} {}", endpoint.host, endpoint.port),
            host: format!("{} {} {host}", endpoint.host, endpoint.port),
            read: way("gpu", program, &checked(&request.workspace)?, false),
            percent: u64::try_from(request.max_delete_percent).unwrap_or(0),
            window_seconds: WINDOW,
            accepted: request.accepted_deletions.as_deref().and_then(digest),
        });
        let done = self
            .told(WHAT, &order, &mut |told| match told {
                Told::Wanted(all) => pending(progress(all)),
                Told::Moved(now) => moved(progress(now)),
                _ => {}
            })
            .await?;
        match done {
            Ok(Done::Cycle(done)) => Ok(told(&done)),
            Ok(_) => Err(another(WHAT)),
            Err(Refusal::WorkspaceMissing(_)) => {
                let outcome = CycleOutcome::SourceMissing;
                Ok(CycleReport { outcome, ..nothing() })
            }
            Err(refusal) => Err(refused(WHAT, refusal)),
        }
    }
}

/// 64 hexadecimal digits as bytes.
fn digest(text: &str) -> Option<[u8; 32]> {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok()
    });
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn nothing() -> CycleReport {
    CycleReport {
        outcome: CycleOutcome::Ok,
        files_total: 0,
        bytes_total: 0,
        files_sent: 0,
        bytes_sent: 0,
        files_deleted: 0,
        versions_path: None,
        kept: None,
    }
}

fn told(done: &CycleDone) -> CycleReport {
    let of =
        |figure: fn(&PointTold) -> u64| done.point.as_ref().map_or(0, |point| count(figure(point)));
    let report = CycleReport {
        files_total: of(|point| point.files),
        bytes_total: of(|point| point.bytes),
        ..nothing()
    };
    let report = match &done.end {
        CycleEnd::Whole { .. } => CycleReport {
            files_sent: count(done.fetched.files),
            bytes_sent: count(done.fetched.bytes),
            files_deleted: count(done.lost),
            ..report
        },
        CycleEnd::Frozen { lost, of, held } => CycleReport {
            outcome: CycleOutcome::Frozen {
                would_delete: count(*lost),
                of: count(*of),
                deletions: held.as_ref().map(deletions),
            },
            ..report
        },
    };
    let point = done.point.as_ref().map(|point| count(point.id));
    // One that was stopped looked at nothing.
    let whole = matches!(done.end, CycleEnd::Whole { .. });
    let found = done.drift;
    let drift = Drift {
        point: found.point.map(count),
        written: count(found.written),
        removed: count(found.removed),
        unread: count(found.unread),
    };
    let drift = (found.written + found.removed + found.unread > 0).then_some(drift);
    let kept = whole.then(|| Box::new(KeptCycle { point, gaps: gaps(&done.gaps), drift }));
    CycleReport { kept, ..report }
}

/// What is told of gaps, in the order of the harm. Of what is not protected only those that are named tell
/// why; the rest is counted as that.
fn gaps(told: &agent::order::Gaps) -> Gaps {
    let named = |why: GapReason| {
        let named = told.named.iter().filter(|one| reason(&one.why) == why).count();
        count(u64::try_from(named).unwrap_or(u64::MAX))
    };
    let all = GapReason::ALL.iter().map(|why| {
        let entries = match why {
            GapReason::InFlux => count(told.flux),
            GapReason::Corrupt => count(told.corrupt),
            GapReason::Damaged => count(told.damaged),
            GapReason::Attributes => count(told.attributes),
            GapReason::Excluded => count(told.excluded),
            GapReason::NotProtected => {
                let known = UNPROTECTED.iter().map(|why| named(*why)).sum::<i64>();
                (count(told.unprotected) - count(told.excluded) - known).max(0)
            }
            other => named(*other),
        };
        GapCount { why: *why, entries }
    });
    let mut listed: Vec<Gap> = told
        .named
        .iter()
        .map(|one| Gap {
            path: words(&String::from_utf8_lossy(&one.path)),
            why: reason(&one.why),
            bytes: one.size.map(count),
            since: match one.why {
                Why::Flux { since_ms } => Some(Millis(since_ms)),
                _ => None,
            },
        })
        .collect();
    listed.sort_by_key(|one| (one.why, one.since));
    listed.truncate(gaps::LISTED);
    Gaps {
        counts: all.filter(|one| one.entries > 0).collect(),
        listed,
        sight: told.sight.map(|sight| match sight {
            agent::source::Sight::None => Sight::None,
            agent::source::Sight::Part => Sight::Part,
            agent::source::Sight::All => Sight::All,
        }),
        unwatched: told.unwatched.and_then(|blind| match blind {
            // Nothing had been listed yet: that is no reason.
            Blind::Fresh => None,
            Blind::Overflow => Some(Unwatched::Overflow),
            Blind::WatchLimit => Some(Unwatched::Limit),
            Blind::NoWatch => Some(Unwatched::Unavailable),
            Blind::TooMany => Some(Unwatched::TooMany),
            Blind::Network => Some(Unwatched::Network),
            Blind::RootReplaced => Some(Unwatched::RootReplaced),
        }),
    }
}

/// What is told of under one name, and why by name alone.
const UNPROTECTED: &[GapReason] = &[
    GapReason::Unreadable,
    GapReason::OtherFileSystem,
    GapReason::Device,
    GapReason::PathTooLong,
    GapReason::TooLarge,
];

const fn reason(told: &Why) -> GapReason {
    match told {
        Why::Flux { .. } => GapReason::InFlux,
        Why::Corrupt => GapReason::Corrupt,
        Why::Damaged => GapReason::Damaged,
        Why::Attributes(_) => GapReason::Attributes,
        Why::Unprotected(why) => match why {
            Unprotected::Unreadable { .. } => GapReason::Unreadable,
            Unprotected::Device => GapReason::Device,
            Unprotected::OtherFileSystem => GapReason::OtherFileSystem,
            Unprotected::PathTooLong => GapReason::PathTooLong,
            Unprotected::Excluded => GapReason::Excluded,
            Unprotected::TooLarge => GapReason::TooLarge,
        },
    }
}

fn deletions(held: &HeldTold) -> Deletions {
    let listed = held.named.iter().take(LISTED).map(|(path, bytes)| Deletion {
        path: String::from_utf8_lossy(path).into_owned(),
        bytes: bytes.map(count),
    });
    Deletions {
        digest: held.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        files: count(held.files),
        folders: count(held.folders),
        bytes: Some(count(held.bytes)),
        listed: listed.collect(),
    }
}
