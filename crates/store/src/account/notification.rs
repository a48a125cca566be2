//! What each user is told of what happened while nobody looked.
//!
//! A notification is stored in the transaction of the change that it tells of, so that neither is
//! there without the other, and under the name of its fact, so that whoever tells it again tells
//! nothing. Its doorbell is rung in the same transaction and gives it its number; rows here are only
//! changed under the doorbells' counter, so that two transactions never wait for each other.

use domain::id::{AssociationId, FailoverId, GpuId, NotificationId, UserId};
use domain::notification::{News, NewsKind, Notification};
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use super::grant;
use crate::db::{Tx, changed, must_exist};
use crate::engine::event;
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each, to_json};

/// The doorbell's kind. Its id is the notification's number, or empty when some were read.
pub const DOORBELL: &str = "notification";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT seq, user_id, fact, kind, failover_id, association_id, gpu_id, machine_name, ",
            "at, read_at, sandbox, figures, owner_name FROM notifications ",
            $rest
        )
    };
}

/// Which of a user's notifications to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationPage {
    /// Only those that were not read.
    pub unread: bool,
    /// Only those older than this one.
    pub before: Option<NotificationId>,
    /// At most so many, the newest.
    pub limit: i64,
}

/// Notifications.
#[derive(Debug)]
pub struct Notifications<'s> {
    store: &'s Store,
}

impl<'s> Notifications<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Tells something that is no part of another change. Whether it was told; not, where its fact
    /// stands already, or what it ends does not stand.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn tell(&self, news: &News) -> Result<bool, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let told = tell(&mut tx, news).await?;
        commit(self.store, tx, told).await?;
        Ok(told)
    }

    /// Ends a standing fact, so that it can be told anew. Whether it stood.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn end(&self, user: &UserId, fact: &str) -> Result<bool, StoreError> {
        // Asked often and nearly always in vain: looked at before anything is locked.
        if !self.stands(user, fact).await? {
            return Ok(false);
        }
        let mut tx = self.store.db().begin().await?;
        let stood = end(&mut tx, user, fact).await?;
        tx.commit().await?;
        Ok(stood)
    }

    /// Whether a fact was told and is not over.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn stands(&self, user: &UserId, fact: &str) -> Result<bool, StoreError> {
        let row = query("SELECT seq FROM notifications WHERE user_id = $1 AND fact = $2")
            .bind(user.as_str())
            .bind(fact)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        Ok(row.is_some())
    }

    /// One of a user's notifications.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn get(&self, user: &UserId, id: NotificationId) -> Result<Notification, StoreError> {
        let row = query(select!("WHERE user_id = $1 AND seq = $2"))
            .bind(user.as_str())
            .bind(id.0)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?
            .ok_or(StoreError::NotFound("notification"))?;
        read(&row)
    }

    /// A user's notifications, newest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(
        &self,
        user: &UserId,
        page: NotificationPage,
    ) -> Result<Vec<Notification>, StoreError> {
        let rows = query(select!(
            "WHERE user_id = $1 AND seq < $2 AND ($3 = 0 OR read_at IS NULL) ORDER BY seq DESC LIMIT $4"
        ))
        .bind(user.as_str())
        .bind(page.before.map_or(i64::MAX, |before| before.0))
        .bind(i64::from(page.unread))
        .bind(page.limit)
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// How many a user has not read.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn unread(&self, user: &UserId) -> Result<i64, StoreError> {
        query("SELECT COUNT(*) AS unread FROM notifications WHERE user_id = $1 AND read_at IS NULL")
            .bind(user.as_str())
            .fetch_one(&mut *self.store.db().read().await?)
            .await?
            .int("unread")
    }

    /// Marks one as read. Whether that is a change.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn mark_read(
        &self,
        user: &UserId,
        id: NotificationId,
        at: Millis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = query("UPDATE notifications SET read_at = $3 WHERE user_id = $1 AND seq = $2 AND read_at IS NULL")
            .bind(user.as_str())
            .bind(id.0)
            .bind(at.0)
            .execute(&mut *tx)
            .await?;
        if changed(&done) {
            self.rung(tx, user, at).await?;
            return Ok(true);
        }
        let there =
            query("UPDATE notifications SET read_at = read_at WHERE user_id = $1 AND seq = $2")
                .bind(user.as_str())
                .bind(id.0)
                .execute(&mut *tx)
                .await?;
        must_exist(&there, "notification")?;
        Ok(false)
    }

    /// Marks all of a failover's as read. How many were not.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn mark_failover_read(
        &self,
        user: &UserId,
        failover: &FailoverId,
        at: Millis,
    ) -> Result<u64, StoreError> {
        // A live page asks each time that it renews itself.
        let any = query("SELECT seq FROM notifications WHERE user_id = $1 AND failover_id = $2 AND read_at IS NULL LIMIT 1")
            .bind(user.as_str())
            .bind(failover.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        if any.is_none() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let done = query("UPDATE notifications SET read_at = $3 WHERE user_id = $1 AND failover_id = $2 AND read_at IS NULL")
            .bind(user.as_str())
            .bind(failover.as_str())
            .bind(at.0)
            .execute(&mut *tx)
            .await?;
        if changed(&done) {
            self.rung(tx, user, at).await?;
        }
        Ok(done.rows_affected())
    }

    /// Marks all of a user's as read. How many were not.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn mark_all_read(&self, user: &UserId, at: Millis) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let done =
            query("UPDATE notifications SET read_at = $2 WHERE user_id = $1 AND read_at IS NULL")
                .bind(user.as_str())
                .bind(at.0)
                .execute(&mut *tx)
                .await?;
        if changed(&done) {
            self.rung(tx, user, at).await?;
        }
        Ok(done.rows_affected())
    }

    /// Removes those older than a time, of all users. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, before: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM notifications WHERE at < $1")
            .bind(before.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }

    /// Begins a transaction that marks some as read.
    async fn begin(&self) -> Result<Tx, StoreError> {
        let mut tx = self.store.db().begin().await?;
        event::hold(&mut tx).await?;
        Ok(tx)
    }

    /// Ends one in which some were.
    async fn rung(&self, mut tx: Tx, user: &UserId, at: Millis) -> Result<(), StoreError> {
        event::ring(&mut tx, user, DOORBELL, "", at).await?;
        commit(self.store, tx, true).await
    }
}

