//! A story to compute figures from, in tests only.

use serde_json::{Value, json};

use super::Journal;
use crate::failover::{
    Disposal, Failover, FailoverState, Intent, IntentState, Kind, Options, Outcome, Role, StepName,
    StepRow, Wish,
};
use crate::id::{AssociationId, DisposalId, Epoch, FailoverId, GpuId, IntentId, UserId};
use crate::money::MicroUsd;
use crate::provider::Provider;
use crate::time::Millis;
use crate::verdict::Cause;

/// When stories begin.
const BEGIN: i64 = 1_790_000_000_000;

/// The time `ms` after the story's begin.
pub(crate) const fn at(ms: i64) -> Millis {
    Millis(BEGIN + ms)
}

/// The rows of one failover.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) failover: Failover,
    pub(crate) steps: Vec<StepRow>,
    pub(crate) intents: Vec<Intent>,
    pub(crate) disposals: Vec<Disposal>,
    pub(crate) now: Millis,
}

impl Story {
    /// A failover of which only the detection has begun.
    pub(crate) fn just_begun() -> Self {
        let failover = Failover {
            id: FailoverId::new("f"),
            user: UserId::new("u"),
            association: AssociationId::new("assoc"),
            machine_name: "trainer".into(),
            gpu: GpuId(42),
            kind: Kind::Real,
            cause: Cause::HostOffline,
            note: None,
            options: Options::default(),
            state: FailoverState::Running,
            from_epoch: Epoch(1),
            round: 0,
            started_at: at(0),
            ended_at: None,
            error: None,
            sandbox: true,
        };
        let mut story =
            Self { failover, steps: vec![], intents: vec![], disposals: vec![], now: at(100) };
        story.step(StepName::Detect, 0, 10, None);
        story
    }

    /// On the standby after 2.9 s and on a second candidate after 74.2 s.
    pub(crate) fn lost_and_recovered() -> Self {
        use StepName::{
            Boot, Buy, Delta, Detect, Fence, Restore, Retire, Search, Switch, Takeover, Verify,
        };
        let mut story = Self::just_begun();
        story.steps.clear();
        let evidence = json!({"ssh": {"able": true, "last_ok": at(0), "failing_since": at(400)}});
        let detect =
            json!({"evidence": evidence, "confirmed_at": at(1_500), "unsynced_paths": ["a b"]});
        story.wrote(Detect, 1_400, 1_500, detect);
        story.wrote(Fence, 1_500, 1_900, json!({"epoch": 2}));
        story.wrote(Takeover, 1_900, 2_900, json!({"recovery_point": at(-1_100), "files": 120}));
        story.wrote(Search, 1_900, 2_500, json!({"seen": 9}));
        story.wrote(Buy, 2_500, 3_000, json!({}));
        story.wrote(Boot, 3_000, 62_500, json!({}));
        story.wrote(Restore, 62_500, 70_000, json!({"files": 120, "bytes": 9_000}));
        story.wrote(Delta, 70_000, 72_000, json!({"files": 2, "bytes": 10}));
        story.wrote(Verify, 72_000, 74_000, json!({"verified": 120, "bytes": 9_010}));
        story.wrote(Switch, 74_000, 74_200, json!({"freeze_ms": 2_200}));
        story.wrote(Retire, 74_200, 74_300, json!({}));
        story.failover.state = FailoverState::Complete;
        story.failover.ended_at = Some(at(74_300));
        story.intents.push(intent("i1", 66, IntentState::Gone, 2_600, Some(at(20_000))));
        story.intents.push(intent("i2", 77, IntentState::Adopted, 3_000, None));
        story.disposals.push(disposal(Provider::Vast, "42", Role::OldGpu));
        story.now = at(80_000);
        story
    }

    /// Adds an attempt at a step.
    pub(crate) fn step(
        &mut self,
        name: StepName,
        round: i64,
        start: i64,
        end: Option<(i64, Outcome)>,
    ) {
        self.steps.retain(|row| !(row.name == name && row.round == round && row.outcome.is_none()));
        let row = StepRow {
            failover: self.failover.id.clone(),
            seq: i64::try_from(self.steps.len()).unwrap_or(0) + 1,
            name,
            round,
            attempt: 1,
            started_at: at(start),
            ended_at: end.map(|(ms, _)| at(ms)),
            outcome: end.map(|(_, outcome)| outcome),
            retry_at: None,
            provider_ms: 5,
            output: Value::Null,
            error: None,
            progress: None,
        };
        self.steps.push(row);
    }

    fn wrote(&mut self, name: StepName, start: i64, end: i64, output: Value) {
        self.step(name, 0, start, Some((end, Outcome::Ok)));
        if let Some(row) = self.steps.last_mut() {
            row.output = output;
        }
    }

    /// The rows as figures are computed from them.
    pub(crate) fn journal(&self) -> Journal<'_> {
        Journal {
            failover: &self.failover,
            steps: &self.steps,
            intents: &self.intents,
            disposals: &self.disposals,
            association: None,
            now: self.now,
        }
    }
}

fn intent(id: &str, gpu: i64, state: IntentState, bound: i64, gone_at: Option<Millis>) -> Intent {
    Intent {
        id: IntentId::new(id),
        user: UserId::new("u"),
        failover: Some(FailoverId::new("f")),
        association: Some(AssociationId::new("assoc")),
        provider: Provider::Vast,
        epoch: Epoch(2),
        label: format!("dumont-0-{id}"),
        zone: String::new(),
        project: None,
        left_out: Vec::new(),
        offer: Some(1),
        machine_id: None,
        usd_per_hour: MicroUsd(400_000),
        state,
        external_id: Some(gpu.to_string()),
        created_at: at(bound),
        changed_at: at(bound),
        bound_at: Some(at(bound)),
        gone_at,
        error: None,
    }
}

fn disposal(provider: Provider, external: &str, role: Role) -> Disposal {
    Disposal {
        id: DisposalId::new("d"),
        user: UserId::new("u"),
        provider,
        external_id: external.into(),
        zone: String::new(),
        role,
        failover: Some(FailoverId::new("f")),
        association: None,
        wish: Wish::Destroy,
        requested_at: at(74_200),
        attempts: 1,
        next_at: at(75_000),
        last_error: None,
        done_at: None,
        saved: None,
    }
}
