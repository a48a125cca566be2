//! What a step is given, and how it may end.

use domain::association::{Association, Serving};
use domain::failover::{Failover, Kind, Outcome, STANDBY_GONE, StepName, StepRow, TakeoverOutput};
use domain::notification::Wait;
use domain::provider::ErrorClass;
use domain::route;
use domain::standby::{Standby, StandbyState};
use domain::time::Millis;
use providers::ssh::{Shell, SshError};
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::data::DataError;
use crate::error::EngineError;
use crate::live::Target;
use crate::worker::dial;

const FIRST_RETRY_MS: i64 = 500;
const LAST_RETRY_MS: i64 = 60_000;

/// One attempt at a step.
pub(super) struct Run<'a> {
    pub(super) context: &'a Context,
    pub(super) failover: &'a Failover,
    pub(super) association: &'a Association,
    pub(super) rows: &'a [StepRow],
    pub(super) row: &'a StepRow,
}

/// How an attempt ended, ready to be recorded.
#[derive(Debug)]
pub(super) struct StepEnd {
    pub(super) outcome: Outcome,
    pub(super) retry_at: Option<Millis>,
    pub(super) provider_ms: i64,
    pub(super) output: serde_json::Value,
    pub(super) error: Option<String>,
    /// What it waits for, where only others can give that.
    pub(super) waits: Option<Wait>,
    /// Least pause before the next attempt, ms.
    pub(super) pause_ms: i64,
}

impl StepEnd {
    /// Done, with what later steps need.
    pub(super) fn ok(output: serde_json::Value) -> Self {
        Self {
            outcome: Outcome::Ok,
            retry_at: None,
            provider_ms: 0,
            output,
            error: None,
            waits: None,
            pause_ms: 0,
        }
    }

    /// Done, with an output of its own type.
    pub(super) fn done(output: &impl serde::Serialize) -> Self {
        Self::ok(serde_json::to_value(output).unwrap_or_default())
    }

    fn not_done(outcome: Outcome, error: impl Into<String>) -> Self {
        Self { outcome, error: Some(error.into()), ..Self::ok(serde_json::Value::Null) }
    }

    /// To be tried again.
    pub(super) fn retry(error: impl Into<String>) -> Self {
        Self::not_done(Outcome::Retry, error)
    }

    /// To be tried again, but only others can make it succeed.
    pub(super) fn blocked(wait: Wait, error: impl Into<String>) -> Self {
        Self { waits: Some(wait), pause_ms: 2_000, ..Self::retry(error) }
    }

    /// With what it waits for in its row, beside what it found.
    pub(super) fn waiting_for(mut self, wait: Wait) -> Self {
        if self.output.is_null() {
            self.output = serde_json::json!({});
        }
        if let Some(fields) = self.output.as_object_mut() {
            fields.insert("waits_for".into(), wait.as_str().into());
        }
        self
    }

    /// This candidate is no good.
    pub(super) fn next_round(error: impl Into<String>) -> Self {
        Self::not_done(Outcome::NextRound, error)
    }

    /// Can't be done.
    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self::not_done(Outcome::Failed, error)
    }

    /// The time that the providers took of it.
    pub(super) fn provider_ms(mut self, ms: i64) -> Self {
        self.provider_ms = ms;
        self
    }

    /// What an error means for a step: a stale epoch can't be mended by trying again, a missing key
    /// only by its user, the rest by time.
    fn from_error(error: EngineError) -> Self {
        match &error {
            EngineError::Store(store::StoreError::Stale { .. }) => {
                Self::failed(format!("fenced off: {error}"))
            }
            EngineError::Credentials { .. } => Self::blocked(Wait::Credentials, error.to_string()),
            EngineError::Provider(refusal) => match refusal.class {
                ErrorClass::RateLimited { after_ms } => {
                    Self { pause_ms: after_ms, ..Self::blocked(Wait::Pace, error.to_string()) }
                }
                ErrorClass::Auth | ErrorClass::Setup => {
                    Self::blocked(Wait::Credentials, error.to_string())
                }
                ErrorClass::Credit => Self::blocked(Wait::Credit, error.to_string()),
                ErrorClass::Capacity => Self::blocked(Wait::Capacity, error.to_string()),
                _ => Self::retry(error.to_string()),
            },
            _ => Self::retry(error.to_string()),
        }
    }

    /// Sets when to try again: doubling, with jitter, up to a minute.
    pub(super) fn with_backoff(mut self, attempt: i64, context: &Context) -> Self {
        if self.outcome == Outcome::Retry {
            let doublings = u32::try_from(attempt.clamp(1, 12) - 1).unwrap_or(0);
            let pause = (FIRST_RETRY_MS << doublings).min(LAST_RETRY_MS).max(self.pause_ms);
            let jitter = i64::try_from(context.chance.number() % 251).unwrap_or(0);
            self.retry_at = Some(context.now().plus(pause + jitter));
        }
        self
    }
}

