//! The journal of a failover: a row before each attempt at a step acts, its end after it knows.
//!
//! A step that runs has one row without an outcome, and a second worker can't begin it beside. Rows
//! are never changed after their end and never removed.

use domain::failover::{Failover, Outcome, StepName, StepRow};
use domain::id::{FailoverId, UserId};
use domain::notification::{self as news, Wait};
use domain::progress::Progress;
use domain::time::Millis;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};
use tracing::instrument;

use crate::account::notification::{commit, tell_any};
use crate::db::must_change;
use crate::error::StoreError;
use crate::journal::failover;
use crate::open::Store;
use crate::row::{Read as _, each, from_json, to_json};

macro_rules! select {
    () => {
        "SELECT failover_id, seq, name, round, attempt, started_at, ended_at, outcome, retry_at, provider_ms, output, error, progress FROM failover_steps "
    };
}
pub(super) use select;

const LIST: &str = concat!(select!(), "WHERE failover_id = $1 ORDER BY seq");

/// What a conflict says where a failover waits for its owner's word to buy on.
pub const OWNERS_WORD: &str = "it waits for its owner's word";

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    /// When.
    pub ended_at: Millis,
    /// How.
    pub outcome: Outcome,
    /// Not again before this time.
    pub retry_at: Option<Millis>,
    /// Time spent waiting for a provider, ms, beyond what `add_provider_ms` has recorded.
    pub provider_ms: i64,
    /// What later steps need.
    pub output: Value,
    /// What went wrong, in words.
    pub error: Option<String>,
}

/// The journal of steps. All of it is the engine's; pages read it through a failover that they
/// have found as their user's.
#[derive(Debug)]
pub struct Steps<'s> {
    pub(super) store: &'s Store,
}

/// Records the first step of a failover that begins, already ended.
pub(super) async fn insert_first(
    tx: &mut AnyConnection,
    of: &Failover,
    name: StepName,
    end: &Finish,
) -> Result<(), StoreError> {
    query("UPDATE failovers SET steps_recorded = 1 WHERE id = $1")
        .bind(of.id.as_str())
        .execute(&mut *tx)
        .await?;
    query("INSERT INTO failover_steps (failover_id, seq, name, round, attempt, started_at, ended_at, outcome, retry_at, provider_ms, output, error) VALUES ($1, 1, $2, 0, 1, $3, $4, $5, $6, $7, $8, $9)")
        .bind(of.id.as_str())
        .bind(name.as_str())
        .bind(of.started_at.0)
        .bind(end.ended_at.0)
        .bind(end.outcome.as_str())
        .bind(end.retry_at.map(|at| at.0))
        .bind(end.provider_ms)
        .bind(to_json(&end.output, "failover_steps.output")?)
        .bind(end.error.as_deref())
        .execute(tx)
        .await?;
    Ok(())
}

