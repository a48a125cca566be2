//! GPUs that their user wants without a standby: auto-standby passes them by.

use domain::id::{GpuId, UserId};
use sqlx::query;
use tracing::instrument;

use crate::error::StoreError;
use crate::machine::association::Associations;

impl Associations<'_> {
    /// Whether a user wants this GPU without a standby.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn is_excluded(&self, user: &UserId, gpu: GpuId) -> Result<bool, StoreError> {
        let row = query("SELECT gpu_id FROM standby_exclusions WHERE user_id = $1 AND gpu_id = $2")
            .bind(user.as_str())
            .bind(gpu.0)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        Ok(row.is_some())
    }

    /// Records or forgets that a user wants this GPU without a standby. Again is no error.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_excluded(
        &self,
        user: &UserId,
        gpu: GpuId,
        excluded: bool,
    ) -> Result<(), StoreError> {
        let statement = if excluded {
            "INSERT INTO standby_exclusions (user_id, gpu_id) VALUES ($1, $2) ON CONFLICT (user_id, gpu_id) DO NOTHING"
        } else {
            "DELETE FROM standby_exclusions WHERE user_id = $1 AND gpu_id = $2"
        };
        query(statement).bind(user.as_str()).bind(gpu.0).execute(self.store.db().write()).await?;
        Ok(())
    }
}
