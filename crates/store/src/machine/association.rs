//! Associations: made, found and removed. Changes are in `fenced` (the engine's, under an epoch),
//! `choice` (the user's) and `placement` (to another GPU).

use domain::association::Association;
use domain::gpu::Endpoint;
use domain::id::{AssociationId, Epoch, FailoverId, GpuId, UserId};
use domain::provider::Provider;
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::db::{hold_epoch, must_change};
use crate::error::StoreError;
use crate::journal::intent_limits::hold_account;
use crate::journal::{disposal, failover};
use crate::machine::removal::UNDER_WAY;
use crate::machine::{gpu_stay, standby};
use crate::open::Store;
use crate::row::{Read, each, to_json};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, a.user_id, a.gpu_id, a.name, a.workspace, a.image, a.spec, a.hooks, a.state, ",
            "a.reason, a.serving, a.want_running, a.sync_enabled, a.epoch, a.gpu_host, a.gpu_port, ",
            "a.gpu_host_key, a.sync, a.active_failover, a.created_at, ",
            "s.intent_id AS standby_intent, s.name AS standby_name, s.project AS standby_project, ",
            "s.zone AS standby_zone, s.machine_type AS standby_machine_type, ",
            "s.disk_gb AS standby_disk_gb, s.spot AS standby_spot, ",
            "s.usd_per_hour AS standby_usd_per_hour, s.state AS standby_state, ",
            "s.reason AS standby_reason, s.host AS standby_host, s.port AS standby_port, ",
            "s.host_key AS standby_host_key, s.public_key AS standby_public_key, ",
            "s.created_at AS standby_created_at ",
            "FROM associations a LEFT JOIN standbys s ON s.association_id = a.id ",
            $rest
        )
    };
}

/// Protected machines and their standbys.
#[derive(Debug)]
pub struct Associations<'s> {
    pub(super) store: &'s Store,
}

