//! Purchases: found and listed. Their life is in `intent_life`.

use std::collections::HashMap;

use domain::failover::Intent;
use domain::id::{AssociationId, Epoch, FailoverId, GpuId, IntentId, UserId};
use domain::launch::LaunchPart;
use domain::money::MicroUsd;
use domain::provider::Provider;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, each};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, failover_id, association_id, provider, epoch, label, zone, project, ",
            "left_out, offer, ",
            "machine_id, usd_per_hour, state, external_id, created_at, changed_at, bound_at, ",
            "gone_at, error FROM intents ",
            $rest
        )
    };
}
pub(super) use select;

/// Purchases.
#[derive(Debug)]
pub struct Intents<'s> {
    pub(super) store: &'s Store,
}

impl<'s> Intents<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// An intent of any user's: for the engine.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn find(&self, id: &IntentId) -> Result<Option<Intent>, StoreError> {
        let row = query(select!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The intent of a label or name at a provider, of any user's: for the engine. `None` when this
    /// database knows nothing of it.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn by_label(&self, label: &str) -> Result<Option<Intent>, StoreError> {
        let row = query(select!("WHERE label = $1"))
            .bind(label)
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// A user's intent that an instance came of.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn by_external(
        &self,
        user: &UserId,
        provider: Provider,
        external_id: &str,
    ) -> Result<Option<Intent>, StoreError> {
        let row = query(select!(
            "WHERE user_id = $1 AND provider = $2 AND external_id = $3 ORDER BY created_at DESC LIMIT 1"
        ))
        .bind(user.as_str())
        .bind(provider.as_str())
        .bind(external_id)
        .fetch_optional(&mut *self.store.db().read().await?)
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// What the GPUs that serve a user were asked for without, of how the machine was launched that each stands
    /// in for; only those of which something was left out.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn left_out(
        &self,
        user: &UserId,
    ) -> Result<HashMap<GpuId, Vec<LaunchPart>>, StoreError> {
        let rows = query(select!(
            "WHERE user_id = $1 AND provider = 'vast.ai' AND state = 'adopted' AND left_out IS NOT NULL"
        ))
        .bind(user.as_str())
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        let known = each(&rows, read)?.into_iter().filter_map(|intent| {
            let gpu = intent.external_id.as_deref()?.parse().ok()?;
            Some((GpuId(gpu), intent.left_out))
        });
        Ok(known.collect())
    }

    /// A user's intents whose request may have been sent without an answer so far, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn open_ones(&self, user: &UserId) -> Result<Vec<Intent>, StoreError> {
        let rows = query(select!("WHERE user_id = $1 AND state = 'open' ORDER BY created_at, id"))
            .bind(user.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// A user's intents that were given up while nobody knew whether they had made something,
    /// oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn tombstoned(&self, user: &UserId) -> Result<Vec<Intent>, StoreError> {
        let rows =
            query(select!("WHERE user_id = $1 AND state = 'tombstoned' ORDER BY created_at, id"))
                .bind(user.as_str())
                .fetch_all(&mut *self.store.db().read().await?)
                .await?;
        each(&rows, read)
    }

    /// A user's intents under which something exists or may still appear, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn live(&self, user: &UserId) -> Result<Vec<Intent>, StoreError> {
        let rows = query(select!(
            "WHERE user_id = $1 AND state NOT IN ('refused', 'gone') ORDER BY created_at, id"
        ))
        .bind(user.as_str())
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// A user's intents whose instance was bought and is no machine of theirs yet, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn bound(&self, user: &UserId) -> Result<Vec<Intent>, StoreError> {
        let rows = query(select!("WHERE user_id = $1 AND state = 'bound' ORDER BY created_at, id"))
            .bind(user.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// The intents of a failover, oldest first. Of any user: for the engine and for pages that have
    /// found the failover as their user's.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn of_failover(&self, failover: &FailoverId) -> Result<Vec<Intent>, StoreError> {
        let rows = query(select!("WHERE failover_id = $1 ORDER BY created_at, id"))
            .bind(failover.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }

    /// The intents of an association, oldest first. Of any user, as `of_failover`.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn of_association(&self, id: &AssociationId) -> Result<Vec<Intent>, StoreError> {
        let rows = query(select!("WHERE association_id = $1 ORDER BY created_at, id"))
            .bind(id.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }
}

pub(super) fn read(row: &AnyRow) -> Result<Intent, StoreError> {
    Ok(Intent {
        id: IntentId(row.text("id")?),
        user: UserId(row.text("user_id")?),
        failover: row.maybe_text("failover_id")?.map(FailoverId),
        association: row.maybe_text("association_id")?.map(AssociationId),
        provider: row.word("provider")?,
        epoch: Epoch(row.int("epoch")?),
        label: row.text("label")?,
        zone: row.text("zone")?,
        project: row.maybe_text("project")?,
        left_out: row.maybe_json("left_out")?.unwrap_or_default(),
        offer: row.maybe_int("offer")?,
        machine_id: row.maybe_int("machine_id")?,
        usd_per_hour: MicroUsd(row.int("usd_per_hour")?),
        state: row.word("state")?,
        external_id: row.maybe_text("external_id")?,
        created_at: row.at("created_at")?,
        changed_at: row.at("changed_at")?,
        bound_at: row.maybe_at("bound_at")?,
        gone_at: row.maybe_at("gone_at")?,
        error: row.maybe_text("error")?,
    })
}
