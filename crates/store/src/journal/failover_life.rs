//! How a failover begins, changes and ends. An association has at most one that is not over: its
//! own row says which, and beginning and end change both rows in one transaction. What its user is
//! to be told of it is told in the same one.

use domain::association::{AssociationState, SyncStatus};
use domain::buying::blames_the_machine;
use domain::failover::{Failover, FailoverState, Kind, StepName};
use domain::id::{FailoverId, UserId};
use domain::notification::{self as news, Wait};
use domain::offer::GpuSpec;
use domain::time::Millis;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::account::notification::{commit, tell_any};
use crate::db::{changed, must_change};
use crate::error::StoreError;
use crate::journal::failed_machine::blame;
use crate::journal::failover::{Failovers, within};
use crate::journal::step::{self, Finish};
use crate::machine::removal::UNDER_WAY;
use crate::row::{Read as _, to_json};

impl Failovers<'_> {
    /// Begins a failover. Of two who do it for the same association, one succeeds.
    ///
    /// # Errors
    /// `Conflict` when the association has another under way or is being deleted, and for a loss when it is not
    /// wanted on its GPU any more; `Stale` when it is not in `from_epoch` or on another GPU, `NotFound` when it is
    /// gone or another user's.
    #[instrument(level = "debug", skip_all)]
    pub async fn open(&self, new: &Failover) -> Result<(), StoreError> {
        self.open_judged(new, None).await
    }

    /// As [`Self::open`], with how its verdict ended: whoever drives the failover from then on finds that
    /// recorded, and repeats nothing.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[instrument(level = "debug", skip_all)]
    pub async fn open_judged(
        &self,
        new: &Failover,
        verdict: Option<&Finish>,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let taken = query("UPDATE associations SET active_failover = $1 WHERE id = $2 AND user_id = $3 AND epoch = $4 AND active_failover IS NULL AND state <> 'deleting' AND gpu_id = $5 AND ($6 = 0 OR (want_running = 1 AND serving = 'gpu'))")
            .bind(new.id.as_str())
            .bind(new.association.as_str())
            .bind(new.user.as_str())
            .bind(new.from_epoch.0)
            .bind(new.gpu.0)
            .bind(i64::from(new.cause.is_loss()))
            .execute(&mut *tx)
            .await?;
        if !changed(&taken) {
            return Err(why_not_open(&mut tx, new).await?);
        }
        query(
            "INSERT INTO failovers (id, user_id, association_id, machine_name, gpu_id, kind, cause, \
             note, options, state, from_epoch, round, started_at, ended_at, error, sandbox, \
             steps_recorded) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
             $15, $16, 0)",
        )
        .bind(new.id.as_str())
        .bind(new.user.as_str())
        .bind(new.association.as_str())
        .bind(&new.machine_name)
        .bind(new.gpu.0)
        .bind(new.kind.as_str())
        .bind(new.cause.as_str())
        .bind(new.note.as_deref())
        .bind(to_json(&new.options, "failovers.options")?)
        .bind(new.state.as_str())
        .bind(new.from_epoch.0)
        .bind(new.round)
        .bind(new.started_at.0)
        .bind(new.ended_at.map(|at| at.0))
        .bind(new.error.as_deref())
        .bind(i64::from(new.sandbox))
        .execute(&mut *tx)
        .await?;
        if new.kind == Kind::Real && blames_the_machine(new.cause) {
            let row = query("SELECT spec FROM associations WHERE id = $1")
                .bind(new.association.as_str())
                .fetch_one(&mut *tx)
                .await?;
            let spec: GpuSpec = row.json("spec")?;
            if let Some(machine) = spec.machine_id {
                blame(&mut tx, &new.user, machine, new.started_at).await?;
            }
        }
        if let Some(end) = verdict {
            step::insert_first(&mut tx, new, StepName::Detect, end).await?;
        }
        let begun = news::begun(new, copied_to(&mut tx, new).await?, new.started_at);
        let told = tell_any(&mut tx, begun.as_ref()).await?;
        commit(self.store, tx, told).await
    }

    /// Records that a failover goes on (`Running`) or what it waits for (`Waiting`). One that was
    /// asked to stop stays so.
    ///
    /// # Errors
    /// `Stale` when it is over or cancelling; `Conflict` for a state that `request_cancel` or
    /// `close` gives.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_state(
        &self,
        id: &FailoverId,
        state: FailoverState,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        if !matches!(state, FailoverState::Running | FailoverState::Waiting) {
            return Err(StoreError::Conflict("only running and waiting can be set"));
        }
        let done = query("UPDATE failovers SET state = $2, error = $3 WHERE id = $1 AND state IN ('running', 'waiting')")
            .bind(id.as_str())
            .bind(state.as_str())
            .bind(error)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "failover")
    }

    /// Records what a failover waits for, and why. One that was asked to stop stays so.
    ///
    /// # Errors
    /// `Stale` when it is over or cancelling.
    #[instrument(level = "debug", skip_all)]
    pub async fn wait_for(
        &self,
        id: &FailoverId,
        wait: Wait,
        error: Option<&str>,
        at: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let done = query("UPDATE failovers SET state = 'waiting', error = $2 WHERE id = $1 AND state IN ('running', 'waiting')")
            .bind(id.as_str())
            .bind(error)
            .execute(&mut *tx)
            .await?;
        must_change(&done, "failover")?;
        let failover = within(&mut tx, id).await?;
        let told = tell_any(&mut tx, news::waits(&failover, wait, at).as_ref()).await?;
        commit(self.store, tx, told).await
    }

    /// Records why a failover that is not over makes no progress, without changing its state.
    ///
    /// # Errors
    /// `Stale` when it is over.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_error(&self, id: &FailoverId, error: Option<&str>) -> Result<(), StoreError> {
        let done = query("UPDATE failovers SET error = $2 WHERE id = $1 AND state IN ('running', 'waiting', 'cancelling')")
            .bind(id.as_str())
            .bind(error)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "failover")
    }

    /// Asks a user's failover to stop and clean up. Once its machine is the new GPU's there is nothing to go
    /// back to: then it goes on to its end.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is over, was asked already, or has switched.
    #[instrument(level = "debug", skip_all)]
    pub async fn request_cancel(&self, user: &UserId, id: &FailoverId) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let asked = query("UPDATE failovers SET state = 'cancelling' WHERE id = $1 AND user_id = $2 AND state IN ('running', 'waiting')")
            .bind(id.as_str())
            .bind(user.as_str())
            .execute(&mut *tx)
            .await?;
        if !changed(&asked) {
            drop(tx);
            self.get(user, id).await?;
            return Err(StoreError::Conflict("the failover is over or being cancelled"));
        }
        // Only now, with its row held, and in a statement of its own: one that had to wait for that row still
        // sees the purchases as they were before it waited.
        let adopted = query(
            "SELECT 1 AS moved FROM intents WHERE failover_id = $1 AND state = 'adopted' LIMIT 1",
        )
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        if adopted.is_some() {
            return Err(StoreError::Conflict("its machine has moved to the new GPU"));
        }
        tx.commit().await?;
        Ok(())
    }

    /// Ends a failover and frees its association for the next one.
    ///
    /// # Errors
    /// `Stale` when it is over already; `Conflict` for a state that is no end, and with [`STANDS`] while a GPU that
    /// it bought is neither used nor given back: nobody would look after that one any more.
    #[instrument(level = "debug", skip_all)]
    pub async fn close(
        &self,
        id: &FailoverId,
        state: FailoverState,
        ended_at: Millis,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        if !state.is_over() {
            return Err(StoreError::Conflict("not an end"));
        }
        let mut tx = self.store.db().begin().await?;
        // The association first, as everywhere, so that two transactions never wait for each other.
        query("UPDATE associations SET active_failover = NULL WHERE active_failover = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        let done = query("UPDATE failovers SET state = $2, ended_at = $3, error = $4 WHERE id = $1 AND state IN ('running', 'waiting', 'cancelling')")
            .bind(id.as_str())
            .bind(state.as_str())
            .bind(ended_at.0)
            .bind(error)
            .execute(&mut *tx)
            .await?;
        must_change(&done, "failover")?;
        // Only now, with its row held, which a purchase for it takes first.
        let stands = query("SELECT 1 AS stands FROM intents WHERE failover_id = $1 AND state IN ('open', 'bound') LIMIT 1")
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if stands.is_some() {
            return Err(StoreError::Conflict(STANDS));
        }
        let failover = within(&mut tx, id).await?;
        let steps = step::within(&mut tx, id).await?;
        let told = tell_any(&mut tx, news::ended(&failover, &steps).as_ref()).await?;
        commit(self.store, tx, told).await
    }
}

