//! The life of a purchase. Recorded before it is sent, and only while it is still wanted; bound to
//! one instance at most; never sent again once its answer is unknown.
//!
//! `open` → `bound` → `adopted`; `open` → `refused` | `tombstoned`; anything that may exist →
//! `discarded` → `gone`. A failover has at most one GPU purchase in `open`, `bound` or `adopted`.

use domain::failover::{Disposal, Intent, IntentState, Wish};
use domain::id::{AssociationId, Epoch, FailoverId, IntentId};
use domain::time::Millis;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::db::{changed, hold_epoch, must_change};
use crate::error::StoreError;
use crate::journal::disposal;
use crate::journal::failed_machine::blame;
use crate::journal::intent::Intents;
use crate::row::{Read as _, to_json};

/// Records a purchase as discarded that is in one of these states.
macro_rules! discarded {
    (UNUSED) => {
        discarded!("IN ('open', 'bound', 'tombstoned', 'discarded')")
    };
    ($states:literal) => {
        concat!(
            "UPDATE intents SET state = 'discarded', external_id = $2, ",
            "bound_at = COALESCE(bound_at, $3), changed_at = $3 WHERE id = $1 AND user_id = $4 ",
            "AND provider = $5 AND (external_id IS NULL OR external_id = $2) AND state ",
            $states
        )
    };
}

