//! Wishes that an instance be stopped or gone, tried until it is so.
//!
//! An instance has one open wish at most: asking again is no error, a destroy takes the place of a
//! stop, and a stop never takes the place of a destroy. What its user asks for is their word on it, whatever
//! it was in our hands for: it is kept no more for what it may hold.

use domain::failover::{Disposal, Saved, Wish};
use domain::id::{AssociationId, DisposalId, FailoverId, GpuId, UserId};
use domain::provider::Provider;
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::db::must_change;
use crate::error::StoreError;
use crate::journal::intent_limits::hold_account;
use crate::open::Store;
use crate::row::{Read as _, each, to_json};

macro_rules! columns {
    () => {
        "id, user_id, provider, external_id, zone, role, failover_id, association_id, wish, requested_at, attempts, next_at, last_error, done_at, saved"
    };
}

pub(super) use columns;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", $crate::journal::disposal::columns!(), " FROM disposals ", $rest)
    };
}
pub(super) use select;

/// Why an instance can't be destroyed as one that nothing protects.
pub const PROTECTED: &str = "this GPU is protected";

/// Wishes that an instance be stopped or gone.
#[derive(Debug)]
pub struct Disposals<'s> {
    pub(super) store: &'s Store,
}

impl<'s> Disposals<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Asks for an instance to be stopped or destroyed. Returns the wish that stands: this one, or
    /// the one before, as far as it wants as much. Asked again under the same id after it was
    /// fulfilled, it is given back fulfilled.
    ///
    /// # Errors
    /// `NotFound` when there is no such user; `Conflict` when the id is another instance's.
    #[instrument(level = "debug", skip_all)]
    pub async fn request(&self, wanted: &Disposal) -> Result<Disposal, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let stands = request(&mut tx, wanted).await?;
        tx.commit().await?;
        Ok(stands)
    }

    /// The same for an instance that nothing protects: of this and of its being protected, at the same time,
    /// one comes first.
    ///
    /// # Errors
    /// As [`Self::request`]; `Conflict` when it is protected by now.
    #[instrument(level = "debug", skip_all)]
    pub async fn request_unprotected(
        &self,
        wanted: &Disposal,
        gpu: GpuId,
    ) -> Result<Disposal, StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_account(&mut tx, &wanted.user).await?;
        let protected =
            query("SELECT 1 AS one FROM associations WHERE user_id = $1 AND gpu_id = $2 LIMIT 1")
                .bind(wanted.user.as_str())
                .bind(gpu.0)
                .fetch_optional(&mut *tx)
                .await?;
        if protected.is_some() {
            return Err(StoreError::Conflict(PROTECTED));
        }
        let stands = request(&mut tx, wanted).await?;
        tx.commit().await?;
        Ok(stands)
    }

    /// Open wishes of all users whose next try is due, most overdue first: for the reaper.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn due(&self, now: Millis) -> Result<Vec<Disposal>, StoreError> {
        let rows = query(select!("WHERE done_at IS NULL AND next_at <= $1 ORDER BY next_at, id"))
            .bind(now.0)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// A user's open wishes, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn pending(&self, user: &UserId) -> Result<Vec<Disposal>, StoreError> {
        let rows =
            query(select!("WHERE user_id = $1 AND done_at IS NULL ORDER BY requested_at, id"))
                .bind(user.as_str())
                .fetch_all(&mut *self.store.db().read().await?)
                .await?;
        each(&rows, read)
    }

    /// A user's wishes, open and fulfilled, newest first, at most `limit`.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn of_user(&self, user: &UserId, limit: i64) -> Result<Vec<Disposal>, StoreError> {
        let rows =
            query(select!("WHERE user_id = $1 ORDER BY requested_at DESC, id DESC LIMIT $2"))
                .bind(user.as_str())
                .bind(limit)
                .fetch_all(&mut *self.store.db().read().await?)
                .await?;
        each(&rows, read)
    }

    /// The wishes of a failover, oldest first. Of any user: for the engine and for pages that have
    /// found the failover as their user's.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn of_failover(&self, failover: &FailoverId) -> Result<Vec<Disposal>, StoreError> {
        let rows = query(select!("WHERE failover_id = $1 ORDER BY requested_at, id"))
            .bind(failover.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// Whether an instance is on its way out, whatever a list that was read before still shows: it was ever asked
    /// that it be destroyed (no provider gives a number out twice), or it is to be stopped.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn was_given_up(
        &self,
        user: &UserId,
        provider: Provider,
        external_id: &str,
    ) -> Result<bool, StoreError> {
        given_up(&mut *self.store.db().read().await?, user, provider, external_id).await
    }

    /// A wish of any user's, by its id: for the engine.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn find(&self, id: &DisposalId) -> Result<Option<Disposal>, StoreError> {
        let row = query(select!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Records a try that has not (yet) fulfilled this wish, and when to try next.
    ///
    /// # Errors
    /// `Stale` when it is fulfilled, taken back, or more is wanted of the instance by now.
    #[instrument(level = "debug", skip_all)]
    pub async fn tried(
        &self,
        id: &DisposalId,
        wish: Wish,
        error: Option<&str>,
        next_at: Millis,
    ) -> Result<(), StoreError> {
        let done = query("UPDATE disposals SET attempts = attempts + 1, last_error = $2, next_at = $3 WHERE id = $1 AND done_at IS NULL AND wish = $4")
            .bind(id.as_str())
            .bind(error)
            .bind(next_at.0)
            .bind(wish.as_str())
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "disposal")
    }

    /// Records what an instance held beyond the copy and is fetched now: nothing keeps it any more.
    ///
    /// # Errors
    /// `Stale` when the wish is fulfilled.
    #[instrument(level = "debug", skip_all)]
    pub async fn saved(&self, id: &DisposalId, saved: &Saved) -> Result<(), StoreError> {
        let done = query("UPDATE disposals SET saved = $2, next_at = CASE WHEN next_at > $3 THEN $3 ELSE next_at END WHERE id = $1 AND done_at IS NULL")
            .bind(id.as_str())
            .bind(to_json(saved, "disposals.saved")?)
            .bind(saved.at.0)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "disposal")
    }

    /// Keeps an instance some more, since it answers: no try is made before `until`. No try is counted: none
    /// was made.
    ///
    /// # Errors
    /// `Stale` when the wish is fulfilled, taken back, or more is wanted of the instance by now.
    #[instrument(level = "debug", skip_all)]
    pub async fn hold(&self, wish: &Disposal, until: Millis) -> Result<(), StoreError> {
        let done = query("UPDATE disposals SET next_at = $2 WHERE id = $1 AND done_at IS NULL AND wish = $3 AND role = $4")
            .bind(wish.id.as_str())
            .bind(until.0)
            .bind(wish.wish.as_str())
            .bind(wish.role.as_str())
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "disposal")
    }

    /// Takes back the wish of a failover that its old GPU be stopped, where that is not fulfilled. Returns it.
    ///
    /// # Errors
    /// As every write.
    #[instrument(level = "debug", skip_all)]
    pub async fn withdraw_stop(
        &self,
        failover: &FailoverId,
        external_id: &str,
    ) -> Result<Option<Disposal>, StoreError> {
        let row = query(concat!(
            "DELETE FROM disposals WHERE failover_id = $1 AND external_id = $2 AND wish = 'stop' ",
            "AND done_at IS NULL RETURNING ",
            columns!()
        ))
        .bind(failover.as_str())
        .bind(external_id)
        .fetch_optional(self.store.db().write())
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// Records that this wish is fulfilled: seen stopped, or gone from a complete list. With a destroy
    /// the purchase that the instance came of is gone too, in the same transaction.
    ///
    /// # Errors
    /// `Stale` when it is fulfilled already, taken back, or more is wanted of the instance by now: what was
    /// seen stopped is not gone.
    #[instrument(level = "debug", skip_all)]
    pub async fn done(&self, id: &DisposalId, wish: Wish, at: Millis) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let row = query(concat!(
            "UPDATE disposals SET done_at = $2 WHERE id = $1 AND done_at IS NULL AND wish = $3 RETURNING ",
            columns!()
        ))
        .bind(id.as_str())
        .bind(at.0)
        .bind(wish.as_str())
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::stale("disposal"))?;
        let fulfilled = read(&row)?;
        if fulfilled.wish == Wish::Destroy {
            query("UPDATE intents SET state = 'gone', gone_at = $5, changed_at = $5 WHERE user_id = $1 AND provider = $2 AND zone = $3 AND external_id = $4 AND state NOT IN ('refused', 'gone')")
                .bind(fulfilled.user.as_str())
                .bind(fulfilled.provider.as_str())
                .bind(&fulfilled.zone)
                .bind(&fulfilled.external_id)
                .bind(at.0)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

pub(crate) async fn given_up(
    connection: &mut AnyConnection,
    user: &UserId,
    provider: Provider,
    external_id: &str,
) -> Result<bool, StoreError> {
    let found = query("SELECT 1 AS wish FROM disposals WHERE user_id = $1 AND provider = $2 AND external_id = $3 AND (wish = 'destroy' OR done_at IS NULL) LIMIT 1")
        .bind(user.as_str())
        .bind(provider.as_str())
        .bind(external_id)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

/// Asks within a transaction. A wish that was fulfilled under the same id is given back as it is, so
/// that whoever repeats a step does not begin again.
pub(crate) async fn request(
    tx: &mut AnyConnection,
    wanted: &Disposal,
) -> Result<Disposal, StoreError> {
    let fulfilled = query(select!(
        "WHERE id = $1 AND user_id = $2 AND external_id = $3 AND done_at IS NOT NULL"
    ))
    .bind(wanted.id.as_str())
    .bind(wanted.user.as_str())
    .bind(&wanted.external_id)
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(row) = fulfilled {
        return read(&row);
    }
    let row = query(concat!(
        "INSERT INTO disposals (id, user_id, provider, external_id, zone, role, failover_id, ",
        "association_id, wish, requested_at, attempts, next_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11) ",
        "ON CONFLICT (user_id, provider, zone, external_id) WHERE done_at IS NULL DO UPDATE SET ",
        "wish = CASE WHEN excluded.wish = 'destroy' THEN 'destroy' ELSE disposals.wish END, ",
        "role = CASE WHEN excluded.role = 'rental' THEN 'rental' ELSE disposals.role END, ",
        "next_at = CASE WHEN excluded.wish = 'destroy' AND ",
        "(disposals.wish = 'stop' OR excluded.next_at < disposals.next_at) ",
        "THEN excluded.next_at ELSE disposals.next_at END, ",
        // What was tried for the lesser wish says nothing of this one.
        "attempts = CASE WHEN excluded.wish = 'destroy' AND disposals.wish = 'stop' ",
        "THEN 0 ELSE disposals.attempts END, ",
        "last_error = CASE WHEN excluded.wish = 'destroy' AND disposals.wish = 'stop' ",
        "THEN NULL ELSE disposals.last_error END, ",
        "failover_id = COALESCE(disposals.failover_id, excluded.failover_id), ",
        "association_id = COALESCE(disposals.association_id, excluded.association_id) RETURNING ",
        columns!()
    ))
    .bind(wanted.id.as_str())
    .bind(wanted.user.as_str())
    .bind(wanted.provider.as_str())
    .bind(&wanted.external_id)
    .bind(&wanted.zone)
    .bind(wanted.role.as_str())
    .bind(wanted.failover.as_ref().map(FailoverId::as_str))
    .bind(wanted.association.as_ref().map(AssociationId::as_str))
    .bind(wanted.wish.as_str())
    .bind(wanted.requested_at.0)
    .bind(wanted.next_at.0)
    .fetch_one(tx)
    .await?;
    read(&row)
}

pub(super) fn read(row: &AnyRow) -> Result<Disposal, StoreError> {
    Ok(Disposal {
        id: DisposalId(row.text("id")?),
        user: UserId(row.text("user_id")?),
        provider: row.word("provider")?,
        external_id: row.text("external_id")?,
        zone: row.text("zone")?,
        role: row.word("role")?,
        failover: row.maybe_text("failover_id")?.map(FailoverId),
        association: row.maybe_text("association_id")?.map(AssociationId),
        wish: row.word("wish")?,
        requested_at: row.at("requested_at")?,
        attempts: row.int("attempts")?,
        next_at: row.at("next_at")?,
        last_error: row.maybe_text("last_error")?,
        done_at: row.maybe_at("done_at")?,
        saved: row.maybe_json("saved")?,
    })
}