impl<'s> Steps<'s> {
    pub(crate) const fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Records that an attempt begins, and numbers it.
    ///
    /// # Errors
    /// `Stale` when the failover is over or gone; `Conflict` when this step runs already.
    #[instrument(level = "debug", skip_all)]
    pub async fn begin(
        &self,
        failover: &FailoverId,
        name: StepName,
        round: i64,
        now: Millis,
    ) -> Result<StepRow, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let seq = query("UPDATE failovers SET steps_recorded = steps_recorded + 1 WHERE id = $1 AND state IN ('running', 'waiting', 'cancelling') RETURNING steps_recorded")
            .bind(failover.as_str())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(StoreError::stale("failover"))?
            .int("steps_recorded")?;
        let attempt = query("SELECT COUNT(*) + 1 AS attempt FROM failover_steps WHERE failover_id = $1 AND name = $2 AND round = $3")
            .bind(failover.as_str())
            .bind(name.as_str())
            .bind(round)
            .fetch_one(&mut *tx)
            .await?
            .int("attempt")?;
        query("INSERT INTO failover_steps (failover_id, seq, name, round, attempt, started_at, provider_ms, output) VALUES ($1, $2, $3, $4, $5, $6, 0, 'null')")
            .bind(failover.as_str())
            .bind(seq)
            .bind(name.as_str())
            .bind(round)
            .bind(attempt)
            .bind(now.0)
            .execute(&mut *tx)
            .await
            .map_err(|error| StoreError::on_unique(error, "this step runs already"))?;
        tx.commit().await?;
        Ok(StepRow {
            failover: failover.clone(),
            seq,
            name,
            round,
            attempt,
            started_at: now,
            ended_at: None,
            outcome: None,
            retry_at: None,
            provider_ms: 0,
            output: Value::Null,
            error: None,
            progress: None,
        })
    }

    /// Records how an attempt ended.
    ///
    /// # Errors
    /// `Stale` when its end is recorded already (another worker took over).
    #[instrument(level = "debug", skip_all)]
    pub async fn finish(
        &self,
        failover: &FailoverId,
        seq: i64,
        end: &Finish,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.db().begin().await?;
        let name = finish(&mut tx, failover, seq, end).await?;
        // From here on a lost machine's user is on the standby.
        let taken = name == StepName::Takeover && end.outcome == Outcome::Ok;
        let told = taken && {
            let of = failover::within(&mut tx, failover).await?;
            tell_any(&mut tx, news::on_standby(&of, end.ended_at).as_ref()).await?
        };
        commit(self.store, tx, told).await
    }

    /// Records that an attempt's candidate is no good, and begins the next round. Returns its
    /// number. `end.outcome` is taken as `NextRound`.
    ///
    /// # Errors
    /// `Stale` when its end is recorded already, or the failover is in another round or over.
    #[instrument(level = "debug", skip_all)]
    pub async fn finish_next_round(
        &self,
        failover: &FailoverId,
        seq: i64,
        end: &Finish,
    ) -> Result<i64, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let end = Finish { outcome: Outcome::NextRound, ..end.clone() };
        let advanced = query("UPDATE failovers SET round = round + 1 WHERE id = $1 AND state IN ('running', 'waiting', 'cancelling') AND round = (SELECT round FROM failover_steps WHERE failover_id = $1 AND seq = $2) RETURNING round")
            .bind(failover.as_str())
            .bind(seq)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(StoreError::stale("failover round"))?;
        finish(&mut tx, failover, seq, &end).await?;
        tx.commit().await?;
        advanced.int("round")
    }

    /// Adds to the time that a running attempt has waited for a provider, ms.
    ///
    /// # Errors
    /// `Stale` when its end is recorded already.
    #[instrument(level = "debug", skip_all)]
    pub async fn add_provider_ms(
        &self,
        failover: &FailoverId,
        seq: i64,
        ms: i64,
    ) -> Result<(), StoreError> {
        let done = query("UPDATE failover_steps SET provider_ms = provider_ms + $3 WHERE failover_id = $1 AND seq = $2 AND outcome IS NULL")
            .bind(failover.as_str())
            .bind(seq)
            .bind(ms)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "step")
    }

    /// Keeps what a running attempt knows so far, for whoever takes over.
    ///
    /// # Errors
    /// `Stale` when its end is recorded already.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_output(
        &self,
        failover: &FailoverId,
        seq: i64,
        output: &Value,
    ) -> Result<(), StoreError> {
        let done = query("UPDATE failover_steps SET output = $3 WHERE failover_id = $1 AND seq = $2 AND outcome IS NULL")
            .bind(failover.as_str())
            .bind(seq)
            .bind(to_json(output, "failover_steps.output")?)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "step")
    }

    /// Keeps how far a running attempt's transfer is.
    ///
    /// # Errors
    /// `Stale` when its end is recorded already.
    #[instrument(level = "debug", skip_all)]
    pub async fn set_progress(
        &self,
        failover: &FailoverId,
        seq: i64,
        progress: &Progress,
    ) -> Result<(), StoreError> {
        let done = query("UPDATE failover_steps SET progress = $3 WHERE failover_id = $1 AND seq = $2 AND outcome IS NULL")
            .bind(failover.as_str())
            .bind(seq)
            .bind(to_json(progress, "failover_steps.progress")?)
            .execute(self.store.db().write())
            .await?;
        must_change(&done, "step")
    }

    /// Marks every attempt without an end as interrupted, when a worker takes a failover over: from
    /// then on the worker before can record nothing for them. Returns how many.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn interrupt_open(
        &self,
        failover: &FailoverId,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let done = query("UPDATE failover_steps SET outcome = 'interrupted', ended_at = $2 WHERE failover_id = $1 AND outcome IS NULL")
            .bind(failover.as_str())
            .bind(now.0)
            .execute(self.store.db().write())
            .await?;
        Ok(done.rows_affected())
    }

    /// Ends the pause before every attempt that waits: whoever drives the failover tries at once.
    /// Returns how many waited. Where one waits for a person's word, this is that word if `may_agree`.
    ///
    /// # Errors
    /// `Conflict` with [`OWNERS_WORD`] where it waits for a word that is not whose asks to give.
    #[instrument(level = "debug", skip_all)]
    pub async fn retry_now(
        &self,
        user: &UserId,
        failover: &FailoverId,
        may_agree: bool,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let mut tx = self.store.db().begin().await?;
        let rows = within(&mut tx, failover).await?;
        let waits = rows.iter().filter(|row| row.retry_at.is_some_and(|at| at > now));
        if waits.filter_map(StepRow::waits_for).any(Wait::takes_a_word) {
            if !may_agree {
                return Err(StoreError::Conflict(OWNERS_WORD));
            }
            query("UPDATE failovers SET agreed_purchases = 1 + (SELECT COUNT(*) FROM intents WHERE failover_id = $1 AND provider = 'vast.ai' AND state <> 'refused') WHERE id = $1 AND user_id = $2 AND state IN ('running', 'waiting')")
                .bind(failover.as_str())
                .bind(user.as_str())
                .execute(&mut *tx)
                .await?;
        }
        let done = query("UPDATE failover_steps SET retry_at = $3 WHERE failover_id = $1 AND retry_at > $3 AND EXISTS (SELECT 1 FROM failovers WHERE id = $1 AND user_id = $2 AND state IN ('running', 'waiting'))")
            .bind(failover.as_str())
            .bind(user.as_str())
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// The rows of a failover, in order.
    ///
    /// # Errors
    /// As every query.
    #[instrument(level = "debug", skip_all)]
    pub async fn list(&self, failover: &FailoverId) -> Result<Vec<StepRow>, StoreError> {
        let rows = query(LIST)
            .bind(failover.as_str())
            .fetch_all(&mut *self.store.db().read().await?)
            .await?;
        each(&rows, read)
    }
}

