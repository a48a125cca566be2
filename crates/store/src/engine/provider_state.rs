//! The last answer of each provider for each account, and the last failure to get one.
//!
//! A failure keeps the answer before it: what is old is shown as old, never as empty.

use domain::id::UserId;
use domain::time::Millis;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::query;
use tracing::instrument;

use crate::error::StoreError;
use crate::open::Store;
use crate::row::{Read as _, from_json, to_json};

domain::text_enum! {
    /// Which answer.
    pub enum StateKind ("provider state") {
        /// The GPU instances of a Vast.ai account.
        VastInstances = "vast_instances",
        /// Its balance.
        VastBalance = "vast_balance",
        /// The VMs of a GCP project.
        GcpInstances = "gcp_instances",
    }
}

/// The last answer and the last failure.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderState {
    /// When the answer was got; `None` when there never was one.
    pub fetched_at: Option<Millis>,
    /// Whether it was a complete list.
    pub complete: bool,
    /// The answer.
    pub payload: Option<Value>,
    /// With a list of instances: known ones that the provider no longer has.
    pub gone: Vec<i64>,
    /// When it was last asked for.
    pub tried_at: Millis,
    /// Why the last try failed; `None` when it did not.
    pub error: Option<String>,
}

/// The providers' last answers.
#[derive(Debug)]
pub struct ProviderStates<'s> {
    store: &'s Store,
}

impl<'s> ProviderStates<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// The last answer; `None` when it was never asked for.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn get(
        &self,
        user: &UserId,
        kind: StateKind,
    ) -> Result<Option<ProviderState>, StoreError> {
        let row = query("SELECT fetched_at, complete, payload, gone, tried_at, error FROM provider_state WHERE user_id = $1 AND kind = $2")
            .bind(user.as_str())
            .bind(kind.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// As [`ProviderStates::get`], without the payload where the answer is still the one that was got
    /// at `known`: a list of hundreds of instances is not read again to find that it is the same.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn get_newer(
        &self,
        user: &UserId,
        kind: StateKind,
        known: Option<Millis>,
    ) -> Result<Option<ProviderState>, StoreError> {
        let row = query("SELECT fetched_at, complete, CASE WHEN fetched_at = $3 THEN NULL ELSE payload END AS payload, gone, tried_at, error FROM provider_state WHERE user_id = $1 AND kind = $2")
            .bind(user.as_str())
            .bind(kind.as_str())
            .bind(known.map(|at| at.0))
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Keeps an answer. An older one than is kept changes nothing.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn put(
        &self,
        user: &UserId,
        kind: StateKind,
        payload: &Value,
        complete: bool,
        fetched_at: Millis,
    ) -> Result<(), StoreError> {
        self.put_with((user, kind), payload, None, complete, fetched_at).await
    }

    /// Keeps a list of instances, and which known ones the provider no longer has.
    ///
    /// # Errors
    /// As [`ProviderStates::put`].
    #[instrument(level = "debug", skip_all)]
    pub async fn put_instances(
        &self,
        user: &UserId,
        payload: &Value,
        gone: &[i64],
        complete: bool,
        fetched_at: Millis,
    ) -> Result<(), StoreError> {
        let gone = to_json(&gone, "provider_state.gone")?;
        let whose = (user, StateKind::VastInstances);
        self.put_with(whose, payload, Some(gone), complete, fetched_at).await
    }

    async fn put_with(
        &self,
        (user, kind): (&UserId, StateKind),
        payload: &Value,
        gone: Option<String>,
        complete: bool,
        fetched_at: Millis,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO provider_state (user_id, kind, fetched_at, complete, payload, tried_at, gone) \
             VALUES ($1, $2, $3, $4, $5, $3, $6) \
             ON CONFLICT (user_id, kind) DO UPDATE SET fetched_at = excluded.fetched_at, \
             complete = excluded.complete, payload = excluded.payload, \
             gone = COALESCE(excluded.gone, provider_state.gone), \
             tried_at = excluded.tried_at, error = NULL \
             WHERE provider_state.tried_at <= excluded.tried_at",
        )
        .bind(user.as_str())
        .bind(kind.as_str())
        .bind(fetched_at.0)
        .bind(i64::from(complete))
        .bind(to_json(payload, "provider_state.payload")?)
        .bind(gone)
        .execute(self.store.db().write())
        .await?;
        Ok(())
    }

    /// Records that asking failed; the answer before is kept.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    #[instrument(level = "debug", skip_all)]
    pub async fn put_error(
        &self,
        user: &UserId,
        kind: StateKind,
        error: &str,
        tried_at: Millis,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO provider_state (user_id, kind, complete, tried_at, error) \
             VALUES ($1, $2, 0, $3, $4) \
             ON CONFLICT (user_id, kind) DO UPDATE SET tried_at = excluded.tried_at, \
             error = excluded.error WHERE provider_state.tried_at <= excluded.tried_at",
        )
        .bind(user.as_str())
        .bind(kind.as_str())
        .bind(tried_at.0)
        .bind(error)
        .execute(self.store.db().write())
        .await?;
        Ok(())
    }

    /// Forgets all answers for a user, for when the account's key is another one.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn forget(&self, user: &UserId, kind: StateKind) -> Result<(), StoreError> {
        query("DELETE FROM provider_state WHERE user_id = $1 AND kind = $2")
            .bind(user.as_str())
            .bind(kind.as_str())
            .execute(self.store.db().write())
            .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<ProviderState, StoreError> {
    Ok(ProviderState {
        fetched_at: row.maybe_at("fetched_at")?,
        complete: row.flag("complete")?,
        payload: row
            .maybe_text("payload")?
            .map(|text| from_json(&text, "provider_state.payload"))
            .transpose()?,
        gone: row.maybe_json("gone")?.unwrap_or_default(),
        tried_at: row.at("tried_at")?,
        error: row.maybe_text("error")?,
    })
}
