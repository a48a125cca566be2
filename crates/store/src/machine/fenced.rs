//! Writes of the engine's for an association. Each carries the epoch that it was decided in; in
//! another epoch it changes nothing and fails.

use domain::association::{AssociationState, Serving, SyncStatus};
use domain::failover::{Disposal, Intent};
use domain::gpu::Endpoint;
use domain::id::{AssociationId, Epoch, GpuId, IntentId};
use domain::notification::News;
use domain::offer::GpuSpec;
use domain::standby::{Standby, StandbyState};
use domain::time::Millis;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::account::notification::{commit, tell, tell_any};
use crate::db::{changed, hold_epoch};
use crate::error::StoreError;
use crate::journal::intent_life;
use crate::machine::association::Associations;
use crate::machine::standby;
use crate::row::to_json;

/// A machine that is being deleted is nothing else any more: who has not seen that yet changes nothing.
const SET_STATE: &str = "UPDATE associations SET state = $3, reason = $4 WHERE id = $1 AND epoch = $2 AND (state <> 'deleting' OR $3 = 'deleting')";

impl Associations<'_> {
    /// What it is doing, and why where that needs a reason.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when it is being deleted or gone.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_state(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        state: AssociationState,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let done = query(SET_STATE)
            .bind(id.as_str())
            .bind(epoch.0)
            .bind(state.as_str())
            .bind(reason)
            .execute(self.store.db().write())
            .await?;
        fenced(changed(&done), epoch)
    }

    /// As [`Self::set_state`], and tells the user why that matters.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when it is being deleted or gone; nothing is told then.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_state_and_tell(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        state: AssociationState,
        reason: Option<&str>,
        news: &News,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let done = query(SET_STATE)
            .bind(id.as_str())
            .bind(epoch.0)
            .bind(state.as_str())
            .bind(reason)
            .execute(&mut *tx)
            .await?;
        fenced(changed(&done), epoch)?;
        let told = tell(&mut tx, news).await?;
        commit(self.store, tx, told).await
    }

    /// Where the user's work runs.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when it is gone.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_serving(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        serving: Serving,
    ) -> Result<(), StoreError> {
        let done = query("UPDATE associations SET serving = $3 WHERE id = $1 AND epoch = $2")
            .bind(id.as_str())
            .bind(epoch.0)
            .bind(serving.as_str())
            .execute(self.store.db().write())
            .await?;
        fenced(changed(&done), epoch)
    }

    /// Records that the user's work runs on this standby.
    ///
    /// # Errors
    /// `Stale` in another epoch, when the association is gone, or when this is not its standby any more.
    #[instrument(level = "debug", skip_all)]
    pub async fn serve_on_standby(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        standby: &IntentId,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        standby::is_present(&mut tx, id, standby).await?;
        query("UPDATE associations SET serving = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(Serving::Standby.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// How far this standby is.
    ///
    /// # Errors
    /// `Stale` in another epoch, when the association is gone, or when it has another standby by now: that one
    /// has nothing of what was synced to this.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_sync(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        to: &IntentId,
        sync: &SyncStatus,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        standby::is_present(&mut tx, id, to).await?;
        put_sync(&mut tx, id, sync).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Where this GPU answers, and with which host key.
    ///
    /// # Errors
    /// `Stale` in another epoch, when the association is gone, or when it is on another GPU by now.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_gpu_contact(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        gpu: GpuId,
        endpoint: Option<&Endpoint>,
        host_key: Option<&str>,
    ) -> Result<(), StoreError> {
        let done = query("UPDATE associations SET gpu_host = $3, gpu_port = $4, gpu_host_key = $5 WHERE id = $1 AND epoch = $2 AND gpu_id = $6")
            .bind(id.as_str())
            .bind(epoch.0)
            .bind(endpoint.map(|at| at.host.as_str()))
            .bind(endpoint.map(|at| i64::from(at.port)))
            .bind(host_key)
            .bind(gpu.0)
            .execute(self.store.db().write())
            .await?;
        fenced(changed(&done), epoch)
    }

    /// What this GPU is.
    ///
    /// # Errors
    /// As [`Self::set_gpu_contact`].
    #[instrument(level = "debug", skip_all)]
    pub async fn set_gpu_spec(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        gpu: GpuId,
        spec: &GpuSpec,
    ) -> Result<(), StoreError> {
        let done =
            query("UPDATE associations SET spec = $3 WHERE id = $1 AND epoch = $2 AND gpu_id = $4")
                .bind(id.as_str())
                .bind(epoch.0)
                .bind(to_json(spec, "associations.spec")?)
                .bind(gpu.0)
                .execute(self.store.db().write())
                .await?;
        fenced(changed(&done), epoch)
    }

    /// The standby as it is now.
    ///
    /// # Errors
    /// `Stale` in another epoch, when the association is gone, or when this is not its standby any more.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_standby(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        machine: &Standby,
    ) -> Result<(), StoreError> {
        self.set_standby_and_tell(id, epoch, machine, None).await
    }

    /// Records a standby that is about to be asked for together with its purchase, in place of one that made
    /// nothing, and tells the user.
    ///
    /// # Errors
    /// `Stale` when the association is in another epoch, being deleted or gone; `Conflict` when it has a standby
    /// that may exist, whatever its caller read before.
    #[instrument(level = "debug", skip_all)]
    pub async fn begin_standby(
        &self,
        purchase: &Intent,
        machine: &Standby,
        news: Option<&News>,
    ) -> Result<(), StoreError> {
        let id = purchase.association.as_ref().ok_or(StoreError::NotFound("association"))?;
        let mut tx = self.store.db().begin().await?;
        intent_life::hold(&mut tx, purchase).await?;
        is_kept(&mut tx, id).await?;
        standby::make_room(&mut tx, id).await?;
        intent_life::insert(&mut tx, purchase).await?;
        standby::insert(&mut tx, id, machine).await?;
        let told = tell_any(&mut tx, news).await?;
        commit(self.store, tx, told).await
    }

    /// As [`Self::set_standby`], and tells the user what became of it, where there is something to
    /// tell.
    ///
    /// # Errors
    /// As [`Self::set_standby`]; nothing is told then.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_standby_and_tell(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        machine: &Standby,
        news: Option<&News>,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        standby::update(&mut tx, id, machine).await?;
        let told = tell_any(&mut tx, news).await?;
        commit(self.store, tx, told).await
    }

    /// Records that the provider clearly said no to a standby: its purchase is refused and it has failed, in one
    /// transaction. `machine` carries the provider's word as its reason. Again is no error.
    ///
    /// # Errors
    /// As [`Self::set_standby`]; `Stale` also when something came of the purchase. Nothing is told then.
    #[instrument(level = "debug", skip_all)]
    pub async fn refuse_standby(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        machine: &Standby,
        news: Option<&News>,
        at: Millis,
    ) -> Result<(), StoreError> {
        let failed = Standby { state: StandbyState::Failed, ..machine.clone() };
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        let word = machine.reason.as_deref().unwrap_or_default();
        intent_life::refuse(&mut tx, &machine.intent, word, at).await?;
        standby::update(&mut tx, id, &failed).await?;
        let told = tell_any(&mut tx, news).await?;
        commit(self.store, tx, told).await
    }

    /// The key that a standby logs in to GPUs with; nothing else of it changes.
    ///
    /// # Errors
    /// As [`Self::set_standby`].
    #[instrument(level = "debug", skip_all)]
    pub async fn set_standby_key(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        machine: &IntentId,
        public_key: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        standby::set_key(&mut tx, id, machine, public_key).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Records that a standby is gone and its copy with it: nothing that was synced counts for another. What may
    /// be left of it is to go, by the wish `left`, in the same transaction.
    ///
    /// # Errors
    /// `Stale` in another epoch, when the association is gone, or when it has another standby, or none, by now;
    /// nothing is told then.
    #[instrument(level = "debug", skip_all)]
    pub async fn lose_standby(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        machine: &IntentId,
        left: Option<&Disposal>,
        news: Option<&News>,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        if let Some(left) = left {
            intent_life::lose(&mut tx, machine, left).await?;
        }
        standby::remove(&mut tx, id, machine).await?;
        put_sync(&mut tx, id, &SyncStatus::default()).await?;
        let told = tell_any(&mut tx, news).await?;
        commit(self.store, tx, told).await
    }

    /// Begins the epoch after `from`: from now on every write of `from` fails. Of two who do it at
    /// the same time one succeeds.
    ///
    /// # Errors
    /// `Stale` when `from` is not the present epoch, or the association is gone.
    #[instrument(level = "debug", skip_all)]
    pub async fn advance_epoch(
        &self,
        id: &AssociationId,
        from: Epoch,
    ) -> Result<Epoch, StoreError> {
        let done = query("UPDATE associations SET epoch = epoch + 1 WHERE id = $1 AND epoch = $2")
            .bind(id.as_str())
            .bind(from.0)
            .execute(self.store.db().write())
            .await?;
        fenced(changed(&done), from)?;
        Ok(from.next())
    }
}

/// `Stale` for one that is being deleted: it is looked through for what was bought for it only once.
async fn is_kept(tx: &mut AnyConnection, id: &AssociationId) -> Result<(), StoreError> {
    let kept = query("SELECT 1 AS kept FROM associations WHERE id = $1 AND state <> 'deleting'")
        .bind(id.as_str())
        .fetch_optional(tx)
        .await?;
    kept.map(drop).ok_or(StoreError::stale("association"))
}

async fn put_sync(
    tx: &mut AnyConnection,
    id: &AssociationId,
    sync: &SyncStatus,
) -> Result<(), StoreError> {
    query("UPDATE associations SET sync = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(to_json(sync, "associations.sync")?)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) fn fenced(changed: bool, epoch: Epoch) -> Result<(), StoreError> {
    changed.then_some(()).ok_or(StoreError::stale_epoch("association", epoch))
}
