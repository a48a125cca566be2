//! Recovery points: which there are, what going back to one would change, and going back.

use agent::order::{Done, How, LacksTold, Order, PointTold};
use domain::id::Epoch;
use domain::point::{Change, Difference, LISTED, Lacks, PointKind, Points, RecoveryPoint};
use domain::time::Millis;

use super::{Keeper, KeptPoint, another, count, number};
use crate::data::DataError;
use crate::data::wire::words;

const LISTING: &str = "listing recovery points";
const COMPARING: &str = "looking at what going back would change";
const BACK: &str = "putting the copy back";

fn told(point: &PointTold) -> RecoveryPoint {
    RecoveryPoint {
        id: count(point.id),
        epoch: Epoch(count(point.epoch)),
        at: Millis(point.received_ms),
        kind: match point.how {
            How::Scan => PointKind::Scan,
            How::Watched => PointKind::Watched,
            How::Standby => PointKind::Standby,
            How::Back => PointKind::Back,
        },
        files: count(point.files),
        bytes: count(point.bytes),
        changed: count(point.changed),
        pinned: point.pinned,
        lacks: point.lacks.map(|LacksTold { flux, corrupt, unprotected }| Lacks {
            in_flux: count(flux),
            corrupt: count(corrupt),
            not_protected: count(unprotected),
        }),
    }
}

impl Keeper {
    /// The newest points, the newest first, and what is known of all of them.
    ///
    /// # Errors
    /// When the standby can't be talked to.
    pub async fn points(&mut self, most: u32) -> Result<Points, DataError> {
        let Done::Points(points) = self.ask(LISTING, &Order::Points { most }, &mut |_| {}).await?
        else {
            return Err(another(LISTING));
        };
        let Done::Status(status) = self.ask(LISTING, &Order::Status, &mut |_| {}).await? else {
            return Err(another(LISTING));
        };
        Ok(Points {
            listed: points.iter().map(told).collect(),
            count: count(status.points),
            proven_since: status.proven_since_ms.map(Millis),
            history_bytes: count(status.history_bytes),
            cut_off: status.cut_off.map(|cut_off| words(&cut_off.words)),
        })
    }

    /// What going back to a point would change now, at a path and below; an empty one means everywhere.
    ///
    /// # Errors
    /// [`DataError::NoPoint`].
    pub async fn difference(&mut self, point: i64, path: &str) -> Result<Difference, DataError> {
        let id = u64::try_from(point).unwrap_or(0);
        let order = Order::Difference { point: id, path: path.as_bytes().to_vec() };
        let Done::Difference(found) = self.ask(COMPARING, &order, &mut |_| {}).await? else {
            return Err(another(COMPARING));
        };
        let named = found.named.iter().take(LISTED);
        Ok(Difference {
            change: Change {
                added: count(found.added),
                changed: count(found.changed),
                removed: count(found.removed),
                bytes: count(found.bytes),
            },
            missing: count(found.missing),
            listed: named.map(|path| String::from_utf8_lossy(path).into_owned()).collect(),
        })
    }

    /// Puts the copy back to a point, at a path and below; the point that it is then. None where there is
    /// nothing to change. What is there now stays in the points before.
    ///
    /// # Errors
    /// [`DataError::StaleEpoch`], [`DataError::NoPoint`]; [`DataError::Failed`] where contents of then are
    /// not here any more, or what is to be brought does not fit: nothing was changed then.
    pub async fn go_back(
        &mut self,
        epoch: Epoch,
        point: i64,
        path: &str,
    ) -> Result<Option<KeptPoint>, DataError> {
        let order = Order::GoBack {
            epoch: number(epoch),
            point: u64::try_from(point).unwrap_or(0),
            path: path.as_bytes().to_vec(),
        };
        match self.ask(BACK, &order, &mut |_| {}).await? {
            Done::Back(made) => Ok(made.as_ref().map(KeptPoint::from)),
            _ => Err(another(BACK)),
        }
    }
}
