//! A GPU that its user pauses and starts: what the machine is wanted to do and where it serves change together,
//! never during a failover and never for another GPU than the one that was meant.

use domain::association::Serving;
use domain::id::{AssociationId, Epoch, GpuId, UserId};
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::error::StoreError;
use crate::machine::association::Associations;
use crate::machine::removal::UNDER_WAY;
use crate::row::Read as _;

/// What a machine was wanted to do, and where it served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// Whether its GPU was wanted to run.
    pub want_running: bool,
    /// Where it served.
    pub serving: Serving,
}

impl Associations<'_> {
    /// Records that a machine's user wants its GPU stopped, before anybody is asked to stop it: from then on its
    /// silence is no loss. Returns what was before.
    ///
    /// # Errors
    /// `Conflict` while a failover is under way; `Stale` in another epoch or on another GPU, or when it is gone or
    /// another's. Nothing has changed then.
    #[instrument(level = "debug", skip_all)]
    pub async fn pause(
        &self,
        user: &UserId,
        id: &AssociationId,
        epoch: Epoch,
        gpu: GpuId,
    ) -> Result<Before, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let before = hold(&mut tx, user, id, epoch, gpu).await?;
        let serving = match before.serving {
            Serving::Gpu => Serving::None,
            elsewhere => elsewhere,
        };
        put(&mut tx, id, Before { want_running: false, serving }).await?;
        tx.commit().await?;
        Ok(before)
    }

    /// Takes a pause back that the provider refused, unless the machine was started since.
    ///
    /// # Errors
    /// As [`Self::pause`].
    #[instrument(level = "debug", skip_all)]
    pub async fn take_pause_back(
        &self,
        user: &UserId,
        id: &AssociationId,
        epoch: Epoch,
        gpu: GpuId,
        before: Before,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        if !hold(&mut tx, user, id, epoch, gpu).await?.want_running {
            put(&mut tx, id, before).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Records that a machine's user wants its GPU to run, and that it serves where nothing else does.
    ///
    /// # Errors
    /// As [`Self::pause`].
    #[instrument(level = "debug", skip_all)]
    pub async fn resume(
        &self,
        user: &UserId,
        id: &AssociationId,
        epoch: Epoch,
        gpu: GpuId,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let serving = match hold(&mut tx, user, id, epoch, gpu).await?.serving {
            Serving::None => Serving::Gpu,
            elsewhere => elsewhere,
        };
        put(&mut tx, id, Before { want_running: true, serving }).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Holds a machine on this GPU without a failover until the transaction ends; what it is wanted to do.
async fn hold(
    tx: &mut AnyConnection,
    user: &UserId,
    id: &AssociationId,
    epoch: Epoch,
    gpu: GpuId,
) -> Result<Before, StoreError> {
    let row = query("UPDATE associations SET epoch = epoch WHERE id = $1 AND user_id = $2 AND epoch = $3 AND gpu_id = $4 RETURNING active_failover, want_running, serving")
        .bind(id.as_str())
        .bind(user.as_str())
        .bind(epoch.0)
        .bind(gpu.0)
        .fetch_optional(tx)
        .await?
        .ok_or(StoreError::stale_epoch("association", epoch))?;
    if row.maybe_text("active_failover")?.is_some() {
        return Err(StoreError::Conflict(UNDER_WAY));
    }
    Ok(Before { want_running: row.flag("want_running")?, serving: row.word("serving")? })
}

async fn put(tx: &mut AnyConnection, id: &AssociationId, now: Before) -> Result<(), StoreError> {
    query("UPDATE associations SET want_running = $2, serving = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(i64::from(now.want_running))
        .bind(now.serving.as_str())
        .execute(tx)
        .await?;
    Ok(())
}
