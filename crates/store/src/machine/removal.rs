//! Untying a machine, and destroying its GPU with or without its standby: all that such a wish changes, in
//! one transaction, and nothing while a failover is under way or its standby holds the only copy.

use domain::failover::Disposal;
use domain::id::{AssociationId, GpuId, UserId};
use domain::verdict::Verdict;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::db::changed;
use crate::error::StoreError;
use crate::journal::disposal;
use crate::machine::association::Associations;
use crate::machine::discard::exclude;
use crate::row::Read as _;

impl Associations<'_> {
    /// Begins to untie a machine: nobody protects its GPU anew, and its worker removes the standby, then the
    /// association.
    ///
    /// # Errors
    /// `Conflict` while a failover is under way, while it runs on its standby, or while its GPU is lost, so
    /// that the standby holds the only copy; `NotFound` when it is gone or another's. Nothing has changed then.
    #[instrument(level = "debug", skip_all)]
    pub async fn untie(&self, user: &UserId, id: &AssociationId) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        untie(&mut tx, user, id).await?;
        if lost(&mut tx, id).await? {
            return Err(StoreError::Conflict(GPU_LOST));
        }
        tx.commit().await?;
        Ok(())
    }

    /// Records that a machine's user wants this GPU of its destroyed: it is wanted no more, so that its silence is
    /// no loss, and with `untied` its standby goes too.
    ///
    /// # Errors
    /// `Conflict` while a failover is under way, with `untied` also while it runs on its standby; `Stale` when it
    /// is on another GPU by now; `NotFound` when it is gone or another's. Nothing has changed then.
    #[instrument(level = "debug", skip_all)]
    pub async fn destroy(
        &self,
        user: &UserId,
        id: &AssociationId,
        gpu: GpuId,
        wanted: &Disposal,
        untied: bool,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let done = query("UPDATE associations SET want_running = 0 WHERE id = $1 AND user_id = $2 AND gpu_id = $3 AND active_failover IS NULL")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(gpu.0)
            .execute(&mut *tx)
            .await?;
        if !changed(&done) {
            return Err(match why_not(&mut tx, user, id).await? {
                StoreError::Conflict(ON_STANDBY) => StoreError::stale("GPU of the machine"),
                other => other,
            });
        }
        if untied {
            untie(&mut tx, user, id).await?;
        }
        disposal::request(&mut tx, wanted).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Why the standby of a machine whose GPU is lost can't be taken from it.
pub const GPU_LOST: &str = "the GPU is lost";

/// Why nothing may be done to a machine now that a failover decides on.
pub const UNDER_WAY: &str = "a failover is under way";

const ON_STANDBY: &str = "the machine runs on its standby";

/// Whether the newest verdict on the GPU that it runs on is that it is lost.
async fn lost(tx: &mut AnyConnection, id: &AssociationId) -> Result<bool, StoreError> {
    let row = query("SELECT v.verdict AS verdict FROM verdicts v JOIN associations a ON a.id = v.association_id AND a.epoch = v.epoch WHERE a.id = $1 ORDER BY v.seq DESC LIMIT 1")
        .bind(id.as_str())
        .fetch_optional(tx)
        .await?;
    Ok(match row {
        Some(row) => row.text("verdict")? == Verdict::ConfirmedLost.as_str(),
        None => false,
    })
}

async fn untie(
    tx: &mut AnyConnection,
    user: &UserId,
    id: &AssociationId,
) -> Result<(), StoreError> {
    let row = query("UPDATE associations SET state = 'deleting', reason = NULL WHERE id = $1 AND user_id = $2 AND active_failover IS NULL AND serving <> 'standby' RETURNING gpu_id")
        .bind(id.as_str())
        .bind(user.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else { return Err(why_not(tx, user, id).await?) };
    exclude(tx, user, GpuId(row.int("gpu_id")?)).await
}

async fn why_not(
    tx: &mut AnyConnection,
    user: &UserId,
    id: &AssociationId,
) -> Result<StoreError, StoreError> {
    let row = query("SELECT active_failover FROM associations WHERE id = $1 AND user_id = $2")
        .bind(id.as_str())
        .bind(user.as_str())
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok(StoreError::NotFound("association")) };
    let under_way = row.maybe_text("active_failover")?.is_some();
    Ok(StoreError::Conflict(if under_way { UNDER_WAY } else { ON_STANDBY }))
}