impl Intents<'_> {
    /// Records a purchase that is about to be sent, in state `open` whatever `new` says.
    ///
    /// # Errors
    /// `Stale` when its association is in another epoch or gone, or its failover is over or being
    /// cancelled; `Conflict` when the failover has a GPU purchase that is open, bound or adopted, or
    /// the label was used before.
    #[instrument(level = "debug", skip_all)]
    pub async fn open(&self, new: &Intent) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold(&mut tx, new).await?;
        insert(&mut tx, new).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Records which instance came of an open purchase. Of two who do it, one succeeds; the same
    /// instance again is no error.
    ///
    /// # Errors
    /// `Stale` when the purchase is not open any more, or its association (if it has one) is in
    /// another epoch than `epoch`: then discard it; `Conflict` when the instance came of another.
    #[instrument(level = "debug", skip_all)]
    pub async fn bind(
        &self,
        id: &IntentId,
        external_id: &str,
        epoch: Epoch,
        at: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        if let Some(association) = association_of(&mut tx, id).await? {
            hold_epoch(&mut tx, &association, epoch).await?;
        }
        let done = query("UPDATE intents SET state = 'bound', external_id = $2, bound_at = $4, changed_at = $4 WHERE id = $1 AND epoch = $3 AND state = 'open'")
            .bind(id.as_str())
            .bind(external_id)
            .bind(epoch.0)
            .bind(at.0)
            .execute(&mut *tx)
            .await
            .map_err(|error| StoreError::on_unique(error, "the instance came of another purchase"))?;
        if !changed(&done) {
            let same = query("SELECT 1 AS same FROM intents WHERE id = $1 AND external_id = $2 AND state IN ('bound', 'adopted')")
                .bind(id.as_str())
                .bind(external_id)
                .fetch_optional(&mut *tx)
                .await?;
            return same.map(drop).ok_or(StoreError::stale("intent"));
        }
        tx.commit().await?;
        Ok(())
    }

    /// Records that the bound instance serves. Again is no error.
    ///
    /// # Errors
    /// `Stale` when it is not bound.
    #[instrument(level = "debug", skip_all)]
    pub async fn adopt(&self, id: &IntentId, at: Millis) -> Result<(), StoreError> {
        let done = query("UPDATE intents SET state = 'adopted', changed_at = $2 WHERE id = $1 AND state IN ('bound', 'adopted')")
            .bind(id.as_str())
            .bind(at.0)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "intent")
    }

    /// Records that the provider clearly said no: nothing was made.
    ///
    /// # Errors
    /// `Stale` when it is not open.
    #[instrument(level = "debug", skip_all)]
    pub async fn refuse(&self, id: &IntentId, error: &str, at: Millis) -> Result<(), StoreError> {
        let done = query("UPDATE intents SET state = 'refused', error = $2, changed_at = $3 WHERE id = $1 AND state = 'open'")
            .bind(id.as_str())
            .bind(error)
            .bind(at.0)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "intent")
    }

    /// Gives up a purchase that may or may not have made something: its label is looked for from
    /// now on, and what appears under it is discarded.
    ///
    /// # Errors
    /// `Stale` when it is not open.
    #[instrument(level = "debug", skip_all)]
    pub async fn tombstone(
        &self,
        id: &IntentId,
        error: &str,
        at: Millis,
    ) -> Result<(), StoreError> {
        let done = query("UPDATE intents SET state = 'tombstoned', error = $2, changed_at = $3 WHERE id = $1 AND state = 'open'")
            .bind(id.as_str())
            .bind(error)
            .bind(at.0)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "intent")
    }

    /// Gives up an instance: the purchase is discarded and the wish that `wanted.external_id` be
    /// destroyed stands, in one transaction. Whatever the epoch, and again, it is no error. Returns
    /// the wish that stands.
    ///
    /// # Errors
    /// `Stale` when the purchase was refused, is gone, or is bound to another instance (then that
    /// one stands and this one needs a wish of its own); `Conflict` when `wanted` is not a destroy.
    #[instrument(level = "debug", skip_all)]
    pub async fn discard(
        &self,
        id: &IntentId,
        wanted: &Disposal,
        at: Millis,
    ) -> Result<Disposal, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let stands =
            discard(&mut tx, id, wanted, at, discarded!("NOT IN ('refused', 'gone')")).await?;
        tx.commit().await?;
        Ok(stands)
    }

    /// As [`Self::discard`], of a purchase that nobody has bound yet: for one who judges by a state that he
    /// read a while ago.
    ///
    /// # Errors
    /// As [`Self::discard`]; `Stale` also when it is not open any more: then no wish is recorded either.
    #[instrument(level = "debug", skip_all)]
    pub async fn discard_open(
        &self,
        id: &IntentId,
        wanted: &Disposal,
        at: Millis,
    ) -> Result<Disposal, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let stands = discard(&mut tx, id, wanted, at, discarded!("= 'open'")).await?;
        tx.commit().await?;
        Ok(stands)
    }

    /// As [`Self::discard`], of a purchase that nobody uses: for one who judges by a state that he read a while
    /// ago.
    ///
    /// # Errors
    /// As [`Self::discard`]; `Stale` also when it serves by now: then no wish is recorded either.
    #[instrument(level = "debug", skip_all)]
    pub async fn discard_unused(
        &self,
        id: &IntentId,
        wanted: &Disposal,
        at: Millis,
    ) -> Result<Disposal, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let stands = discard(&mut tx, id, wanted, at, discarded!(UNUSED)).await?;
        tx.commit().await?;
        Ok(stands)
    }

    /// As [`Self::discard_unused`], of a GPU that could not be used: the physical machine that it was on is
    /// avoided for a while.
    ///
    /// # Errors
    /// As [`Self::discard_unused`].
    #[instrument(level = "debug", skip_all)]
    pub async fn give_back(
        &self,
        id: &IntentId,
        wanted: &Disposal,
        at: Millis,
    ) -> Result<Disposal, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let stands = discard(&mut tx, id, wanted, at, discarded!(UNUSED)).await?;
        let row = query("SELECT machine_id FROM intents WHERE id = $1")
            .bind(id.as_str())
            .fetch_one(&mut *tx)
            .await?;
        if let Some(machine) = row.maybe_int("machine_id")? {
            blame(&mut tx, &wanted.user, machine, at).await?;
        }
        tx.commit().await?;
        Ok(stands)
    }

    /// Records that nothing exists under a purchase any more, and nothing will. Again is no error;
    /// the first time stands.
    ///
    /// # Errors
    /// `Stale` when it was refused, or is not known.
    #[instrument(level = "debug", skip_all)]
    pub async fn gone(&self, id: &IntentId, at: Millis) -> Result<(), StoreError> {
        let done = query("UPDATE intents SET state = 'gone', gone_at = COALESCE(gone_at, $2), changed_at = COALESCE(gone_at, $2) WHERE id = $1 AND state <> 'refused'")
            .bind(id.as_str())
            .bind(at.0)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "intent")
    }
}

