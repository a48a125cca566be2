//! Deletions that the tripwire held back, and what the machine's user said of them.
//!
//! They are kept with the state *frozen* in one transaction, for whichever process goes on, and are
//! named by the digest of their set: what is accepted is what was shown, and nothing else.

use domain::association::AssociationState;
use domain::frozen::{Decision, Deletions, Held};
use domain::id::{AssociationId, Epoch, UserId};
use domain::notification::News;
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::account::notification::{commit, tell};
use crate::db::{changed, hold_epoch, must_change};
use crate::error::StoreError;
use crate::machine::association::Associations;
use crate::machine::fenced::fenced;
use crate::row::{Read as _, to_json};

const FOLLOW: &str = "UPDATE associations SET state = 'following', reason = NULL, sync_enabled = 1 WHERE id = $1 AND user_id = $2 AND epoch = $3 AND state = 'frozen'";

impl Associations<'_> {
    /// Freezes a copy, with the deletions that were held back where there are any, and tells the user.
    /// What was said of earlier ones is forgotten.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when it is being deleted or gone; nothing is told then.
    #[instrument(level = "debug", skip_all)]
    pub async fn freeze(
        &self,
        id: &AssociationId,
        epoch: Epoch,
        reason: &str,
        held: Option<&Deletions>,
        news: &News,
        at: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let done = query("UPDATE associations SET state = $3, reason = $4 WHERE id = $1 AND epoch = $2 AND state <> 'deleting'")
            .bind(id.as_str())
            .bind(epoch.0)
            .bind(AssociationState::Frozen.as_str())
            .bind(reason)
            .execute(&mut *tx)
            .await?;
        fenced(changed(&done), epoch)?;
        forget(&mut tx, id).await?;
        if let Some(held) = held {
            query("INSERT INTO held_deletions (association_id, epoch, digest, files, folders, bytes, listed, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
                .bind(id.as_str())
                .bind(epoch.0)
                .bind(&held.digest)
                .bind(held.files)
                .bind(held.folders)
                .bind(held.bytes)
                .bind(to_json(&held.listed, "held_deletions.listed")?)
                .bind(at.0)
                .execute(&mut *tx)
                .await?;
        }
        let told = tell(&mut tx, news).await?;
        commit(self.store, tx, told).await
    }

    /// The deletions that are held back for an association. Of any user's: for the engine, and for pages
    /// that have found the association as their user's.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn held_deletions(&self, id: &AssociationId) -> Result<Option<Held>, StoreError> {
        let row = query("SELECT epoch, digest, files, folders, bytes, listed, seen_at, decision, problem FROM held_deletions WHERE association_id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Records that a user wants exactly the deletions of this digest made, or undone on the GPU. With an
    /// acceptance the copy follows again, in the same transaction. A new word takes the place of the one
    /// before.
    ///
    /// # Errors
    /// `Conflict` when others are held back, or none; `Stale` when it is not frozen any more, in another
    /// epoch, gone or another's: nothing was recorded then.
    #[instrument(level = "debug", skip_all)]
    pub async fn decide_deletions(
        &self,
        user: &UserId,
        id: &AssociationId,
        epoch: Epoch,
        digest: &str,
        decision: Decision,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        // The association first, as everywhere.
        let frozen = query("UPDATE associations SET epoch = epoch WHERE id = $1 AND user_id = $2 AND epoch = $3 AND state = 'frozen'")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(epoch.0)
            .execute(&mut *tx)
            .await?;
        fenced(changed(&frozen), epoch)?;
        let said = query("UPDATE held_deletions SET decision = $4, problem = NULL WHERE association_id = $1 AND epoch = $2 AND digest = $3")
            .bind(id.as_str())
            .bind(epoch.0)
            .bind(digest)
            .bind(decision.as_str())
            .execute(&mut *tx)
            .await?;
        if !changed(&said) {
            return Err(StoreError::Conflict("other deletions are held back"));
        }
        if decision == Decision::Accept {
            follow(&mut tx, user, id, epoch).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Lets a copy that is frozen without a list of deletions follow again: it is looked at anew, and
    /// nothing is accepted.
    ///
    /// # Errors
    /// `Conflict` when deletions are held back: those are to be decided on; `Stale` when it is not frozen
    /// any more, in another epoch, gone or another's.
    #[instrument(level = "debug", skip_all)]
    pub async fn look_again(
        &self,
        user: &UserId,
        id: &AssociationId,
        epoch: Epoch,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        follow(&mut tx, user, id, epoch).await?;
        let held = query("SELECT 1 AS held FROM held_deletions WHERE association_id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if held.is_some() {
            return Err(StoreError::Conflict("other deletions are held back"));
        }
        tx.commit().await?;
        Ok(())
    }

    /// Forgets deletions that were held back, after a whole sync: they were made, or are no more.
    ///
    /// # Errors
    /// `Stale` in another epoch, or when the association is gone.
    #[instrument(level = "debug", skip_all)]
    pub async fn settle_deletions(
        &self,
        id: &AssociationId,
        epoch: Epoch,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        forget(&mut tx, id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Records how bringing files back to the GPU ended: done, and the copy follows again; or why not,
    /// and it stays frozen until its user says something else.
    ///
    /// # Errors
    /// `Stale` when nobody wants these brought back any more, or in another epoch.
    #[instrument(level = "debug", skip_all)]
    pub async fn deletions_restored(
        &self,
        user: &UserId,
        id: &AssociationId,
        epoch: Epoch,
        digest: &str,
        ended: Result<(), &str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, epoch).await?;
        let statement = match ended {
            Ok(()) => {
                "DELETE FROM held_deletions WHERE association_id = $1 AND epoch = $2 AND digest = $3 AND decision = 'restore' AND $4 IS NULL"
            }
            Err(_) => {
                "UPDATE held_deletions SET decision = NULL, problem = $4 WHERE association_id = $1 AND epoch = $2 AND digest = $3 AND decision = 'restore'"
            }
        };
        let done = query(statement)
            .bind(id.as_str())
            .bind(epoch.0)
            .bind(digest)
            .bind(ended.err())
            .execute(&mut *tx)
            .await?;
        must_change(&done, "held deletions")?;
        if ended.is_ok() {
            follow(&mut tx, user, id, epoch).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

async fn follow(
    tx: &mut AnyConnection,
    user: &UserId,
    id: &AssociationId,
    epoch: Epoch,
) -> Result<(), StoreError> {
    let done =
        query(FOLLOW).bind(id.as_str()).bind(user.as_str()).bind(epoch.0).execute(tx).await?;
    fenced(changed(&done), epoch)
}

async fn forget(tx: &mut AnyConnection, id: &AssociationId) -> Result<(), StoreError> {
    query("DELETE FROM held_deletions WHERE association_id = $1")
        .bind(id.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Held, StoreError> {
    Ok(Held {
        epoch: Epoch(row.int("epoch")?),
        deletions: Deletions {
            digest: row.text("digest")?,
            files: row.int("files")?,
            folders: row.int("folders")?,
            bytes: row.maybe_int("bytes")?,
            listed: row.json("listed")?,
        },
        seen_at: row.at("seen_at")?,
        decision: row.maybe_word("decision")?,
        problem: row.maybe_text("problem")?,
    })
}
