//! What each sync from a GPU to its standby did.

use domain::id::{AssociationId, Epoch};
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::db::hold_epoch;
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

domain::text_enum! {
    /// Why a cycle began.
    pub enum CycleSource ("cycle source") {
        /// It was time.
        Interval = "interval",
        /// A file changed.
        Change = "change",
        /// A person asked.
        Manual = "manual",
        /// The last one before a planned move.
        Final = "final",
    }
}

domain::text_enum! {
    /// How a cycle ended.
    pub enum CycleOutcome ("cycle outcome") {
        /// The standby has all of it.
        Ok = "ok",
        /// It did not end well; the standby's copy is the one before, or whole.
        Failed = "failed",
        /// The tripwire stopped it; nothing was applied.
        Frozen = "frozen",
    }
}

/// One sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncCycle {
    /// Identity.
    pub id: String,
    /// Machine.
    pub association: AssociationId,
    /// Epoch that it ran in.
    pub epoch: Epoch,
    /// Taken before the scan: all written before is on the standby once the cycle is ok.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Millis,
    /// Why it began.
    pub source: CycleSource,
    /// How it ended.
    pub outcome: CycleOutcome,
    /// Files in the workspace, where counted.
    pub files_total: Option<i64>,
    /// Their bytes.
    pub bytes_total: Option<i64>,
    /// Files sent.
    pub files_sent: i64,
    /// Bytes sent.
    pub bytes_sent: i64,
    /// Files deleted on the standby.
    pub files_deleted: i64,
    /// Folder on the standby with what was changed or deleted, where there is one.
    pub versions_path: Option<String>,
    /// What went wrong, in words.
    pub error: Option<String>,
}

/// What each sync did.
#[derive(Debug)]
pub struct SyncCycles<'s> {
    store: &'s Store,
}

impl<'s> SyncCycles<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Records a cycle.
    ///
    /// # Errors
    /// `Stale` when the association is in another epoch, or gone; `Conflict` when it is recorded.
    #[instrument(level = "debug", skip_all)]
    pub async fn insert(&self, cycle: &SyncCycle) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, &cycle.association, cycle.epoch).await?;
        query(
            "INSERT INTO sync_cycles (id, association_id, epoch, started_at, ended_at, source, \
             outcome, files_total, bytes_total, files_sent, bytes_sent, files_deleted, \
             versions_path, error) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(&cycle.id)
        .bind(cycle.association.as_str())
        .bind(cycle.epoch.0)
        .bind(cycle.started_at.0)
        .bind(cycle.ended_at.0)
        .bind(cycle.source.as_str())
        .bind(cycle.outcome.as_str())
        .bind(cycle.files_total)
        .bind(cycle.bytes_total)
        .bind(cycle.files_sent)
        .bind(cycle.bytes_sent)
        .bind(cycle.files_deleted)
        .bind(cycle.versions_path.as_deref())
        .bind(cycle.error.as_deref())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The newest cycles of an association, newest first. Of any user: for the engine and for pages
    /// that have found the association as their user's.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn recent(
        &self,
        association: &AssociationId,
        limit: i64,
    ) -> Result<Vec<SyncCycle>, StoreError> {
        let rows = query(
            "SELECT id, association_id, epoch, started_at, ended_at, source, outcome, files_total, \
             bytes_total, files_sent, bytes_sent, files_deleted, versions_path, error \
             FROM sync_cycles WHERE association_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2",
        )
        .bind(association.as_str())
        .bind(limit)
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// Removes cycles that began before a time, of all users. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, before: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM sync_cycles WHERE started_at < $1")
            .bind(before.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<SyncCycle, StoreError> {
    Ok(SyncCycle {
        id: row.text("id")?,
        association: AssociationId(row.text("association_id")?),
        epoch: Epoch(row.int("epoch")?),
        started_at: row.at("started_at")?,
        ended_at: row.at("ended_at")?,
        source: row.word("source")?,
        outcome: row.word("outcome")?,
        files_total: row.maybe_int("files_total")?,
        bytes_total: row.maybe_int("bytes_total")?,
        files_sent: row.int("files_sent")?,
        bytes_sent: row.int("bytes_sent")?,
        files_deleted: row.int("files_deleted")?,
        versions_path: row.maybe_text("versions_path")?,
        error: row.maybe_text("error")?,
    })
}
