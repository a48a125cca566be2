//! Failovers: found and listed. Their beginning, changes and end are in `failover_life`, finding the
//! rows of many at once in `many`.

use std::collections::HashMap;

use domain::failover::{Failover, Kind};
use domain::id::{AssociationId, Epoch, FailoverId, GpuId, UserId};
use domain::time::Millis;
use domain::verdict::Cause;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::error::StoreError;
use crate::journal::many::{FIFTY, bind_fifty, fifty};
use crate::open::Store;
use crate::row::{Read as _, each};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, association_id, machine_name, gpu_id, kind, cause, note, options, ",
            "state, from_epoch, round, started_at, ended_at, error, sandbox FROM failovers ",
            $rest
        )
    };
}

/// What a list chooses by. Written out for one machine, so that the database looks at its rows alone.
macro_rules! chosen {
    (of_machine) => {
        chosen!("WHERE association_id = $4 AND user_id = $1 AND started_at >= $2 ")
    };
    (all) => {
        // $4 is nothing here; named all the same, since both take the same values.
        chosen!("WHERE user_id = $1 AND started_at >= $2 AND ($4 IS NULL OR association_id = $4) ")
    };
    ($where:literal) => {
        concat!(
            $where,
            "AND ($3 IS NULL OR kind = $3) AND ($5 IS NULL OR cause = $5) ",
            "AND ($6 IS NULL OR sandbox = $6) ORDER BY started_at DESC, id DESC LIMIT $7"
        )
    };
}

/// Which of a user's failovers to list. `None` leaves a bound open.
#[derive(Debug, Clone, Default)]
pub struct FailoverQuery {
    /// Only those that started then or later.
    pub since: Option<Millis>,
    /// Only one report's.
    pub kind: Option<Kind>,
    /// Only one machine's.
    pub association: Option<AssociationId>,
    /// Only of this cause.
    pub cause: Option<Cause>,
    /// Only with or without the sandbox' providers.
    pub sandbox: Option<bool>,
    /// At most this many, the newest.
    pub limit: Option<i64>,
}

/// Failovers, drills and planned moves.
#[derive(Debug)]
pub struct Failovers<'s> {
    pub(super) store: &'s Store,
}

impl<'s> Failovers<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// One of a user's failovers.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn get(&self, user: &UserId, id: &FailoverId) -> Result<Failover, StoreError> {
        let row = query(select!("WHERE id = $1 AND user_id = $2"))
            .bind(id.as_str())
            .bind(user.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?
            .ok_or(StoreError::NotFound("failover"))?;
        read(&row)
    }

    /// A failover of any user's: for the engine.
    ///
    /// # Errors
    /// `NotFound`.
    #[instrument(level = "debug", skip_all)]
    pub async fn find(&self, id: &FailoverId) -> Result<Failover, StoreError> {
        let row = query(select!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut *self.store.db().read().await?)
            .await?
            .ok_or(StoreError::NotFound("failover"))?;
        read(&row)
    }

