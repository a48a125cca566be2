//! From what the keeper knows to what is said of it.

use crate::clock::Nanos;
use crate::keep::{
    Cycle, Difference, Held, KeepError, Kind, Lacks, Outcome, Own, Point, Proof, Restored, Status,
    Trouble, Unread, Verdict,
};
use crate::order::{
    Amount, CutOff, CycleDone, CycleEnd, DifferenceTold, Drift, Gaps, HELD_MAX, HELD_PATH_MAX,
    HeldTold, How, LacksTold, OwnDone, PointTold, ProofDone, Refusal, RestoreDone, StatusTold,
};
use crate::path::RelPath;
use crate::source::SourceError;

/// Entries that are named in words.
const NAMED: usize = 20;

/// A path in words, cut where it is long.
fn shown(path: &RelPath) -> String {
    let bytes = path.as_bytes();
    bytes.get(..bytes.len().min(300)).unwrap_or_default().escape_ascii().to_string()
}

fn unread_word(path: &RelPath, why: &Unread) -> String {
    let path = shown(path);
    match why {
        Unread::Flux => format!("{path}: it is written to"),
        Unread::Refused(errno) => {
            format!("{path}: {}", std::io::Error::from_raw_os_error(*errno))
        }
        Unread::OtherFileSystem => format!("{path}: another file system is mounted there"),
        Unread::TooLarge => format!("{path}: its path or its attributes are longer than is kept"),
    }
}

fn ms(at: Nanos) -> i64 {
    i64::try_from(at.0.div_euclid(1_000_000)).unwrap_or(0)
}

pub(super) fn point(point: &Point) -> PointTold {
    PointTold {
        id: point.id,
        epoch: point.epoch,
        began_ms: ms(point.began),
        received_ms: ms(point.received),
        how: match point.kind {
            Kind::Scan => How::Scan,
            Kind::Watched => How::Watched,
            Kind::Standby => How::Standby,
            Kind::Back => How::Back,
        },
        files: point.files,
        bytes: point.bytes,
        changed: point.changed,
        pinned: point.pinned,
        lacks: None,
    }
}

/// A point of a list, with what it lacked.
pub(super) fn listed(of: &Point, lacks: Option<Lacks>) -> PointTold {
    let lacks = lacks.map(|lacks| LacksTold {
        flux: lacks.flux,
        corrupt: lacks.corrupt,
        unprotected: lacks.unprotected,
    });
    PointTold { lacks, ..point(of) }
}

pub(super) fn cycle(
    cycle: &Cycle,
    last: Option<&Point>,
    gaps: Gaps,
    drift: Drift,
) -> Result<CycleDone, Refusal> {
    let end = match &cycle.outcome {
        Outcome::Point(_) => CycleEnd::Whole { news: true },
        Outcome::Unchanged => CycleEnd::Whole { news: false },
        Outcome::Frozen(verdict) => {
            let (lost, of) = match verdict {
                Verdict::TooMuchLost { lost, of } => (*lost, *of),
                Verdict::Pass | Verdict::NotCounted | Verdict::RootReplaced => (0, 0),
            };
            CycleEnd::Frozen { lost, of, held: cycle.held.as_ref().map(held) }
        }
        Outcome::NoRoom { need, free } => {
            return Err(Refusal::NoRoom { need: *need, free: *free });
        }
    };
    Ok(CycleDone {
        end,
        point: last.map(point),
        fetched: Amount { files: cycle.fetched.files, bytes: cycle.fetched.bytes },
        lost: cycle.lost,
        flux: cycle.flux,
        unprotected: cycle.unprotected,
        corrupt: cycle.corrupt.len() as u64,
        gaps,
        drift,
    })
}

fn held(held: &Held) -> HeldTold {
    let named = held
        .paths
        .iter()
        .filter(|(path, _)| path.as_bytes().len() < HELD_PATH_MAX)
        .take(HELD_MAX)
        .map(|(path, size)| {
            let mut path = path.as_bytes().to_vec();
            if size.is_none() {
                path.push(b'/');
            }
            (path, *size)
        });
    HeldTold {
        digest: held.digest.0,
        files: held.files,
        folders: held.folders,
        bytes: held.bytes,
        named: named.collect(),
    }
}

pub(super) fn status(status: &Status, gaps: Gaps, cut_off: Option<CutOff>) -> StatusTold {
    StatusTold {
        epoch: status.epoch,
        last: status.last.as_ref().map(point),
        points: status.points,
        lag_ms: status.lag_millis,
        flux: status.flux,
        unprotected: Amount { files: status.unprotected, bytes: status.unprotected_bytes },
        history_bytes: status.history_bytes,
        free_bytes: status.disk.free,
        gaps,
        proven_since_ms: status.proven_since.map(ms),
        cut_off,
    }
}

pub(super) fn own(own: &Own) -> OwnDone {
    OwnDone {
        point: own.point.as_ref().map(point),
        written: own.written,
        removed: own.removed,
        unread: own.unread,
    }
}

pub(super) fn restored(restored: &Restored) -> RestoreDone {
    let named = restored.named.iter().take(NAMED).map(|(path, trouble)| {
        let path = shown(path);
        match trouble {
            Trouble::Missing => format!("{path}: its content is not on the standby any more"),
            Trouble::Failed { errno } => {
                let why = std::io::Error::from_raw_os_error(*errno);
                format!("{path}: the GPU refused it: {why}")
            }
            Trouble::Refused { what } => {
                let what: String = what.join(", ").chars().take(200).collect();
                format!("{path}: the GPU refused to set {what}")
            }
        }
    });
    RestoreDone {
        sent: Amount { files: restored.sent.files, bytes: restored.sent.bytes },
        troubles: restored.troubles,
        named: named.collect(),
    }
}

pub(super) fn proof(proof: &Proof) -> ProofDone {
    ProofDone {
        proven: proof.proven,
        bytes: proof.bytes,
        differing: proof.differing,
        named: proof.named.iter().map(|named| named.path.as_bytes().to_vec()).collect(),
    }
}

pub(super) fn difference(difference: &Difference) -> DifferenceTold {
    DifferenceTold {
        added: difference.added,
        changed: difference.changed,
        removed: difference.removed,
        bytes: difference.bytes,
        missing: difference.missing,
        named: difference.named.iter().map(|path| path.as_bytes().to_vec()).collect(),
    }
}

pub(super) fn refusal(error: &KeepError) -> Refusal {
    match error {
        KeepError::StaleEpoch { asked, recorded } => {
            Refusal::StaleEpoch { asked: *asked, recorded: *recorded }
        }
        KeepError::Unsteady(contents) => Refusal::Unsteady(*contents),
        KeepError::Unread(unread) => Refusal::Unread {
            files: unread.len() as u64,
            words: unread.iter().take(NAMED).map(|(path, why)| unread_word(path, why)).collect(),
        },
        KeepError::Damaged(_) => Refusal::Damaged(error.to_string()),
        KeepError::Apart => Refusal::Unfit(error.to_string()),
        KeepError::NoPoint(point) => Refusal::NoPoint(*point),
        KeepError::Source(SourceError::RootMissing(why)) => Refusal::WorkspaceMissing(why.clone()),
        KeepError::Source(SourceError::Closed(_) | SourceError::Protocol(_)) => {
            Refusal::Unreachable(error.to_string())
        }
        _ => Refusal::Failed(error.to_string()),
    }
}
