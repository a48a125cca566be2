//! What was asked for when a GPU was rented, and is asked for again for its replacement.

use std::collections::HashMap;

use domain::id::{AssociationId, GpuId, UserId};
use domain::time::Millis;
use sqlx::query;
use tracing::instrument;

use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, to_json};

/// What was asked for beside the machine itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rental {
    /// What its user calls it.
    pub label: Option<String>,
    /// Ports of the container to open, such as `8080/tcp`.
    pub ports: Vec<String>,
}

/// Rentals.
#[derive(Debug)]
pub struct Rentals<'s> {
    store: &'s Store,
}

impl<'s> Rentals<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Keeps what was asked for. A number that the provider gives out again is a new rental.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn put(
        &self,
        user: &UserId,
        gpu: GpuId,
        rental: &Rental,
        now: Millis,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO rentals (user_id, gpu_id, label, ports, created_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id, gpu_id) DO UPDATE \
             SET label = excluded.label, ports = excluded.ports, created_at = excluded.created_at",
        )
        .bind(user.as_str())
        .bind(gpu.0)
        .bind(rental.label.as_deref())
        .bind(to_json(&rental.ports, "rentals.ports")?)
        .bind(now.0)
        .execute(self.store.db().write())
        .await?;
        Ok(())
    }

    /// The labels that a user's GPUs were given.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn labels(&self, user: &UserId) -> Result<HashMap<GpuId, String>, StoreError> {
        let rows =
            query("SELECT gpu_id, label FROM rentals WHERE user_id = $1 AND label IS NOT NULL")
                .bind(user.as_str())
                .fetch_all(&mut *self.store.db().read().await?)
                .await?;
        rows.iter().map(|row| Ok((GpuId(row.int("gpu_id")?), row.text("label")?))).collect()
    }

    /// The ports that a machine was rented with, on whichever GPU that was; none where it was not
    /// rented here.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn ports_of(
        &self,
        user: &UserId,
        machine: &AssociationId,
    ) -> Result<Vec<String>, StoreError> {
        let row = query(
            "SELECT r.ports FROM rentals r JOIN association_gpus g ON g.gpu_id = r.gpu_id \
             WHERE r.user_id = $1 AND g.association_id = $2 ORDER BY g.since_at DESC LIMIT 1",
        )
        .bind(user.as_str())
        .bind(machine.as_str())
        .fetch_optional(&mut *self.store.db().read().await?)
        .await?;
        row.map_or_else(|| Ok(Vec::new()), |row| row.json("ports"))
    }
}
