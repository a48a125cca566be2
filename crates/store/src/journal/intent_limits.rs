//! Purchases of GPUs within the limits of their account. Counted and recorded in one transaction, one
//! purchase of an account at a time: two failovers that go on beside each other do not both take the last.

use domain::buying::{Full, Ledger, Limits};
use domain::failover::{Intent, RentalPlan};
use domain::id::{FailoverId, UserId};
use domain::time::{DAY_MS, Millis};
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::error::StoreError;
use crate::journal::intent::{Intents, read, select};
use crate::journal::intent_life::{hold, insert};
use crate::row::{Read as _, each, from_json, to_json};

/// Whether a purchase was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Recorded {
    /// It may be sent.
    Yes,
    /// One more would break this limit.
    Full(Full),
    /// Another purchase of the same offer is under way in this account.
    OfferTaken,
}

impl Intents<'_> {
    /// Records a failover's purchase that is about to be sent, unless a limit of its account stands
    /// against it, or the offer is being bought already.
    ///
    /// # Errors
    /// As [`Self::open`]; `Conflict` for one that is of no failover.
    #[instrument(level = "debug", skip_all)]
    pub async fn open_within(&self, new: &Intent, limits: &Limits) -> Result<Recorded, StoreError> {
        let Some(failover) = &new.failover else {
            return Err(StoreError::Conflict("a purchase of no failover has no limits"));
        };
        let mut tx = self.store.db().begin().await?;
        hold(&mut tx, new).await?;
        hold_account(&mut tx, &new.user).await?;
        if is_taken(&mut tx, new).await? {
            return Ok(Recorded::OfferTaken);
        }
        let ledger = count(&mut tx, &new.user, failover, new.created_at).await?;
        if let Some(full) = ledger.full(limits, new.usd_per_hour) {
            return Ok(Recorded::Full(full));
        }
        insert(&mut tx, new).await?;
        tx.commit().await?;
        Ok(Recorded::Yes)
    }

    /// Records a rental by hand that is about to be sent, with what it is to become, unless the offer is
    /// being bought already.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[instrument(level = "debug", skip_all)]
    pub async fn open_rental(
        &self,
        new: &Intent,
        plan: &RentalPlan,
    ) -> Result<Recorded, StoreError> {
        let mut tx = self.store.db().begin().await?;
        hold(&mut tx, new).await?;
        hold_account(&mut tx, &new.user).await?;
        if is_taken(&mut tx, new).await? {
            return Ok(Recorded::OfferTaken);
        }
        insert(&mut tx, new).await?;
        query("UPDATE intents SET rental = $2 WHERE id = $1")
            .bind(new.id.as_str())
            .bind(to_json(plan, "intents.rental")?)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Recorded::Yes)
    }

    /// What a failover and its account have bought.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn ledger(
        &self,
        user: &UserId,
        failover: &FailoverId,
        now: Millis,
    ) -> Result<Ledger, StoreError> {
        count(&mut *self.store.db().read().await?, user, failover, now).await
    }

    /// Rentals by hand that were recorded and are not finished: being bought, or bought and not given to
    /// their user yet; oldest first, each with what it is to become, where that was recorded.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn unfinished_rentals(
        &self,
        user: &UserId,
    ) -> Result<Vec<(Intent, Option<RentalPlan>)>, StoreError> {
        let mut found = Vec::new();
        let rows = query(select!(
            "WHERE user_id = $1 AND provider = 'vast.ai' AND failover_id IS NULL AND state IN ('open', 'bound') ORDER BY created_at, id"
        ))
        .bind(user.as_str())
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        for intent in each(&rows, read)? {
            let row = query("SELECT rental FROM intents WHERE id = $1")
                .bind(intent.id.as_str())
                .fetch_one(&mut *self.store.db().read().await?)
                .await?;
            let plan = row.maybe_text("rental")?;
            let plan = plan.map(|text| from_json(&text, "intents.rental")).transpose()?;
            found.push((intent, plan));
        }
        Ok(found)
    }
}

/// Of all that take this lock for an account, one runs at a time.
pub(crate) async fn hold_account(tx: &mut AnyConnection, user: &UserId) -> Result<(), StoreError> {
    query("UPDATE users SET changes = changes WHERE id = $1")
        .bind(user.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

async fn is_taken(tx: &mut AnyConnection, new: &Intent) -> Result<bool, StoreError> {
    let Some(offer) = new.offer else { return Ok(false) };
    let other = query(
        "SELECT 1 AS taken FROM intents WHERE user_id = $1 AND offer = $2 AND state IN ('open', 'bound') LIMIT 1",
    )
    .bind(new.user.as_str())
    .bind(offer)
    .fetch_optional(tx)
    .await?;
    Ok(other.is_some())
}

async fn count(
    connection: &mut AnyConnection,
    user: &UserId,
    failover: &FailoverId,
    now: Millis,
) -> Result<Ledger, StoreError> {
    let rows = query(select!(
        "WHERE user_id = $1 AND failover_id IS NOT NULL AND (failover_id = $2 OR created_at > $3)"
    ))
    .bind(user.as_str())
    .bind(failover.as_str())
    .bind(now.0.saturating_sub(DAY_MS))
    .fetch_all(&mut *connection)
    .await?;
    let agreed = query("SELECT agreed_purchases FROM failovers WHERE id = $1")
        .bind(failover.as_str())
        .fetch_optional(connection)
        .await?
        .map_or(Ok(0), |row| row.int("agreed_purchases"))?;
    Ok(Ledger::of(&each(&rows, read)?, failover, agreed, now))
}