    /// Every failover of every user that is not over, oldest first: for the engine.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn active(&self) -> Result<Vec<Failover>, StoreError> {
        let rows = query(select!(
            "WHERE state IN ('running', 'waiting', 'cancelling') ORDER BY started_at, id"
        ))
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// A user's failovers that are not over, oldest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn active_of(&self, user: &UserId) -> Result<Vec<Failover>, StoreError> {
        let rows = query(select!(
            "WHERE user_id = $1 AND state IN ('running', 'waiting', 'cancelling') ORDER BY started_at, id"
        ))
        .bind(user.as_str())
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        each(&rows, read)
    }

    /// A user's failovers, newest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(
        &self,
        user: &UserId,
        wanted: &FailoverQuery,
    ) -> Result<Vec<Failover>, StoreError> {
        let ids = self.ids(user, wanted).await?;
        self.among(user, &ids).await
    }

    /// The ids of a user's failovers, newest first.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn ids(
        &self,
        user: &UserId,
        wanted: &FailoverQuery,
    ) -> Result<Vec<FailoverId>, StoreError> {
        let statement = match wanted.association {
            Some(_) => concat!("SELECT id FROM failovers ", chosen!(of_machine)),
            None => concat!("SELECT id FROM failovers ", chosen!(all)),
        };
        let rows = query(statement)
            .bind(user.as_str())
            .bind(wanted.since.map_or(i64::MIN, |at| at.0))
            .bind(wanted.kind.map(Kind::as_str))
            .bind(wanted.association.as_ref().map(AssociationId::as_str))
            .bind(wanted.cause.map(Cause::as_str))
            .bind(wanted.sandbox.map(i64::from))
            .bind(wanted.limit.unwrap_or(i64::MAX))
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, |row| Ok(FailoverId(row.text("id")?)))
    }

    /// The newest drill of each of a user's machines that has had one.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn newest_drills(&self, user: &UserId) -> Result<Vec<FailoverId>, StoreError> {
        let rows = query(
            "SELECT (SELECT f.id FROM failovers f WHERE f.association_id = a.id \
             AND f.kind = 'drill' AND f.user_id = a.user_id \
             ORDER BY f.started_at DESC, f.id DESC LIMIT 1) AS drill \
             FROM associations a WHERE a.user_id = $1",
        )
        .bind(user.as_str())
        .fetch_all(&mut *self.store.db().read().await?)
        .await?;
        let drills = each(&rows, |row| row.maybe_text("drill"))?;
        Ok(drills.into_iter().flatten().map(FailoverId).collect())
    }

    /// A user's failovers of these ids, in their order; without those that are not there.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn among(
        &self,
        user: &UserId,
        ids: &[FailoverId],
    ) -> Result<Vec<Failover>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(FIFTY) {
            // Asked in this way the owner is no reason to walk through all that is theirs.
            let asked = query(concat!(
                select!("WHERE id IN ("),
                fifty!(),
                ") AND CASE user_id WHEN $51 THEN 1 ELSE 0 END = 1"
            ));
            let rows = bind_fifty!(asked, some)
                .bind(user.as_str())
                .fetch_all(&mut *self.store.db().read().await?)
                .await?;
            let mut unordered: HashMap<FailoverId, Failover> =
                each(&rows, read)?.into_iter().map(|one| (one.id.clone(), one)).collect();
            found.extend(some.iter().filter_map(|id| unordered.remove(id)));
        }
        Ok(found)
    }
}

/// A failover of any user's, as a transaction sees it.
pub(super) async fn within(
    tx: &mut AnyConnection,
    id: &FailoverId,
) -> Result<Failover, StoreError> {
    let row = query(select!("WHERE id = $1"))
        .bind(id.as_str())
        .fetch_optional(tx)
        .await?
        .ok_or(StoreError::NotFound("failover"))?;
    read(&row)
}

/// Whether a failover of this GPU is not over: what becomes of it is decided there.
pub(crate) async fn is_of(
    connection: &mut AnyConnection,
    user: &UserId,
    gpu: GpuId,
) -> Result<bool, StoreError> {
    let found = query("SELECT 1 AS there FROM failovers WHERE user_id = $1 AND gpu_id = $2 AND state IN ('running', 'waiting', 'cancelling') LIMIT 1")
        .bind(user.as_str())
        .bind(gpu.0)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

fn read(row: &AnyRow) -> Result<Failover, StoreError> {
    Ok(Failover {
        id: FailoverId(row.text("id")?),
        user: UserId(row.text("user_id")?),
        association: AssociationId(row.text("association_id")?),
        machine_name: row.text("machine_name")?,
        gpu: GpuId(row.int("gpu_id")?),
        kind: row.word("kind")?,
        cause: row.word("cause")?,
        note: row.maybe_text("note")?,
        options: row.json("options")?,
        state: row.word("state")?,
        from_epoch: Epoch(row.int("from_epoch")?),
        round: row.int("round")?,
        started_at: row.at("started_at")?,
        ended_at: row.maybe_at("ended_at")?,
        error: row.maybe_text("error")?,
        sandbox: row.flag("sandbox")?,
    })
}
