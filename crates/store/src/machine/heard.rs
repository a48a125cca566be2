//! When a machine's GPU last answered, so that a process that starts or takes over knows it too.

use domain::id::{AssociationId, Epoch, GpuId};
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::db::changed;
use crate::error::StoreError;
use crate::machine::association::Associations;
use crate::machine::fenced::fenced;
use crate::row::Read as _;

/// A sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Of which GPU.
    pub gpu: GpuId,
    /// When it answered last.
    pub at: Millis,
}

impl Associations<'_> {
    /// The last stored sign of life. Of any user: for the engine.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn heard(&self, id: &AssociationId) -> Result<Option<Heard>, StoreError> {
        let row = query("SELECT heard_gpu, heard_at FROM associations WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        read(&row)
    }

    /// Stores a sign of life; `None` forgets it, as when the user stops the GPU: what answers after
    /// that is another start.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when it is gone.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_heard(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        heard: Option<Heard>,
    ) -> Result<(), StoreError> {
        let done = query(
            "UPDATE associations SET heard_gpu = $3, heard_at = $4 WHERE id = $1 AND epoch = $2",
        )
        .bind(id.as_str())
        .bind(epoch.0)
        .bind(heard.map(|heard| heard.gpu.0))
        .bind(heard.map(|heard| heard.at.0))
        .execute(self.store.db().write())
        .await?;
        fenced(changed(&done), epoch)
    }
}

pub(super) fn read(row: &AnyRow) -> Result<Option<Heard>, StoreError> {
    let found = row.maybe_int("heard_gpu")?.zip(row.maybe_int("heard_at")?);
    Ok(found.map(|(gpu, at)| Heard { gpu: GpuId(gpu), at: Millis(at) }))
}
