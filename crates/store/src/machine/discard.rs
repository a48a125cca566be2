//! Giving a machine up: all that ends it is recorded in one transaction, in whichever epoch it is.

use domain::association::AssociationState;
use domain::failover::{Disposal, Kind, Role, Wish};
use domain::id::{AssociationId, DisposalId, FailoverId, GpuId, UserId};
use domain::provider::Provider;
use domain::time::Millis;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::error::StoreError;
use crate::journal::disposal;
use crate::machine::association::Associations;
use crate::row::Read as _;

/// What giving a machine up begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discarded {
    /// The failover that was asked to stop.
    pub failover: Option<FailoverId>,
    /// The GPUs that are to be destroyed: the one that it runs on or ran on last, and the one that the
    /// failover under way began on.
    pub gpus: Vec<GpuId>,
}

impl Associations<'_> {
    /// Gives a machine up: it is being deleted from now on and wanted no more, the failover under way is
    /// asked to stop, and its GPUs are to be destroyed. That holds in whichever epoch, and nothing
    /// sets it back: see [`Self::set_state`], [`Self::switch_gpu`] and `Failovers::open`. Again
    /// is no error.
    ///
    /// # Errors
    /// `NotFound` when it is gone or another's.
    #[instrument(level = "debug", skip_all)]
    pub async fn discard(
        &self,
        user: &UserId,
        id: &AssociationId,
        at: Millis,
        ids: [DisposalId; 2],
    ) -> Result<Discarded, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let row = query("UPDATE associations SET state = $3, reason = NULL, want_running = 0 WHERE id = $1 AND user_id = $2 RETURNING gpu_id, active_failover")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(AssociationState::Deleting.as_str())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(StoreError::NotFound("association"))?;
        let gpu = GpuId(row.int("gpu_id")?);
        let failover = row.maybe_text("active_failover")?.map(FailoverId);
        let left = match &failover {
            Some(failover) => Some(stop(&mut tx, failover).await?),
            None => None,
        };
        let mut gpus = vec![gpu];
        gpus.extend(left.map(|(left, _)| left).filter(|left| *left != gpu));
        for (gone, new_id) in gpus.iter().zip(ids) {
            exclude(&mut tx, user, *gone).await?;
            // A drill never concerns the GPU of its machine.
            let old = left.is_some_and(|(left, kind)| left == *gone && kind != Kind::Drill);
            let wanted = Disposal {
                id: new_id,
                user: user.clone(),
                provider: Provider::Vast,
                external_id: gone.to_string(),
                zone: String::new(),
                role: if old { Role::OldGpu } else { Role::Rental },
                failover: failover.clone().filter(|_| old),
                association: Some(id.clone()),
                wish: Wish::Destroy,
                requested_at: at,
                attempts: 0,
                next_at: at,
                last_error: None,
                done_at: None,
                saved: None,
            };
            disposal::request(&mut tx, &wanted).await?;
        }
        tx.commit().await?;
        Ok(Discarded { failover, gpus })
    }
}

/// Asks a failover to stop, unless it is stopping; the GPU that it began on, and its kind.
async fn stop(tx: &mut AnyConnection, failover: &FailoverId) -> Result<(GpuId, Kind), StoreError> {
    query("UPDATE failovers SET state = 'cancelling' WHERE id = $1 AND state IN ('running', 'waiting')")
        .bind(failover.as_str())
        .execute(&mut *tx)
        .await?;
    let row = query("SELECT gpu_id, kind FROM failovers WHERE id = $1")
        .bind(failover.as_str())
        .fetch_optional(tx)
        .await?
        .ok_or(StoreError::NotFound("failover"))?;
    Ok((GpuId(row.int("gpu_id")?), row.word("kind")?))
}

/// Nobody protects it anew.
pub(super) async fn exclude(
    tx: &mut AnyConnection,
    user: &UserId,
    gpu: GpuId,
) -> Result<(), StoreError> {
    query("INSERT INTO standby_exclusions (user_id, gpu_id) VALUES ($1, $2) ON CONFLICT (user_id, gpu_id) DO NOTHING")
        .bind(user.as_str())
        .bind(gpu.0)
        .execute(tx)
        .await?;
    Ok(())
}
