//! How a machine's container was launched. Sealed, since its environment has its user's secrets.

use domain::id::AssociationId;
use domain::launch::Launch;
use domain::time::Millis;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::query;
use tracing::instrument;

use crate::db::lock_install;
use crate::error::StoreError;
use crate::machine::association::Associations;
use crate::row::{Read as _, from_json, to_json};
use crate::secret::vault::Place;

impl Associations<'_> {
    /// Keeps how a machine's container was launched, in place of what was kept before.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_launch(
        &self,
        id: &AssociationId,
        launch: &Launch,
        read_at: Millis,
    ) -> Result<(), StoreError> {
        let plain = SecretString::from(to_json(launch, "launches.sealed")?);
        let mut tx = self.store.db().begin().await?;
        lock_install(&mut tx).await?;
        let sealed = self.store.vault().seal(&plain, &place(id))?;
        query(
            "INSERT INTO launches (association_id, sealed, read_at) VALUES ($1, $2, $3) \
             ON CONFLICT (association_id) DO UPDATE SET sealed = excluded.sealed, read_at = excluded.read_at",
        )
        .bind(id.as_str())
        .bind(sealed)
        .bind(read_at.0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// How a machine's container was launched, and when that was read; `None` where it never was. Of any
    /// user: for the engine.
    ///
    /// # Errors
    /// `Key` when it was sealed under a key that is not in the ring, or was changed.
    #[instrument(level = "debug", skip_all)]
    pub async fn launch(&self, id: &AssociationId) -> Result<Option<(Launch, Millis)>, StoreError> {
        let row = query("SELECT sealed, read_at FROM launches WHERE association_id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let plain = self.store.vault().open(&row.text("sealed")?, &place(id))?;
        Ok(Some((from_json(plain.expose_secret(), "launches.sealed")?, row.at("read_at")?)))
    }
}

/// Where it is sealed to.
pub(crate) fn place(id: &AssociationId) -> Place {
    Place::new("launches", "sealed", &[id.as_str()])
}
