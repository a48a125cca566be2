//! Fencing a machine's GPU off: all of it in one transaction, or none.

use domain::failover::{Disposal, Failover};
use domain::id::Epoch;
use sqlx::query;
use tracing::instrument;

use crate::db::changed;
use crate::error::StoreError;
use crate::journal::disposal;
use crate::journal::intent_life::hold_wanted;
use crate::machine::association::Associations;
use crate::machine::fenced::fenced;

impl Associations<'_> {
    /// Begins the epoch after a failover's own: the machine runs nowhere and is being failed over, and its
    /// GPU is asked to be stopped where `stop` says so. Doing it again changes nothing more.
    ///
    /// # Errors
    /// `Stale` when the failover is over or was asked to stop, when the machine is in neither epoch, or when
    /// it is being deleted or gone.
    #[instrument(level = "debug", skip_all)]
    pub async fn fence(
        &self,
        failover: &Failover,
        stop: Option<&Disposal>,
    ) -> Result<Epoch, StoreError> {
        let raised = failover.from_epoch.next();
        let mut tx = self.store.db().begin().await?;
        let done = query("UPDATE associations SET epoch = $3, serving = 'none', state = 'failing_over', reason = NULL WHERE id = $1 AND epoch IN ($2, $3) AND active_failover = $4 AND state <> 'deleting'")
            .bind(failover.association.as_str())
            .bind(failover.from_epoch.0)
            .bind(raised.0)
            .bind(failover.id.as_str())
            .execute(&mut *tx)
            .await?;
        fenced(changed(&done), failover.from_epoch)?;
        hold_wanted(&mut tx, &failover.id).await?;
        if let Some(stop) = stop {
            disposal::request(&mut tx, stop).await?;
        }
        tx.commit().await?;
        Ok(raised)
    }
}
