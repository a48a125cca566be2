//! One failover from its beginning to its end, step by step through the store as the engine does it.

use domain::association::{Association, AssociationState, Serving};
use domain::failover::{
    BootOutput, BuyOutput, DetectOutput, Disposal, Failover, FailoverState, FenceOutput,
    HookResult, Intent, IntentState, Kind, Options, Outcome, RestoreOutput, Role, SearchOutput,
    StepName, SwitchOutput, TakeoverOutput, VerifyOutput, Wish,
};
use domain::gpu::Endpoint;
use domain::id::{DisposalId, Epoch, FailoverId, GpuId, IntentId};
use domain::money::MicroUsd;
use domain::offer::Offer;
use domain::provider::Provider;
use domain::route::route;
use domain::time::Millis;
use domain::verdict::{Cause, ProviderSays, Verdict};
use serde::Serialize;
use serde_json::Value;
use store::{Finish, Placement, Store, StoreError};

use super::dice::Dice;
use super::machine;

/// How a story ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It reaches its aim.
    Complete,
    /// No offer was to be had.
    Failed,
    /// A person stopped it.
    Cancelled,
    /// It still waits for an offer.
    Open,
}

/// A machine whose stories are told one after the other.
pub(super) struct Teller<'a> {
    pub(super) store: &'a Store,
    pub(super) machine: &'a Association,
    pub(super) gpu: GpuId,
    pub(super) epoch: Epoch,
    pub(super) dice: &'a mut Dice,
    /// The next number that the provider gives.
    pub(super) next_gpu: &'a mut i64,
}

/// A story being told.
struct Told {
    id: FailoverId,
    round: i64,
    /// Where the clock stands.
    at: Millis,
    /// When the standby had taken over; the restore waits for it.
    taken_over: Millis,
    files: i64,
    bytes: i64,
    bought: Option<(IntentId, GpuId)>,
    /// The open wish about the old GPU.
    stop: Option<DisposalId>,
}