impl<'s> Associations<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Stores a new association, with its standby if it has one.
    ///
    /// # Errors
    /// `Conflict` when this user's GPU has one already, is being failed over, is to be stopped, or was ever asked
    /// to be destroyed; `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn create(&self, new: &Association) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let gpu = new.gpu.to_string();
        // Of this and of its being destroyed, at the same time, one comes first.
        hold_account(&mut tx, &new.user).await?;
        // In this order: a failover that is over has recorded before what is to become of its GPU.
        if failover::is_of(&mut tx, &new.user, new.gpu).await? {
            return Err(StoreError::Conflict("a failover of this GPU is under way"));
        }
        if disposal::given_up(&mut tx, &new.user, Provider::Vast, &gpu).await? {
            return Err(StoreError::Conflict("this GPU is to be stopped or destroyed"));
        }
        query(
            "INSERT INTO associations (id, user_id, gpu_id, name, workspace, image, spec, hooks, \
             state, reason, serving, want_running, sync_enabled, epoch, gpu_host, gpu_port, \
             gpu_host_key, sync, active_failover, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, \
             $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        )
        .bind(new.id.as_str())
        .bind(new.user.as_str())
        .bind(new.gpu.0)
        .bind(&new.name)
        .bind(&new.workspace)
        .bind(new.image.as_deref())
        .bind(to_json(&new.spec, "associations.spec")?)
        .bind(to_json(&new.hooks, "associations.hooks")?)
        .bind(new.state.as_str())
        .bind(new.reason.as_deref())
        .bind(new.serving.as_str())
        .bind(i64::from(new.want_running))
        .bind(i64::from(new.sync_enabled))
        .bind(new.epoch.0)
        .bind(new.gpu_endpoint.as_ref().map(|at| at.host.as_str()))
        .bind(new.gpu_endpoint.as_ref().map(|at| i64::from(at.port)))
        .bind(new.gpu_host_key.as_deref())
        .bind(to_json(&new.sync, "associations.sync")?)
        .bind(new.active_failover.as_ref().map(FailoverId::as_str))
        .bind(new.created_at.0)
        .execute(&mut *tx)
        .await
        .map_err(|error| StoreError::on_unique(error, "this GPU has an association"))?;
        gpu_stay::begin(&mut tx, &new.id, new.gpu, new.created_at).await?;
        if let Some(machine) = &new.standby {
            standby::insert(&mut tx, &new.id, machine).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// One of a user's associations.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn get(&self, user: &UserId, id: &AssociationId) -> Result<Association, StoreError> {
        let row = query(select!("WHERE a.id = $1 AND a.user_id = $2"))
            .bind(id.as_str())
            .bind(user.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?
            .ok_or(StoreError::NotFound("association"))?;
        read(&row)
    }

    /// An association of any user's: for the engine. `None` when it is gone.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn find(&self, id: &AssociationId) -> Result<Option<Association>, StoreError> {
        let row = query(select!("WHERE a.id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The association that runs on a user's GPU now, or ran on it last.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn by_gpu(
        &self,
        user: &UserId,
        gpu: GpuId,
    ) -> Result<Option<Association>, StoreError> {
        let row = query(select!("WHERE a.user_id = $1 AND a.gpu_id = $2"))
            .bind(user.as_str())
            .bind(gpu.0)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// A user's associations that ever ran on a GPU, the one that did so last first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn history_by_gpu(
        &self,
        user: &UserId,
        gpu: GpuId,
    ) -> Result<Vec<Association>, StoreError> {
        let rows = query(select!(
            "JOIN (SELECT association_id, MAX(since_at) AS since_at FROM association_gpus WHERE gpu_id = $2 GROUP BY association_id) g ON g.association_id = a.id WHERE a.user_id = $1 ORDER BY g.since_at DESC, a.id"
        ))
        .bind(user.as_str())
        .bind(gpu.0)
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// A user's associations, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(&self, user: &UserId) -> Result<Vec<Association>, StoreError> {
        let rows = query(select!("WHERE a.user_id = $1 ORDER BY a.created_at, a.id"))
            .bind(user.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// A user's associations that have a host key pinned which one of them has too, that one among
    /// them; none where no key is pinned to it.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn with_host_keys_of(
        &self,
        user: &UserId,
        id: &AssociationId,
    ) -> Result<Vec<Association>, StoreError> {
        let rows = query(select!(
            "JOIN associations o ON o.id = $2 AND o.user_id = a.user_id LEFT JOIN standbys t ON t.association_id = o.id WHERE a.user_id = $1 AND (a.gpu_host_key IN (o.gpu_host_key, t.host_key) OR s.host_key IN (o.gpu_host_key, t.host_key)) ORDER BY a.created_at, a.id"
        ))
        .bind(user.as_str())
        .bind(id.as_str())
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// Every association of every user: for the engine.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn all(&self) -> Result<Vec<Association>, StoreError> {
        let rows = query(select!("ORDER BY a.created_at, a.id"))
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// The ids of all of them, in the same order.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn ids(&self) -> Result<Vec<AssociationId>, StoreError> {
        let rows = query("SELECT id FROM associations ORDER BY created_at, id")
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        rows.iter().map(|row| Ok(AssociationId(row.text("id")?))).collect()
    }

    /// Removes an association and what was measured on it; its failovers stay. Only when none is
    /// under way.
    ///
    /// # Errors
    /// `Stale` when it has another epoch or is gone; `Conflict` during a failover, or while a VM that was bought
    /// for it may exist, whatever its caller read before.
    #[instrument(level = "debug", skip_all)]
    pub async fn delete(&self, id: &AssociationId, epoch: Epoch) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        let vm = query("SELECT 1 AS there FROM intents WHERE association_id = $1 AND provider = $2 AND state NOT IN ('refused', 'gone') LIMIT 1")
            .bind(id.as_str())
            .bind(Provider::Gcp.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if vm.is_some() {
            return Err(StoreError::Conflict("a standby of it may exist"));
        }
        let done = query("DELETE FROM associations WHERE id = $1 AND active_failover IS NULL")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        must_change(&done, "association").map_err(|_| StoreError::Conflict(UNDER_WAY))?;
        tx.commit().await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<Association, StoreError> {
    Ok(Association {
        id: AssociationId(row.text("id")?),
        user: UserId(row.text("user_id")?),
        gpu: GpuId(row.int("gpu_id")?),
        name: row.text("name")?,
        workspace: row.text("workspace")?,
        image: row.maybe_text("image")?,
        spec: row.json("spec")?,
        hooks: row.json("hooks")?,
        state: row.word("state")?,
        reason: row.maybe_text("reason")?,
        serving: row.word("serving")?,
        want_running: row.flag("want_running")?,
        sync_enabled: row.flag("sync_enabled")?,
        epoch: Epoch(row.int("epoch")?),
        gpu_endpoint: endpoint(row, "gpu_host", "gpu_port")?,
        gpu_host_key: row.maybe_text("gpu_host_key")?,
        standby: standby::read(row)?,
        sync: row.json("sync")?,
        active_failover: row.maybe_text("active_failover")?.map(FailoverId),
        created_at: Millis(row.int("created_at")?),
    })
}

/// An address of two columns; none unless both are there.
pub(super) fn endpoint(
    row: &AnyRow,
    host: &'static str,
    port: &'static str,
) -> Result<Option<Endpoint>, StoreError> {
    Ok(row.maybe_text(host)?.zip(row.maybe_port(port)?).map(|(host, port)| Endpoint { host, port }))
}
