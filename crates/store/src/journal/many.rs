//! Rows of many failovers at once: fifty to a statement, so that a statement is the same text each
//! time and a history is read in a few round trips instead of some for each failover.
//!
//! All of it is of any user: for pages that have found the failovers as their user's.

use std::collections::HashMap;

use domain::failover::{Disposal, Intent, StepRow};
use domain::id::FailoverId;
use sqlx::query;
use tracing::instrument;

use crate::error::StoreError;
use crate::journal::disposal::{self, Disposals};
use crate::journal::intent::{self, Intents};
use crate::journal::step::{self, Steps};
use crate::row::each;

/// How many ids a statement takes.
pub(super) const FIFTY: usize = 50;

/// The places of fifty ids in a statement.
macro_rules! fifty {
    () => {
        "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
         $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, \
         $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50"
    };
}
pub(super) use fifty;

/// Puts at most fifty ids into these places; the last one fills those that are left.
macro_rules! bind_fifty {
    ($query:expr, $ids:expr) => {{
        let ids: &[domain::id::FailoverId] = $ids;
        let mut asked = $query;
        for place in 0..$crate::journal::many::FIFTY {
            let id = ids.get(place).or(ids.last());
            asked = asked.bind(id.map(domain::id::FailoverId::as_str));
        }
        asked
    }};
}
pub(super) use bind_fifty;

/// Rows by the failover that they belong to.
type Of<T> = HashMap<FailoverId, Vec<T>>;

impl Steps<'_> {
    /// The rows of each of these failovers, in order.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn of_many(&self, failovers: &[FailoverId]) -> Result<Of<StepRow>, StoreError> {
        let mut found = Of::new();
        for some in failovers.chunks(FIFTY) {
            let asked = query(concat!(
                step::select!(),
                "WHERE failover_id IN (",
                fifty!(),
                ") ORDER BY failover_id, seq"
            ));
            let rows =
                bind_fifty!(asked, some).fetch_all(&mut *self.store.db().read().await?).await?;
            for row in each(&rows, step::read)? {
                found.entry(row.failover.clone()).or_default().push(row);
            }
        }
        Ok(found)
    }
}

impl Intents<'_> {
    /// The intents of each of these failovers, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn of_many(&self, failovers: &[FailoverId]) -> Result<Of<Intent>, StoreError> {
        let mut found = Of::new();
        for some in failovers.chunks(FIFTY) {
            let asked = query(concat!(
                intent::select!("WHERE failover_id IN ("),
                fifty!(),
                ") ORDER BY created_at, id"
            ));
            let rows =
                bind_fifty!(asked, some).fetch_all(&mut *self.store.db().read().await?).await?;
            for intent in each(&rows, intent::read)? {
                if let Some(failover) = intent.failover.clone() {
                    found.entry(failover).or_default().push(intent);
                }
            }
        }
        Ok(found)
    }
}

impl Disposals<'_> {
    /// The wishes of each of these failovers, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn of_many(&self, failovers: &[FailoverId]) -> Result<Of<Disposal>, StoreError> {
        let mut found = Of::new();
        for some in failovers.chunks(FIFTY) {
            let asked = query(concat!(
                disposal::select!("WHERE failover_id IN ("),
                fifty!(),
                ") ORDER BY requested_at, id"
            ));
            let rows =
                bind_fifty!(asked, some).fetch_all(&mut *self.store.db().read().await?).await?;
            for wish in each(&rows, disposal::read)? {
                if let Some(failover) = wish.failover.clone() {
                    found.entry(failover).or_default().push(wish);
                }
            }
        }
        Ok(found)
    }
}
