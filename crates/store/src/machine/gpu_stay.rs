//! Which GPU an association ran on, and from when to when.

use domain::id::{AssociationId, GpuId};
use domain::time::Millis;
use sqlx::{AnyConnection, query};

use crate::error::StoreError;

/// A stay on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpuStay {
    /// The instance.
    pub gpu: GpuId,
    /// From when.
    pub since: Millis,
    /// Until when; `None` for the present one.
    pub until: Option<Millis>,
}

/// Ends the stay on any other GPU and begins one on this, unless it is the present one already.
pub(super) async fn begin(
    tx: &mut AnyConnection,
    id: &AssociationId,
    gpu: GpuId,
    at: Millis,
) -> Result<(), StoreError> {
    query("UPDATE association_gpus SET until_at = $3 WHERE association_id = $1 AND gpu_id <> $2 AND until_at IS NULL")
        .bind(id.as_str())
        .bind(gpu.0)
        .bind(at.0)
        .execute(&mut *tx)
        .await?;
    query("INSERT INTO association_gpus (association_id, gpu_id, since_at) SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM association_gpus WHERE association_id = $1 AND gpu_id = $2 AND until_at IS NULL)")
        .bind(id.as_str())
        .bind(gpu.0)
        .bind(at.0)
        .execute(tx)
        .await?;
    Ok(())
}