/// Why a failover is not over yet.
pub const STANDS: &str = "a GPU that it bought is neither used nor given back";

/// Until when all that was written is on the standby.
async fn copied_to(tx: &mut AnyConnection, new: &Failover) -> Result<Option<Millis>, StoreError> {
    let row = query("SELECT sync FROM associations WHERE id = $1 AND user_id = $2")
        .bind(new.association.as_str())
        .bind(new.user.as_str())
        .fetch_one(tx)
        .await?;
    let sync: SyncStatus = row.json("sync")?;
    Ok(sync.complete_to)
}

async fn why_not_open(tx: &mut AnyConnection, new: &Failover) -> Result<StoreError, StoreError> {
    let row = query("SELECT epoch, gpu_id, state, active_failover FROM associations WHERE id = $1 AND user_id = $2")
        .bind(new.association.as_str())
        .bind(new.user.as_str())
        .fetch_optional(tx)
        .await?;
    Ok(match row {
        None => StoreError::NotFound("association"),
        Some(row) if row.int("epoch")? != new.from_epoch.0 => {
            StoreError::stale_epoch("association", new.from_epoch)
        }
        Some(row) if row.word::<AssociationState>("state")? == AssociationState::Deleting => {
            StoreError::Conflict("the machine is being removed")
        }
        Some(row) if row.maybe_text("active_failover")?.is_some() => {
            StoreError::Conflict(UNDER_WAY)
        }
        Some(row) if row.int("gpu_id")? != new.gpu.0 => StoreError::stale("GPU of the machine"),
        Some(_) => StoreError::Conflict("the machine is not wanted on its GPU"),
    })
}
