//! What a user is told of what happened while nobody looked.

use domain::id::{FailoverId, NotificationId, UserId};
use domain::view::notification::{Notification, NotificationQuery, Notifications};
use store::NotificationPage;

use crate::{Dumont, Fault};

const USUAL: i64 = 50;
const MOST: i64 = 200;

/// Those that a query asks for, newest first.
///
/// # Errors
/// A limit that makes no sense.
pub async fn list(
    dumont: &Dumont,
    user: &UserId,
    asked: &NotificationQuery,
) -> Result<Notifications, Fault> {
    let limit = asked.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Fault::field("limit", "out_of_range", "must be between 1 and 200"));
    }
    let store = dumont.store.notifications();
    let page = NotificationPage {
        unread: asked.unread.unwrap_or(false),
        before: asked.before.map(NotificationId),
        // One more says whether there are older ones.
        limit: limit + 1,
    };
    let mut found = store.list(user, page).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > shown;
    found.truncate(shown);
    Ok(Notifications {
        next_before: found.last().filter(|_| more).map(|last| last.id),
        notifications: found.iter().map(Notification::from).collect(),
        unread_count: store.unread(user).await?,
    })
}

/// One of them.
///
/// # Errors
/// `NotFound`.
pub async fn get(
    dumont: &Dumont,
    user: &UserId,
    id: NotificationId,
) -> Result<Notification, Fault> {
    Ok((&dumont.store.notifications().get(user, id).await?).into())
}

/// How many were not read.
///
/// # Errors
/// The database.
pub async fn unread(dumont: &Dumont, user: &UserId) -> Result<i64, Fault> {
    Ok(dumont.store.notifications().unread(user).await?)
}

/// Marks one as read; nothing happens where it was.
///
/// # Errors
/// `NotFound`.
pub async fn read(dumont: &Dumont, user: &UserId, id: NotificationId) -> Result<(), Fault> {
    dumont.store.notifications().mark_read(user, id, dumont.now()).await?;
    Ok(())
}

/// Marks those of a failover as read: its page was opened.
///
/// # Errors
/// The database.
pub async fn read_failover(
    dumont: &Dumont,
    user: &UserId,
    failover: &FailoverId,
) -> Result<(), Fault> {
    dumont.store.notifications().mark_failover_read(user, failover, dumont.now()).await?;
    Ok(())
}

/// Marks all as read.
///
/// # Errors
/// The database.
pub async fn read_all(dumont: &Dumont, user: &UserId) -> Result<u64, Fault> {
    Ok(dumont.store.notifications().mark_all_read(user, dumont.now()).await?)
}