/// The rows of a failover, as a transaction sees them.
pub(super) async fn within(
    tx: &mut AnyConnection,
    failover: &FailoverId,
) -> Result<Vec<StepRow>, StoreError> {
    let rows = query(LIST).bind(failover.as_str()).fetch_all(tx).await?;
    each(&rows, read)
}

async fn finish(
    tx: &mut AnyConnection,
    failover: &FailoverId,
    seq: i64,
    end: &Finish,
) -> Result<StepName, StoreError> {
    let done = query("UPDATE failover_steps SET ended_at = $3, outcome = $4, retry_at = $5, provider_ms = provider_ms + $6, output = $7, error = $8 WHERE failover_id = $1 AND seq = $2 AND outcome IS NULL RETURNING name")
        .bind(failover.as_str())
        .bind(seq)
        .bind(end.ended_at.0)
        .bind(end.outcome.as_str())
        .bind(end.retry_at.map(|at| at.0))
        .bind(end.provider_ms)
        .bind(to_json(&end.output, "failover_steps.output")?)
        .bind(end.error.as_deref())
        .fetch_optional(tx)
        .await?;
    done.ok_or(StoreError::stale("step"))?.word("name")
}

pub(super) fn read(row: &AnyRow) -> Result<StepRow, StoreError> {
    Ok(StepRow {
        failover: FailoverId(row.text("failover_id")?),
        seq: row.int("seq")?,
        name: row.word("name")?,
        round: row.int("round")?,
        attempt: row.int("attempt")?,
        started_at: row.at("started_at")?,
        ended_at: row.maybe_at("ended_at")?,
        outcome: row.maybe_word("outcome")?,
        retry_at: row.maybe_at("retry_at")?,
        provider_ms: row.int("provider_ms")?,
        output: row.json("output")?,
        error: row.maybe_text("error")?,
        progress: row
            .maybe_text("progress")?
            .map(|text| from_json(&text, "failover_steps.progress"))
            .transpose()?,
    })
}
