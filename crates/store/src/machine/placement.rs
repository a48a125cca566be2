//! Moving an association to another GPU, in one go with its history.

use domain::failover::Failover;
use domain::gpu::Endpoint;
use domain::id::{AssociationId, Epoch, GpuId, IntentId};
use domain::offer::GpuSpec;
use domain::time::Millis;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::db::{hold_epoch, must_change};
use crate::error::StoreError;
use crate::journal::intent_life::hold_wanted;
use crate::machine::association::Associations;
use crate::machine::gpu_stay::{self, GpuStay};
use crate::row::{Read as _, each, to_json};

/// The GPU that an association moves to.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// The instance.
    pub gpu: GpuId,
    /// Where it answers.
    pub endpoint: Option<Endpoint>,
    /// Its pinned host key.
    pub host_key: Option<String>,
    /// Its class.
    pub spec: GpuSpec,
}

impl Associations<'_> {
    /// Makes another GPU the association's. Doing it again with the same one changes nothing more.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when it is being deleted or gone; `Conflict` when that GPU has an
    /// association of its own.
    #[instrument(level = "debug", skip_all)]
    pub async fn switch_gpu(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        to: &Placement,
        at: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        place(&mut tx, id, to, at).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes the GPU that a failover bought the association's, in one go with its purchase's adoption: from
    /// then on the failover can't be cancelled any more. Doing it again changes nothing.
    ///
    /// # Errors
    /// `Stale` in another epoch, when the machine is being deleted or gone, when the failover is over or
    /// was asked to stop before, or when the purchase is not bound; `Conflict` as [`Self::switch_gpu`].
    #[instrument(level = "debug", skip_all)]
    pub async fn switch_to_bought(
        &self,
        failover: &Failover,
        epoch: Epoch,
        to: &Placement,
        bought: &IntentId,
        at: Millis,
    ) -> Result<(), StoreError> {
        let id = &failover.association;
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        hold_wanted(&mut tx, &failover.id).await?;
        place(&mut tx, id, to, at).await?;
        let adopted = query("UPDATE intents SET state = 'adopted', changed_at = $3 WHERE id = $1 AND failover_id = $2 AND state IN ('bound', 'adopted')")
            .bind(bought.as_str())
            .bind(failover.id.as_str())
            .bind(at.0)
            .execute(&mut *tx)
            .await?;
        must_change(&adopted, "intent")?;
        tx.commit().await?;
        Ok(())
    }

    /// Every GPU that an association has run on, first one first. Of any user: for the engine and
    /// for pages that have found the association as their user's.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn gpus(&self, id: &AssociationId) -> Result<Vec<GpuStay>, StoreError> {
        let rows = query("SELECT gpu_id, since_at, until_at FROM association_gpus WHERE association_id = $1 ORDER BY since_at, gpu_id")
            .bind(id.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, |row| {
            Ok(GpuStay {
                gpu: GpuId(row.int("gpu_id")?),
                since: row.at("since_at")?,
                until: row.maybe_at("until_at")?,
            })
        })
    }
}

async fn place(
    tx: &mut AnyConnection,
    id: &AssociationId,
    to: &Placement,
    at: Millis,
) -> Result<(), StoreError> {
    let done = query("UPDATE associations SET gpu_id = $2, gpu_host = $3, gpu_port = $4, gpu_host_key = $5, spec = $6 WHERE id = $1 AND state <> 'deleting'")
        .bind(id.as_str())
        .bind(to.gpu.0)
        .bind(to.endpoint.as_ref().map(|at| at.host.as_str()))
        .bind(to.endpoint.as_ref().map(|at| i64::from(at.port)))
        .bind(to.host_key.as_deref())
        .bind(to_json(&to.spec, "associations.spec")?)
        .execute(&mut *tx)
        .await
        .map_err(|error| StoreError::on_unique(error, "this GPU has an association"))?;
    must_change(&done, "association")?;
    gpu_stay::begin(tx, id, to.gpu, at).await?;
    Ok(())
}
