//! How many of what there is, over all users: what an operator's monitoring is told.
//!
//! Not of a user: never to be reached from a request of one.

use domain::association::{AssociationState, Serving, SyncStatus};
use domain::failover::{FailoverState, IntentState, Kind, Outcome, StepName, Wish};
use domain::money::MicroUsd;
use domain::provider::Provider;
use domain::standby::StandbyState;
use domain::time::Millis;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::error::StoreError;
use crate::open::Store;
use crate::row::Read as _;

/// What there is. A pair that is not listed counts none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Protected machines, by what they are doing.
    pub machines: Vec<(AssociationState, i64)>,
    /// Standbys, by their state.
    pub standbys: Vec<(StandbyState, i64)>,
    /// Failovers ever begun and not forgotten, by kind and state.
    pub failovers: Vec<(Kind, FailoverState, i64)>,
    /// How old the copies of machines are that run on their GPU.
    pub copies: Copies,
    /// How long ago machines were rehearsed.
    pub drills: Drills,
    /// Wishes that an instance be stopped or gone and is not yet.
    pub teardowns: Vec<(Provider, Wish, Waiting)>,
    /// Purchases of which it is not known what became of them.
    pub unclear: Vec<(Provider, Waiting)>,
    /// What is rented through this install and not known to be gone, per hour.
    pub spending: Vec<(Provider, MicroUsd)>,
    /// Credentials that a provider refused when they were last tried.
    pub refused_credentials: i64,
}

/// How old copies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copies {
    /// Machines that run on their GPU and were never copied to the end.
    pub none: i64,
    /// The oldest recovery point of those that were; none where there is no such machine.
    pub oldest: Option<Millis>,
}

/// How long ago machines were rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drills {
    /// Machines without a drill that completed and proved what it restored: one that only searched shows
    /// nothing of the kind.
    pub never: i64,
    /// The end of the last such drill of the machine whose last is longest ago.
    pub oldest: Option<Millis>,
}

/// Things that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub count: i64,
    /// Since when the first of them does.
    pub since: Millis,
}

impl Store {
    /// How many of what there is, over all users: for the operator.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn figures(&self, now: Millis) -> Result<Figures, StoreError> {
        let mut connection = self.db().read().await?;
        let db = &mut *connection;
        Ok(Figures {
            machines: machines(db).await?,
            standbys: standbys(db).await?,
            failovers: failovers(db).await?,
            copies: copies(db).await?,
            drills: drills(db).await?,
            teardowns: teardowns(db).await?,
            unclear: unclear(db, now).await?,
            spending: spending(db).await?,
            refused_credentials: refused_credentials(db).await?,
        })
    }
}

async fn machines(db: &mut AnyConnection) -> Result<Vec<(AssociationState, i64)>, StoreError> {
    let rows =
        query("SELECT state, COUNT(*) AS n FROM associations GROUP BY state").fetch_all(db).await?;
    rows.iter().map(|row| Ok((row.word("state")?, row.int("n")?))).collect()
}

async fn standbys(db: &mut AnyConnection) -> Result<Vec<(StandbyState, i64)>, StoreError> {
    let rows =
        query("SELECT state, COUNT(*) AS n FROM standbys GROUP BY state").fetch_all(db).await?;
    rows.iter().map(|row| Ok((row.word("state")?, row.int("n")?))).collect()
}

async fn failovers(db: &mut AnyConnection) -> Result<Vec<(Kind, FailoverState, i64)>, StoreError> {
    let rows = query("SELECT kind, state, COUNT(*) AS n FROM failovers GROUP BY kind, state")
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| Ok((row.word("kind")?, row.word("state")?, row.int("n")?))).collect()
}

async fn copies(db: &mut AnyConnection) -> Result<Copies, StoreError> {
    let rows = query("SELECT sync FROM associations WHERE serving = $1 AND want_running = 1")
        .bind(Serving::Gpu.as_str())
        .fetch_all(db)
        .await?;
    let mut copies = Copies::default();
    for row in &rows {
        match row.json::<SyncStatus>("sync")?.complete_to {
            Some(at) => copies.oldest = Some(copies.oldest.map_or(at, |oldest| oldest.min(at))),
            None => copies.none += 1,
        }
    }
    Ok(copies)
}

async fn drills(db: &mut AnyConnection) -> Result<Drills, StoreError> {
    let row = query(
        "SELECT COUNT(*) - COUNT(d.last) AS never, MIN(d.last) AS oldest
            FROM associations a LEFT JOIN (
                SELECT f.association_id, MAX(f.ended_at) AS last FROM failovers f
                WHERE f.kind = $1 AND f.state = $2 AND EXISTS (
                    SELECT 1 FROM failover_steps s
                    WHERE s.failover_id = f.id AND s.name = $3 AND s.outcome = $4
                ) GROUP BY f.association_id
            ) d ON d.association_id = a.id",
    )
    .bind(Kind::Drill.as_str())
    .bind(FailoverState::Complete.as_str())
    .bind(StepName::Verify.as_str())
    .bind(Outcome::Ok.as_str())
    .fetch_one(db)
    .await?;
    Ok(Drills { never: row.int("never")?, oldest: row.maybe_at("oldest")? })
}

fn waiting(row: &AnyRow) -> Result<Waiting, StoreError> {
    Ok(Waiting { count: row.int("n")?, since: row.at("since")? })
}

async fn teardowns(db: &mut AnyConnection) -> Result<Vec<(Provider, Wish, Waiting)>, StoreError> {
    let rows = query(
        "SELECT provider, wish, COUNT(*) AS n, MIN(requested_at) AS since FROM disposals
            WHERE done_at IS NULL GROUP BY provider, wish",
    )
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((row.word("provider")?, row.word("wish")?, waiting(row)?))).collect()
}

/// Those that were sent, or may have been, and are bound to no instance.
async fn unclear(
    db: &mut AnyConnection,
    now: Millis,
) -> Result<Vec<(Provider, Waiting)>, StoreError> {
    let rows = query(
        "SELECT provider, COUNT(*) AS n, MIN(created_at) AS since FROM intents
            WHERE state = $1 OR (state = $2 AND changed_at > $3) GROUP BY provider",
    )
    .bind(IntentState::Open.as_str())
    .bind(IntentState::Tombstoned.as_str())
    .bind(now.plus(-domain::failover::MAY_TURN_UP_MS).0)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((row.word("provider")?, waiting(row)?))).collect()
}

async fn spending(db: &mut AnyConnection) -> Result<Vec<(Provider, MicroUsd)>, StoreError> {
    let rows = query(
        "SELECT provider, CAST(SUM(usd_per_hour) AS BIGINT) AS usd FROM intents
            WHERE state NOT IN ($1, $2) AND external_id IS NOT NULL GROUP BY provider",
    )
    .bind(IntentState::Refused.as_str())
    .bind(IntentState::Gone.as_str())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((row.word("provider")?, MicroUsd(row.int("usd")?)))).collect()
}

async fn refused_credentials(db: &mut AnyConnection) -> Result<i64, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM credentials WHERE status = $1")
        .bind(crate::CredentialStatus::Refused.as_str())
        .fetch_one(db)
        .await?;
    row.int("n")
}