impl Teller<'_> {
    /// Tells one that began at `at`; returns when it was over.
    pub(super) async fn tell(
        &mut self,
        kind: Kind,
        cause: Cause,
        end: End,
        at: Millis,
    ) -> Result<Millis, StoreError> {
        let failover = self.begin(kind, cause, at).await?;
        let mut told = Told {
            id: failover.id.clone(),
            round: 0,
            at: at.plus(if kind == Kind::Real { self.dice.between(1_300, 4_200) } else { 20 }),
            taken_over: at,
            files: self.dice.between(800, 90_000),
            bytes: self.dice.between(2_000_000_000, 60_000_000_000),
            bought: None,
            stop: None,
        };
        for (name, _) in route(kind, &failover.options) {
            if *name == StepName::Search && end != End::Complete {
                return self.give_up(&failover, &mut told, end).await;
            }
            if *name == StepName::Search && self.dice.percent(12) {
                self.wrong_candidate(&failover, &mut told).await?;
            }
            self.step(&failover, &mut told, *name).await?;
        }
        self.close(&mut told, FailoverState::Complete, None).await
    }

    async fn begin(
        &mut self,
        kind: Kind,
        cause: Cause,
        at: Millis,
    ) -> Result<Failover, StoreError> {
        let note = "measured: a move that its user asked for";
        let failover = Failover {
            id: FailoverId::new(self.dice.id(at)),
            user: self.machine.user.clone(),
            association: self.machine.id.clone(),
            machine_name: self.machine.name.clone(),
            gpu: self.gpu,
            kind,
            cause,
            note: (kind == Kind::Planned).then(|| note.to_owned()),
            options: Options::default(),
            state: FailoverState::Running,
            from_epoch: self.epoch,
            round: 0,
            started_at: at,
            ended_at: None,
            error: None,
            sandbox: true,
        };
        if let Some(says) = witness(cause) {
            for (after, verdict) in [(1_000, Verdict::Suspect), (1_600, Verdict::ConfirmedLost)] {
                let lost = Some((says, cause));
                machine::verdict(
                    self.store,
                    self.machine,
                    self.epoch,
                    at.plus(after),
                    verdict,
                    lost,
                )
                .await?;
            }
        }
        self.store.failovers().open(&failover).await?;
        Ok(failover)
    }

    /// One step that ends well, with what it does to the rows beside the journal.
    async fn step(
        &mut self,
        of: &Failover,
        told: &mut Told,
        name: StepName,
    ) -> Result<(), StoreError> {
        let (low, high, provider) = length(name);
        let took = self.dice.between(low, high);
        let begun = match name {
            // Beside the takeover.
            StepName::Search if told.taken_over > of.started_at => told.taken_over.plus(-300),
            StepName::Restore => told.at.max(told.taken_over),
            _ => told.at,
        };
        let round = if name.per_round() { told.round } else { 0 };
        let row = self.store.steps().begin(&told.id, name, round, begun).await?;
        told.at = begun.plus(took);
        let output = self.act(of, told, name).await?;
        let end = Finish {
            ended_at: told.at,
            outcome: Outcome::Ok,
            retry_at: None,
            provider_ms: took * provider / 100,
            output,
            error: None,
        };
        self.store.steps().finish(&told.id, row.seq, &end).await
    }

    async fn act(
        &mut self,
        of: &Failover,
        told: &mut Told,
        name: StepName,
    ) -> Result<Value, StoreError> {
        let moves = of.kind != Kind::Drill;
        Ok(match name {
            StepName::Detect => self.detected(of, told),
            StepName::FinalSync => pinned(told, told.at, None),
            StepName::Fence => {
                let word = witness(of.cause).unwrap_or(ProviderSays::Up).to_string();
                if moves {
                    self.fence(of, told).await?;
                }
                json(&FenceOutput {
                    epoch: moves.then_some(self.epoch),
                    provider_word: Some(word),
                    synced: None,
                })
            }
            StepName::Takeover | StepName::Rehearse => {
                told.taken_over = told.at;
                if moves {
                    self.serve(Serving::Standby, AssociationState::FailingOver).await?;
                }
                let behind =
                    if of.kind == Kind::Planned { 0 } else { self.dice.between(200, 4_000) };
                let hook = HookResult { status: Some(0), output: "sample job started\n".into() };
                pinned(told, of.started_at.plus(-behind), moves.then_some(hook))
            }
            StepName::Search => self.found(),
            StepName::Buy => self.buy(told).await?,
            StepName::Boot => json(&self.booted()),
            StepName::Restore | StepName::Delta => {
                let all = name == StepName::Restore;
                json(&RestoreOutput {
                    files: if all { told.files } else { 3 },
                    bytes: if all { told.bytes } else { 41_000 },
                    frozen_at: (!all).then(|| told.at.plus(-400)),
                    point: None,
                })
            }
            StepName::Verify => json(&VerifyOutput {
                verified: told.files,
                bytes: told.bytes,
                mismatched: Vec::new(),
                mismatched_count: 0,
            }),
            StepName::Switch => {
                self.switch(told).await?;
                let hook = HookResult { status: Some(0), output: "sample job started\n".into() };
                json(&SwitchOutput {
                    hook: Some(hook),
                    freeze_ms: Some(self.dice.between(300, 4_000)),
                    unanswered: false,
                })
            }
            StepName::Retire => {
                let wish = self.wish(of, of.gpu, Role::OldGpu, Wish::Destroy, told.at);
                let stands = self.store.disposals().request(&wish).await?;
                self.store.disposals().done(&stands.id, Wish::Destroy, told.at.plus(6_000)).await?;
                told.stop = None;
                Value::Null
            }
            StepName::Cleanup => {
                self.discard(of, told).await?;
                Value::Null
            }
            StepName::Abandon => Value::Null,
        })
    }

    fn detected(&mut self, of: &Failover, told: &Told) -> Value {
        let Some(says) = witness(of.cause) else { return json(&DetectOutput::default()) };
        let lost = self.dice.between(0, 7);
        json(&DetectOutput {
            evidence: Some(machine::evidence(told.at, Some(says))),
            suspect_at: Some(of.started_at.plus(1_000)),
            confirmed_at: Some(told.at),
            unsynced_paths: Some((0..lost).map(|n| format!("runs/{n:02}/events.log")).collect()),
            unsynced_more: false,
            before: None,
        })
    }

    async fn fence(&mut self, of: &Failover, told: &mut Told) -> Result<(), StoreError> {
        self.epoch = self.store.associations().advance_epoch(&self.machine.id, self.epoch).await?;
        self.serve(Serving::None, AssociationState::FailingOver).await?;
        let wish = self.wish(of, of.gpu, Role::OldGpu, Wish::Stop, told.at);
        told.stop = Some(self.store.disposals().request(&wish).await?.id);
        Ok(())
    }

    fn found(&mut self) -> Value {
        let rate = self.machine.spec.usd_per_hour.unwrap_or(MicroUsd(400_000));
        let spec = &self.machine.spec;
        let offers = (0..10).map(|place| Offer {
            id: 9_000_000 + place,
            machine_id: Some(50_000 + place),
            gpu_name: spec.gpu_name.clone().unwrap_or_default(),
            num_gpus: spec.num_gpus.unwrap_or(1),
            gpu_ram_mb: spec.gpu_ram_mb.unwrap_or(24_564),
            cpu_cores: 16.0,
            cpu_ram_mb: 64_312,
            disk_gb: 180.0,
            inet_down: 840.0,
            inet_up: 610.0,
            usd_per_hour: rate.plus(MicroUsd(place * 4_000)),
            min_bid: None,
            geolocation: spec.geolocation.clone(),
            reliability: 0.98,
            cuda_version: Some(12.6),
            verified: true,
            static_ip: false,
            rented: false,
        });
        json(&SearchOutput { seen: 64, offers: offers.collect() })
    }

    async fn buy(&mut self, told: &mut Told) -> Result<Value, StoreError> {
        *self.next_gpu += 1;
        let gpu = GpuId(*self.next_gpu);
        let id = IntentId::new(self.dice.id(told.at));
        let intent = Intent {
            id: id.clone(),
            user: self.machine.user.clone(),
            failover: Some(told.id.clone()),
            association: Some(self.machine.id.clone()),
            provider: Provider::Vast,
            epoch: self.epoch,
            label: format!("dumont-{}-{id}", self.store.install_id()),
            zone: String::new(),
            project: None,
            left_out: Vec::new(),
            offer: Some(9_000_000),
            machine_id: Some(50_000),
            usd_per_hour: self.machine.spec.usd_per_hour.unwrap_or(MicroUsd(400_000)),
            state: IntentState::Open,
            external_id: None,
            created_at: told.at.plus(-400),
            changed_at: told.at.plus(-400),
            bound_at: None,
            gone_at: None,
            error: None,
        };
        let intents = self.store.intents();
        intents.open(&intent).await?;
        intents.bind(&id, &gpu.to_string(), self.epoch, told.at).await?;
        told.bought = Some((id.clone(), gpu));
        Ok(json(&BuyOutput {
            intent: Some(id),
            gpu: Some(gpu),
            offer: intent.offer,
            machine_id: intent.machine_id,
            usd_per_hour: intent.usd_per_hour,
            left_out: intent.left_out,
        }))
    }

    fn booted(&self) -> BootOutput {
        BootOutput {
            endpoint: self.place(),
            host_key: self.machine.gpu_host_key.clone(),
            spec: self.machine.spec.clone(),
        }
    }

    fn place(&self) -> Option<Endpoint> {
        self.machine.gpu_endpoint.clone()
    }

    async fn switch(&mut self, told: &mut Told) -> Result<(), StoreError> {
        let Some((intent, gpu)) = told.bought.take() else { return Ok(()) };
        let place = Placement {
            gpu,
            endpoint: self.place(),
            host_key: self.machine.gpu_host_key.clone(),
            spec: self.machine.spec.clone(),
        };
        self.store.associations().switch_gpu(&self.machine.id, self.epoch, &place, told.at).await?;
        self.store.intents().adopt(&intent, told.at).await?;
        self.gpu = gpu;
        self.serve(Serving::Gpu, AssociationState::Following).await
    }

    /// A candidate that did not come up: bought, waited for, given back, and a new round.
    async fn wrong_candidate(&mut self, of: &Failover, told: &mut Told) -> Result<(), StoreError> {
        self.step(of, told, StepName::Search).await?;
        self.step(of, told, StepName::Buy).await?;
        let row = self.store.steps().begin(&told.id, StepName::Boot, told.round, told.at).await?;
        told.at = told.at.plus(self.dice.between(60_000, 120_000));
        self.discard(of, told).await?;
        let end = Finish {
            ended_at: told.at,
            outcome: Outcome::NextRound,
            retry_at: None,
            provider_ms: 55_000,
            output: Value::Null,
            error: Some("it did not answer SSH in time".into()),
        };
        told.round = self.store.steps().finish_next_round(&told.id, row.seq, &end).await?;
        // From here on the search stands beside nothing.
        told.taken_over = of.started_at;
        Ok(())
    }

    /// Gives back what was bought, and sees it gone.
    async fn discard(&mut self, of: &Failover, told: &mut Told) -> Result<(), StoreError> {
        let Some((intent, gpu)) = told.bought.take() else { return Ok(()) };
        let wish = self.wish(of, gpu, Role::Candidate, Wish::Destroy, told.at.plus(-3_000));
        let stands = self.store.intents().discard(&intent, &wish, told.at.plus(-3_000)).await?;
        self.store.disposals().done(&stands.id, Wish::Destroy, told.at).await
    }

    /// No offer: it tries some times, and then ends or goes on waiting.
    async fn give_up(
        &mut self,
        of: &Failover,
        told: &mut Told,
        end: End,
    ) -> Result<Millis, StoreError> {
        const WHY: &str = "no offer meets the price cap and the least reliability";
        for attempt in 1..=3 {
            let row =
                self.store.steps().begin(&told.id, StepName::Search, told.round, told.at).await?;
            told.at = told.at.plus(self.dice.between(400, 1_500));
            let last = attempt == 3 && end == End::Failed;
            let finish = Finish {
                ended_at: told.at,
                outcome: if last { Outcome::Failed } else { Outcome::Retry },
                retry_at: (!last).then(|| told.at.plus(15_000)),
                provider_ms: 380,
                output: json(&SearchOutput { seen: 64, offers: Vec::new() }),
                error: Some(WHY.into()),
            };
            self.store.steps().finish(&told.id, row.seq, &finish).await?;
            told.at = told.at.plus(15_000);
        }
        let state = match end {
            End::Open => {
                self.store
                    .failovers()
                    .set_state(&told.id, FailoverState::Waiting, Some(WHY))
                    .await?;
                return Ok(told.at);
            }
            End::Cancelled => {
                self.store.failovers().request_cancel(&of.user, &told.id).await?;
                FailoverState::Cancelled
            }
            End::Failed | End::Complete => FailoverState::Failed,
        };
        self.step(of, told, StepName::Abandon).await?;
        if let Some(stop) = told.stop.take() {
            self.store.disposals().done(&stop, Wish::Stop, told.at).await?;
        }
        // Its user starts the old GPU again.
        self.serve(Serving::Gpu, AssociationState::Following).await?;
        self.close(told, state, (state == FailoverState::Failed).then_some(WHY)).await
    }

    async fn close(
        &mut self,
        told: &mut Told,
        state: FailoverState,
        error: Option<&str>,
    ) -> Result<Millis, StoreError> {
        let ended = told.at.plus(40);
        self.store.failovers().close(&told.id, state, ended, error).await?;
        machine::verdict(self.store, self.machine, self.epoch, ended, Verdict::Healthy, None)
            .await?;
        Ok(ended)
    }

    async fn serve(&self, side: Serving, state: AssociationState) -> Result<(), StoreError> {
        let associations = self.store.associations();
        associations.set_serving(&self.machine.id, self.epoch, side).await?;
        associations.set_state(&self.machine.id, self.epoch, state, None).await
    }

    fn wish(&mut self, of: &Failover, gpu: GpuId, role: Role, wish: Wish, at: Millis) -> Disposal {
        Disposal {
            id: DisposalId::new(self.dice.id(at)),
            user: of.user.clone(),
            provider: Provider::Vast,
            external_id: gpu.to_string(),
            zone: String::new(),
            role,
            failover: Some(of.id.clone()),
            association: Some(of.association.clone()),
            wish,
            requested_at: at,
            attempts: 1,
            next_at: at,
            last_error: None,
            done_at: None,
            saved: None,
        }
    }
}

