//! Recovery points of the story's machine.

use domain::association::Serving;
use domain::point::{Lacks, PointKind, ReturnState};
use domain::view::Time;
use domain::view::points::{PointDifference, PointReturn, RecoveryPoint, RecoveryPoints};

use super::story::NOW;

fn ago(ms: i64) -> Time {
    Time(NOW.plus(-ms))
}

fn point(id: i64, kind: PointKind, lacks: Option<Lacks>) -> RecoveryPoint {
    RecoveryPoint {
        id,
        epoch: 1,
        at: ago((60 - id) * 60_000),
        kind,
        files: 1_204,
        bytes: 5_400_000_000,
        changed: 3,
        pinned: id == 41,
        lacks,
    }
}

pub(crate) fn points() -> RecoveryPoints {
    let none = Lacks { in_flux: 0, corrupt: 0, not_protected: 0 };
    let some = Lacks { in_flux: 2, ..none };
    RecoveryPoints {
        kept: true,
        why_rsync: None,
        points: vec![
            point(44, PointKind::Back, None),
            point(43, PointKind::Watched, Some(some)),
            point(41, PointKind::Scan, Some(none)),
        ],
        count: Some(3),
        proven_since: Some(ago(3_600_000)),
        history_bytes: Some(7_000_000),
        cut_off: None,
        serving: Serving::Gpu,
        last_return: None,
    }
}

pub(crate) fn returned(state: ReturnState) -> PointReturn {
    PointReturn {
        point: 41,
        point_at: Some(ago(1_000_000)),
        path: "runs/7".into(),
        serving: Serving::Gpu,
        asked_at: ago(9_000),
        state,
        before: Some(43),
        files: Some(12),
        bytes: Some(1_000),
        problem: (state != ReturnState::Done).then(|| "the GPU is not reached now".into()),
        ended_at: (state != ReturnState::Asked).then(|| ago(4_000)),
    }
}

pub(crate) fn difference() -> PointDifference {
    PointDifference {
        point: 41,
        path: String::new(),
        added: 150,
        changed: 2,
        removed: 1,
        bytes: 200_000,
        missing: 0,
        listed: vec!["runs/7/best.pt".into(), "runs/<b>\u{202e}x".into()],
    }
}