async fn discard(
    tx: &mut AnyConnection,
    id: &IntentId,
    wanted: &Disposal,
    at: Millis,
    update: &'static str,
) -> Result<Disposal, StoreError> {
    if wanted.wish != Wish::Destroy {
        return Err(StoreError::Conflict("only a destroy discards"));
    }
    // The wish first, as where it is fulfilled, so that two never wait for each other.
    let stands = disposal::request(&mut *tx, wanted).await?;
    let done = query(update)
        .bind(id.as_str())
        .bind(&wanted.external_id)
        .bind(at.0)
        .bind(wanted.user.as_str())
        .bind(wanted.provider.as_str())
        .execute(tx)
        .await
        .map_err(|error| StoreError::on_unique(error, "the instance came of another purchase"))?;
    must_change(&done, "intent")?;
    Ok(stands)
}

/// Records that nothing is left of a purchase, as far as is known, within a transaction: the wish that what may be
/// left of it be destroyed stands. One that is seen to be gone needs none.
pub(crate) async fn lose(
    tx: &mut AnyConnection,
    id: &IntentId,
    wanted: &Disposal,
) -> Result<(), StoreError> {
    let state = query("SELECT state FROM intents WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?
        .map(|row| row.word::<IntentState>("state"))
        .transpose()?;
    match state {
        None | Some(IntentState::Gone) => Ok(()),
        Some(IntentState::Refused) => disposal::request(tx, wanted).await.map(drop),
        Some(_) => {
            let may_exist = discarded!("NOT IN ('refused', 'gone')");
            discard(tx, id, wanted, wanted.requested_at, may_exist).await.map(drop)
        }
    }
}

/// Records within a transaction that the provider clearly said no. Again is no error; the first word stands.
pub(crate) async fn refuse(
    tx: &mut AnyConnection,
    id: &IntentId,
    error: &str,
    at: Millis,
) -> Result<(), StoreError> {
    let done = query("UPDATE intents SET state = 'refused', error = COALESCE(error, $2), changed_at = CASE WHEN state = 'open' THEN $3 ELSE changed_at END WHERE id = $1 AND state IN ('open', 'refused')")
        .bind(id.as_str())
        .bind(error)
        .bind(at.0)
        .execute(tx)
        .await?;
    must_change(&done, "intent")
}

/// Holds what a purchase is for, until the transaction ends.
pub(crate) async fn hold(tx: &mut AnyConnection, new: &Intent) -> Result<(), StoreError> {
    if let Some(association) = &new.association {
        hold_epoch(tx, association, new.epoch).await?;
    }
    if let Some(failover) = &new.failover {
        hold_wanted(tx, failover).await?;
    }
    Ok(())
}

pub(crate) async fn insert(tx: &mut AnyConnection, new: &Intent) -> Result<(), StoreError> {
    let left_out = (!new.left_out.is_empty()).then(|| to_json(&new.left_out, "intents.left_out"));
    let left_out = left_out.transpose()?;
    query(
        "INSERT INTO intents (id, user_id, failover_id, association_id, provider, epoch, label, \
         zone, offer, machine_id, usd_per_hour, state, external_id, created_at, changed_at, \
         project, left_out) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $13, $13, $14, $15)",
    )
    .bind(new.id.as_str())
    .bind(new.user.as_str())
    .bind(new.failover.as_ref().map(FailoverId::as_str))
    .bind(new.association.as_ref().map(AssociationId::as_str))
    .bind(new.provider.as_str())
    .bind(new.epoch.0)
    .bind(&new.label)
    .bind(&new.zone)
    .bind(new.offer)
    .bind(new.machine_id)
    .bind(new.usd_per_hour.0)
    .bind(IntentState::Open.as_str())
    .bind(new.created_at.0)
    .bind(new.project.as_deref())
    .bind(left_out)
    .execute(tx)
    .await
    .map_err(|error| StoreError::on_unique(error, "another purchase stands"))?;
    Ok(())
}

/// Holds a failover as wanted until the transaction ends; stale when it is over or being cancelled.
pub(crate) async fn hold_wanted(tx: &mut AnyConnection, id: &FailoverId) -> Result<(), StoreError> {
    let held = query(
        "UPDATE failovers SET round = round WHERE id = $1 AND state IN ('running', 'waiting')",
    )
    .bind(id.as_str())
    .execute(tx)
    .await?;
    must_change(&held, "failover")
}

async fn association_of(
    tx: &mut AnyConnection,
    id: &IntentId,
) -> Result<Option<AssociationId>, StoreError> {
    query("SELECT association_id FROM intents WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(tx)
        .await?
        .ok_or(StoreError::stale("intent"))?
        .maybe_text("association_id")
        .map(|id| id.map(AssociationId))
}