/// What the provider said of a machine that was lost; none where a person asked.
const fn witness(cause: Cause) -> Option<ProviderSays> {
    match cause {
        Cause::Outbid => Some(ProviderSays::Preempted),
        Cause::HostOffline => Some(ProviderSays::HostLost),
        Cause::InstanceGone => Some(ProviderSays::Gone),
        Cause::Crashed => Some(ProviderSays::Crashed),
        Cause::Silent => Some(ProviderSays::Up),
        Cause::Manual | Cause::Drill => None,
    }
}

/// How long a step takes, from and to, ms, and which share of it is the provider's, percent.
const fn length(name: StepName) -> (i64, i64, i64) {
    match name {
        StepName::Detect => (60, 200, 0),
        StepName::FinalSync => (900, 20_000, 0),
        StepName::Fence => (300, 1_200, 80),
        StepName::Takeover | StepName::Rehearse => (600, 2_000, 0),
        StepName::Search => (400, 1_500, 95),
        StepName::Buy => (500, 2_000, 95),
        StepName::Boot => (20_000, 95_000, 98),
        StepName::Restore => (4_000, 60_000, 0),
        StepName::Delta => (500, 3_000, 0),
        StepName::Verify => (1_000, 9_000, 0),
        StepName::Switch => (200, 900, 0),
        StepName::Retire | StepName::Abandon => (50, 200, 50),
        StepName::Cleanup => (4_000, 9_000, 90),
    }
}

fn pinned(told: &Told, point: Millis, hook: Option<HookResult>) -> Value {
    json(&TakeoverOutput {
        recovery_point: Some(point),
        source: Some("/var/lib/dumont/copy".into()),
        files: Some(told.files),
        bytes: Some(told.bytes),
        hook,
        point: None,
        gaps: None,
    })
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
