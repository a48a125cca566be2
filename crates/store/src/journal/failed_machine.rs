//! Physical machines that failed an account: avoided for a while.

use domain::id::UserId;
use domain::time::Millis;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::error::StoreError;
use crate::journal::intent::Intents;
use crate::row::{Read as _, each};

impl Intents<'_> {
    /// The physical machines that failed an account since then: a GPU was lost on one, or could not be used.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn failed_machines(
        &self,
        user: &UserId,
        since: Millis,
    ) -> Result<Vec<i64>, StoreError> {
        let rows = query(
            "SELECT machine_id FROM failed_machines WHERE user_id = $1 AND failed_at >= $2 ORDER BY machine_id",
        )
        .bind(user.as_str())
        .bind(since.0)
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, |row| row.int("machine_id"))
    }
}

/// Records that a physical machine failed an account. The last time counts.
pub(super) async fn blame(
    tx: &mut AnyConnection,
    user: &UserId,
    machine: i64,
    at: Millis,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO failed_machines (user_id, machine_id, failed_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id, machine_id) DO UPDATE SET failed_at = excluded.failed_at",
    )
    .bind(user.as_str())
    .bind(machine)
    .bind(at.0)
    .execute(tx)
    .await?;
    Ok(())
}
