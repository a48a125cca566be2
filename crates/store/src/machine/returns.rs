//! Ways back to recovery points: asked for by a machine's user, done by whichever process works on it. Of
//! each machine the newest is kept.

use domain::id::{AssociationId, Epoch, UserId};
use domain::notification::News;
use domain::point::{Change, Return, ReturnState};
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::account::notification::{commit, tell};
use crate::db::{changed, hold_epoch, must_change};
use crate::error::StoreError;
use crate::machine::association::Associations;
use crate::machine::fenced::fenced;
use crate::row::{Read as _, to_json};

impl Associations<'_> {
    /// Records that a machine's user wants to go back. Where the same is asked for already, nothing changes.
    ///
    /// # Errors
    /// `Conflict` while another way back is under way; `Stale` where a failover is, in another epoch, when it
    /// is gone or another's: nothing was recorded then.
    #[instrument(level = "debug", skip_all)]
    pub async fn ask_back(
        &self,
        user: &UserId,
        id: &AssociationId,
        wanted: &Return,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let able = query("UPDATE associations SET epoch = epoch WHERE id = $1 AND user_id = $2 AND epoch = $3 AND serving = $4 AND state IN ('following', 'on_standby') AND NOT EXISTS (SELECT 1 FROM failovers WHERE failovers.association_id = associations.id AND failovers.state IN ('running', 'waiting', 'cancelling'))")
            .bind(id.as_str())
            .bind(user.as_str())
            .bind(wanted.epoch.0)
            .bind(wanted.serving.as_str())
            .execute(&mut *tx)
            .await?;
        fenced(changed(&able), wanted.epoch)?;
        let open = query("SELECT epoch, point, path FROM returns WHERE association_id = $1 AND state = 'asked' AND epoch = $2")
            .bind(id.as_str())
            .bind(wanted.epoch.0)
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(open) = open {
            let same = open.int("point")? == wanted.point && open.text("path")? == wanted.path;
            return if same {
                Ok(())
            } else {
                Err(StoreError::Conflict("another way back is under way"))
            };
        }
        query("DELETE FROM returns WHERE association_id = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        query("INSERT INTO returns (association_id, epoch, point, point_at, path, serving, asked_at, state, tries) VALUES ($1, $2, $3, $4, $5, $6, $7, 'asked', 0)")
            .bind(id.as_str())
            .bind(wanted.epoch.0)
            .bind(wanted.point)
            .bind(wanted.point_at.map(|at| at.0))
            .bind(&wanted.path)
            .bind(wanted.serving.as_str())
            .bind(wanted.asked_at.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The newest way back of a machine. Of any user's: for the engine, and for pages that have found the
    /// association as their user's.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn last_return(&self, id: &AssociationId) -> Result<Option<Return>, StoreError> {
        let row = query("SELECT epoch, point, point_at, path, serving, asked_at, state, before_point, made_point, change, tries, problem, ended_at FROM returns WHERE association_id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Records what a way back has come to: what it changes, and that the copy was put back. Said again, it
    /// is not put back a second time.
    ///
    /// # Errors
    /// `Stale` when nobody wants it any more, or in another epoch.
    #[instrument(level = "debug", skip_all)]
    pub async fn return_made(
        &self,
        id: &AssociationId,
        of: &Return,
        before: Option<i64>,
        made: Option<i64>,
        change: &Change,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, of.epoch).await?;
        let done = query("UPDATE returns SET before_point = $3, made_point = $4, change = $5 WHERE association_id = $1 AND asked_at = $2 AND state = 'asked'")
            .bind(id.as_str())
            .bind(of.asked_at.0)
            .bind(before)
            .bind(made)
            .bind(to_json(change, "returns.change")?)
            .execute(&mut *tx)
            .await?;
        must_change(&done, "way back")?;
        tx.commit().await?;
        Ok(())
    }

    /// Records that a way back did not work out this time.
    ///
    /// # Errors
    /// `Stale` when nobody wants it any more, or in another epoch.
    #[instrument(level = "debug", skip_all)]
    pub async fn return_tried(
        &self,
        id: &AssociationId,
        of: &Return,
        problem: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, of.epoch).await?;
        let done = query("UPDATE returns SET tries = tries + 1, problem = $3 WHERE association_id = $1 AND asked_at = $2 AND state = 'asked'")
            .bind(id.as_str())
            .bind(of.asked_at.0)
            .bind(problem)
            .execute(&mut *tx)
            .await?;
        must_change(&done, "way back")?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends a way back, and tells its user. `now` is the machine's epoch as it was read: one that was asked
    /// for in another is ended too.
    ///
    /// # Errors
    /// `Stale` when nobody wants it any more, or when the machine moved on since.
    #[instrument(level = "debug", skip_all)]
    pub async fn end_return(
        &self,
        id: &AssociationId,
        now: Epoch,
        of: &Return,
        ended: Result<(), &str>,
        news: &News,
        at: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold_epoch(&mut tx, id, now).await?;
        let state = if ended.is_ok() { ReturnState::Done } else { ReturnState::Failed };
        let done = query("UPDATE returns SET state = $3, problem = $4, ended_at = $5 WHERE association_id = $1 AND asked_at = $2 AND state = 'asked'")
            .bind(id.as_str())
            .bind(of.asked_at.0)
            .bind(state.as_str())
            .bind(ended.err())
            .bind(at.0)
            .execute(&mut *tx)
            .await?;
        must_change(&done, "way back")?;
        let told = tell(&mut tx, news).await?;
        commit(self.store, tx, told).await
    }
}

fn read(row: &AnyRow) -> Result<Return, StoreError> {
    Ok(Return {
        epoch: Epoch(row.int("epoch")?),
        point: row.int("point")?,
        point_at: row.maybe_at("point_at")?,
        path: row.text("path")?,
        serving: row.word("serving")?,
        asked_at: row.at("asked_at")?,
        state: row.word("state")?,
        before: row.maybe_int("before_point")?,
        made: row.maybe_int("made_point")?,
        change: row.maybe_json("change")?,
        tries: row.int("tries")?,
        problem: row.maybe_text("problem")?,
        ended_at: row.maybe_at("ended_at")?,
    })
}
