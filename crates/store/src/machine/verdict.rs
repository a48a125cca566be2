//! Changes of verdict, each with every observer's last word. The caller stores changes only.

use domain::id::{AssociationId, Epoch, UserId};
use domain::time::Millis;
use domain::verdict::{Cause, Observations, Verdict};
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use super::heard::{self, Heard};
use crate::db::hold_epoch;
use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each, to_json};

/// A verdict and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictRow {
    /// Machine.
    pub association: AssociationId,
    /// Epoch that it was made in.
    pub epoch: Epoch,
    /// When.
    pub at: Millis,
    /// What it says.
    pub verdict: Verdict,
    /// Why it is lost, when it is.
    pub cause: Option<Cause>,
    /// What each observer had said.
    pub evidence: Observations,
}

/// The newest verdict on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestVerdict {
    /// Machine.
    pub association: AssociationId,
    /// Epoch that it was made in.
    pub epoch: Epoch,
    /// What it says.
    pub verdict: Verdict,
    /// The last stored sign of life of its GPU.
    pub heard: Option<Heard>,
}

/// Changes of verdict.
#[derive(Debug)]
pub struct Verdicts<'s> {
    store: &'s Store,
}

impl<'s> Verdicts<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Records a verdict.
    ///
    /// # Errors
    /// `Stale` when the association is in another epoch, or gone.
    #[instrument(level = "debug", skip_all)]
    pub async fn insert(&self, row: &VerdictRow) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, &row.association, row.epoch).await?;
        let seq = query(
            "SELECT COALESCE(MAX(seq), 0) + 1 AS seq FROM verdicts WHERE association_id = $1",
        )
        .bind(row.association.as_str())
        .fetch_one(&mut *tx)
        .await?
        .int("seq")?;
        query("INSERT INTO verdicts (association_id, seq, epoch, at, verdict, cause, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(row.association.as_str())
            .bind(seq)
            .bind(row.epoch.0)
            .bind(row.at.0)
            .bind(row.verdict.as_str())
            .bind(row.cause.map(Cause::as_str))
            .bind(to_json(&row.evidence, "verdicts.evidence")?)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The newest verdict on an association. Of any user: for the engine and for pages that have
    /// found the association as their user's.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn latest(
        &self,
        association: &AssociationId,
    ) -> Result<Option<VerdictRow>, StoreError> {
        Ok(self.recent(association, 1).await?.into_iter().next())
    }

    /// The newest verdicts on an association, newest first. Of any user, as `latest`.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn recent(
        &self,
        association: &AssociationId,
        limit: i64,
    ) -> Result<Vec<VerdictRow>, StoreError> {
        let rows = query("SELECT association_id, epoch, at, verdict, cause, evidence FROM verdicts WHERE association_id = $1 ORDER BY seq DESC LIMIT $2")
            .bind(association.as_str())
            .bind(limit)
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// The newest verdict on each of a user's associations that has one, and when its GPU was heard last:
    /// of all of them by one question.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn newest(&self, user: &UserId) -> Result<Vec<NewestVerdict>, StoreError> {
        let rows = query("SELECT a.id, a.heard_gpu, a.heard_at, v.epoch, v.verdict FROM associations a JOIN verdicts v ON v.association_id = a.id AND v.seq = (SELECT MAX(w.seq) FROM verdicts w WHERE w.association_id = a.id) WHERE a.user_id = $1")
            .bind(user.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, |row| {
            Ok(NewestVerdict {
                association: AssociationId(row.text("id")?),
                epoch: Epoch(row.int("epoch")?),
                verdict: row.word("verdict")?,
                heard: heard::read(row)?,
            })
        })
    }

    /// Removes verdicts older than a time, of all users, but never an association's newest one.
    /// Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn prune(&self, before: Millis) -> Result<u64, StoreError> {
        let done = query("DELETE FROM verdicts WHERE at < $1 AND seq < (SELECT MAX(v.seq) FROM verdicts v WHERE v.association_id = verdicts.association_id)")
            .bind(before.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<VerdictRow, StoreError> {
    Ok(VerdictRow {
        association: AssociationId(row.text("association_id")?),
        epoch: Epoch(row.int("epoch")?),
        at: row.at("at")?,
        verdict: row.word("verdict")?,
        cause: row.maybe_word("cause")?,
        evidence: row.json("evidence")?,
    })
}