/// Ends a transaction, and tells this process' pages where something was rung in it.
pub(crate) async fn commit(store: &Store, tx: Tx, rung: bool) -> Result<(), StoreError> {
    tx.commit().await?;
    if rung {
        store.events().spread().await;
    }
    Ok(())
}

/// Tells something within the transaction of what it tells of, as its last act. Whether it was told.
pub(crate) async fn tell(tx: &mut AnyConnection, news: &News) -> Result<bool, StoreError> {
    if !tell_one(tx, news, None).await? {
        return Ok(false);
    }
    // Whoever may look at the machine is told as its owner is. A host key that another machine shows too
    // would name that one.
    if let Some(machine) =
        news.association.as_ref().filter(|_| news.kind != NewsKind::HostKeyShared)
    {
        let owner = &news.user;
        for user in grant::holders(tx, owner, machine, news.at).await? {
            tell_one(tx, &News { user, ..news.clone() }, Some(owner)).await?;
        }
    }
    Ok(true)
}

/// Tells one account; `owner` is whose machine it is, where that is another.
async fn tell_one(
    tx: &mut AnyConnection,
    news: &News,
    owner: Option<&UserId>,
) -> Result<bool, StoreError> {
    let seq = event::hold(tx).await?;
    // Who was let in after something began is told that it is over without having been told of it.
    let mut stood = news.ends.is_empty() || owner.is_some();
    for fact in &news.ends {
        stood |= free(tx, &news.user, fact).await?;
    }
    if !stood {
        return Ok(false);
    }
    let done = query(
        "INSERT INTO notifications (seq, user_id, fact, kind, failover_id, association_id, gpu_id, \
         machine_name, at, read_at, sandbox, figures, owner_name) VALUES ($1, $2, $3, $4, $5, $6, $7, \
         $8, $9, NULL, $10, $11, (SELECT username FROM users WHERE id = $12)) ON CONFLICT (user_id, fact) DO NOTHING",
    )
    .bind(seq)
    .bind(news.user.as_str())
    .bind(&news.fact)
    .bind(news.kind.as_str())
    .bind(news.failover.as_ref().map(FailoverId::as_str))
    .bind(news.association.as_ref().map(AssociationId::as_str))
    .bind(news.gpu.map(|gpu| gpu.0))
    .bind(news.machine_name.as_deref())
    .bind(news.at.0)
    .bind(i64::from(news.sandbox))
    .bind(to_json(&news.figures, "notifications.figures")?)
    .bind(owner.map(UserId::as_str))
    .execute(&mut *tx)
    .await?;
    if !changed(&done) {
        return Ok(false);
    }
    event::ring(tx, &news.user, DOORBELL, &seq.to_string(), news.at).await?;
    Ok(true)
}

/// As [`tell`], where there may be nothing to tell.
pub(crate) async fn tell_any(
    tx: &mut AnyConnection,
    news: Option<&News>,
) -> Result<bool, StoreError> {
    match news {
        Some(news) => tell(tx, news).await,
        None => Ok(false),
    }
}

/// Ends a standing fact within a transaction. Whether it stood.
pub(crate) async fn end(
    tx: &mut AnyConnection,
    user: &UserId,
    fact: &str,
) -> Result<bool, StoreError> {
    event::hold(tx).await?;
    let stood = free(tx, user, fact).await?;
    // It is over for whoever was told of it as well, whether they may look at it now or not.
    let done = query("UPDATE notifications SET fact = fact || '#' || CAST(seq AS TEXT) WHERE fact = $2 AND owner_name = (SELECT username FROM users WHERE id = $1)")
        .bind(user.as_str())
        .bind(fact)
        .execute(&mut *tx)
        .await?;
    Ok(stood || changed(&done))
}

/// Its name becomes free.
async fn free(tx: &mut AnyConnection, user: &UserId, fact: &str) -> Result<bool, StoreError> {
    let done = query("UPDATE notifications SET fact = fact || '#' || CAST(seq AS TEXT) WHERE user_id = $1 AND fact = $2")
        .bind(user.as_str())
        .bind(fact)
        .execute(tx)
        .await?;
    Ok(changed(&done))
}

fn read(row: &AnyRow) -> Result<Notification, StoreError> {
    Ok(Notification {
        id: NotificationId(row.int("seq")?),
        news: News {
            user: UserId(row.text("user_id")?),
            fact: row.text("fact")?,
            kind: row.word("kind")?,
            failover: row.maybe_text("failover_id")?.map(FailoverId),
            association: row.maybe_text("association_id")?.map(AssociationId),
            gpu: row.maybe_int("gpu_id")?.map(GpuId),
            machine_name: row.maybe_text("machine_name")?,
            at: row.at("at")?,
            sandbox: row.flag("sandbox")?,
            figures: row.json("figures")?,
            ends: Vec::new(),
        },
        read_at: row.maybe_at("read_at")?,
        owner_name: row.maybe_text("owner_name")?,
    })
}