impl Run<'_> {
    /// What an earlier step of the present round left.
    pub(super) fn earlier<T: DeserializeOwned>(&self, name: StepName) -> Option<T> {
        let row = route::result(name, self.failover, self.rows)?;
        serde_json::from_value(row.output.clone()).ok()
    }

    /// The folder on the standby that holds what is to be restored.
    pub(super) fn source(&self) -> String {
        let step =
            if self.failover.kind == Kind::Drill { StepName::Rehearse } else { StepName::Takeover };
        let taken: Option<TakeoverOutput> = self.earlier(step);
        taken.and_then(|taken| taken.source).unwrap_or_else(|| self.association.workspace.clone())
    }

    /// Whether what a drill restores is a recovery point, of which there is no folder.
    pub(super) fn is_pinned_point(&self) -> bool {
        let pinned: Option<TakeoverOutput> = self.earlier(StepName::Rehearse);
        self.failover.kind == Kind::Drill && pinned.is_some_and(|pinned| pinned.point.is_some())
    }

    /// A standby that can act, with a shell to it. Where the work is on the standby and its copy is gone, this
    /// is another one, empty: nothing is restored from it.
    pub(super) async fn standby(&self) -> Result<(Standby, Shell), StepEnd> {
        let Association { serving, sync, .. } = self.association;
        if *serving == Serving::Standby && sync.complete_to.is_none() {
            let gone = "the standby that the work ran on is gone, and the work with it";
            let output = serde_json::json!({ STANDBY_GONE: true });
            return Err(StepEnd { output, ..StepEnd::failed(gone) });
        }
        let standby = self
            .association
            .standby
            .clone()
            .ok_or_else(|| StepEnd::failed("this machine has no standby"))?;
        if standby.state != StandbyState::Ready {
            let why = standby.reason.clone().unwrap_or_default();
            let words = format!("the standby is {}: {why}", standby.state);
            return Err(StepEnd::blocked(Wait::Standby, words));
        }
        if let Some(shell) = self.context.live.machine(&self.association.id).standby_shell() {
            return Ok((standby, shell));
        }
        let Some(endpoint) = standby.endpoint.clone() else {
            return Err(StepEnd::blocked(Wait::Standby, "the standby has no address"));
        };
        let target = Target { endpoint, host_key: standby.host_key.clone() };
        match dial(self.context, &self.association.user, &target).await {
            Ok(shell) => Ok((standby, shell)),
            Err(error) => Err(StepEnd::retry(format!("the standby does not answer: {error}"))),
        }
    }

    /// Whether the standby is gone or its VM is not up since it answered: then nothing runs on it that could
    /// be held or ended.
    pub(super) fn standby_is_down(&self) -> bool {
        self.association.standby.as_ref().is_none_or(|standby| {
            matches!(standby.state, StandbyState::Preempted | StandbyState::Stopped)
        })
    }

    /// A shell to a GPU.
    pub(super) async fn gpu(&self, target: &Target) -> Result<Shell, StepEnd> {
        dial(self.context, &self.association.user, target)
            .await
            .map_err(|error| StepEnd::retry(format!("the GPU does not answer: {error}")))
    }
}

impl From<DataError> for StepEnd {
    fn from(error: DataError) -> Self {
        match error {
            DataError::StaleEpoch { .. } => Self::failed(format!("fenced off: {error}")),
            _ => Self::retry(error.to_string()),
        }
    }
}

impl From<SshError> for StepEnd {
    fn from(error: SshError) -> Self {
        Self::retry(error.to_string())
    }
}

impl From<EngineError> for StepEnd {
    fn from(error: EngineError) -> Self {
        Self::from_error(error)
    }
}

impl From<store::StoreError> for StepEnd {
    fn from(error: store::StoreError) -> Self {
        Self::from_error(error.into())
    }
}

impl From<domain::provider::ProviderError> for StepEnd {
    fn from(error: domain::provider::ProviderError) -> Self {
        Self::from_error(error.into())
    }
}

/// What a step returns is its end either way; `?` ends it early.
pub(super) type Ended = Result<StepEnd, StepEnd>;
