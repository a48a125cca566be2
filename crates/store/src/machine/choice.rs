//! What a user wants of their machine: its name, its commands, whether it shall be followed. Whether its GPU shall
//! run is in `running`.
//!
//! Guarded by the owner and by the epoch that the user's page showed.

use domain::association::Hooks;
use domain::id::{AssociationId, Epoch, UserId};
use sqlx::query;
use tracing::instrument;

use crate::db::changed;
use crate::error::StoreError;
use crate::machine::association::Associations;
use crate::machine::fenced::fenced;
use crate::row::to_json;

impl Associations<'_> {
    /// Whether the standby shall follow. Returns whether that is a change.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when it is gone or another's.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_sync_enabled(
        &self,
        user: &UserId,
        id: &AssociationId,
        epoch: Epoch,
        enabled: bool,
    ) -> Result<bool, StoreError> {
        let done = query("UPDATE associations SET sync_enabled = $4 WHERE id = $1 AND user_id = $2 AND epoch = $3 AND sync_enabled <> $4")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(epoch.0)
            .bind(i64::from(enabled))
            .execute(self.store.db().write())
            .await?;
        if changed(&done) {
            return Ok(true);
        }
        let same = query("SELECT 1 AS same FROM associations WHERE id = $1 AND user_id = $2 AND epoch = $3 AND sync_enabled = $4")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(epoch.0)
            .bind(i64::from(enabled))
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        fenced(same.is_some(), epoch)?;
        Ok(false)
    }

    /// The user's commands.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when it is gone or another's.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_hooks(
        &self,
        user: &UserId,
        id: &AssociationId,
        epoch: Epoch,
        hooks: &Hooks,
    ) -> Result<(), StoreError> {
        let done = query(
            "UPDATE associations SET hooks = $4 WHERE id = $1 AND user_id = $2 AND epoch = $3",
        )
        .bind(id.as_str())
        .bind(user.as_str())
        .bind(epoch.0)
        .bind(to_json(hooks, "associations.hooks")?)
        .execute(self.store.db().write())
        .await?;
        fenced(changed(&done), epoch)
    }

    /// What the user calls it.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when it is gone or another's.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_name(
        &self,
        user: &UserId,
        id: &AssociationId,
        epoch: Epoch,
        name: &str,
    ) -> Result<(), StoreError> {
        let done = query(
            "UPDATE associations SET name = $4 WHERE id = $1 AND user_id = $2 AND epoch = $3",
        )
        .bind(id.as_str())
        .bind(user.as_str())
        .bind(epoch.0)
        .bind(name)
        .execute(self.store.db().write())
        .await?;
        fenced(changed(&done), epoch)
    }
}
